"""The objects that own pods, as the simulator uses them: plain, immutable records, defaults filled in.

What the simulator does not use stays in `raw`. Quantities are whole numbers: cpu in millicores, everything
else (memory, ephemeral-storage, huawei.com/ascend-1980 ...) in whole units rounded up, as in
kube-scheduler's Resource (pkg/scheduler/framework/types.go).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar, Literal

from msgspec import Struct, field

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.accelerators import accelerator_count

Resources = Mapping[str, int]

#: Schedulers that are simulated: kube-scheduler, and Volcano with its gangs.
KUBE_SCHEDULER, VOLCANO = SCHEDULERS = ("default-scheduler", "volcano")

#: The label on a pod template that ties KubeInfer to the Ascend device plugin, when it is "true".
RESET_LABEL = "modelarts-infer-npu-reset-enable"
#: The update strategy of a StatefulSet or DaemonSet under which pods go when somebody deletes them.
ON_DELETE = "OnDelete"


class IntOrPercent(Struct, frozen=True):
    """`3` or `20%`; `value` is the number before the percent sign."""

    value: int
    percent: bool = False

    def of(self, total: int, *, round_up: bool) -> int:
        """The number itself, or the percentage of a total: the one place where a percentage is rounded.

        In whole numbers only: 286 % of 100 is no float. Source: k8s.io/apimachinery pkg/util/intstr/intstr.go,
        GetScaledValueFromIntOrPercent.
        """
        if not self.percent:
            return self.value
        share = self.value * total
        return -(-share // 100) if round_up else share // 100

    @property
    def exceeds_all(self) -> bool:
        """It is a percentage of more than 100."""
        return self.percent and self.value > 100

    def __str__(self) -> str:
        return f"{self.value}%" if self.percent else str(self.value)


class Probe(Struct, frozen=True):
    """A probe with the API server's defaults filled in (pkg/apis/core/v1/defaults.go). Seconds and counts."""

    handler: Literal["exec", "httpGet", "tcpSocket", "grpc"] = "exec"
    initial_delay_seconds: int = 0
    timeout_seconds: int = 1
    period_seconds: int = 10
    success_threshold: int = 1
    failure_threshold: int = 3
    termination_grace_period_seconds: int | None = None


class Hook(Struct, frozen=True):
    """A postStart or preStop hook. `sleep_seconds` is known for `sleep` handlers only."""

    handler: Literal["exec", "httpGet", "tcpSocket", "sleep"]
    sleep_seconds: int | None = None
    command: tuple[str, ...] = ()


class RestartRule(Struct, frozen=True):
    """One of a container's restartPolicyRules: what follows when it ends with one of these exit codes.

    `none_of`: when it ends with any other (operator NotIn).
    """

    action: Literal["Restart", "RestartAllContainers"]
    exit_codes: frozenset[int]
    none_of: bool = False

    def matches(self, exit_code: int) -> bool:
        """Whether it is about this exit code."""
        return (exit_code in self.exit_codes) is not self.none_of


class Container(Struct, frozen=True):
    """A container of a pod template.

    `restart_policy` is its own, in place of the pod's; an init container with `Always` is a sidecar.
    """

    name: str
    image: str
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    startup_probe: Probe | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    pre_stop: Hook | None = None
    post_start: Hook | None = None
    requests: Resources = field(default_factory=dict)
    limits: Resources = field(default_factory=dict)
    restart_policy: str | None = None
    restart_rules: tuple[RestartRule, ...] = ()


class NodeSelectorRequirement(Struct, frozen=True):
    """One expression of a node selector term."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


class NodeSelectorTerm(Struct, frozen=True):
    """Expressions and fields, all of which must hold."""

    match_expressions: tuple[NodeSelectorRequirement, ...] = ()
    match_fields: tuple[NodeSelectorRequirement, ...] = ()


class Toleration(Struct, frozen=True):
    """A toleration; an empty key with `Exists` tolerates everything, an empty effect all effects."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None


