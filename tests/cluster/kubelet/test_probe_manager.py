"""What the kubelet knows of how long checks take."""

from __future__ import annotations

from types import SimpleNamespace

from kubeinfer_sim.cluster.kubelet.probe_manager import ProbeManager
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.manifest.releases import LATEST


def test_how_long_checks_of_a_pod_take_is_drawn_once_and_anew_after_a_container_was_started_again() -> None:
    drawn: list[int] = []

    def draw(distribution: object, pod: SimpleNamespace, stage: str) -> int:
        drawn.append(pod.restarts)
        return 10 + pod.restarts

    manager = ProbeManager(Clock(), Streams(0), SimpleNamespace(draw=draw), LATEST, None)  # type: ignore[arg-type]
    pod = SimpleNamespace(timings=SimpleNamespace(probe_latency=None), restarts=0)
    worker = SimpleNamespace(pod=pod, latency=None)
    assert [manager.latency(worker) for _ in range(3)] == [10, 10, 10]  # type: ignore[arg-type]
    pod.restarts = 1
    assert [manager.latency(worker) for _ in range(2)] == [11, 11]  # type: ignore[arg-type]
    assert drawn == [0, 1]
