"""How large a run is, before it is played: the instances and pods that its scenario asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from kubeinfer_sim.manifest.accelerators import accelerator_count
from kubeinfer_sim.manifest.model import DaemonSet, KubeInfer, PodTemplate, WorkloadSpec
from kubeinfer_sim.scenario.actions.model import Apply, Create, Scale
from kubeinfer_sim.scenario.model import Scenario

#: Timers and records of all that may be played to find what lets a run finish: some ten seconds; and those of a pod's
#: life (docs/benchmarks.md).
MOST_WORK, LIFE_WORK = 1_000_000, 8


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


def share_with_room(scenario: Scenario) -> float:
    """For which part of the pods that are wanted at once nodes have accelerators, when that is least; at most 1.

    Where pods ask for different numbers it is not known before who gets how many: each is taken to ask for the average.
    """
    others: Counter[str] = Counter()
    for pod in scenario.running:
        others[pod.node] += accelerator_count(pod.requests)
    free = [max(accelerator_count(node.allocatable) - others[node.name], 0) for node in scenario.nodes]
    least = 1.0
    for _, _, now in _course(scenario):
        wanted = asked = 0
        for spec, replicas in now.values():
            for template, pods in _templates(spec, replicas):
                if template.accelerators:
                    wanted += pods
                    asked += pods * template.accelerators
        if wanted:
            least = min(least, sum(each * wanted // asked for each in free) / wanted)
    return least


def _templates(spec: WorkloadSpec, replicas: int) -> Iterator[tuple[PodTemplate, int]]:
    """The templates of a workload's pods, and how many pods of each there are to be."""
    if isinstance(spec, KubeInfer):
        yield from ((role.template, role.replicas * replicas) for role in spec.roles)
    else:
        yield spec.template, replicas


#: Workloads as they are wanted, with their replicas, by kind and name.
_Wanted = dict[tuple[str, str], tuple[WorkloadSpec, int]]


def _asked_for(scenario: Scenario) -> Iterator[tuple[WorkloadSpec, int]]:
    """Workloads, and how many replicas of each come into being: at the start, and with each change."""
    return ((spec, more) for spec, more, _ in _course(scenario))


def _course(scenario: Scenario) -> Iterator[tuple[WorkloadSpec, int, _Wanted]]:
    """The same, with all that is wanted then."""
    now: _Wanted = {}
    nodes = len(scenario.nodes)

    def comes(spec: WorkloadSpec, replicas: int) -> tuple[WorkloadSpec, int, _Wanted]:
        before, had = now.get((spec.kind, spec.name), (spec, 0))
        now[spec.kind, spec.name] = spec, replicas
        return spec, replicas if before.revision != spec.revision else max(0, replicas - had), now

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
