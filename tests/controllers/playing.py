"""Scenarios played with failures put in by hand, and what the history says about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from kubeinfer_sim.cluster.pod import Pod, Workload
from kubeinfer_sim.cluster.records import HealthChanged, PodRef
from kubeinfer_sim.engine.history import NO_CAUSE, Record
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.assembly import Simulation, assemble
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import play as play_out

R = TypeVar("R", bound=Record)
Event = tuple[float, Callable[[Simulation], object]]


@dataclass(frozen=True)
class NpuFault:
    """What the platform tells of an NPU."""

    kind: str
    cleared: bool = False
    struck: tuple[PodRef, ...] = ()


def play(scenario: Scenario, *events: Event, **options: object) -> Run:
    """Simulate, with something done to the simulation at some seconds."""
    simulation = assemble(scenario, scenario.seed, **options)  # type: ignore[arg-type]
    for at, event in events:
        simulation.env.clock.at(round(at * 1000), event, simulation)
    return play_out(simulation)


def kubeinfer_of(simulation: Simulation) -> Workload:
    """The only KubeInfer."""
    (found,) = simulation.workloads
    return found


def pod_of(simulation: Simulation, role: str = "role0", replica: int = 0, ordinal: int = 0) -> Pod:
    """The newest pod at a place."""
    found = [
        pod
        for pod in simulation.workloads.pods()
        if pod.ref.place == (role, replica) and pod.ref.instance.ordinal == ordinal
    ]
    return found[-1]


def crash(
    at: float,
    role: str = "role0",
    replica: int = 0,
    ordinal: int = 0,
    *,
    reason: str = "Error",
    code: int = 1,
    container: str = "",
) -> Event:
    """A container (by default the engine) of the pod at a place exits by itself at `at` seconds; its cause is a record like any other."""

    def event(simulation: Simulation) -> None:
        pod = pod_of(simulation, role, replica, ordinal)
        cause = simulation.env.history.append(
            HealthChanged(simulation.env.clock.now, NO_CAUSE, pod.ref, False, ())
        )
        simulation.cluster.kubelet.crash(pod, reason, code, container=container, cause=cause)

    return at, event


def of(run: Run, kind: type[R]) -> list[R]:
    return list(run.history.of(kind))


def seconds_of(run: Run, kind: type[Record]) -> list[float]:
    """When records of a kind were made, in seconds."""
    return [record.at / 1000 for record in run.history.of(kind)]


def held(run: Run) -> Iterator[dict[int, int]]:
    """NPUs held by instance (uid), after each instant."""
    from kubeinfer_sim.cluster.records import GangScheduled, PodGone

    npus: dict[int, int] = {}
    records = list(run.history)
    for index, record in enumerate(records):
        if isinstance(record, GangScheduled):
            uid = record.instance.uid
            npus[uid] = npus.get(uid, 0) + record.npus
        elif isinstance(record, PodGone):
            npus[record.pod.instance.uid] = npus.get(record.pod.instance.uid, 0) - record.npus
        if index + 1 == len(records) or records[index + 1].at > record.at:
            yield dict(npus)
