"""What would give a gang that waits a place: who may end for it, who comes before it, and how it is placed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import GangPending
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.pod_gang import PodGang
from kubeinfer_sim.cluster.scheduler.pods import Pod as ScheduledPod
from kubeinfer_sim.cluster.scheduler.scheduler import Scheduler
from kubeinfer_sim.cluster.scheduler.volcano.scheduling import VolcanoScheduling
from kubeinfer_sim.cluster.scheduler.ways import Find, Waiting, Ways
from kubeinfer_sim.scenario.cluster.model import NodeSpec

#: Of so many unlike nodes more could be added.
_MOST_KINDS = 8
#: So often Volcano draws anew; what some draws leave without a place has none for sure.
_DRAWS = 3


class WaysOfGangs:
    """Says of gangs that wait what would give them nodes; `is_volcano_s`: whether Volcano places one."""

    def __init__(
        self,
        scheduler: Scheduler,
        api: Api,
        volcano: VolcanoScheduling | None,
        is_volcano_s: Callable[[PodGang], bool],
    ) -> None:
        self._scheduler = scheduler
        self._api = api
        self._volcano = volcano
        self._is_volcano_s = is_volcano_s

    def tell(self, pending: GangPending, gang: PodGang, ahead: Sequence[PodGang]) -> GangPending:
        """The record with its ways; `ahead`: the gangs that have their places first."""
        ways = Ways(self._scheduler.index, self._scheduler.where, self._offered)
        may_end, older, returning = self._others(gang)
        find, pods = self._found(gang)
        waiting = Waiting(
            pods,
            find,
            [self._found(each) for each in ahead],
            pending.verdicts,
            may_end,
            older,
            returning,
        )
        return replace(pending, ways=ways.of(waiting), old_makes_room=ways.old_makes_room(waiting))

    def _found(self, gang: PodGang) -> tuple[Find, Sequence[ScheduledPod]]:
        """How the pods of a gang are placed, and these in their order."""
        if self._volcano is not None and self._is_volcano_s(gang):
            return partial(_by_volcano, self._volcano), self._volcano.in_order(gang)
        placer = self._scheduler.placer
        return partial(placer.find, prefer={}), placer.order(gang.request)

    def _others(
        self, gang: PodGang
    ) -> tuple[list[Hashable], list[list[Hashable]], Mapping[str, list[Hashable]]]:
        """The placed pods that may end for it, those of older revisions, and those that go with their node's return.

        Pods that would be made anew, of its own revision or one a node, are no room for it.
        """
        first = gang.pods[0]
        workload = gang.instance.kind, gang.instance.owner
        may_end: list[Hashable] = []
        older: dict[object, list[Hashable]] = {}
        returning: dict[str, list[Hashable]] = {}
        for key, node in self._scheduler.placed.items():
            if not isinstance(key, Pod):
                may_end.append(key)
                continue
            if key.state is PodState.DELETING:
                returning.setdefault(node.name, []).append(key)
                continue
            instance = key.ref.instance
            if (instance.kind, instance.owner) == workload:
                if key.revision == first.revision:
                    continue
                older.setdefault(instance, []).append(key)
            if instance.kind != "DaemonSet":
                may_end.append(key)
        return may_end, list(older.values()), returning

    def _offered(self) -> list[NodeSpec]:
        """The nodes of which there could be more, one of each kind."""
        kinds: dict[object, NodeSpec] = {}
        for node in self._api.nodes.values():
            spec = node.spec
            kind = (spec.pool, tuple(sorted(spec.allocatable.items())), spec.unlimited, spec.npu_topology)
            kinds.setdefault(kind, spec)
        return list(kinds.values())[:_MOST_KINDS]


def _by_volcano(
    volcano: VolcanoScheduling, pods: Sequence[ScheduledPod]
) -> Mapping[Hashable, NodeState] | None:
    """Where Volcano places them in the last of several draws, if it finds a place in each."""
    found: Mapping[Hashable, NodeState] | None = None
    for attempt in range(_DRAWS):
        for key, node in (found or {}).items():
            volcano.volcano.remove_tried(key, node)
        found = volcano.volcano.find(pods, f"way/{attempt}")
        if found is None:
            return None
    return found
