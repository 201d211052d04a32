"""The StatefulSet controller: one pod for each ordinal, in their order, and no other before its object is gone.

Source: pkg/controller/statefulset/stateful_set_control.go (updateStatefulSet, processReplica, processCondemned,
updateStatefulSetAfterInvariantEstablished). OrderedReady creates a pod only when all before it are available, and
deletes the last one only when all are; Parallel does neither wait. An update goes from the highest ordinal down to the
partition; ordinals below keep the template that was complete last.
"""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.controllers.deployment.members import Member, Members
from kubeinfer_sim.controllers.deployment.progress import Counts
from kubeinfer_sim.manifest.kubernetes.well_known_labels import CONTROLLER_REVISION_HASH, POD_INDEX, POD_NAME
from kubeinfer_sim.manifest.model import PodTemplate, StatefulSet
from kubeinfer_sim.manifest.names_apart import in_namespace


class StatefulSetControl:
    """Decides which pods there are to be (`member_workload.Control`)."""

    resource = "statefulsets.apps"

    def __init__(
        self, cluster: Cluster, members: Members, spec: StatefulSet, *, counts_unavailable: bool = True
    ) -> None:
        """`counts_unavailable`: updates take down maxUnavailable pods at once; else one, and wait for it."""
        self._clock = cluster.env.clock
        self._members = members
        self._spec = spec
        # The template that was complete last; pods below the partition are made from it.
        self._current = spec
        self._counts_unavailable = counts_unavailable
        self._by_ordinal: dict[int, Member] = {}
        self._generations: Counter[int] = Counter()
        self._templates: dict[tuple[str, int], PodTemplate] = {}

    @property
    def replicas(self) -> int:
        """What its scale subresource asks for."""
        return self._spec.replicas

    @property
    def desired(self) -> int:
        """How many pods there should be."""
        return self._spec.replicas

    @property
    def max_unavailable(self) -> int:
        """How many pods an update may take down at once (getStatefulSetMaxUnavailable)."""
        if not self._counts_unavailable:
            return 1
        return max(1, self._spec.max_unavailable.of(self._spec.replicas, round_up=False))

    @property
    def max_surge(self) -> int:
        """An update adds none."""
        return 0

    @property
    def revisions_in_use(self) -> tuple[str, ...]:
        """The one that was complete last."""
        return (self._current.revision,)

    def take(self, spec: StatefulSet) -> None:
        """The user has applied another spec."""
        self._spec = spec

    def start(self, cause: int, *, running: bool) -> None:
        """The object is created; with `running` its pods have run for long, up to the first that finds no place."""
        for ordinal in self._ordinals if running else ():
            member = self._create(ordinal, cause, running=True)
            if member is None or (member.ready_since is None and not self._spec.parallel):
                return

    @property
    def _ordinals(self) -> range:
        first = self._spec.first_ordinal
        return range(first, first + self._spec.replicas)

    def _available(self, member: Member | None) -> bool:
        min_ready = self._spec.min_ready_seconds * 1000
        return member is not None and member.available(self._clock.now, min_ready)

    def _create(self, ordinal: int, cause: int, *, running: bool = False) -> Member | None:
        spec = self._spec
        if not spec.on_delete and ordinal < spec.first_ordinal + spec.partition:
            spec = self._current
        template = self._templates.get((spec.revision, ordinal))
        if template is None:
            name = in_namespace(spec.name)
            labels = {
                **spec.template.labels,
                CONTROLLER_REVISION_HASH: f"{name}-{spec.revision}",
                POD_NAME: f"{name}-{ordinal}",
                POD_INDEX: str(ordinal),
            }
            template = replace(spec.template, labels=labels)
            self._templates[spec.revision, ordinal] = template
        member = self._members.create(
            ordinal, spec, template, cause, generation=self._generations[ordinal], running=running
        )
        if member is not None:
            self._generations[ordinal] += 1
            self._by_ordinal[ordinal] = member
        return member

    def member_gone(self, member: Member) -> None:
        """A pod's object is gone: another one may be made."""
        del self._by_ordinal[member.ordinal]

    def member_changed(self, member: Member) -> None:
        """Nothing to note: each sync looks at all ordinals in their order."""

    def node_changed(self, name: str) -> None:
        """Nothing to do: which node takes a pod is for the scheduler."""

    # -- sync ----------------------------------------------------------------------------------------------

    def sync(self, cause: int) -> None:
        """Create and delete pods until there is something to wait for."""
        while self._step(cause):
            pass
        spec = self._spec
        if self._current is not spec and all(
            each.ready and each.revision == spec.revision for each in self._by_ordinal.values()
        ):
            self._current = spec  # completeRollingUpdate

    def _step(self, cause: int) -> bool:
        """One sync; whether it did anything, so that the next one may go on."""
        monotonic, acted = not self._spec.parallel, False
        for ordinal in self._ordinals:
            member = self._by_ordinal.get(ordinal)
            if member is None:
                if self._create(ordinal, cause) is None:
                    return False  # and again when its turn comes
                acted = True
                if monotonic:
                    return True
            elif member.failed and not member.terminating:
                self._members.delete(member, "Failed", cause)
                acted = True
            if monotonic and not self._available(member):
                return acted
        return self._condemn(cause) or acted or self._update(cause)

    def _condemn(self, cause: int) -> bool:
        """Scale down, from the highest ordinal; whether anything is to be done before an update goes on."""
        monotonic, acted = not self._spec.parallel, False
        wanted = self._ordinals
        beyond = sorted((each for each in self._by_ordinal if each not in wanted), reverse=True)
        unavailable = [each for each in reversed(beyond) if not self._available(self._by_ordinal[each])]
        for ordinal in beyond:
            member = self._by_ordinal[ordinal]
            if member.terminating:
                if monotonic:
                    return False
                continue
            if monotonic and not self._available(member) and ordinal != unavailable[0]:
                return False
            self._members.delete(member, "ScaleIn", cause)
            acted = True
            if monotonic:
                return True
        return acted

    def _update(self, cause: int) -> bool:
        spec = self._spec
        if spec.on_delete or (not spec.parallel and len(self._by_ordinal) > spec.replicas):
            return False
        members = [self._by_ordinal[each] for each in reversed(self._ordinals)]
        lowest = spec.first_ordinal + spec.partition
        left = self.max_unavailable - sum(not self._available(each) for each in members)
        acted = False
        for member in members:
            if member.ordinal < lowest or (self._counts_unavailable and left <= 0):
                break
            if member.revision != spec.revision and not member.terminating:
                self._members.delete(member, "Update", cause)
                left -= 1
                acted = True
                if not self._counts_unavailable:
                    break
            elif not self._counts_unavailable and not self._available(member):
                break
        return acted

    def status(self) -> tuple[Counts, bool]:
        """The counts of its pods, and whether all that is asked for is in place and available."""
        spec, members = self._spec, list(self._members)
        alive = [each for each in members if not each.failed]
        ready = sum(each.ready for each in alive)
        available = sum(map(self._available, alive))
        updated = sum(each.revision == spec.revision and not each.terminating for each in alive)
        wanted = spec.replicas if spec.on_delete else max(0, spec.replicas - spec.partition)
        terminating = sum(each.terminating for each in members)
        missing = max(0, spec.replicas - available)
        replicas = len(members) - terminating
        counts = Counts(replicas, updated, ready, available, missing, terminating)
        in_place = spec.on_delete or updated >= wanted
        return counts, not missing and in_place and len(members) == spec.replicas
