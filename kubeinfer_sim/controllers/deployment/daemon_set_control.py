"""The DaemonSet controller: one pod on each node that takes it.

Source: pkg/controller/daemon/daemon_controller.go (manage, podsShouldBeOnNode, NodeShouldRunDaemonPod), update.go
(rollingUpdate), util/daemonset_util.go (the tolerations its pods get, and the affinity that ties each to its node,
where the ordinary scheduler binds it). Only nodes of which something has changed are looked at; all of them while an
update is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.node import NO_EXECUTE, NO_SCHEDULE, NOT_READY, UNREACHABLE, UNSCHEDULABLE, Node
from kubeinfer_sim.cluster.pod import PodState
from kubeinfer_sim.controllers.deployment.members import Member, Members
from kubeinfer_sim.controllers.deployment.progress import Counts
from kubeinfer_sim.manifest.kubernetes.selectors import match_node, tolerates_taint
from kubeinfer_sim.manifest.kubernetes.well_known_labels import CONTROLLER_REVISION_HASH
from kubeinfer_sim.manifest.model import (
    DaemonSet,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PodTemplate,
    Toleration,
)

#: The back-off of a node on which a pod of it failed: at first, and at most (ms).
FIRST_BACK_OFF, LONGEST_BACK_OFF = 1_000, 900_000

_PRESSURE = tuple(f"node.kubernetes.io/{what}-pressure" for what in ("disk", "memory", "pid"))
#: What its pods tolerate (AddOrUpdateDaemonPodTolerations).
TOLERATIONS = (
    *(Toleration(key, "Exists", "", NO_EXECUTE) for key in (NOT_READY, UNREACHABLE)),
    *(Toleration(key, "Exists", "", NO_SCHEDULE) for key in (*_PRESSURE, UNSCHEDULABLE)),
)
#: … and those on the node's own network, too.
ON_HOST_NETWORK = Toleration("node.kubernetes.io/network-unavailable", "Exists", "", NO_SCHEDULE)


class _BackOff(Struct, frozen=True):
    """Of a node: how long, and since when (ms)."""

    length: int
    since: int


class _Tally(NamedTuple):
    """What a node adds to the status."""

    wanted: int = 0
    there: int = 0
    updated: int = 0
    ready: int = 0
    available: int = 0
    terminating: int = 0


#: What a node means to an update that is under way: its pod is of an old template and available, or not; it has none
#: that is available otherwise; it has one of each template.
Role = Literal["candidate", "broken", "missing", "both", ""]


class DaemonSetControl:
    """Decides which pods there are to be (`member_workload.Control`)."""

    resource = "daemonsets.apps"
    replicas = None

    def __init__(self, cluster: Cluster, members: Members, spec: DaemonSet, wake: Callable[[], None]) -> None:
        """`wake`: have it sync, though nothing has happened outside."""
        self._wake = wake
        self._clock = cluster.env.clock
        self._api = cluster.env.api
        self._members = members
        self._by_node: dict[str, dict[Member, None]] = {}
        self._changed: dict[str, None] = {}
        # Nodes whose pods the API server has refused.
        self._refused: dict[str, None] = {}
        self._back_offs: dict[str, _BackOff] = {}
        self._tallies: dict[str, _Tally] = {}
        self._total = _Tally()
        # The nodes of each role in an update, in the order in which they took it.
        self._roles: dict[str, Role] = {}
        self._of_role: dict[Role, dict[str, None]] = {
            "candidate": {},
            "broken": {},
            "missing": {},
            "both": {},
            "": {},
        }
        self._number = 0
        self.take(spec)

    @property
    def revisions_in_use(self) -> tuple[str, ...]:
        """None but those of its pods."""
        return ()

    def take(self, spec: DaemonSet) -> None:
        """The user has applied another spec: every node is looked at."""
        self._spec = spec
        # The pods' own, without the default tolerations of other pods: theirs come first.
        self._tolerations = _with_own(spec.template)
        self._templates: dict[str, PodTemplate] = {}
        self._changed |= dict.fromkeys((*self._api.nodes, *self._by_node))

    @property
    def desired(self) -> int:
        """On how many nodes a pod should run."""
        return sum(self._should_run(node)[0] for node in self._api.nodes.values())

    @property
    def max_unavailable(self) -> int:
        """On how many of them an update may leave none available."""
        return self._spec.rolling_update.max_unavailable.of(self.desired, round_up=True)

    @property
    def max_surge(self) -> int:
        """On how many of them it may run two."""
        return self._spec.rolling_update.max_surge.of(self.desired, round_up=True)

    def start(self, cause: int, *, running: bool) -> None:
        """The object is created; with `running` its pods have run for long, where there is room for them."""
        for node in self._api.nodes.values() if running else ():
            if self._should_run(node)[0]:
                self._create(node.name, cause, running=True)

    def member_gone(self, member: Member) -> None:
        """A pod's object is gone."""
        del self._by_node[member.node][member]
        self.node_changed(member.node)

    def member_changed(self, member: Member) -> None:
        """Something else became of a pod."""
        self.node_changed(member.node)

    def node_changed(self, name: str) -> None:
        """A node has come, gone, or is not what it was."""
        self._changed[name] = None

    # -- which nodes want one ------------------------------------------------------------------------------

    def _should_run(self, node: Node) -> tuple[bool, bool]:
        """Whether a pod should be made there, and whether one that is there goes on (NodeShouldRunDaemonPod)."""
        template = self._spec.template
        if template.node_name not in ("", node.name) or not match_node(
            template.node_selector, template.required_node_affinity, node.labels, node.name
        ):
            return False, False
        keeping_off = [
            taint.effect
            for taint in node.taints
            if taint.effect in (NO_SCHEDULE, NO_EXECUTE) and not tolerates_taint(self._tolerations, taint)
        ]
        return not keeping_off, NO_EXECUTE not in keeping_off

    def _create(self, node: str, cause: int, *, running: bool = False) -> None:
        template = self._templates.get(node)
        if template is None:
            there = NodeSelectorTerm(match_fields=(NodeSelectorRequirement("metadata.name", "In", (node,)),))
            template = self._templates[node] = replace(
                self._spec.template,
                labels={**self._spec.template.labels, CONTROLLER_REVISION_HASH: self._spec.revision},
                required_node_affinity=(there,),
                tolerations=self._tolerations,
            )
        member = self._members.create(self._number, self._spec, template, cause, node=node, running=running)
        if member is None:
            self._refused[node] = None
            return
        self._number += 1
        self._by_node.setdefault(node, {})[member] = None
        self.node_changed(node)

    # -- sync ----------------------------------------------------------------------------------------------

    def sync(self, cause: int) -> None:
        """Create and delete pods, until nothing has changed any more."""
        self._changed |= self._refused
        self._refused = {}
        while self._changed:
            changed, self._changed = self._changed, {}
            for name in changed:
                self._manage(name, cause)
                self._count(name)
        if not self._spec.on_delete and self._total.updated < self._total.there:
            self._update(cause)
        while self._changed:
            name, _ = self._changed.popitem()
            self._count(name)

    def _manage(self, name: str, cause: int) -> None:
        """What should be on one node (podsShouldBeOnNode)."""
        node = self._api.nodes.get(name)
        # One that is deleted and has ended does not stand in the way of another.
        there = [each for each in self._by_node.get(name, ()) if not (each.failed and each.terminating)]
        if node is None:
            # What runs there is the pod garbage collector's.
            self._delete((each for each in there if each.pod.state is PodState.PENDING), "Unneeded", cause)
            return
        wanted, goes_on = self._should_run(node)
        if not goes_on:
            self._delete(there, "Unneeded", cause)
        elif there:
            alive = [each for each in there if not each.terminating]
            for each in alive:
                if each.failed and self._may_delete_failed(name):
                    self._members.delete(each, "Failed", cause)
            self._delete(self._superfluous([each for each in alive if not each.failed]), "Unneeded", cause)
        elif wanted and self._members.refused:
            self._refused[name] = None  # The others are not asked for in vain (slowStartBatch).
        elif wanted:
            self._create(name, cause)

    def _superfluous(self, alive: list[Member]) -> list[Member]:
        """All but the oldest; while an update surges, of the old template and of the new one."""
        if len(alive) < 2:
            return []
        if not self._spec.rolling_update.max_surge.of(
            1, round_up=True
        ):  # AllowsSurge, whatever nodes there are
            return alive[1:]
        new = [each for each in alive if each.revision == self._spec.revision]
        old = [each for each in alive if each.revision != self._spec.revision]
        return [*new[1:], *old[1:]]

    def _delete(self, members: Iterable[Member], reason: str, cause: int) -> None:
        for each in members:
            if not each.terminating:
                self._members.delete(each, reason, cause)
                self.node_changed(each.node)

    def _may_delete_failed(self, node: str) -> bool:
        """Whether a failed pod of a node may be deleted now; if not, the node is looked at again later."""
        now, known = self._clock.now, self._back_offs.get(node)
        if known is None or now - known.since > 2 * LONGEST_BACK_OFF:
            self._back_offs[node] = _BackOff(FIRST_BACK_OFF, now)
        elif now < known.since + known.length:
            self._clock.at(known.since + known.length, self._look_again, node)
            return False
        else:
            self._back_offs[node] = _BackOff(min(2 * known.length, LONGEST_BACK_OFF), now)
        return True

    def _look_again(self, node: str) -> None:
        self.node_changed(node)
        self._wake()

    # -- updates -------------------------------------------------------------------------------------------

    def _update(self, cause: int) -> None:
        """Replace pods of old templates within the budget (rollingUpdate).

        A node without a pod that is available uses it up, also one that is dead: its pod goes no further.
        """
        update, wanted, of = self._spec.rolling_update, self._total.wanted, self._of_role
        surge = update.max_surge.of(wanted, round_up=True)
        if surge:
            over = [self._there(name) for name in of["both"]]
            left = surge - sum(any(map(self._available, self._old(each))) for each in over)
            for there in over:
                new = [each for each in there if each.revision == self._spec.revision]
                old = self._old(there)
                if not any(map(self._available, old)) or any(map(self._available, new)):
                    self._delete(old, "Update", cause)
            for name in [*of["broken"], *islice(of["candidate"], max(0, left))]:
                self._create(name, cause)
            return
        left = update.max_unavailable.of(wanted, round_up=True)
        left -= len(of["broken"]) + len(of["missing"]) + len(of["both"])
        for name in [*of["broken"], *islice(of["candidate"], max(0, left))]:
            self._delete(self._old(self._there(name)), "Update", cause)

    def _there(self, node: str) -> list[Member]:
        """Its pods there that are not deleted; one that has failed is in the way until then (findUpdatedPodsOnNode)."""
        return [each for each in self._by_node.get(node, ()) if not each.terminating]

    def _old(self, members: Iterable[Member]) -> list[Member]:
        return [each for each in members if each.revision != self._spec.revision]

    def _role(self, there: bool, undeleted: list[Member], wanted: bool) -> Role:
        """Of a node with these pods, `there`: or some that are still going."""
        old = self._old(undeleted)
        if old:
            if len(old) < len(undeleted):
                return "both"
            return "candidate" if self._available(old[0]) else "broken"
        return "missing" if (there or wanted) and not any(map(self._available, undeleted)) else ""

    def _available(self, member: Member | None) -> bool:
        min_ready = self._spec.min_ready_seconds * 1000
        return member is not None and member.available(self._clock.now, min_ready)

    # -- status --------------------------------------------------------------------------------------------

    def _count(self, name: str) -> None:
        """Bring what a node adds to the status up to date."""
        node, members = self._api.nodes.get(name), self._by_node.get(name, ())
        undeleted = self._there(name)
        alive = [each for each in undeleted if not each.failed]
        tally = _Tally(
            int(node is not None and self._should_run(node)[0]),
            len(alive),
            sum(each.revision == self._spec.revision for each in alive),
            sum(each.ready for each in alive),
            sum(map(self._available, alive)),
            sum(each.terminating for each in members),
        )
        before = self._tallies.get(name, _Tally())
        self._tallies[name] = tally
        self._total = _Tally(*(a - b + c for a, b, c in zip(self._total, before, tally, strict=True)))
        there = any(not (each.failed and each.terminating) for each in members)
        role = self._role(there, undeleted, bool(tally.wanted)) if node is not None else ""
        if role != self._roles.get(name):
            self._of_role[self._roles.get(name, "")].pop(name, None)
            self._roles[name] = role
            self._of_role[role][name] = None

    def status(self) -> tuple[Counts, bool]:
        """The counts of its pods, and whether all that is asked for is in place and available."""
        total = self._total
        missing = max(0, total.wanted - total.available)
        counts = Counts(total.there, total.updated, total.ready, total.available, missing, total.terminating)
        in_place = self._spec.on_delete or total.updated >= total.wanted
        return counts, not missing and in_place and total.there == total.wanted


def _with_own(template: PodTemplate) -> tuple[Toleration, ...]:
    """The tolerations of its pods: the template's, and those that every DaemonSet's pod has."""
    pod = template.raw.get("spec") or {}
    own = (*TOLERATIONS, ON_HOST_NETWORK) if pod.get("hostNetwork") else TOLERATIONS
    return (*template.tolerations, *(each for each in own if each not in template.tolerations))
