"""How large a run is, before it is played: the instances and pods that its scenario asks for."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from kubeinfer_sim.manifest.model import DaemonSet, KubeInfer, WorkloadSpec
from kubeinfer_sim.scenario.actions.model import Apply, Create, Scale
from kubeinfer_sim.scenario.model import Scenario


class Size(Struct, frozen=True):
    """What is asked for, over the whole of the run: of each version anew, but not what faults have rebuilt.

    Attributes:
        instances: of KubeInfers.
        pods_of_instances: theirs.
        pods: of all workloads.
    """

    instances: int
    pods_of_instances: int
    pods: int


def size_of(scenario: Scenario) -> Size:
    """The size of a run of this scenario."""
    asked = list(_asked_for(scenario))
    of_instances = [(spec, replicas) for spec, replicas in asked if isinstance(spec, KubeInfer)]
    return Size(
        instances=sum(replicas for _, replicas in of_instances),
        pods_of_instances=sum(replicas * _pods_of_one(spec) for spec, replicas in of_instances),
        pods=sum(replicas * _pods_of_one(spec) for spec, replicas in asked),
    )


def _asked_for(scenario: Scenario) -> Iterator[tuple[WorkloadSpec, int]]:
    """Workloads, and how many replicas of each come into being: at the start, and with each change."""
    now: dict[tuple[str, str], tuple[WorkloadSpec, int]] = {}
    nodes = len(scenario.nodes)

    def comes(spec: WorkloadSpec, replicas: int) -> tuple[WorkloadSpec, int]:
        before, had = now.get((spec.kind, spec.name), (spec, 0))
        now[spec.kind, spec.name] = spec, replicas
        return spec, replicas if before.revision != spec.revision else max(0, replicas - had)

    for spec in scenario.workloads:
        yield comes(spec, _replicas(spec, nodes))
    for action in scenario.actions:
        if isinstance(action, Apply | Create):
            yield comes(action.workload, _replicas(action.workload, nodes))
        elif isinstance(action, Scale):
            for spec, _ in list(now.values()):
                if spec.kind == action.kind and action.name in ("", spec.name):
                    yield comes(spec, action.replicas)


def _replicas(spec: WorkloadSpec, nodes: int) -> int:
    return nodes if isinstance(spec, DaemonSet) else spec.replicas


def _pods_of_one(spec: WorkloadSpec) -> int:
    return sum(role.replicas for role in spec.roles) if isinstance(spec, KubeInfer) else 1
