"""The gang scheduler of the simulation: which node each pod of an instance goes to, or why it has to wait.

It keeps no time: the caller decides when to `run` it. It stands for kube-scheduler's filters (pkg/scheduler)
under a gang plugin such as Volcano's: a gang is placed whole or not at all, and holds nothing while it waits.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heapreplace
from typing import TYPE_CHECKING, get_args

from kubeinfer_sim.cluster.scheduler.choice import NodeChoice, Placing
from kubeinfer_sim.cluster.scheduler.gang import Gang, GangPlacer, GangPod, Signature, signature_of
from kubeinfer_sim.cluster.scheduler.gang_queue import GangQueue, Line
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex, Stats
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.nominations import Nominations
from kubeinfer_sim.cluster.scheduler.objects import Templates
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster
from kubeinfer_sim.cluster.scheduler.pods import Pod
from kubeinfer_sim.manifest.releases import LATEST, Release
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint

if TYPE_CHECKING:
    from kubeinfer_sim.cluster.scheduler.explain import Unschedulable
    from kubeinfer_sim.cluster.scheduler.gang_preemption import Room
    from kubeinfer_sim.cluster.scheduler.preemption import Budget

#: Pod key → node name, for each pod of a gang.
Placement = dict[Hashable, str]


class Scheduler:
    """Places gangs on nodes.

    Attributes:
        stats: what was looked at, for tests of the cost.
    """

    def __init__(
        self,
        nodes: Iterable[NodeSpec],
        *,
        placement: Placing = "mostAllocated",
        strict_order: bool = False,
        kubernetes: Release = LATEST,
        services: Sequence[tuple[str, Mapping[str, str]]] = (),
        chance: Callable[[Hashable], float] | None = None,
    ) -> None:
        """Start with empty nodes.

        Args:
            nodes: their order breaks ties; names must differ.
            placement: whether a pod goes to the fullest or to the emptiest node that takes it, or where
                kube-scheduler's default scores would have it.
            kubernetes: whose wording and scores.
            services: namespace and selector of each Service: its pods are spread where scores are kube-scheduler's.
            chance: with those scores, which of equal nodes a pod gets, by its key; without it, the first.
            strict_order: a gang that does not fit keeps back all behind it (else smaller ones pass it).

        Raises:
            ValueError: two nodes have one name, or the placement is unknown.
        """
        if placement not in get_args(Placing):
            raise ValueError(f"placement is {placement!r}, not one of {', '.join(get_args(Placing))}")
        self._templates = Templates(kubernetes)
        cluster = Cluster([], kubernetes=kubernetes)
        if placement == "default":
            cluster = Cluster(
                [], services=services, workloads=self._templates.workloads, kubernetes=kubernetes
            )
        self._index = NodeIndex(nodes, pack=placement == "mostAllocated", cluster=cluster)
        self._choice = NodeChoice(self._index, placement, chance)
        self._placer = GangPlacer(self._index, self._templates, self._choice)
        self._queue = GangQueue()
        self._nominations = Nominations(self._index)
        # Lines of which no gang found a place in the last run.
        self._refused: list[Line] = []
        self._strict_order = strict_order
        self._node_of: dict[Hashable, NodeState] = {}
        # Pods on nodes that have left, by the node's name.
        self._left: dict[str, dict[Hashable, Pod]] = {}
        self._explained: dict[Signature, Unschedulable] = {}

    @property
    def index(self) -> NodeIndex:
        """The nodes, for a scheduler that shares them."""
        return self._index

    @property
    def templates(self) -> Templates:
        """The specs of templates seen so far."""
        return self._templates

    @property
    def placer(self) -> GangPlacer:
        """Finds places for whole gangs by search."""
        return self._placer

    def where(self, pod_key: Hashable) -> NodeState | None:
        """The node a pod was placed on; None when it is not placed."""
        return self._node_of.get(pod_key)

    @property
    def placed(self) -> Mapping[Hashable, NodeState]:
        """The node of each placed pod, by key."""
        return self._node_of

    def is_promised(self, gang_key: Hashable) -> bool:
        """Whether places are kept for a gang, from which others have still to go."""
        return gang_key in self._nominations

    def nominated_nodes(self, gang_key: Hashable) -> Mapping[Hashable, str]:
        """Pod key → the node that room is being made on for it; empty where none is."""
        return self._nominations.nodes_of(gang_key)

    def note_placed(self, nodes: Mapping[Hashable, NodeState]) -> None:
        """Another scheduler has placed pods: each counts on its node until it is released."""
        self._node_of.update(nodes)
        self._count_drawn(nodes)
        self._explained.clear()
        self._queue.unblock_tied()

    def _count_drawn(self, pods: Iterable[Hashable]) -> None:
        if drawn := self._index.drawn:
            self.stats.drawn += sum(key in drawn for key in pods)

    @property
    def stats(self) -> Stats:
        """What was looked at so far."""
        return self._index.stats

    @property
    def nodes(self) -> Mapping[str, NodeState]:
        """The nodes by name, in their order, to read: `.free(resource)`, `.allocatable`, `.pods` …"""
        return self._index.nodes

    def in_use(self, resource: str) -> int:
        """How much of a resource the placed pods hold on all nodes together; costs no summing up."""
        return self._index.in_use[resource]

    # -- the queue ---------------------------------------------------------------------------------

    def submit(self, gang: Gang) -> None:
        """Queue a gang: higher priority first, then first come first served.

        Raises:
            ValueError: the gang has no pods, is queued already, or one of its pods is placed.
        """
        self._check(gang)
        self._queue.add(gang, signature_of(gang, self._templates))

    def withdraw(self, gang_key: Hashable) -> bool:
        """Take a gang out of the queue; whether places were promised to it, which others may take now."""
        self._queue.remove(gang_key)
        return self._drop_nomination(gang_key)

    def run(self, now: float = 0.0) -> list[tuple[Gang, Placement]]:
        """Place every queued gang that fits, in the order of the queue, and reserve what it takes.

        Gangs that did not fit before are tried again only after a change that their pods can use. `now`: when pods
        that are placed are started, in s.
        """
        placed: list[tuple[Gang, Placement]] = []
        self._placer.now = now
        self._refused = []
        while batch := self._run_once():
            placed += batch
            if not self._queue.unblock_tied():
                break
        return placed + self._run_promised() if self._nominations.in_force else placed

    def _run_promised(self) -> list[tuple[Gang, Placement]]:
        """Place the gangs whose victims are all gone, though others before them in their line still wait."""
        placed: list[tuple[Gang, Placement]] = []
        for gang in self._nominations.due():
            placement = self._place(gang, {})
            if placement is not None:
                self._queue.remove(gang.key)
                placed.append((gang, placement))
            elif (line := self._queue.line(signature_of(gang, self._templates))) not in self._refused:
                self._refused.append(line)
        return placed

    def _run_once(self) -> list[tuple[Gang, Placement]]:
        """Go through the queue once, first gangs of lines by their places."""
        placed: list[tuple[Gang, Placement]] = []
        queue = self._queue
        lines = queue.heads(blocked=None if self._strict_order else False)
        heapify(lines)
        while lines:
            _, gang, line = lines[0]
            in_vain = line.blocked or (line.refused and not self._has_room(line))
            placement = None if in_vain else self._place(gang, {})
            # One of several pods that is tried in vain leaves traces in which of equal nodes are drawn later: there the
            # one after it is tried as ever.
            stays = line.refused and not (self._choice.draws and len(gang.pods) > 1)
            line.refused = placement is None or stays
            if placement is None:
                if not line.blocked:
                    self._refused.append(line)
                line.blocked = True
                if self._strict_order:
                    break
                heappop(lines)
                continue
            queue.remove(gang.key)
            placed.append((gang, placement))
            head = queue.head(line)
            if head is None:
                heappop(lines)
            else:
                heapreplace(lines, (*head, line))
        return placed

    def _has_room(self, line: Line) -> bool:
        """Whether there may be room for a gang that has found none before, whose places come free one by one.

        So much is seen without reserving anything: no gang fits whose pods of one spec do not fit alone.
        """
        index, signature = self._index, line.signature
        if self._nominations.in_force:
            return True
        short = len(signature) > 1 and index.too_little_for(dict(signature))
        for spec, number in signature:  # at each place that comes free: `any` would cost two calls more
            short = short or index.room(spec, number) < number
        return not short

    def place_now(self, gang: Gang, prefer: Mapping[Hashable, str] | None = None) -> Placement | None:
        """Try to place a gang at once, past the queue.

        Args:
            gang: a gang that is not queued.
            prefer: pod key → node to take again if the pod fits there.

        Returns:
            Pod key → node name, reserved; None when the gang does not fit, and nothing is held.

        Raises:
            ValueError: the gang has no pods, is queued, or one of its pods is placed.
        """
        self._check(gang)
        placement = self._place(gang, prefer or {})
        if placement is not None:
            self._queue.unblock_tied()
        return placement

    def would_fit(self, gang: Gang, without: Iterable[Hashable] = ()) -> Placement | None:
        """Where a gang would go now if those pods were gone, past the queue; nothing is reserved.

        Raises:
            ValueError: the gang has no pods, is queued, or one of its pods is placed.
        """
        self._check(gang)
        with self._nominations.unseen_by(gang):
            lifted = [
                (node, self._index.remove(node, key)) for key in without if (node := self._node_of.get(key))
            ]
            placement = self._placer.place(gang, {})
            for key, name in (placement or {}).items():
                self._index.remove(self._index.nodes[name], key)
            for node, pod in lifted:
                self._index.place(node, pod, back=True)
        return placement

    def occupy(self, pod: Pod, node: str) -> None:
        """A pod is on a node already, whether or not it would be let in; it counts until it is released.

        Raises:
            KeyError: there is no such node.
            ValueError: the pod is on a node already.
        """
        if pod.key in self._node_of:
            raise ValueError(f"pod {pod.key!r} is on a node already")
        where = self._index.nodes[node]
        self._index.place(where, pod)
        self._node_of[pod.key] = where

    def assign(self, pod: GangPod, node: str) -> None:
        """A pod names its node and is there, whether or not it would be let in; it counts until it is released.

        Raises:
            KeyError: there is no such node.
        """
        spec = self._templates.spec_of(pod.template, pod.namespace)
        self._index.register(spec)
        self.occupy(Pod(pod.key, spec, pod.template.priority), node)

    def make_room(self, budgets: Callable[[], Sequence[Budget]] = lambda: ()) -> tuple[list[Room], bool]:
        """Promise places to gangs that found none in the last run, in the order of the queue.

        The victims are the caller's to evict, and to `release` when they are gone: what was promised is kept until
        then. A gang whose victims are gone and that does not fit all the same is looked at anew.

        Args:
            budgets: tells the disruption budgets, which are kept where that is possible.

        Returns:
            The rooms to be made, and whether places have become free that others wait for: then `run` again.
        """
        lowest = self._index.lowest_priority if self._refused else 0
        lines = [
            line
            for line in self._refused
            if (head := self._queue.head(line)) is not None
            and (head[1].priority > lowest or self._nominations.in_force)
        ]
        if not lines:
            return [], False
        waiting = [(place, gang, line) for line in lines for place, gang in self._queue.waiting(line)]
        rooms: list[Room] = []
        given_up: set[int] = set()
        freed = False
        for _, gang, line in sorted(waiting, key=lambda each: each[0]):
            if self._nominations.waits(gang.key) or not gang.preempts or id(line) in given_up:
                continue
            room = self._promise(gang, budgets())
            if room is not None:
                rooms.append(room)
                continue
            freed |= self._drop_nomination(gang.key)
            if all(pod.template.preempts for pod in gang.pods):
                # Gangs behind it ask for the same and are of no more importance.
                given_up.add(id(line))
        return rooms, freed

    def room_for(self, gang: Gang, budgets: Sequence[Budget] = ()) -> Room | None:
        """The room that could be made for a gang now; nothing is changed. None when that would not help."""
        from kubeinfer_sim.cluster.scheduler.gang_preemption import room_for

        with self._nominations.unseen_by(gang):
            return room_for(gang, self._index, self._choice, self._placer, budgets)

    def _promise(self, gang: Gang, budgets: Sequence[Budget]) -> Room | None:
        from kubeinfer_sim.cluster.scheduler.gang_preemption import room_for

        with self._nominations.unseen_by(gang):
            room = room_for(gang, self._index, self._choice, self._placer, budgets)
            if room is not None:
                self._nominations.taken(gang, [node.name for _, node in room.pods])
        if room is not None:
            self._nominations.add(gang, room.pods, [pod.key for pod, _ in room.victims])
            self._explained.clear()
        return room

    def _drop_nomination(self, gang_key: Hashable) -> bool:
        """Whether a gang had places promised, which others may take now."""
        nodes = self._nominations.drop(gang_key)
        for node in nodes:
            self._wake(node)
        return bool(nodes)

    def release(self, pod_key: Hashable) -> None:
        """A pod is gone and what it held is free; nothing happens if it is not placed."""
        node = self._node_of.pop(pod_key, None)
        if node is not None:
            pod = self._index.remove(node, pod_key)
            self._nominations.gone(pod_key)
            # Whom a promise is made to finds the place taken by it, and so may those of higher priority.
            self._wake(node, everyone=bool(pod.spec.anti_affinity or self._nominations.in_force))
        else:
            for pods in self._left.values():
                pods.pop(pod_key, None)

    def _check(self, gang: Gang) -> None:
        if not gang.pods:
            raise ValueError(f"gang {gang.key!r} has no pods")
        if gang.key in self._queue:
            raise ValueError(f"gang {gang.key!r} is queued already")
        self._check_not_placed(gang)

    def _check_not_placed(self, gang: Gang) -> None:
        for pod in gang.pods:
            if pod.key in self._node_of:
                raise ValueError(f"pod {pod.key!r} of gang {gang.key!r} is placed already")

    def _place(self, gang: Gang, prefer: Mapping[Hashable, str]) -> Placement | None:
        if self._nominations.in_force:
            with self._nominations.unseen_by(gang):
                promised = self._nominations.nodes_of(gang.key)
                placement = self._placer.place(gang, {**promised, **prefer})
                if placement is not None:
                    self._nominations.taken(gang, placement.values())
        else:
            placement = self._placer.place(gang, prefer)
        if placement is not None:
            self._explained.clear()
            self._count_drawn(placement)
            for key, name in placement.items():
                self._node_of[key] = self._index.nodes[name]
        return placement

    def _wake(self, node: NodeState, *, everyone: bool = False) -> None:
        """Something changed on a node: lines with a pod that now fits there are tried again.

        Pods that look at their neighbours may be helped by a change on another node than theirs, and so may
        `everyone` when a pod that kept others away is gone.
        """
        self._explained.clear()
        takes = self._index.takes
        for _, _, line in self._queue.heads(blocked=True):
            if everyone or line.tied or any(takes(node, spec) for spec, _ in line.signature):
                line.blocked = False

    # -- nodes that join and leave -----------------------------------------------------------------

    def add_node(self, spec: NodeSpec) -> None:
        """A node joins; pods that were on it when a node of this name left are on it again.

        Raises:
            ValueError: there is a node of this name.
        """
        node = self._index.add(spec)
        for pod in self._left.pop(spec.name, {}).values():
            self._index.place(node, pod)
            self._node_of[pod.key] = node
        self._wake(node, everyone=bool(self._index.specs_with_affinity))

    def remove_node(self, name: str) -> None:
        """A node leaves: its pods count nowhere until they are released, or a node of its name is back.

        Raises:
            KeyError: there is no such node.
        """
        for gang_key in self._nominations.on(name):
            self._drop_nomination(gang_key)
        left = self._left[name] = dict(self._index.nodes[name].pods)
        for key in left:
            del self._node_of[key]
            self._nominations.gone(key)
        node = self._index.remove_node(name)
        # Skews of spread pods, and pods that kept others away, are gone with it.
        self._wake(node, everyone=True)

    # -- changes of nodes --------------------------------------------------------------------------

    def set_unschedulable(self, node: str, unschedulable: bool) -> None:
        """Cordon or uncordon a node. Pods that are there stay. Raises KeyError for an unknown node."""
        self._change(node, unschedulable=unschedulable)

    def set_taints(self, node: str, taints: Iterable[Taint]) -> None:
        """Give a node these taints instead of those it has. Pods that are there stay."""
        self._change(node, taints=tuple(taints))

    def set_labels(self, node: str, labels: Mapping[str, str]) -> None:
        """Give a node these labels instead of those it has. Pods that are there stay."""
        self._change(node, labels=dict(labels))

    def set_allocatable(self, node: str, resource: str, amount: int, *, ring: int | None = None) -> None:
        """A node offers another amount of a resource (an NPU of a ring is isolated). Pods on it stay."""
        self._change(node, allocatable={resource: amount}, ring=ring)

    def rings_of(self, pod_key: Hashable) -> tuple[int, ...]:
        """How many NPUs a placed pod has of each ring of its node; empty where there are no rings."""
        node = self._node_of.get(pod_key)
        return () if node is None else node.pods[pod_key].rings

    def _change(
        self,
        name: str,
        *,
        unschedulable: bool | None = None,
        taints: tuple[Taint, ...] | None = None,
        labels: Mapping[str, str] | None = None,
        allocatable: Mapping[str, int] | None = None,
        ring: int | None = None,
    ) -> None:
        node = self._index.nodes[name]
        self._index.change(
            node,
            unschedulable=unschedulable,
            taints=taints,
            labels=labels,
            allocatable=allocatable,
            ring=ring,
        )
        self._wake(node, everyone=bool(self._index.specs_with_affinity))

    # -- why not -----------------------------------------------------------------------------------

    def explain(self, gang: Gang) -> Unschedulable:
        """Why a gang does not fit now, node by node; see `Unschedulable`.

        Gangs that ask for the same share the answer until something changes.
        """
        from kubeinfer_sim.cluster.scheduler.explain import explain

        self._check_not_placed(gang)
        if self._nominations.in_force:
            with self._nominations.unseen_by(gang):
                return explain(gang, self._index, self._choice, self._placer)
        signature = signature_of(gang, self._templates)
        known = self._explained.get(signature)
        if known is None:
            known = self._explained[signature] = explain(gang, self._index, self._choice, self._placer)
        return known
