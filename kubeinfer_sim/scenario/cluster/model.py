"""The cluster as it is at the start: nodes, pods that run beside the workloads, budgets, settings of node failures."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from msgspec import Struct, field

from kubeinfer_sim.manifest.kubernetes.labels import Requirement
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity
from kubeinfer_sim.manifest.model import IntOrPercent, Resources, Toleration
from kubeinfer_sim.scenario.units import Millis

#: The control plane looks after the taints whose keys begin so (k8s.io/api core/v1/well_known_taints.go).
CONTROL_PLANE_TAINTS = "node.kubernetes.io/"


class Taint(Struct, frozen=True):
    """A node taint."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"

    def __str__(self) -> str:
        """As kubectl writes it: `key=value:NoExecute`."""
        return f"{self.key}{'=' if self.value else ''}{self.value}:{self.effect}"


class NpuTopology(Struct, frozen=True):
    """How the NPUs of a node, counted as `resource`, are linked: in rings of so many."""

    resource: str
    ring: int


class NodeSpec(Struct, frozen=True):
    """One node at the start of the simulation.

    Attributes:
        allocatable: cpu in millicores, everything else in whole units; a resource not named is not offered.
        unlimited: resources the node never runs out of (cpu, memory when the user named only NPUs).
        images: images already on the node.
        weights: keys of the weights already in the node's page cache (`*` for all).
        unschedulable: cordoned.
        npu_topology: None where any NPUs of the node go together.
        ready: status of its Ready condition; `Unknown`: nobody has heard of it for long.
        price: what it costs in an hour; None where nobody says.
    """

    name: str
    pool: str
    allocatable: Resources
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    images: frozenset[str] = frozenset()
    weights: frozenset[str] = frozenset()
    unlimited: frozenset[str] = frozenset()
    unschedulable: bool = False
    npu_topology: NpuTopology | None = None
    ready: Literal["True", "False", "Unknown"] = "True"
    price: Fraction | None = None


class RunningPod(Struct, frozen=True):
    """A pod that runs on the cluster beside the KubeInfer: it keeps what it has, and its neighbours' rules hold.

    Attributes:
        manifest: what the scheduler reads of it, as decoded: labels, owner, and parts of its spec. Pods that differ in
            nothing of this share one.
        requests: what it takes of its node; cpu in millicores, everything else in whole units.
    """

    namespace: str
    name: str
    node: str
    manifest: Mapping[str, Any]
    requests: Resources


class NodeLifecycle(Struct, frozen=True):
    """Settings of what follows a node's failure.

    Attributes:
        grace: --node-monitor-grace-period: 50 s, up to 1.31 40 s.
        toleration_seconds: what the API server grants pods that do not say (DefaultTolerationSeconds).
    """

    grace: Millis = 50_000
    toleration_seconds: int = 300


class PriorityClass(Struct, frozen=True):
    """How important the pods are that name it.

    Attributes:
        preempts: they may have others evicted for them (preemptionPolicy).
        is_default: it is that of pods that name none (globalDefault).
    """

    name: str
    value: int
    preempts: bool = True
    is_default: bool = False


class ServiceSelector(NamedTuple):
    """Which pods a Service is of: those of its namespace with these labels."""

    namespace: str
    labels: Mapping[str, str]


class DisruptionBudget(Struct, frozen=True):
    """A PodDisruptionBudget of one namespace: exactly one of `min_available` and `max_unavailable`.

    `where` is the file and line it is written at, as `file:line`.
    """

    name: str
    selector: tuple[Requirement, ...]
    min_available: IntOrPercent | None = None
    max_unavailable: IntOrPercent | None = None
    always_allow_unhealthy: bool = False
    where: str = ""
    namespace: str = "default"


class QuotaScope(Struct, frozen=True):
    """Which pods a quota is about, with the scope's own name; operator and values are those of scope PriorityClass."""

    name: str
    operator: str = "Exists"
    values: tuple[str, ...] = ()


class ResourceQuota(Struct, frozen=True):
    """How much the pods of a namespace may ask for together: by `pods`, `requests.cpu`, `huawei.com/…` …

    Attributes:
        scopes: the pods it counts are of all of them.
    """

    name: str
    namespace: str
    hard: Mapping[str, Quantity]
    scopes: tuple[QuotaScope, ...] = ()


class LimitRangeItem(Struct, frozen=True):
    """How much each Container, or each Pod as a whole, may ask for, by resource; `ratio`: of limit to request."""

    type: str
    least: Mapping[str, Quantity]
    most: Mapping[str, Quantity]
    ratio: Mapping[str, Quantity]


class LimitRange(Struct, frozen=True):
    """What containers of a namespace get that they do not name (quantities as texts, by resource), and what holds."""

    name: str
    namespace: str
    limits: Mapping[str, str]
    requests: Mapping[str, str]
    items: tuple[LimitRangeItem, ...]


class RuntimeClass(Struct, frozen=True):
    """What pods of a runtime need besides: `overhead` as texts by resource, labels and taints of its nodes."""

    name: str
    overhead: Mapping[str, str]
    node_selector: Mapping[str, str]
    tolerations: tuple[Toleration, ...] = ()


class PodGroup(Struct, frozen=True):
    """A PodGroup (scheduling.volcano.sh/v1beta1): pods that are placed together, at least `min_member` of them.

    Attributes:
        min_resources: what there must be room for before it is looked at; None: nothing.
        priority_class: its name; "" for that of the default.
    """

    name: str
    namespace: str
    min_member: int = 1
    queue: str = "default"
    priority_class: str = ""
    min_resources: Resources | None = None


class Queue(Struct, frozen=True):
    """A Queue (scheduling.volcano.sh/v1beta1), which shares the cluster with others by weight.

    Attributes:
        capability: the most its pods may have of each resource; a resource that is not named has no limit.
        priority: of several queues the highest goes first.
        guarantee: what is kept for its pods, of each resource: other queues may have no more than the rest.
    """

    name: str
    weight: int = 1
    capability: Resources = field(default_factory=dict)
    priority: int = 0
    guarantee: Resources = field(default_factory=dict)


#: The queue that Volcano makes itself.
DEFAULT_QUEUE = Queue("default")

#: Kind, namespace and name of an object.
ObjectKey = tuple[str, str, str]


class ClusterObject(Struct, frozen=True):
    """An object that owns no pods.

    Attributes:
        content: what of it is simulated; None: it is there, no more.
        raw: as written.
    """

    kind: str
    namespace: str
    name: str
    content: (
        DisruptionBudget | PriorityClass | ResourceQuota | LimitRange | RuntimeClass | PodGroup | Queue | None
    ) = None
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> ObjectKey:
        """Kind, namespace and name: there is one at most of each."""
        return self.kind, self.namespace, self.name
