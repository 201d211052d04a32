"""Every single fault of a run: all kinds, at all its moments, of all places but those that only names tell apart."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.records import PodRef
from kubeinfer_sim.manifest.accelerators import accelerator_count
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.testing.fuzz.moments import Moment, moments
from kubeinfer_sim.testing.fuzz.places import STRUCK, LifePhase, Places, PodThen, whose

T = TypeVar("T")

#: What tells a node from others, beside its name.
_HOSTNAME = "kubernetes.io/hostname"


class Where(Struct, frozen=True):
    """What a fault strikes.

    Attributes:
        target: as a scenario has it, beside the kind.
        object: whose pods are meant; "" where that does not matter.
        name: of the pod or the node (`node-3`, `node-3/npu2`), or `cluster`.
        holds: the pods there, by name, the first and how many more; "" where it is a pod, or nothing is there.
        phase: of the life of the pod struck, or of the first one there; None: nothing is there.
        stands_for: how many places it stands for, itself included.
        like: the name of the place that stands for it, of those that only names tell apart; its own where it is that.
    """

    target: Mapping[str, Any]
    name: str
    object: str = ""
    holds: str = ""
    phase: LifePhase | None = None
    stands_for: int = 1
    like: str = ""


class SingleFault(Struct, frozen=True):
    """A kind of fault that strikes a place at a moment."""

    kind: str
    moment: Moment
    where: Where

    @property
    def action(self) -> dict[str, Any]:
        """As it is written on the time line."""
        written: dict[str, Any] = {"at": f"{self.moment.at}ms"}
        if self.where.object:
            written["object"] = self.where.object
        return {**written, "fault": {"kind": self.kind, **self.where.target}}

    @property
    def of_its_kind(self) -> Hashable:
        """Equal for those that only names of places tell apart."""
        return self.kind, self.moment.at, self.where.object, self.where.like


def kinds_alike(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """The kinds that can strike anything there, each with those that do just the same.

    Faults of NPUs with equal rows differ by their names alone; where rules of recovery may ask for those, all differ.
    """
    alike: dict[Hashable, list[str]] = {}
    for name, kind in KINDS.items():
        if "storage" in kind.needs and scenario.transfers.storage is None:
            continue
        if kind.strikes == "npu" and not any(
            accelerator_count(node.allocatable) for node in scenario.nodes_ever
        ):
            continue
        same = kind.strikes == "npu" and not scenario.recovery
        alike.setdefault(replace(kind, what="") if same else name, []).append(name)
    return {first: tuple(others) for first, *others in alike.values()}


def single_faults(run: Run, kinds: Collection[str], *, every_place: bool = False) -> Iterator[SingleFault]:
    """Every fault of these kinds, in order of time.

    Args:
        run: without it; its history kept.
        kinds: names of `kinds_alike`.
        every_place: also those that are like another one but for their names.
    """
    sites = _Sites(run, every_place=every_place)
    for moment, places in moments(run):
        struck = sites.struck(places)
        for kind in kinds:
            for where in struck[KINDS[kind].strikes]:
                yield SingleFault(kind, moment, where)


class _Sites:
    """What there is to strike at a moment: one of those that only names tell apart, or with `every_place` each.

    Pods are alike that live alike on nodes that are alike, nodes that carry such pods, in the whole run without the
    fault: what is to come tells them apart as well as what has been.
    """

    def __init__(self, run: Run, *, every_place: bool) -> None:
        scenario = run.scenario
        self._every = every_place
        self._nodes = scenario.nodes_ever
        self._takes = _accelerators(scenario)
        self._own = {each.node for each in scenario.running}
        whole = Places()
        for record in run.history:
            whole.observe(record)
        self._own |= whole.marked
        self._lives: dict[PodRef, Hashable] = {}
        self._likeness: dict[str, Hashable] = {}
        self._whole: set[str] = set()
        for node in self._nodes:
            there = whole.been.get(node.name, ())
            self._lives |= {pod.ref: (whose(pod.ref), tuple(pod.life)) for pod in there}
            lives = sorted(str(self._lives[pod.ref]) for pod in there)
            if all(self._takes_of(pod) <= {0, accelerator_count(node.allocatable)} for pod in there):
                self._whole.add(node.name)
            own = node.name if node.name in self._own else ""
            self._likeness[node.name] = _kind_of(node), tuple(lives), own

    def struck(self, places: Places) -> dict[str, list[Where]]:
        """By what a kind strikes."""
        on: dict[str, list[PodThen]] = {}
        for pod in places.pods.values():
            if pod.node:
                on.setdefault(pod.node, []).append(pod)
        there = [node for node in self._nodes if node.name not in places.removed]
        nodes = self._alike(there, lambda node: self._likeness[node.name])
        pods = [pod for pod in places.pods.values() if pod.phase in STRUCK and pod.node in self._likeness]
        return {
            "node": [_node(node, on.get(node.name, ()), number, like) for node, number, like in nodes],
            "npu": [
                npu
                for node, number, like in nodes
                for npu in self._npus(node, on.get(node.name, ()), number, like)
            ],
            "pod": [
                _pod(pod, number, like)
                for pod, number, like in self._alike(
                    pods, lambda pod: (self._lives[pod.ref], self._likeness[pod.node])
                )
            ],
            "cluster": [Where({}, "cluster", like="cluster")],
        }

    def _alike(self, all_: Sequence[T], likeness: Callable[[T], Hashable]) -> list[tuple[T, int, T]]:
        """Of those that are alike the first one, how many they are, and the first one."""
        groups: dict[Hashable, list[T]] = {}
        for each in all_:
            groups.setdefault(likeness(each), []).append(each)
        if self._every:
            return [(each, 1, groups[likeness(each)][0]) for each in all_]
        return [(group[0], len(group), group[0]) for group in groups.values()]

    def _npus(
        self, node: NodeSpec, pods: Sequence[PodThen], stands_for: int, like: NodeSpec
    ) -> Iterator[Where]:
        """One NPU of a node that each pod has whole, or nobody has; of one that is shared, or marked, each."""
        total = accelerator_count(node.allocatable)
        holders = [pod for pod in pods if self._takes_of(pod) != {0}]
        alike = node.name not in self._own and node.name in self._whole
        one = alike and not self._every
        holds, phase = _holds(holders)
        for number in range(min(1, total) if one else total):
            yield Where(
                {"node": node.name, "npu": number},
                f"{node.name}/npu{number}",
                holds=holds,
                phase=phase,
                stands_for=stands_for * (total if one else 1),
                like=f"{like.name}/npu{0 if alike else number}",
            )

    def _takes_of(self, pod: PodThen) -> set[int]:
        instance = pod.ref.instance
        return self._takes.get(
            (instance.kind, instance.owner, pod.ref.role if instance.has_roles else ""), {0}
        )


def _accelerators(scenario: Scenario) -> dict[tuple[str, str, str], set[int]]:
    """How many accelerators a pod takes, in any version of its workload: by kind and name of that, and role."""
    takes: dict[tuple[str, str, str], set[int]] = {}
    applied = (each.workload for each in scenario.actions if isinstance(each, Apply))
    for spec in (*scenario.workloads, *scenario.created, *applied):
        if isinstance(spec, KubeInfer):
            pods = [(role.name, role.template) for role in spec.roles]
        else:
            pods = [("", template) for template in spec.pod_templates]
        for role, template in pods:
            takes.setdefault((spec.kind, spec.name, role), set()).add(template.accelerators)
    return takes


def _kind_of(node: NodeSpec) -> Hashable:
    """All that a node is but its name."""
    labels = {key: value for key, value in node.labels.items() if key != _HOSTNAME}
    return (
        node.pool,
        tuple(sorted(node.allocatable.items())),
        tuple(sorted(labels.items())),
        node.taints,
        node.images,
        node.weights,
        node.unlimited,
        node.unschedulable,
        node.npu_topology,
        node.ready,
    )


def _holds(pods: Sequence[PodThen]) -> tuple[str, LifePhase | None]:
    if not pods:
        return "", None
    first, *others = sorted(pods, key=lambda pod: pod.ref)
    return f"{first.ref.name}{f' and {len(others)} more' if others else ''}", first.phase


def _node(node: NodeSpec, pods: Sequence[PodThen], stands_for: int, like: NodeSpec) -> Where:
    holds, phase = _holds(pods)
    return Where(
        {"node": node.name}, node.name, holds=holds, phase=phase, stands_for=stands_for, like=like.name
    )


def _pod(pod: PodThen, stands_for: int, like: PodThen) -> Where:
    owner, target = meant_by(pod.ref)
    name = pod.ref.name
    return Where(target, name, owner, phase=pod.phase, stands_for=stands_for, like=like.ref.name)


def meant_by(pod: PodRef) -> tuple[str, dict[str, Any]]:
    """Whose a pod is, and which one of these, as actions have it."""
    instance = pod.instance
    target: dict[str, Any] = {}
    if instance.has_roles:
        target = {"instances": [instance.ordinal], "roles": [pod.role], "pods": [pod.replica]}
    elif not instance.is_bare_pod:
        target = {"pods": [instance.ordinal]}
    return f"{instance.kind}/{instance.owner}", target