class PodTemplate(Struct, frozen=True, dict=True):
    """The part of a PodTemplateSpec the simulator uses; `raw` holds all of it, defaults filled in.

    Since `raw` is the effective template, a copy fetched from the cluster and the file it was applied from
    have the same revision.

    Attributes:
        preempts: its pods may have others evicted for them; not with preemptionPolicy Never.
        requests: what one pod asks of a node: max(containers + sidecars, peak of init phases) + overhead.
        priority: of its pods; admission has it from their PriorityClass.
        node_name: the node its pods are on without a scheduler having been asked; "" where none is named.
        scheduling_gates, readiness_gates, finalizers: of its pods, by name.
        active_deadline_seconds: for how long its pods may be on their node; None: for ever.
        required_node_affinity: the terms of requiredDuringScheduling…, ORed; None when there is none.
        weights_volume: `local` (hostPath), `shared` (claims, nfs, csi …) or `none`: where weights come from.
    """

    containers: tuple[Container, ...]
    init_containers: tuple[Container, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    required_node_affinity: tuple[NodeSelectorTerm, ...] | None = None
    tolerations: tuple[Toleration, ...] = ()
    termination_grace_period_seconds: int = 30
    restart_policy: Literal["Always", "OnFailure", "Never"] = "Always"
    scheduler_name: str = "default-scheduler"
    priority_class_name: str = ""
    priority: int = 0
    preempts: bool = True
    requests: Resources = field(default_factory=dict)
    weights_volume: Literal["local", "shared", "none"] = "none"
    node_name: str = ""
    scheduling_gates: tuple[str, ...] = ()
    readiness_gates: tuple[str, ...] = ()
    finalizers: tuple[str, ...] = ()
    active_deadline_seconds: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def accelerators(self) -> int:
        """How many accelerators one pod takes, all kinds together."""
        return accelerator_count(self.requests)

    @cached_property
    def engine(self) -> Container:
        """The container that runs the inference engine: the first that asks for accelerators, else the first."""
        asking = (each for each in self.containers if accelerator_count(each.requests or each.limits))
        return next(asking, self.containers[0])

    @property
    def has_hooks(self) -> bool:
        """Whether any of its containers has a postStart hook."""
        return any(each.post_start is not None for each in self.containers)


class Hold(Struct, frozen=True):
    """A gate or a finalizer of a pod template.

    Attributes:
        what: "scheduling gate", "readiness gate", "finalizer".
        path: where it stands in the document.
    """

    what: str
    name: str
    path: Path


def holds_of(template: PodTemplate, path: Path) -> Iterator[Hold]:
    """All of a template, which stands at a path of its document."""
    for index, name in enumerate(template.scheduling_gates):
        yield Hold("scheduling gate", name, (*path, "spec", "schedulingGates", index, "name"))
    for index, name in enumerate(template.readiness_gates):
        yield Hold("readiness gate", name, (*path, "spec", "readinessGates", index, "conditionType"))
    for index, name in enumerate(template.finalizers):
        yield Hold("finalizer", name, (*path, "metadata", "finalizers", index))


class RecoveryPolicy(Struct, frozen=True):
    """What is restarted when a pod of the role fails."""

    restart: Literal["Instance", "Pod", "Custom"] = "Instance"
    type: Literal["Restart"] = "Restart"


class Role(Struct, frozen=True):
    """A role of an instance: `replicas` pods from one template."""

    name: str
    template: PodTemplate
    replicas: int = 1
    recovery_policy: RecoveryPolicy = RecoveryPolicy()


class RollingUpdate(Struct, frozen=True):
    """Budgets of InstanceRollingUpdate, as written (or the generator's 20 %)."""

    max_surge: IntOrPercent = IntOrPercent(20, percent=True)
    max_unavailable: IntOrPercent = IntOrPercent(20, percent=True)


class NetworkService(Struct, frozen=True):
    """A Service of the whole KubeInfer; `spec` as written."""

    name: str
    spec: Mapping[str, Any]


#: Kinds of objects that own pods.
Kind = Literal["KubeInfer", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Pod"]
#: Those whose pods stand in instances, by role and place, and are made and rebuilt together.
KINDS_WITH_ROLES: frozenset[Kind] = frozenset(("KubeInfer",))
#: Those that make their pods from templates: all but a Pod.
KINDS_WITH_TEMPLATES: tuple[Kind, ...] = ("KubeInfer", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")
#: Those that roll a new template out; of a file that has several, the first of these is meant.
KINDS_ROLLED_OUT: tuple[Kind, ...] = ("KubeInfer", "Deployment", "StatefulSet", "DaemonSet")


class KubeInfer(Struct, frozen=True, dict=True):
    """One KubeInfer object.

    Attributes:
        source: `file:line` of the document, for messages.
        raw: the document as written.
    """

    kind: ClassVar[Kind] = "KubeInfer"

    name: str
    roles: tuple[Role, ...]
    namespace: str = "default"
    replicas: int = 1
    rolling_update: RollingUpdate = RollingUpdate()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    network_services: tuple[NetworkService, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    @property
    def pod_templates(self) -> tuple[PodTemplate, ...]:
        """What its pods are made from, a template for each role."""
        return tuple(role.template for role in self.roles)

    @property
    def ties_device_plugin(self) -> bool:
        """Whether the device plugin acts for some of its pods: their template carries the label for it."""
        return any(each.labels.get(RESET_LABEL) == "true" for each in self.pod_templates)

    @property
    def weights_key(self) -> str:
        """Which weights its engines load: the label `app.model`, else the KubeInfer's name."""
        return self.labels.get("app.model", self.name)

    @cached_property
    def revision(self) -> str:
        """Hash of the role templates: ten hex digits, equal for equal templates whatever else differs.

        A role's replicas and recovery policy count (they shape the pods of an instance and its behaviour);
        the KubeInfer's own replicas, strategy, services, labels and annotations do not.
        """
        roles = [
            {
                "name": role.name,
                "replicas": role.replicas,
                "recoveryPolicy": role.recovery_policy.restart,
                "template": role.template.raw,
            }
            for role in self.roles
        ]
        text = json.dumps(roles, sort_keys=True, default=str, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]


class OfOneTemplate:
    """What objects have in common that own pods of one template, or are a pod."""

    name: str
    template: PodTemplate
    labels: Mapping[str, str]

    @property
    def pod_templates(self) -> tuple[PodTemplate, ...]:
        """What its pods are made from."""
        return (self.template,)

    @property
    def ties_device_plugin(self) -> bool:
        """Whether the device plugin acts for some of its pods: the label for it means nothing on these kinds."""
        return False

    @property
    def weights_key(self) -> str:
        """Which weights its engines load: the label `app.model`, else the object's name."""
        return self.labels.get("app.model", self.name)

    @cached_property
    def revision(self) -> str:
        """Hash of the pod template: ten hex digits, equal for equal templates (the pod-template-hash's part)."""
        return template_hash(self.template)


class Deployment(Struct, OfOneTemplate, frozen=True):
    """One Deployment object (apps/v1), with the API server's defaults (pkg/apis/apps/v1/defaults.go).

    Attributes:
        strategy: `RollingUpdate` or `Recreate`; `rolling_update` counts only for the first.
        min_ready_seconds: how long a pod must have been ready to count as available.
        progress_deadline_seconds: how long a rollout may go without progress before it is reported; None: never.
        revision_history_limit: how many old ReplicaSets are kept; None: all.
        source: `file:line` of the document, for messages.
        raw: the document as written.
    """

    kind: ClassVar[Kind] = "Deployment"

    name: str
    template: PodTemplate
    namespace: str = "default"
    replicas: int = 1
    strategy: Literal["RollingUpdate", "Recreate"] = "RollingUpdate"
    rolling_update: RollingUpdate = RollingUpdate(
        IntOrPercent(25, percent=True), IntOrPercent(25, percent=True)
    )
    min_ready_seconds: int = 0
    progress_deadline_seconds: int | None = 600
    revision_history_limit: int | None = 10
    paused: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""


class ReplicaSet(Struct, OfOneTemplate, frozen=True):
    """One ReplicaSet object (apps/v1) that no Deployment owns, with the API server's defaults.

    Attributes:
        min_ready_seconds: how long a pod must have been ready to count as available.
        source: `file:line` of the document, for messages.
        raw: the document as written.
    """

    kind: ClassVar[Kind] = "ReplicaSet"
    #: Which pods an update leaves as they are, whatever comes: it makes pods, and replaces none.
    leaves: ClassVar[str] = "a ReplicaSet only makes pods"

    name: str
    template: PodTemplate
    namespace: str = "default"
    replicas: int = 1
    min_ready_seconds: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""


class StatefulSet(Struct, OfOneTemplate, frozen=True):
    """One StatefulSet object (apps/v1), with the API server's defaults.

    Attributes:
        parallel: podManagementPolicy Parallel: its pods do not wait for each other.
        on_delete: updateStrategy OnDelete: pods are replaced only when somebody deletes them.
        partition: pods of a lower ordinal keep the template they have.
        max_unavailable: how many pods an update may take down at once.
        first_ordinal: `spec.ordinals.start`.
        min_ready_seconds: how long a pod must have been ready to count as available.
        revision_history_limit: how many templates that no pod has are kept, beside the newest.
        source: `file:line` of the document, for messages.
        raw: the document as written.
    """

    kind: ClassVar[Kind] = "StatefulSet"

    name: str
    template: PodTemplate
    namespace: str = "default"
    replicas: int = 1
    parallel: bool = False
    on_delete: bool = False
    partition: int = 0
    max_unavailable: IntOrPercent = IntOrPercent(1)
    first_ordinal: int = 0
    min_ready_seconds: int = 0
    revision_history_limit: int = 10
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    @property
    def leaves(self) -> str:
        """Which pods an update leaves as they are, or why it replaces none; "" where it replaces all."""
        if self.on_delete:
            return ON_DELETE
        return f"partition {self.partition}" if self.partition else ""


class DaemonSet(Struct, OfOneTemplate, frozen=True):
    """One DaemonSet object (apps/v1), with the API server's defaults.

    Attributes:
        on_delete: updateStrategy OnDelete: pods are replaced only when somebody deletes them.
        rolling_update: its budgets, in nodes: one of the two is 0.
        min_ready_seconds: how long a pod must have been ready to count as available.
        revision_history_limit: how many templates that no pod has are kept, beside the newest.
        source: `file:line` of the document, for messages.
        raw: the document as written.
    """

    kind: ClassVar[Kind] = "DaemonSet"
    #: Of the pods it has only the nodes tell.
    replicas: ClassVar[int] = 1

    name: str
    template: PodTemplate
    namespace: str = "default"
    on_delete: bool = False
    rolling_update: RollingUpdate = RollingUpdate(IntOrPercent(0), IntOrPercent(1))
    min_ready_seconds: int = 0
    revision_history_limit: int = 10
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    @property
    def leaves(self) -> str:
        """Why an update replaces no pod; "" where it replaces all."""
        return ON_DELETE if self.on_delete else ""


class BarePod(Struct, OfOneTemplate, frozen=True):
    """One Pod object that nothing controls: nobody makes another when it is gone.

    Attributes:
        template: the Pod itself, as the template of one.
        source: `file:line` of the document, for messages.
        raw: the document as written.
    """

    kind: ClassVar[Kind] = "Pod"
    replicas: ClassVar[int] = 1

    name: str
    template: PodTemplate
    namespace: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""


def template_hash(template: PodTemplate) -> str:
    """Ten hex digits, equal for equal templates (the part of the pod-template-hash)."""
    text = json.dumps(template.raw, sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


#: An object that owns pods of one template, or is one, as written.
PlainWorkload = Deployment | ReplicaSet | StatefulSet | DaemonSet | BarePod
#: An object that owns pods, as written.
WorkloadSpec = KubeInfer | PlainWorkload
