"""An instance: all pods of all roles that serve together, and how many of them are ready."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from kubeinfer_sim.cluster.reasons import Refusal
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.manifest.kubeinfer import API_GROUP

if TYPE_CHECKING:
    from kubeinfer_sim.cluster.pod import Pod
    from kubeinfer_sim.cluster.records import InstanceRef, Place
    from kubeinfer_sim.cluster.scheduler.pod_gang import InstanceGroup, PodGang
    from kubeinfer_sim.cluster.start_barrier import StartBarrier
    from kubeinfer_sim.controllers.kubeinfer.rebuild import Rebuild
    from kubeinfer_sim.controllers.kubeinfer.restart_history import RestartHistory
    from kubeinfer_sim.engine.clock import Timer
    from kubeinfer_sim.manifest.model import KubeInfer


class InstanceState(Enum):
    """Where an instance is in its life."""

    STARTING = "starting"  # some pod not ready, and it has not been ready since it was made or restarted
    READY = "ready"
    CONCERNING = "concerning"  # was ready, and some pod is not
    RESTARTING = "restarting"  # recovery deletes its pods and makes a new gang
    FAILED = "failed"  # used up its restarts
    TERMINATING = "terminating"


class Instance:
    """One instance.

    Attributes:
        spec: the KubeInfer it was made from; its roles and revision never change.
        incarnation: counts its gangs, from 0.
        pods: the pods that exist (terminating ones included).
        served: those that have been ready since a container of theirs last died.
        pod_group: the PodGroup of its pods; None before they are made first.
        gangs: those of its pods that still wait for nodes, as they are queued.
        barriers: role -> the start barrier its pods stand at.
        ready_pods: how many of its current pods are ready.
        wanted: how many pods it takes to be ready.
        was_ready: it has been ready at least once.
        failure: why it is not ready, in the word of its pods, or "".
        unready_since: since when it has not been ready without a break.
        ready_incarnation: the latest in which it has been ready.
        overdue: it has not been ready for the grace of rule 4 (or never was).
        failed_starts: how often a pod failed since the instance was last ready (or made).
        died: the places of pods of which a container died since it was last ready.
        reloads: it was ready, and what failed of it since then has not failed before: it is on its way again.
        refusals: how often in a row the API server has refused its pods; `refusal` is what was told of that last.
        rejected: the generation of the pod at each place that its node rejected last.
        progressing: it is on its way to ready, as far as the controller can see.
        wait: the back-off before its next gang, in ms.
        first: the failed pod that has to be gone before the others are deleted.
        keep: the node of each place in the gang that is being rebuilt.
        rebuilds: what is being rebuilt of it while the rest runs on, by each place concerned.
        restoring: pods it had given up and does without until they are ready again.
        restoring_gangs: those of them that wait for nodes.
        timers: what recovery waits for (back-off, delays of rules); a new incarnation forgets them.
        last: id of the latest record about it.
    """

    __slots__ = (
        "barriers",
        "died",
        "failed_starts",
        "failure",
        "first",
        "gangs",
        "grace_timer",
        "incarnation",
        "keep",
        "last",
        "overdue",
        "pod_group",
        "pods",
        "progressing",
        "ready_incarnation",
        "ready_pods",
        "rebuilds",
        "recovery",
        "ref",
        "refusal",
        "refusals",
        "rejected",
        "reloads",
        "restoring",
        "restoring_gangs",
        "served",
        "spec",
        "state",
        "timers",
        "unready_since",
        "wait",
        "wanted",
        "was_ready",
    )

    #: What the vendor's API server calls it (`cluster.pod.Controller`).
    resource = f"instances.{API_GROUP}"

    def __init__(self, ref: InstanceRef, spec: KubeInfer) -> None:
        self.ref = ref
        self.spec = spec
        self.state = InstanceState.STARTING
        self.incarnation = 0
        self.pods: dict[Pod, None] = {}
        self.served: set[Pod] = set()
        self.pod_group: InstanceGroup | None = None
        self.gangs: dict[PodGang, None] = {}
        self.barriers: dict[str, StartBarrier[Pod]] = {}
        self.ready_pods = 0
        self.wanted = sum(role.replicas for role in spec.roles)
        self.was_ready = False
        self.failure = ""
        self.unready_since = 0
        self.ready_incarnation = 0
        self.overdue = True
        self.failed_starts = 0
        self.died: set[Place] = set()
        self.reloads = False
        self.refusals = 0
        self.refusal: Refusal | None = None
        self.rejected: dict[Place, int] = {}
        self.progressing = False
        self.wait = 0
        self.first: Pod | None = None
        self.keep: dict[Place, str] = {}
        self.rebuilds: dict[Place, Rebuild] = {}
        self.restoring: dict[Pod, None] = {}
        self.restoring_gangs: dict[PodGang, None] = {}
        self.timers: list[Timer] = []
        self.grace_timer: Timer | None = None
        self.recovery: RestartHistory | None = None
        self.last = NO_CAUSE

    @property
    def revision(self) -> str:
        """Hash of the role templates."""
        return self.spec.revision

    @property
    def replicas(self) -> int:
        """How many pods it should have (`cluster.pod.Controller`)."""
        return self.wanted

    @property
    def ready(self) -> bool:
        """Every pod of every role is Ready."""
        return self.state is InstanceState.READY

    @property
    def terminating(self) -> bool:
        """It is being deleted for good."""
        return self.state is InstanceState.TERMINATING

    @property
    def incarnation_over(self) -> bool:
        """All of it is being rebuilt or deleted: whatever fails in it now is of no consequence."""
        return self.state in (InstanceState.RESTARTING, InstanceState.FAILED, InstanceState.TERMINATING)

    @property
    def rebuilt_once(self) -> bool:
        """Whether it, or a part of it, is being rebuilt for the first time since it was ready."""
        restarted = self.incarnation - self.ready_incarnation
        if restarted:
            return restarted == 1
        return bool(self.rebuilds) or any(pod not in self.served for pod in self.pods)

    def group(self, pod: Pod) -> list[Pod]:
        """The pods of the same role, itself included: their engines are taken for one collective group."""
        return [other for other in self.pods if other.ref.role == pod.ref.role]

    def forget_parts(self) -> None:
        """All of it is deleted: nothing is waited for, and no part of it is rebuilt by itself."""
        self.first = None
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()
        self.rebuilds.clear()
        self.restoring.clear()
