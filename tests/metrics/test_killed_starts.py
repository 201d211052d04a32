"""What is kept of starts that probes have killed: nothing of what is gone."""

from __future__ import annotations

from kubeinfer_sim.cluster.records import (
    ContainerKilling,
    ContainersRunning,
    EngineStarted,
    InstanceRef,
    PodGone,
    PodReady,
    PodRef,
)
from kubeinfer_sim.controllers.kubeinfer.records import InstanceGone
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.manifest.model import Kind
from kubeinfer_sim.metrics.killed_starts import KilledStart, KilledStartsMeter


def told(meter: KilledStartsMeter, *records: object) -> None:
    for record in records:
        meter.handlers()[type(record)](record)  # type: ignore[index, arg-type]


def killed(kind: Kind, uid: int) -> tuple[PodRef, list[object]]:
    pod = PodRef(InstanceRef(uid, "chat", 0, kind), "serve", 0, 0)
    return pod, [
        ContainersRunning(10, NO_CAUSE, pod, 0, ""),
        EngineStarted(10, NO_CAUSE, pod, ()),
        ContainerKilling(90, NO_CAUSE, pod, "engine", "StartupProbeFailed", "", "abc"),
    ]


def test_what_never_came_up_is_forgotten_when_it_is_gone() -> None:
    kinds: tuple[Kind, ...] = ("KubeInfer", "Deployment")
    for kind in kinds:
        meter = KilledStartsMeter()
        for uid in range(50):
            pod, records = killed(kind, uid)
            told(meter, *records, PodGone(100, NO_CAUSE, pod, 0, 0))
            if kind == "KubeInfer":
                told(meter, InstanceGone(100, NO_CAUSE, pod.instance))
        assert meter.kills() == {(kind, "chat", "abc", "startup"): 50}, "one number for the revision"
        sums = "_kills_by_probe"
        held = {name: each for name, each in vars(meter).items() if isinstance(each, dict | set)}
        assert not any(each for name, each in held.items() if name != sums)
        assert meter.finish(100, "settled") == ()


def test_what_comes_up_after_a_kill_is_counted_with_it() -> None:
    meter = KilledStartsMeter()
    pod, records = killed("Deployment", 1)
    told(meter, *records, EngineStarted(90, NO_CAUSE, pod, ()), PodReady(95, NO_CAUSE, pod))
    (found,) = meter.finish(100, "settled")
    assert (found.started, found.killed, found.starts, found.late) == (1, 1, 1, None)
    assert found.longest == KilledStart(pod, "startup", 80, 0)
