"""Published sums of stages and probe periods, out of simulations: serial rollout, start-ups, startup and liveness."""

from __future__ import annotations

from dataclasses import dataclass

from building import EVERY_SECOND, kubeinfer, scenario, seconds

from kubeinfer_sim.cluster.records import ContainerKilling, PodStarted
from kubeinfer_sim.controllers.kubeinfer.records import InstanceReady, InstanceRestarting
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.metrics import measure
from kubeinfer_sim.scenario.actions.model import Apply, Health, Target
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate


def first(run: Run, kind: type[Record]) -> float | None:
    """When the first record of a kind was made, in seconds."""
    return next((record.at / 1000 for record in run.history.of(kind)), None)


@dataclass(frozen=True)
class Rollout:
    seconds: float
    lost: float
    least_ready: int


def serial_rollout() -> Rollout:
    """kthena's guide: 4 groups, maxUnavailable 1, 60 s to stop, 960 s to start (kthena.volcano.sh)."""
    new = kubeinfer(4, 0, 1, "new")
    run = simulate(scenario(kubeinfer(4, 0, 1), 4, 960, 60, actions=(Apply(0, new),)))
    found = measure(run.history, ended_at=run.ended_at, end=run.end)
    assert found.update is not None
    assert found.update.duration is not None
    return Rollout(found.update.duration / 1000, found.service.lost / 1000, found.service.min_ready.value)


#: KAITO #2325, one GPU: seconds of each of its phases, and the stage here that each is.
KAITO = (
    (284, "bind"),  # GPU node provisioning
    (126, "bind"),  # its initialization
    (7, "bind"),  # preparation, until the pull starts
    (101, "image_cold"),
    (3, "create"),
    (74, "framework_import"),  # bootstrap
    (21, "communicator"),  # engine until it reads weights
    (62, "weights_shared"),
    (195, "graph_cold"),
    (92, "warm_up"),  # its benchmark
    (1, "probe_latency"),  # readiness propagates
)
#: vLLM #19824, Llama-70B on 8 GPUs, weights in the page cache.
VLLM = (
    (60, "communicator"),  # peer-to-peer check
    (10, "weights_shared"),
    (15, "graph_cold"),  # bytecode
    (70, "graph_cold"),  # torch.compile
    (60, "warm_up"),  # CUDA graphs
)


def start_up(phases: tuple[tuple[int, str], ...]) -> float:
    """Seconds from the creation of an instance until it is ready, given its stages."""
    stages: dict[str, int] = {}
    for length, stage in phases:
        stages[stage] = stages.get(stage, 0) + length
    stages = {"warm_up": 0, **stages}
    made = scenario(
        kubeinfer(1),
        1,
        initial="empty",
        stages={name: seconds(length) for name, length in stages.items()},
    )
    found = first(simulate(made), InstanceReady)
    assert found is not None
    return found


def startup_window(ticks: int, period: int, load: float) -> tuple[float | None, float | None, int]:
    """When the pod has started and when it is killed first, in seconds, and how often it is restarted."""
    probe = Probe(period_seconds=period, timeout_seconds=10, failure_threshold=ticks)
    run = simulate(scenario(kubeinfer(1, startup=probe), 1, load, 30, initial="empty"))
    restarts = sum(1 for _ in run.history.of(InstanceRestarting))
    return first(run, PodStarted), first(run, ContainerKilling), restarts


def liveness(*, hangs: bool, seeds: int = 100) -> list[float]:
    """Seconds from when an engine is sick until it is killed: 6 checks, 5 s apart, with 10 s to answer."""
    probe = Probe(period_seconds=5, timeout_seconds=10, failure_threshold=6)
    found = []
    for seed in range(seeds):
        # Wherever in the period of its checks it falls sick.
        at = 1_000_000 + 50 * seed
        sick = Health(at, Target(), healthy=False, probes=("liveness",), hang=hangs)
        spec = kubeinfer(1, liveness=probe, readiness=EVERY_SECOND)
        run = simulate(scenario(spec, 1, 10, actions=(sick,), horizon=at + 100_000))
        killed = first(run, ContainerKilling)
        assert killed is not None
        found.append(killed - at / 1000)
    return found
