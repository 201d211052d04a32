"""Kinds of objects that stand beside workloads in the same file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from kubeinfer_sim.manifest.model import WorkloadSpec
from kubeinfer_sim.manifest.names_apart import in_namespace
from kubeinfer_sim.manifest.register.row import Standing

#: The API of Volcano's PodGroups and queues.
VOLCANO_S = "scheduling.volcano.sh/v1beta1"

#: Whether an object of a kind, of a namespace, says something to these workloads.
Concerns = Callable[[Mapping[str, Any], str, Sequence[WorkloadSpec]], bool]


class KindRow(Struct, frozen=True):
    """Some kinds.

    Attributes:
        kinds: as `kind` names them.
        why: how they are simulated, why they have no effect, or what could differ.
        concerns: which of them it is true of; others have no effect.
        objects: the same in words, for the page.
        api_version: the only one of which it is true; "" for any.
        part: what of an object is meant, of which the rest is simulated: `what {} makes of the load`.
    """

    kinds: tuple[str, ...]
    standing: Standing
    why: str
    concerns: Concerns
    objects: str = ""
    api_version: str = ""
    part: str = "{}"


def _always(_: Mapping[str, Any], namespace: str, workloads: Sequence[WorkloadSpec]) -> bool:
    return True


def _their_scaler(value: Mapping[str, Any], namespace: str, workloads: Sequence[WorkloadSpec]) -> bool:
    """A HorizontalPodAutoscaler, ScaledObject (scaleTargetRef) or VerticalPodAutoscaler (targetRef) of one of them."""
    spec = _mapping(value.get("spec"))
    target = _mapping(spec.get("scaleTargetRef") or spec.get("targetRef"))
    kind = target.get("kind") or "Deployment"
    return any(
        (each.kind, in_namespace(each.name), each.namespace) == (kind, target.get("name"), namespace)
        for each in workloads
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _row(
    standing: Standing,
    kinds: str,
    why: str,
    concerns: Concerns = _always,
    objects: str = "",
    api_version: str = "",
    part: str = "{}",
) -> KindRow:
    return KindRow(tuple(kinds.split()), standing, why, concerns, objects, api_version, part)


_YES, _NONE, _NOT = Standing.SIMULATED, Standing.WITHOUT_EFFECT, Standing.NOT_SIMULATED
_TARGET = "of a workload in the manifest"
ROWS: tuple[KindRow, ...] = (
    _row(_YES, "KubeInfer Deployment ReplicaSet StatefulSet DaemonSet Pod", "field by field, see above"),
    _row(_YES, "PodDisruptionBudget", "every field: drains and preemption ask it"),
    _row(_YES, "Service", "a node port can be given once; of the rest see ServiceSpec"),
    _row(
        _NOT,
        "HorizontalPodAutoscaler ScaledObject",
        "an autoscaler owns the number of replicas and changes it with the load; here that of what it scales is kept "
        "within its minimum and maximum but that of a KubeInfer is the one in the manifest, so that an update may meet "
        "more pods than predicted",
        _their_scaler,
        _TARGET,
        part="what {} makes of the load",
    ),
    _row(
        _NOT,
        "VerticalPodAutoscaler",
        "it evicts pods and gives their successors other requests; here requests are those in the manifest",
        _their_scaler,
        _TARGET,
    ),
    _row(
        _YES,
        "ResourceQuota",
        "`pods`, `count/pods`, requests and limits of every resource (of a device as `requests.…` alone), scopes: pods "
        "beyond it are refused (FailedCreate) and asked for again, ever later. Counts of other objects hold nobody, "
        "with a warning",
    ),
    _row(
        _YES,
        "LimitRange",
        "what containers do not name, the least and most that containers and pods may ask for, and how much more a "
        "limit may be than the request",
    ),
    _row(
        _YES,
        "PersistentVolumeClaim PersistentVolume StorageClass",
        "a claim that is not there (`absent`, or created later) or that nothing binds keeps its pods pending; one of "
        "access mode ReadWriteOnce is attached to one node at a time (Multi-Attach error), one of ReadWriteOncePod is "
        "for one pod. Claims that are in no file are taken to be bound and for many nodes at once, and no volume ties "
        "a pod to a node: `nodeAffinity` of a volume and `allowedTopologies` of a class are warned of",
    ),
    _row(_YES, "RuntimeClass", "its overhead, and the labels and taints of its nodes"),
    _row(_YES, "PriorityClass", "every field: who goes first, and who may preempt whom"),
    _row(
        _NOT,
        "ReplicationController Job CronJob AscendJob LeaderWorkerSet RayCluster "
        "RayService RayJob InferenceService ModelServing StormService RoleBasedGroup PyTorchJob",
        "it has pods of its own, which take room and devices on the nodes; here there are none of them",
    ),
    _row(
        _YES,
        "PodGroup Queue",
        "Volcano's: minimum of members, queue, priority class and least resources of a PodGroup; weight, capability, "
        "guarantee and priority of a Queue. Of network topologies and groups in groups nothing is simulated; queues in "
        "trees, `deserved` and `affinity` have no effect as Volcano's chart ships it; each with a warning",
        api_version=VOLCANO_S,
    ),
    _row(
        _NOT,
        "ClusterQueue LocalQueue ElasticQuota",
        "a queue holds pods back until its quota allows them; here they are placed as soon as they fit",
    ),
    _row(
        _NOT,
        "ResourceClaim ResourceClaimTemplate DeviceClass DeviceTaintRule ResourceSlice",
        "devices that are asked for by claims (dynamic resource allocation) are not counted",
    ),
    _row(
        _NOT,
        "MutatingWebhookConfiguration ValidatingWebhookConfiguration MutatingAdmissionPolicy ValidatingAdmissionPolicy",
        "a webhook or policy may change or refuse pods; here they are made as the manifest has them",
    ),
    _row(
        _YES,
        "ConfigMap Secret",
        "what is not there (`absent`, or created later), or lacks a key, keeps containers from starting "
        "(CreateContainerConfigError) or volumes from being mounted; what is in no file is taken to be there",
    ),
    _row(
        _NOT,
        "Node",
        "nodes are those of the scenario's `cluster`, and others join with `addNodes`; an object alone has no "
        "kubelet and nothing runs on it",
    ),
    _row(_NONE, "VolumeAttributesClass", "how fast a volume is"),
    _row(
        _NONE,
        "CSIDriver CSINode VolumeAttachment VolumeSnapshot VolumeSnapshotClass VolumeSnapshotContent",
        "how volumes come to nodes; that they do is in the claims",
    ),
    _row(
        _NONE,
        "ExternalSecret ClusterExternalSecret SecretStore ClusterSecretStore SealedSecret",
        "they make Secrets, which are taken to be there",
    ),
    _row(
        _NONE,
        "ServiceAccount Role RoleBinding ClusterRole ClusterRoleBinding Namespace PodSecurityPolicy",
        "who may do what; it is taken to be allowed",
    ),
    _row(
        _NONE,
        "Ingress IngressClass NetworkPolicy Endpoints EndpointSlice Gateway GatewayClass HTTPRoute GRPCRoute TCPRoute "
        "TLSRoute ReferenceGrant VirtualService DestinationRule ServiceEntry PeerAuthentication "
        "NetworkAttachmentDefinition ServiceCIDR IPAddress",
        "how requests come to ready pods; how many there are decides what is lost",
    ),
    _row(
        _NONE,
        "CustomResourceDefinition APIService FlowSchema PriorityLevelConfiguration ServiceMonitor PodMonitor "
        "PrometheusRule Event Lease ControllerRevision Certificate Issuer ClusterIssuer CertificateSigningRequest "
        "Kustomization",
        "nothing that acts on pods reads it",
    ),
)
#: What an object of a kind that no row names may change.
UNKNOWN = (
    "what acts on this kind is not known here: it may make, change or hold back pods, and here nothing does"
)
_BY_KIND = {kind: row for row in ROWS for kind in row.kinds}


def kind_row(kind: str) -> KindRow | None:
    """The row of a kind; None of a kind the register does not know."""
    return _BY_KIND.get(kind)


def is_simulated(value: Mapping[str, Any]) -> bool:
    """Whether more of an object, a mapping with its kind, matters to a scenario than that it is there."""
    row = kind_row(value["kind"])
    if row is None or row.standing is not Standing.SIMULATED:
        return False
    return row.api_version in ("", value.get("apiVersion"))


def why_without_effect(kind: str) -> str:
    """Why an object of which nothing could differ changes nothing."""
    row = kind_row(kind)
    if row is None:
        return "it is a file of this simulator, no object of a cluster"
    return row.why if row.standing is Standing.WITHOUT_EFFECT else "it is of no workload here"


def what_could_differ(
    kind: str, value: Mapping[str, Any], namespace: str, workloads: Iterable[WorkloadSpec]
) -> str:
    """What an object could change that is not simulated; empty where it is, or changes nothing."""
    row = kind_row(kind)
    if row is None:
        return UNKNOWN
    if row.api_version not in ("", value.get("apiVersion")):
        return f"it is of {value.get('apiVersion')}, and Volcano reads those of {row.api_version}"
    if row.standing is not Standing.NOT_SIMULATED:
        return ""
    return row.why if row.concerns(value, namespace, tuple(workloads)) else ""
