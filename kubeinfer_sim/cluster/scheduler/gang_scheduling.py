"""The scheduler at work: gangs wait, are placed whole when there is room, and are bound to their nodes.

The decision itself is `scheduler/`'s; this is its clock: it looks at the queue once at the end of an instant
in which something changed, and binds pods to their nodes after the binding stage.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.node import NOT_READY, UNREACHABLE, UNSCHEDULABLE, Node, nobodys_node
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.records import (
    DrawnBy,
    GangPending,
    NodeMissing,
    NodeVerdict,
    NotPlacedAtStart,
    PodPreempted,
)
from kubeinfer_sim.cluster.scheduler.claims import Claims, in_words
from kubeinfer_sim.cluster.scheduler.gang import GangPod
from kubeinfer_sim.cluster.scheduler.node_index import Stats
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.objects import running_pods
from kubeinfer_sim.cluster.scheduler.pod_gang import PodGang
from kubeinfer_sim.cluster.scheduler.pods import Pod as ScheduledPod
from kubeinfer_sim.cluster.scheduler.scheduler import Scheduler
from kubeinfer_sim.cluster.scheduler.volcano.cycle import Eviction
from kubeinfer_sim.cluster.scheduler.volcano.pod_groups import PodGroupAt
from kubeinfer_sim.cluster.scheduler.volcano.scheduling import (
    PERIOD,
    VolcanoScheduling,
    VolcanoSettings,
    Words,
)
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.clock import Phase, Timer
from kubeinfer_sim.manifest.accelerators import accelerator_count
from kubeinfer_sim.manifest.model import SCHEDULERS, VOLCANO
from kubeinfer_sim.scenario.cluster.model import ClusterObject, RunningPod
from kubeinfer_sim.scenario.timings.distributions import Constant

if TYPE_CHECKING:  # what tells of gangs that wait is imported when one does
    from kubeinfer_sim.cluster.scheduler.preemption import Budget
    from kubeinfer_sim.cluster.scheduler.scheduling_rate import SchedulingRate
    from kubeinfer_sim.cluster.scheduler.ways_of_gangs import WaysOfGangs

#: From one pod of a gang that Volcano binds to the next, in ms (recorded: 64 pods in 153 to 649 ms).
BIND_NEXT = 6
#: How long a gang waits for Volcano's next cycle on average, in ms: a part of the binding stage as it is measured.
MEAN_WAIT = PERIOD // 2
#: Of pods that would all fit if they were packed, and are not whatever Volcano draws.
SPREAD_BY_SCORES = (
    "; packed on fewer nodes all pods would fit, but Volcano's scores place them one by one on others, whatever is "
    "drawn (scheduler.binpack of what they ask for, or assumptions.scheduler kube-scheduler, may pack them)"
)
#: Of a gang that waits on after a promise to another one has kept it from places.
PASSED_OVER = (
    "; Volcano has promised places to another gang meanwhile, which kube-scheduler does not do "
    "(assumptions.scheduler kube-scheduler says what comes of that)"
)
#: What the condition PodScheduled says of a pod with gates (pkg/scheduler/framework/plugins/schedulinggates).
GATES_CLOSED = "Scheduling is blocked due to non-empty scheduling gates"


class GangScheduling(Watcher):
    """The gangs that wait: those of kube-scheduler in a queue of their own, those of Volcano in its jobs."""

    def __init__(
        self,
        env: Environment,
        scheduler: Scheduler,
        *,
        rate: SchedulingRate | None = None,
        budgets: Callable[[], Sequence[Budget]] = lambda: (),
        schedulers: Container[str] = SCHEDULERS,
        volcano: VolcanoSettings | None = None,
        instances_by_volcano: bool = False,
    ) -> None:
        """Start with an empty queue.

        With a `rate` gangs are bound one behind the other, else each as its binding stage says. `budgets` tells how
        many pods may still be disrupted, for the choice of those that are evicted for others. `schedulers` are those
        that run: what names another one waits for ever. With `volcano` Volcano places the pods that name it, and
        (`instances_by_volcano`) all instances of KubeInfers; without, kube-scheduler places them all.
        """
        self._rate = rate
        self._budgets = budgets
        self._schedulers = schedulers
        self._running: dict[str, dict[object, RunningPod]] = {}  # by node and key
        self._clock = env.clock
        self._history = env.history
        self._streams = env.streams
        self._api = env.api
        self._scheduler = scheduler
        self._gangs: dict[object, PodGang] = {}
        self._nobodys: dict[str, Node] = {}  # those that pods name and that do not exist
        # Those with pods whose scheduling gates are closed, or whose scheduler nobody runs.
        self._gated: dict[object, PodGang] = {}
        self._claims = Claims(env.api)
        self._unclaimed: dict[object, PodGang] = {}  # those with pods whose claims cannot be used
        self._new: dict[object, PodGang] = {}
        # By key of the gang: why it waits, as recorded last, and what `History.append` returned for that.
        self._explained: dict[object, tuple[GangPending, int]] = {}
        self._passed_over: set[object] = set()  # keys of those that a promise to another one has kept waiting
        self._reconsidering: Timer | None = None
        self._unplaced: set[tuple[str, str]] = set()  # workloads with one that had no place at the start
        self._wake: Timer | None = None
        self._instances_by_volcano = instances_by_volcano
        self._volcano: VolcanoScheduling | None = (
            None
            if volcano is None
            else VolcanoScheduling(
                env,
                scheduler,
                volcano,
                place=self._place_volcano_s,
                refused=lambda gang: gang.pods[0].owner.gang_refused(gang.pods),
                evict=self._evict_for_volcano,
            )
        )

    @cached_property
    def _ways(self) -> WaysOfGangs:
        from kubeinfer_sim.cluster.scheduler.ways_of_gangs import WaysOfGangs

        return WaysOfGangs(self._scheduler, self._api, self._volcano, self._is_volcano_s)

    def _is_volcano_s(self, gang: PodGang) -> bool:
        if self._volcano is None:
            return False
        named = gang.pods[0].template.scheduler_name == VOLCANO
        return named or (self._instances_by_volcano and gang.group is not None)

    @property
    def stats(self) -> Stats:
        """What was looked at so far, for tests of the cost."""
        return self._scheduler.stats

    def occupy(self, running: Iterable[RunningPod]) -> None:
        """Pods that are on the nodes already, and stay there; they may over-commit a node."""
        for each, pod in running_pods(running):
            self._scheduler.occupy(pod, each.node)
            self._running.setdefault(each.node, {})[pod.key] = each
            self._api.others_hold(accelerator_count(pod.spec.requests))

    def running_on(self, node: str) -> Iterable[RunningPod]:
        """Those of them on a node that have not been evicted for others."""
        return self._running.get(node, {}).values()

    def submit(self, gang: PodGang) -> None:
        """Queue a gang; it is looked at before this instant ends.

        A pod that names its node goes there, whatever that has to give: no scheduler is asked. A gang is not in the
        queue as long as a scheduling gate of one of its pods is closed, or if nobody runs the scheduler that one names.
        """
        assigned: dict[Pod, str] = {}
        for pod in gang.pods:
            if pod.scheduling_gates:
                self._gated[gang.request.key] = gang
                return
            if node := pod.template.node_name:
                assigned[pod] = node
        if self._claims.matter and self._kept_by_claims(gang):
            self._unclaimed[gang.request.key] = gang
            return
        if assigned:
            self._assign(gang, assigned)
            if len(assigned) == len(gang.pods):
                gang.pods[0].owner.gang_placed(gang.pods)
                return
            gang.leave_out(assigned)
        if self._without_scheduler(gang) is not None:
            self._gated[gang.request.key] = gang
            self.diagnose(gang, gang.cause)
            return
        if self._volcano is not None and self._is_volcano_s(gang):
            self._volcano.submit(gang)
            return
        self._gangs[gang.request.key] = gang
        self._new[gang.request.key] = gang
        if not gang.prefer:
            self._scheduler.submit(gang.request)
        self._wake_up()

    def _kept_by_claims(self, gang: PodGang) -> str:
        """Why pods of a gang that ask a scheduler cannot be placed for their claims; "" where they can."""
        asking = (pod for pod in gang.pods if not pod.template.node_name)
        return next(filter(None, map(self._claims.keeps, asking)), "")

    def _claims_changed(self) -> None:
        """Claims, volumes or their users are others: gangs may be placed that could not."""
        for key, gang in list(self._unclaimed.items()):
            if not self._kept_by_claims(gang):
                del self._unclaimed[key]
                self.submit(gang)

    def _without_scheduler(self, gang: PodGang) -> Pod | None:
        """The first pod of it that no scheduler looks at."""
        schedulers = self._schedulers
        for pod in gang.pods:
            if pod.template.scheduler_name not in schedulers:
                return pod
        return None

    def _assign(self, gang: PodGang, nodes: Mapping[Pod, str]) -> None:
        there = {pod: node for pod, node in nodes.items() if node in self._api.nodes}
        for pod, node in there.items():
            self._scheduler.assign(GangPod(pod, pod.template, pod.namespace), node)
        if there:
            self._api.schedule(gang.instance, there, gang.cause)
        for pod, node in nodes.items():
            if pod in there:
                self._bind_pod(pod, node)
            else:
                # A machine whose node was deleted hears of the pod all the same.
                machine = self._api.machines.get(node) or self._nobodys.setdefault(node, nobodys_node(node))
                pod.last = self._history.append(NodeMissing(self._clock.now, pod.last, pod.ref, node))
                self._api.bind(pod, machine)

    def withdraw(self, gang: PodGang) -> None:
        """The gang is no longer wanted; nothing happens if it is placed."""
        self._explained.pop(gang.request.key, None)
        self._passed_over.discard(gang.request.key)
        self._gated.pop(gang.request.key, None)
        self._unclaimed.pop(gang.request.key, None)
        if self._volcano is not None and self._volcano.withdraw(gang):
            return
        if self._gangs.pop(gang.request.key, None) is not None:
            self._new.pop(gang.request.key, None)
            if self._scheduler.withdraw(gang.request.key):
                self._wake_up()

    def waits(self, gang: PodGang) -> bool:
        """Whether the gang is still without nodes."""
        key = gang.request.key
        if self._volcano is not None and self._volcano.waits(gang):
            return True
        return key in self._gangs or key in self._gated or key in self._unclaimed

    def is_untried(self, gang: PodGang) -> bool:
        """Whether its scheduler has yet to look at it for the first time, though this instant is over."""
        return self._volcano is not None and self._volcano.is_untried(gang)

    def may_go_on(self, gang: PodGang) -> bool:
        """Whether a gang that waits may go on by itself; its owner is told as soon as that is so no more."""
        return self._volcano is not None and self._volcano.may_go_on(gang)

    def says_why_it_waits(self, pod: Pod) -> bool:
        """Whether a pod has, or had before it was bound, a condition that says why it waits."""
        volcano = self._volcano
        return volcano is None or not volcano.knows_of(pod) or volcano.has_refused(pod)

    def nominated_nodes(self) -> Mapping[Pod, str]:
        """The pods that have others evicted to make room → the node where (`status.nominatedNodeName`)."""
        nodes: dict[Pod, str] = {}
        for key, gang in self._gangs.items():
            promised = self._scheduler.nominated_nodes(key)
            nodes |= {pod: promised[pod] for pod in gang.pods if pod in promised}
        return nodes

    def pod_groups(self) -> tuple[PodGroupAt, ...]:
        """Volcano's PodGroups as they are shown now, to be asked after whatever happens."""
        return () if self._volcano is None else self._volcano.pod_groups()

    def _wake_up(self) -> None:
        """Something changed: look at the queue at the end of this instant."""
        if self._volcano is not None:
            self._volcano.changed()
        if self._wake is None and self._gangs:
            self._wake = self._clock.after(0, self._run, phase=Phase.SCHEDULER)

    # -- what the API tells --------------------------------------------------------------------------------

    def pod_gates_open(self, pod: Pod) -> None:
        """The last gate of a pod is open: its gang may be placed, unless another pod of it has one that is not."""
        for key, gang in list(self._gated.items()):
            if pod in gang.pods and not any(each.scheduling_gates for each in gang.pods):
                del self._gated[key]
                self.submit(gang)

    def pod_terminating(self, pod: Pod, reason: str, cause: int) -> None:
        """What the pod holds will be free."""
        if self._volcano is not None:
            self._volcano.terminating(pod)

    def pod_finished(self, pod: Pod) -> None:
        """What the pod held is free, though its object is there (pkg/scheduler, newPodInformer)."""
        if self._volcano is not None:
            self._volcano.finished(pod)
        if pod.placed:
            self._free(pod)

    def pod_gone(self, pod: Pod) -> None:
        """What the pod held is free, whether it was bound already or not."""
        if self._volcano is not None:
            self._volcano.gone(pod)
        if pod.holds_place:
            self._free(pod)

    def _free(self, pod: Pod) -> None:
        self._scheduler.release(pod)
        if self._unclaimed:
            self._clock.after(0, self._claims_changed, phase=Phase.CONTROLLER)
        self._wake_up()

    def object_put(self, written: ClusterObject) -> None:
        """A claim, a volume or a class may let pods be placed, and so may a PodGroup or a queue."""
        self._claims_changed()
        if self._volcano is not None:
            self._volcano.object_put(written)
        self._reconsider()

    def object_deleted(self, written: ClusterObject) -> None:
        """A PodGroup or a queue is gone."""
        if self._volcano is not None:
            self._volcano.object_deleted(written)
        self._reconsider()

    def node_added(self, node: Node) -> None:
        """A node joins: what waits may go there."""
        self._scheduler.add_node(replace(node.spec, labels=node.labels, taints=tuple(node.taints)))
        for resource, amount in node.allocatable.items():
            if amount != node.spec.allocatable.get(resource):
                self._scheduler.set_allocatable(node.name, resource, amount)
        self._nodes_changed()

    def node_removed(self, node: Node) -> None:
        """A node leaves: nobody counts what is on it."""
        for running in self._running.pop(node.name, {}).values():
            self._api.others_hold(-accelerator_count(running.requests))
        if self._volcano is not None:
            self._volcano.volcano.jobs.node_gone(self._scheduler.index.nodes[node.name])
        self._scheduler.remove_node(node.name)
        self._nodes_changed()

    def node_spec_changed(self, node: Node) -> None:
        """A node is cordoned, or tainted; being cordoned is known without its taint."""
        known = self._scheduler.nodes[node.name]
        taints = tuple(taint for taint in node.taints if taint.key != UNSCHEDULABLE)
        if known.unschedulable != node.unschedulable:
            self._scheduler.set_unschedulable(node.name, node.unschedulable)
        if known.taints != taints:
            self._scheduler.set_taints(node.name, taints)
        self._nodes_changed()

    def node_labels_changed(self, node: Node) -> None:
        """A node may be what waiting pods ask for now."""
        self._scheduler.set_labels(node.name, node.labels)
        self._nodes_changed()

    def allocatable_changed(self, node: Node, resource: str, ring: int | None) -> None:
        """A node offers more or less of something."""
        self._scheduler.set_allocatable(node.name, resource, node.allocatable[resource], ring=ring)
        self._nodes_changed()

    def _nodes_changed(self) -> None:
        self._wake_up()
        self._reconsider()

    # -- where gangs go ------------------------------------------------------------------------------------

    def would_fit(self, gang: PodGang, without: Sequence[Pod] = ()) -> dict[Pod, str] | None:
        """Where a gang that is not queued would go if those pods were gone; None when it would not fit."""
        placement = self._scheduler.would_fit(gang.request, without)
        return None if placement is None else {pod: placement[pod] for pod in gang.pods}

    def adopt(self, gang: PodGang) -> bool:
        """Place a gang that ran before the simulation began; False when the cluster has no room for it.

        Pods that name their nodes ran there.
        """
        named: dict[Any, str] = {pod: node for pod in gang.pods if (node := pod.template.node_name)}
        if not all(node in self._api.nodes for node in named.values()):
            return self._not_placed(gang, f"node {next(iter(named.values()))} does not exist")
        if self._claims.matter and (why := self._kept_by_claims(gang)):
            return self._not_placed(gang, in_words(why)[0])
        placement: Mapping[Any, str] | None
        if self._volcano is not None and self._is_volcano_s(gang) and not named:
            placement = self._volcano.adopt(gang)
        else:
            placement = self._scheduler.place_now(gang.request, named)
        if placement is None:
            return self._not_placed(gang)
        if any(placement[pod] != node for pod, node in named.items()):
            for pod in gang.pods:
                self._scheduler.release(pod)
            return self._not_placed(gang, f"node {next(iter(named.values()))} has no room for it")
        self._api.schedule(gang.instance, placement, gang.cause)
        for pod in gang.pods:
            pod.scheduling_gates = ()
            self._bind_pod(pod, placement[pod], running=True)
        return True

    def _not_placed(self, gang: PodGang, proof: str = "") -> bool:
        """Record that a gang which is said to run has no place, and why the first of its workload has none; False."""
        workload = gang.instance.kind, gang.instance.owner
        redrawn = False
        if workload not in self._unplaced and not proof:
            verdict = self._scheduler.explain(gang.request)
            proof, redrawn = verdict.proof, verdict.redrawn
            if redrawn and self._volcano is not None and self._is_volcano_s(gang):
                redrawn = self._volcano.has_place_in_other_draws(gang)
                proof += "" if redrawn else SPREAD_BY_SCORES
        self._unplaced.add(workload)
        drawn_by = self._drawn_by(redrawn, by_volcano=self._is_volcano_s(gang))
        self._history.append(NotPlacedAtStart(self._clock.now, gang.cause, gang.instance, proof, drawn_by))
        return False

    def diagnose(self, gang: PodGang, cause: int, at: int | None = None) -> GangPending:
        """Record why the gang waits, node by node; looks at every class of nodes. `at`: ms, now unless given."""
        record = self._why_it_waits(gang, cause, self._clock.now if at is None else at)
        self._explained[gang.request.key] = record, self._history.append(record)
        return record

    def _why_it_waits(self, gang: PodGang, cause: int, at: int) -> GangPending:
        unseen = self._without_scheduler(gang)
        if gang.request.key in self._gated and unseen is not None:
            proof = f"no scheduler {unseen.template.scheduler_name} runs, which {unseen.ref.name} names"
            return GangPending(at, cause, gang.instance, "", proof, awaits=("scheduler",))
        if gang.request.key in self._gated:
            gate, pod = next((gate, pod) for pod in gang.pods for gate in pod.scheduling_gates)
            proof = f"the scheduling gate {gate} of {pod.ref.name} is closed"
            return GangPending(at, cause, gang.instance, GATES_CLOSED, proof, awaits=("gate",))
        if gang.request.key in self._unclaimed:
            why = self._kept_by_claims(gang)
            proof, awaits = in_words(why)
            return GangPending(at, cause, gang.instance, why, proof, awaits=(awaits,))
        return self._without_room(gang, cause, at)

    def _without_room(self, gang: PodGang, cause: int, at: int) -> GangPending:
        """What a gang lacks that its scheduler looks at: room on nodes, or what Volcano wants besides."""
        volcano = self._volcano if self._volcano is not None and self._volcano.waits(gang) else None
        request = gang.request if volcano is None else volcano.placed_together(gang)
        verdict = self._scheduler.explain(request)
        said = Words(verdict.message, [])
        if volcano is not None:
            said = volcano.words(gang, verdict.pod is None)
        waits = said.waits
        reasons, awaits = [wait.text for wait in waits], [wait.awaits for wait in waits]
        no_room = verdict.pod is not None and not {"promise", "promised", "cycle"}.intersection(awaits)
        packs = awaits == ["search"] or (verdict.redrawn and not waits)
        drawn = packs and (volcano is None or volcano.has_place_in_other_draws(gang))
        if no_room or not waits:
            proof = _with_others(len(request.pods) - len(gang.request.pods), verdict.proof)
            parts = "" if volcano is None or waits or not no_room else self._deadlock(volcano, gang)
            proof += SPREAD_BY_SCORES if packs and not drawn else ""
            reasons.append(f"{gang.pods[0].ref.name} {proof}" if waits else f"{proof}{parts}")
            awaits.append("parts" if parts else "room")
        if "promised" in awaits:
            self._passed_over.add(gang.request.key)
        elif gang.request.key in self._passed_over and "room" in awaits:
            reasons[-1] += PASSED_OVER
        return GangPending(
            at,
            cause,
            gang.instance,
            said.message,
            "; besides, ".join(reasons),
            tuple(NodeVerdict(*group, self._away(group[1])) for group in verdict.groups.items())
            if {"room", "parts"}.intersection(awaits)
            else (),
            tuple(awaits),
            needs=verdict.pod is not None and not waits,
            drawn_by=self._drawn_by(drawn, by_volcano=volcano is not None),
            conditions=said.conditions,
        )

    def _deadlock(self, volcano: VolcanoScheduling, gang: PodGang) -> str:
        """That instances of which only a part is placed keep from each other what would make them whole; "" else."""
        if not gang.instance.has_roles:
            return ""
        parts = sorted(volcano.partly_placed(), key=lambda part: part.instance != gang.instance)
        others = [pod for part in parts if part.instance != gang.instance for pod in part.pods]
        if len(parts) < 2 or self._scheduler.would_fit(gang.request, others) is None:
            return ""
        more = f" and of {len(parts) - 2} more" if len(parts) > 2 else ""
        return (
            f"; {parts[0].text} and {parts[1].text}{more} have their places, as minMember allows: "
            "each keeps what another would need to be whole"
        )

    def _away(self, nodes: Iterable[str]) -> tuple[str, ...]:
        """Those of the nodes that bear a taint of the node controller's."""
        there = self._api.nodes
        kept = (NOT_READY, UNREACHABLE)
        return tuple(
            name for name in nodes if name in there and any(taint.key in kept for taint in there[name].taints)
        )

    @staticmethod
    def _drawn_by(drawn: bool, *, by_volcano: bool) -> DrawnBy:
        return "" if not drawn else "Volcano" if by_volcano else "kube-scheduler"

    def _waiting(self) -> dict[object, PodGang]:
        by_volcano = {} if self._volcano is None else self._volcano.waiting()
        return self._gated | self._unclaimed | self._gangs | by_volcano

    def _reconsider(self) -> None:
        """An object or a node has changed: what has waited may wait for something else, once that has been seen."""
        if self._explained and self._reconsidering is None:
            seen = self._clock.now if self._volcano is None else self._volcano.next_cycle
            self._reconsidering = self._clock.at(seen, self._reconsidered, phase=Phase.OBSERVER)

    def _reconsidered(self) -> None:
        self._reconsidering = None
        self.explain_again(self._clock.now)

    def explain_again(self, at: int, *, ways: bool = False) -> None:
        """Record at `at` ms why gangs wait of which that has been recorded, and is something else by now.

        `ways`: nothing comes after it; also what would give them places, of the first one of each workload.
        """
        waiting = self._waiting() if self._explained else {}
        told: set[tuple[str, str]] = set()
        for key, (before, number) in list(self._explained.items()):
            if key in waiting:
                gang = waiting[key]
                record = self._why_it_waits(gang, number, at)
                workload = gang.instance.kind, gang.instance.owner
                if ways and "room" in record.awaits and workload not in told:
                    told.add(workload)
                    record = self._ways.tell(record, gang, self._ahead_of(gang))
                if not record.says_as(before):
                    self._explained[key] = record, self._history.append(record)

    def _ahead_of(self, gang: PodGang) -> list[PodGang]:
        """The gangs that wait for room and have their places before it, where there are any, in their order."""

        def wants_room(each: PodGang) -> bool:
            explained = self._explained.get(each.request.key)
            return explained is None or "room" in explained[0].awaits

        by_kube_scheduler = sorted(self._gangs.values(), key=lambda each: -each.request.priority)
        if gang in by_kube_scheduler:
            ahead = by_kube_scheduler[: by_kube_scheduler.index(gang)]
        elif self._volcano is not None:
            # Volcano looks once a second, kube-scheduler at once.
            ahead = [*by_kube_scheduler, *self._volcano.ahead_of(gang)]
        return [
            each for each in ahead if wants_room(each) and not self._scheduler.is_promised(each.request.key)
        ]

    def explain_waiting(self, at: int) -> None:
        """Record at `at` ms why the first gang of each workload waits that has been looked at, where nobody has."""
        first: dict[tuple[str, str], PodGang] = {}
        for key, gang in self._waiting().items():
            workload = gang.instance.kind, gang.instance.owner
            if key in self._explained or workload not in first:
                first[workload] = gang
        for gang in first.values():
            if gang.request.key not in self._explained and not self.is_untried(gang):
                self.diagnose(gang, gang.pods[0].last, at)

    def _place_volcano_s(self, gang: PodGang, nodes: Mapping[Pod, NodeState]) -> None:
        """Volcano has given nodes to pods of a gang, which may be some of them."""
        self._explained.pop(gang.request.key, None)
        self._passed_over.discard(gang.request.key)
        placement = {pod: node.name for pod, node in nodes.items()}
        self._api.schedule(gang.instance, placement, gang.cause)
        gang.pods[0].owner.gang_placed(gang.pods if len(nodes) == len(gang.pods) else list(nodes))
        self._bind(gang, placement, BIND_NEXT * (len(nodes) - 1), less=MEAN_WAIT)

    def _evict_for_volcano(self, eviction: Eviction, gang: PodGang) -> None:
        self._preempt(eviction.victim.pod, eviction.victim.node, gang, drawn=eviction.drawn)

    def _run(self) -> None:
        self._wake = None
        placed = []
        for gang in self._new.values():
            if gang.prefer:
                placement = self._scheduler.place_now(gang.request, gang.prefer)
                if placement is None:
                    self._scheduler.submit(gang.request)
                else:
                    placed.append((gang.request, placement))
        now = self._clock.now / 1000
        placed += self._scheduler.run(now)
        self._new.clear()
        rooms, freed = self._scheduler.make_room(self._budgets)
        while freed:
            placed += self._scheduler.run(now)
            more, freed = self._scheduler.make_room(self._budgets)
            rooms += more
        for request, placement in placed:
            gang = self._gangs.pop(request.key)
            self._explained.pop(request.key, None)
            self._api.schedule(gang.instance, placement, gang.cause)
            gang.pods[0].owner.gang_placed(gang.pods)
            self._bind(gang, placement)
        for room in rooms:
            # What became free meanwhile may have served a gang without anybody going for it.
            if (waiting := self._gangs.get(room.gang.key)) is not None:
                for victim, node in room.victims:
                    self._preempt(victim, node.name, waiting)

    def _preempt(self, victim: ScheduledPod, node: str, gang: PodGang, *, drawn: bool = False) -> None:
        """Evict a pod for a gang: one of ours as any eviction, another one when its grace period is over."""
        pod, running = victim.key, self._running.get(node, {}).get(victim.key)
        if victim.terminating or (isinstance(pod, Pod) and pod.state is PodState.DELETING):
            return
        name = (
            pod.ref.name
            if isinstance(pod, Pod)
            else ""
            if running is None
            else f"{running.namespace}/{running.name}"
        )
        cause = self._history.append(
            PodPreempted(self._clock.now, gang.cause, name, node, gang.instance, drawn)
        )
        if isinstance(pod, Pod):
            self._api.evict(pod, "Preempted", cause)
        elif running is not None:
            victim.terminating = True
            grace = running.manifest["spec"].get("terminationGracePeriodSeconds")
            self._clock.after(1000 * (30 if grace is None else grace), self._running_gone, victim, node)

    def _running_gone(self, victim: ScheduledPod, node: str) -> None:
        if self._running.get(node, {}).pop(victim.key, None) is None:
            return  # its node has left meanwhile
        self._scheduler.release(victim.key)
        self._api.others_hold(-accelerator_count(victim.spec.requests))
        self._wake_up()

    def _bind(self, gang: PodGang, placement: Mapping[Any, str], more: int = 0, *, less: int = 0) -> None:
        """The whole gang is bound after one draw of the binding stage, of its first pod, or when its turn comes.

        `less`: so many ms of the stage have been played already; `more`: so many come on top.
        """
        pods = [pod for pod in gang.pods if pod in placement]
        now = self._clock.now
        if self._rate is not None:
            length: int | None = self._rate.bind(len(pods), now) - now
        else:
            length = self._bind_stage(pods[0])
            length = None if length is None else max(0, length - less) + more
        if length == 0:
            self._bound(pods, placement)
        elif length is not None:
            self._clock.after(length, self._bound, pods, placement)

    def _bind_stage(self, pod: Pod) -> int | None:
        length = pod.timings.bind
        if isinstance(length, Constant):
            return length.value
        return length.sample(self._streams.named(f"stage/bind/{pod.stream_name}/{pod.restarts}"))

    def _bound(self, pods: Sequence[Pod], placement: Mapping[Any, str]) -> None:
        for pod in pods:
            if pod.state is PodState.PENDING:
                self._bind_pod(pod, placement[pod])

    def _bind_pod(self, pod: Pod, node: str, *, running: bool = False) -> None:
        if self._claims.matter:
            self._claims.placed(pod)
        self._api.bind(pod, self._api.machines[node], self._scheduler.rings_of(pod), running=running)


def _with_others(others: int, proof: str) -> str:
    """What pods need together with others of their PodGroup, to follow their name."""
    return (
        f"with {others} more pod{'s' if others > 1 else ''} of its PodGroup {proof}" if others > 0 else proof
    )
