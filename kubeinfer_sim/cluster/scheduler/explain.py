"""Why a gang has to wait: every node's verdict, and what the gang needs against what is free.

Nodes are judged a class and a fill at a time, never one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping

from msgspec import Struct

from kubeinfer_sim.cluster.scheduler import framework, messages, npu_rings
from kubeinfer_sim.cluster.scheduler.choice import NodeChoice
from kubeinfer_sim.cluster.scheduler.gang import Gang, GangPlacer
from kubeinfer_sim.cluster.scheduler.node_class import NodeClass, accepts
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.plugins import node_affinity, node_unschedulable, taint_toleration
from kubeinfer_sim.cluster.scheduler.pods import PODS, Pod, PodSpec, format_amount
from kubeinfer_sim.cluster.scheduler.redraw import fits_redrawn
from kubeinfer_sim.manifest.releases import Release

#: How it is said that the pods would not fit if nothing else ran either.
TOO_FEW = "and the nodes have room for"


class GangNeed(Struct, frozen=True):
    """What the pods of one spec in a gang need, and what there is.

    Attributes:
        pods: how many pods of the spec the gang has.
        resource: the resource that matters most to them; `amount` of it per pod.
        requests: all they ask for, as text.
        selection: their node selector and required affinity as text; may be empty.
        free: for how many of these pods alone there is room now (at most `pods`).
        possible: for how many there would be room if nothing ran (at most `pods`).
        exclusive: no node takes two of them.
    """

    pods: int
    resource: str
    amount: int
    requests: str
    selection: str
    free: int
    possible: int
    exclusive: bool

    def text(self, *, full: bool = False, closed: str = "") -> str:
        """`needs 2 nodes × 8 huawei.com/ascend-1980 with pool=infer; 1 such node is free`.

        Args:
            full: name all requests, not only the resource that matters most.
            closed: why no node takes such a pod, however much is free there.
        """
        noun = "node" if self.exclusive else "place"
        what = self.requests if full else format_amount(self.resource, self.amount)
        where = f" with {self.selection}" if self.selection else ""
        is_free = (
            f"{self.free} such {noun} is free" if self.free == 1 else f"{self.free} such {noun}s are free"
        )
        if not self.free:
            is_free = f"no such {noun} is free"
        if closed:
            is_free = closed
        elif self.possible < self.pods:
            is_free += f", {TOO_FEW} {f'{self.possible} at most' if self.possible else 'none'}"
        return f"needs {self.pods} {noun}{'s' if self.pods != 1 else ''} × {what}{where}; {is_free}"


class Unschedulable(Struct, frozen=True):
    """Why a gang does not fit.

    Attributes:
        message: as kube-scheduler words it, for the first pod without a node while those of its gang that
            fit are on theirs.
        pod: the key of that pod; None when the whole gang fits.
        nodes: how many nodes there are.
        counts: reason → number of nodes that give it.
        groups: reasons of a node → names of the nodes with just these.
        needs: what the gang needs, one entry per kind of pod.
        placeable: how many of the gang's pods would fit at once.
        pods: how many pods the gang has.
        beyond: what the nodes have of that of which the pods together ask for more, in words; "" where of nothing.
        redrawn: had chance chosen other ones of equal nodes for the pods that are placed, the gang would fit.
    """

    message: str
    pod: Hashable | None
    nodes: int
    counts: dict[str, int]
    groups: dict[tuple[str, ...], tuple[str, ...]]
    needs: tuple[GangNeed, ...]
    placeable: int
    pods: int
    beyond: str = ""
    redrawn: bool = False

    @property
    def reasons(self) -> dict[str, tuple[str, ...]]:
        """Node name → its reasons; nodes that would take the pod are left out."""
        return {name: reasons for reasons, names in self.groups.items() for name in names if reasons}

    @property
    def _closed(self) -> str:
        """Why no node takes the pod, where that is not for what others hold; "" where on some it is."""
        if not self.nodes:
            return "there are no nodes"
        if not self.counts or any(map(messages.is_shortage, self.counts)):
            return ""
        return f"no node takes such a pod: {messages.counted(self.counts)}"

    @property
    def proof(self) -> str:
        """What is needed against what is free, as a stall report prints it."""
        if self.pod is None:
            return f"all {self.pods} pods fit"
        first_named = {messages.insufficient(need.resource) for need in self.needs}
        full = any(reason.startswith("Insufficient") and reason not in first_named for reason in self.counts)
        short = [need for need in self.needs if need.free < need.pods]
        told = short or self.needs
        closed = self._closed if len(told) == 1 and not (told[0].free and self.placeable) else ""
        text = "; for its other pods it ".join(need.text(full=full, closed=closed) for need in told)
        if closed:
            return text
        if not short or self.placeable < min(self.pods - need.pods + need.free for need in short):
            text += f"; together {self.placeable} of {self.pods} pods fit"
        return f"{text}, {self.beyond}" if self.beyond and TOO_FEW not in text else text


def explain(gang: Gang, index: NodeIndex, choice: NodeChoice, placer: GangPlacer) -> Unschedulable:
    """Judge all nodes for a gang none of whose pods is placed."""
    counted = Counter(pod.spec for pod in placer.order(gang))
    needs = tuple(_need(index, spec, count) for spec, count in counted.items())
    placed, missing = placer.partial(gang)
    placeable = len(placed)
    counts: Counter[str] = Counter()
    groups: dict[tuple[str, ...], list[str]] = {}
    if missing is not None:
        for reasons, names in verdicts(index, choice, missing):
            groups.setdefault(reasons, []).extend(names)
            for reason in reasons:
                counts[reason] += len(names)
    placer.undo(placed)
    room_for_all = all(need.possible >= need.pods for need in needs)
    redrawn = missing is not None and room_for_all and fits_redrawn(placer.order(gang), index, choice)
    total = len(index.nodes)
    return Unschedulable(
        message=messages.nodes_available(total, counts) if missing is not None else "",
        pod=None if missing is None else missing.key,
        nodes=total,
        counts=dict(sorted(counts.items())),
        groups={reasons: tuple(names) for reasons, names in sorted(groups.items())},
        needs=needs,
        placeable=placeable,
        pods=len(gang.pods),
        beyond=_beyond(index, counted),
        redrawn=redrawn,
    )


def _beyond(index: NodeIndex, pods: Mapping[PodSpec, int]) -> str:
    """`and the nodes have room for 8 huawei.com/ascend-1980 at most`."""
    asked: Counter[str] = Counter()
    for spec, count in pods.items():
        name, amount = spec.main_request
        asked[name] += amount * count
    for name, amount in asked.items():
        total = index.total(name)
        if name != PODS and amount > total:
            return f"{TOO_FEW} {format_amount(name, int(total))} at most"
    return ""


def verdicts(index: NodeIndex, choice: NodeChoice, pod: Pod) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """The reasons of every node, with the names of nodes that have them."""
    spec = pod.spec
    if not choice.is_independent(spec):
        for name, rejection in framework.judge(pod, index.cluster).rejections.items():
            yield tuple(sorted(rejection.reasons)), [name]
        return
    named = node_affinity.named_nodes(spec)
    if named is not None and (left_out := [name for name in index.nodes if name not in named]):
        yield (messages.not_satisfied(node_affinity.NAME),), left_out  # before any filter is asked
    allowed = index.allowed(spec)
    for node_class in index.classes:
        members = [node for node in node_class.members.values() if named is None or node.name in named]
        static = _static_reason(node_class, spec, index.cluster.kubernetes, restricted=allowed is not None)
        if not members:
            continue
        if static is not None:
            yield (static,), [node.name for node in members]
            continue
        for fill in _fills(node_class, spec):
            nodes = [node for node in fill if named is None or node.name in named]
            if allowed is not None:
                outside = [node.name for node in nodes if node.order not in allowed]
                if outside:
                    yield (node_affinity.REASON,), outside
                nodes = [node for node in nodes if node.order in allowed]
            if nodes:
                yield _short_of(nodes[0], spec), [node.name for node in nodes]


def _static_reason(
    node_class: NodeClass, spec: PodSpec, kubernetes: Release, *, restricted: bool
) -> str | None:
    node = node_class.sample
    if not node_unschedulable.takes(node.unschedulable, spec.tolerations):
        return node_unschedulable.REASON
    taint = taint_toleration.untolerated(node.taints, spec.tolerations)
    if taint is not None:
        return taint_toleration.reason(taint, kubernetes)
    if not restricted and not accepts(node, spec):
        return node_affinity.REASON
    return None


def _fills(node_class: NodeClass, spec: PodSpec) -> Iterator[list[NodeState]]:
    """The nodes of a class in groups with the same amounts free of what a spec asks for."""
    resources = tuple(
        name for name in spec.resources if name not in node_class.unlimited and name in node_class.offered
    )
    rings = node_class.sample.rings
    if rings is not None and rings.resource in resources:
        resources = (*resources, rings.account)
    members, view = node_class.members, node_class.view(resources)
    for key in view.keys:
        yield [members[order] for order in view.orders(key)]


def _short_of(node: NodeState, spec: PodSpec) -> tuple[str, ...]:
    reasons = tuple(
        sorted(
            messages.insufficient(name)
            for name, amount in spec.demand
            if name not in node.unlimited and node.free(name) < amount
        )
    )
    if not reasons and node.rings is not None and not node.in_one_ring(spec):
        return (npu_rings.reason(node.rings.resource),)
    return reasons


def _need(index: NodeIndex, spec: PodSpec, pods: int) -> GangNeed:
    resource, amount = spec.main_request
    asked = spec.demand
    return GangNeed(
        pods=pods,
        resource=resource,
        amount=amount,
        requests=", ".join(format_amount(name, n) for name, n in asked if name != PODS) or "1 pod",
        selection=spec.selection,
        free=index.room(spec, pods),
        possible=index.capacity(spec, pods),
        exclusive=index.largest(spec) < 2,
    )
