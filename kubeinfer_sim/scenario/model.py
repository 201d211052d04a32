"""A scenario ready to simulate: plain, immutable records in milliseconds and bytes.

Pydantic models read what the user wrote (`schema.py`); these records are what the simulation consumes.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.manifest.accelerators import PLACES, Family, accelerators_of, common_family
from kubeinfer_sim.manifest.model import (
    SCHEDULERS,
    VOLCANO,
    Deployment,
    IntOrPercent,
    Kind,
    KubeInfer,
    WorkloadSpec,
)
from kubeinfer_sim.manifest.pod_group_annotations import GROUP_NAME
from kubeinfer_sim.manifest.releases import LATEST, Release, release_of
from kubeinfer_sim.scenario.actions.model import (
    Action,
    AddNodes,
    Apply,
    Create,
    Drain,
    EvictPods,
    Fault,
    ForceDelete,
    NodeDown,
    NodeUp,
    OutOfService,
    Put,
    RemoveNodes,
    SetTaint,
)
from kubeinfer_sim.scenario.cluster.model import (
    CONTROL_PLANE_TAINTS,
    ClusterObject,
    DisruptionBudget,
    NodeLifecycle,
    NodeSpec,
    ObjectKey,
    PriorityClass,
    ResourceQuota,
    RunningPod,
    ServiceSelector,
)
from kubeinfer_sim.scenario.faults.kinds import KINDS, Need
from kubeinfer_sim.scenario.faults.model import FaultPlan
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.timings.model import CrashBackOff, Timings, Transfers
from kubeinfer_sim.scenario.units import Millis

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.demand.curve import OfferedLoad
    from kubeinfer_sim.scenario.recovery.rules import RecoveryRule

W = TypeVar("W", KubeInfer, Deployment)


class Traffic(Struct, frozen=True):
    """How readiness becomes traffic, and what the requests are like. Times in milliseconds.

    Attributes:
        propagation: pod change -> EndpointSlice written and seen by the proxies.
        sync_period: shortest time between two rewrites of a node's rules.
        requests_per_second: that one serving instance (with perPod traffic: pod) gets; None: not known.
        request_duration: how long a request takes; None: not known.
    """

    propagation: Millis = 100
    sync_period: Millis = 1_000
    requests_per_second: float | None = None
    request_duration: Distribution | None = None


class Assumptions(Struct, frozen=True):
    """The switches of the semantics page; every report prints them. Times in milliseconds, None for never.

    `traffic` None: wholeInstance with Instance recovery, perPod with Pod recovery. `scheduler` None: the one that pods
    name.
    """

    start_barrier: Literal["instance", "role", "none"] = "instance"
    traffic: Literal["wholeInstance", "perPod"] | None = None
    replacement: Literal["TerminationComplete", "TerminationStarted"] = "TerminationComplete"
    unready_grace: Millis = 10_000
    unready_old: Literal["outsideBudget", "inOrder"] = "outsideBudget"
    middle_revision: Literal["replaced", "finished"] = "replaced"
    replaced_at_once: Literal["budget", "one"] = "budget"
    ordinals: Literal["lowestFree", "next", "fixed"] = "lowestFree"
    scale_in: Literal["oldFirst", "highestOrdinal"] = "oldFirst"
    old_instance_failure: Literal["replaceNew", "rebuildOld"] = "replaceNew"
    group_termination: Literal["together", "failedFirst"] = "together"
    startup_crash: Literal["rebuild", "kubelet"] = "rebuild"
    backoff: tuple[Millis, ...] = (0, 30_000, 60_000, 120_000, 240_000, 480_000, 600_000)
    backoff_reset: Millis = 1_200_000
    max_restarts: int | None = None
    max_restarts_window: Millis = 3_600_000
    keep_nodes: bool = False
    peer_loss_timeout: Millis | None = None
    progress_deadline: Millis | None = None
    scheduler: Literal["volcano", "kube-scheduler"] | None = None
    pod_group: Literal["new", "kept"] = "new"
    min_member: int | None = None
    placement: Literal["mostAllocated", "leastAllocated", "default"] = "mostAllocated"
    scheduling_rate: Literal["unlimited", "mindcluster"] = "unlimited"
    preemption: bool = False
    scale_subresource: Literal["none", "instance"] = "none"
    loads_after_sigterm: bool = True
    on_stall: Literal["wait", "abort"] = "wait"
    fault_scheduling: Literal["external-force", "external-force-pod-failed"] = "external-force"
    silent_faults: bool = False


class VolcanoConfiguration(Struct, frozen=True):
    """What Volcano's scheduler is configured to, as its chart ships it unless said otherwise.

    Attributes:
        preempts: the action `preempt` is on.
        binpack_weight, binpack_resources: of the plugin binpack, and of each resource there.
        queue: in which KubeInfers' PodGroups are.
        enqueues: the action `enqueue` is on: PodGroups are let in as their minResources fit.
    """

    preempts: bool = False
    binpack_weight: int = 1
    binpack_resources: Mapping[str, int] = field(default_factory=lambda: {"cpu": 1, "memory": 1})
    queue: str = "default"
    enqueues: bool = True


class ReadyLevel(Struct, frozen=True):
    """How many instances are to be ready: a number, or a share of the desired ones, rounded up; at most all."""

    name: str
    amount: IntOrPercent

    def of(self, desired: int) -> int:
        """The number, of so many desired."""
        return min(self.amount.of(desired, round_up=True), desired)


#: Any at all (when any is desired), as many as maxUnavailable leaves at the time, all that are desired.
ONE, BUDGET = ReadyLevel("one", IntOrPercent(1)), ReadyLevel("budget", IntOrPercent(0))
ALL = ReadyLevel("all", IntOrPercent(100, percent=True))


class AvailabilityObjective(Struct, frozen=True):
    """For how much of the time so many instances must be ready, and how long they may be missing at a time."""

    level: ReadyLevel
    at_least: Fraction | None = None
    longest_outage: Millis | None = None
    probability: Fraction | None = None


class Objectives(Struct, frozen=True):
    """What must hold of every KubeInfer; None means not asked for.

    Attributes:
        min_ready_instances: a percentage counts from what is desired at first, rounded up.
        min_capacity: integral of capacity over desired, at least.
        max_unserved: part of the offered load that may go unserved; `max_overload`: time in which it may.
        probabilities: by an objective's key in the scenario, in which part of all runs it must hold; the others must
            in every one.
        objects: what must hold of one workload, by kind and name; of one there may be several.
        unchanged: the KubeInfers of which nothing comes or goes, so that nothing of them could complete.
    """

    min_ready_instances: int | IntOrPercent | None = None
    completes: bool | None = None
    completes_within: Millis | None = None
    max_lost_instance_seconds: float | None = None
    no_stall: bool | None = None
    availability: tuple[AvailabilityObjective, ...] = ()
    min_capacity: Fraction | None = None
    max_unserved: Fraction | None = None
    max_overload: Millis | None = None
    probabilities: Mapping[str, Fraction] = field(default_factory=dict)
    objects: tuple[tuple[Kind, str, Objectives], ...] = ()
    unchanged: frozenset[str] = frozenset()

    def of(self, kubeinfer: str) -> Objectives:
        """What a KubeInfer is asked: of one that nothing changes not that it completes."""
        if kubeinfer not in self.unchanged:
            return self
        return replace(self, completes=None, completes_within=None)


class Linted(Struct, frozen=True):
    """What lint says of what owns pods (`kind` and `owner`, its name) as files have it: of these revisions."""

    kind: Kind
    owner: str
    finding: Diagnostic
    revisions: tuple[str, ...]


class Configured(Struct, frozen=True):
    """What of a scenario a configuration file gave: the file, and each fact with its value (`cluster 16x8`)."""

    file: str
    facts: tuple[str, ...]


class Scenario(Struct, frozen=True):
    """Everything a simulation needs but the seed's streams.

    Attributes:
        workloads: the KubeInfers, then all others, as they are at time 0; each can be told by kind and name.
        initial: `running`: their pods run and are ready at time 0 (where they fit); `empty`: they are created at
            time 0.
        actions: in order of time, ties in the order written.
        horizon: stop at this time; None runs until settled.
        recovery: what Custom recovery does, the first rule that matches; without rules the kubelet decides.
        quiet_after: when running until settled, give up after this long without progress.
        defaults: one line per default in force that the user did not set, for reports; not the assumptions,
            which reports print with their values anyway.
        warnings: what is legal in the manifests but will surprise.
        lint: what lint says of what owns pods, where a run can show it.
        running: pods that hold their places on the nodes, throughout or until they are preempted.
        services: which pods kube-scheduler's default scores spread.
        priority_classes: beside those that every cluster has.
        faults: fault processes, and how NPUs are looked after; None: faults on the time line alone, defaults.
        objects: what owns no pods and is there at time 0, budgets and classes included.
        absent: objects that pods name and that are not there at time 0; of others nothing says so.
        configuration: what of it no scenario says but a configuration file; None: nothing.
        confidence: with which objectives that have a probability are decided, over many runs.
    """

    name: str
    workloads: tuple[WorkloadSpec, ...]
    nodes: tuple[NodeSpec, ...]
    timings: Timings
    initial: Literal["running", "empty"] = "running"
    actions: tuple[Action, ...] = ()
    assumptions: Assumptions = Assumptions()
    volcano: VolcanoConfiguration = field(default_factory=VolcanoConfiguration)
    recovery: tuple[RecoveryRule, ...] = ()
    objectives: Objectives = Objectives()
    horizon: Millis | None = None
    quiet_after: Millis = 86_400_000
    node_lifecycle: NodeLifecycle = field(default_factory=NodeLifecycle)
    crash_back_off: CrashBackOff = field(default_factory=CrashBackOff)
    traffic: Traffic | None = None
    load: OfferedLoad | None = None
    disruption_budgets: tuple[DisruptionBudget, ...] = ()
    seed: int = 0
    kubernetes_version: str = LATEST.version
    broken_images: frozenset[str] = frozenset()
    schedulers: frozenset[str] = frozenset(SCHEDULERS)
    transfers: Transfers = field(default_factory=Transfers)
    defaults: tuple[str, ...] = ()
    description: str = ""
    warnings: tuple[Diagnostic, ...] = ()
    lint: tuple[Linted, ...] = ()
    running: tuple[RunningPod, ...] = ()
    priority_classes: tuple[PriorityClass, ...] = ()
    services: tuple[ServiceSelector, ...] = ()
    faults: FaultPlan | None = None
    objects: tuple[ClusterObject, ...] = ()
    absent: frozenset[ObjectKey] = frozenset()
    configuration: Configured | None = None
    confidence: Fraction = Fraction(19, 20)

    @property
    def kubernetes(self) -> Release:
        """What its release of Kubernetes does."""
        return release_of(self.kubernetes_version)

    @property
    def asks_for_accelerators(self) -> bool:
        """Whether any pod of its workloads does."""
        specs = (*self.workloads, *self.created)
        return any(accelerators_of(each.requests) for spec in specs for each in spec.pod_templates)

    @property
    def waited_for(self) -> Family:
        """What pods wait for that are not placed: accelerators, or, where none of them asks for one, places."""
        return self.accelerator_family if self.asks_for_accelerators else PLACES

    @property
    def accelerator_family(self) -> Family:
        """The family of the accelerators that its nodes offer and its pods ask for: what reports call them."""
        specs = (*self.workloads, *self.created)
        pods = [template.requests for each in specs for template in each.pod_templates]
        # Nodes of a pool share what they offer.
        offered = {id(node.allocatable): node.allocatable for node in self.nodes_ever}
        return common_family([*offered.values(), *pods])

    @property
    def drawn(self) -> tuple[str, ...]:
        """What of it is drawn, so that another seed may give quite another run: `stages`, `faults`."""
        random = any(isinstance(each, Fault) and each.random for each in self.actions)
        faults = random or (self.faults is not None and bool(self.faults.processes))
        return (*(() if self.timings.constant else ("stages",)), *(("faults",) if faults else ()))

    @property
    def may_pass_undisturbed(self) -> bool:
        """Whether that nothing happens is one of its outcomes: faults are drawn, and there is no action."""
        return self.faults is not None and bool(self.faults.processes) and not self.actions

    @property
    def uses_volcano(self) -> bool:
        """Whether Volcano places any pods: those that name it, unless kube-scheduler is taken to place all."""
        assumed = self.assumptions.scheduler
        changed = (each.workload for each in self.actions if isinstance(each, Apply))
        return assumed != "kube-scheduler" and any(
            each.scheduler_name == VOLCANO or (assumed == "volcano" and isinstance(spec, KubeInfer))
            for spec in (*self.workloads, *self.created, *changed)
            for each in spec.pod_templates
        )

    @property
    def placed_by(self) -> tuple[str, ...]:
        """Who places its pods, by name."""
        if not self.uses_volcano:
            return ("kube-scheduler",)
        own = self.assumptions.scheduler is None
        others = any(
            each.scheduler_name != VOLCANO and (own or not isinstance(spec, KubeInfer))
            for spec in (*self.workloads, *self.created)
            for each in spec.pod_templates
        )
        return ("kube-scheduler", "Volcano") if others else ("Volcano",)

    @property
    def gangs_by_kube_scheduler(self) -> bool:
        """Whether kube-scheduler places instances of several pods, which are taken to be placed whole all the same."""
        assumed = self.assumptions.scheduler
        return assumed != "volcano" and any(
            isinstance(spec, KubeInfer)
            and sum(role.replicas for role in spec.roles) > 1
            and (assumed is not None or any(each.scheduler_name != VOLCANO for each in spec.pod_templates))
            for spec in (*self.workloads, *self.created)
        )

    @property
    def important_groups(self) -> bool:
        """Whether Volcano places instances with a PriorityClass, which their PodGroups are taken to have as well."""
        assumed = self.assumptions.scheduler
        return assumed != "kube-scheduler" and any(
            each.priority_class_name
            and GROUP_NAME not in each.annotations
            and (assumed is not None or each.scheduler_name == VOLCANO)
            for spec in (*self.workloads, *self.created)
            if isinstance(spec, KubeInfer)
            for each in spec.pod_templates
        )

    @property
    def nodes_ever(self) -> tuple[NodeSpec, ...]:
        """The nodes at the start, and those that join later."""
        later = (node for each in self.actions if isinstance(each, AddNodes) for node in each.nodes)
        return (*self.nodes, *later)

    @property
    def kubeinfers(self) -> tuple[KubeInfer, ...]:
        """The KubeInfers among its workloads, each as it is first."""
        return self._of_type(KubeInfer)

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """The Deployments among its workloads, each as it is first."""
        return self._of_type(Deployment)

    @property
    def number_of_workloads(self) -> int:
        """How many workloads there are or come, Pods that nobody owns aside."""
        every = (*self.workloads, *self.created)
        return len({(each.kind, each.name) for each in every if each.kind != "Pod"})

    @property
    def has_quotas(self) -> bool:
        """Whether there is, or comes, a ResourceQuota."""
        later = (each.object for each in self.actions if isinstance(each, Put))
        return any(isinstance(each.content, ResourceQuota) for each in (*self.objects, *later))

    @property
    def created(self) -> tuple[WorkloadSpec, ...]:
        """The workloads that somebody creates while it runs."""
        return tuple(each.workload for each in self.actions if isinstance(each, Create))

    def _of_type(self, kind: type[W]) -> tuple[W, ...]:
        workloads = [each for each in (*self.workloads, *self.created) if isinstance(each, kind)]
        return tuple({each.name: each for each in reversed(workloads)}.values())[::-1]

    @property
    def namespaces(self) -> frozenset[str]:
        """Those that its workloads are in."""
        return frozenset(each.namespace for each in (*self.workloads, *self.created))

    def version_of(self, kind: Kind, name: str) -> WorkloadSpec:
        """The workload of this kind and name as it is first.

        Raises:
            StopIteration: there is none.
        """
        specs = (*self.workloads, *self.created)
        return next(each for each in specs if (each.kind, each.name) == (kind, name))

    @property
    def kubeinfer(self) -> KubeInfer:
        """The KubeInfer of a scenario with just one.

        Raises:
            ValueError: there is none, or there are several.
        """
        (only,) = self.kubeinfers
        return only

    @property
    def serves_whole(self) -> bool:
        """Whether an instance with a pod that is not ready leaves traffic as a whole."""
        if not self.kubeinfers:
            return self.assumptions.traffic in (None, "wholeInstance")
        return any(self.serves_whole_of(each) for each in self.kubeinfers)

    def serves_whole_of(self, kubeinfer: KubeInfer) -> bool:
        """The same of the instances of one KubeInfer."""
        if self.assumptions.traffic is not None:
            return self.assumptions.traffic == "wholeInstance"
        return {role.recovery_policy.restart for role in kubeinfer.roles} != {"Pod"}

    @property
    def loses_nodes(self) -> bool:
        """Whether any node can fail, or somebody says that one has."""
        return self._faults_need("nodeFailures") or any(
            isinstance(each, NodeDown | NodeUp | OutOfService | ForceDelete | RemoveNodes)
            or (isinstance(each, SetTaint) and each.taint.key.startswith(CONTROL_PLANE_TAINTS))
            for each in self.actions
        )

    @property
    def devices_change(self) -> bool:
        """Whether devices may be lost or be found unhealthy, so that it matters which of them a pod has."""
        return self.loses_nodes or bool(self.fault_kinds)

    @property
    def has_no_execute_taints(self) -> bool:
        """Whether any node has, or gets from somebody, a taint that evicts pods."""
        set_later = (each.taint for each in self.actions if isinstance(each, SetTaint))
        of_nodes = (taint for node in self.nodes_ever for taint in node.taints)
        return any(taint.effect == "NoExecute" for taint in (*set_later, *of_nodes))

    @property
    def drains_nodes(self) -> bool:
        """Whether any node is drained."""
        return self._faults_need("drains") or any(isinstance(each, Drain) for each in self.actions)

    @property
    def heeds_budgets(self) -> bool:
        """Whether anything may ask a disruption budget: a drain, or a choice of pods to be evicted for others."""
        asks = any(isinstance(each, EvictPods) for each in self.actions)
        later = any(
            isinstance(each, Put) and isinstance(each.object.content, DisruptionBudget)
            for each in self.actions
        )
        return asks or self.drains_nodes or later or bool(self.disruption_budgets)

    def _faults_need(self, need: Need) -> bool:
        return any(need in KINDS[kind].needs for kind in self.fault_kinds)

    @property
    def fault_kinds(self) -> set[str]:
        """The kinds of faults it has."""
        kinds = {each.kind for each in self.actions if isinstance(each, Fault)}
        processes = () if self.faults is None else self.faults.processes
        return kinds | {part.kind for process in processes for part in process.mix}
