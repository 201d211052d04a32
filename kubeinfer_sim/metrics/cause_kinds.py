"""What kind of thing began it: a kind of fault, an update, a drain, from the initiating record alone."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.cluster.fault_records import FaultInjected
from kubeinfer_sim.cluster.records import (
    ContainerCrashed,
    FinalizersRemoved,
    GateSet,
    HealthChanged,
    ImagesBroken,
    NodeDrained,
    NodeFailed,
    NodeLabeled,
    NodeRemoved,
    NodeTaintEdited,
    PodDeletionAsked,
)
from kubeinfer_sim.controllers.deployment.records import DeploymentApplied, PodEvicted
from kubeinfer_sim.controllers.kubeinfer.records import InstanceConcerning, SpecApplied
from kubeinfer_sim.controllers.pod.records import BarePodApplied
from kubeinfer_sim.engine.history import Record

#: Why the controller of NoExecute taints deletes pods.
TAINT_EVICTION = "TaintManagerEviction"
#: How a node fails -> what is said of it.
NODE_FAILURES = {
    "silent": "died",
    "cutOff": "was cut off",
    "notReady": "reported itself not ready",
    "reboot": "rebooted",
    "kubeletRestart": "had its kubelet restarted",
}
#: How people have a pod deleted -> what is said of it.
POD_DELETIONS = {"Deleted": "deletion", "Evicted": "eviction", "ForceDeleted": "forced deletion"}
#: What people ask of the KubeInfer itself.
ORDERS = ("start", "creation", "update", "scaling", "change")


def is_order(kind: str) -> bool:
    """Whether it is what people ask of a workload: `update`, `update of a Deployment`."""
    return kind.partition(" of a ")[0] in ORDERS


def cause_kind(record: Record | None) -> str:
    """What kind of thing an initiating record is: a kind of fault, `drain`, or one of `ORDERS`; None: the start."""
    match record:
        case None:
            return "start"
        case SpecApplied():
            return _order(record.changed)
        case DeploymentApplied():
            return f"{_order(record.changed)} of a {record.kind}"
        case BarePodApplied():
            return "creation of a Pod"
        case FaultInjected():
            return record.kind
        case NodeFailed():
            return f"node {NODE_FAILURES.get(record.mode, record.mode)}"
        case NodeDrained():
            return "drain"
        case NodeRemoved():
            return "node deleted"
        case NodeTaintEdited():
            return "taint"
        case PodEvicted() | InstanceConcerning() if record.reason == TAINT_EVICTION:
            return "NoExecute taint"  # that the node has had from the start
        case PodDeletionAsked():
            return f"{POD_DELETIONS[record.reason]} of a pod"
        case GateSet():
            return "readiness gate" if record.readiness else "scheduling gate"
        case FinalizersRemoved():
            return "removal of finalizers"
        case NodeLabeled():
            return "node labels"
        case HealthChanged():
            return "health check"
        case ImagesBroken():
            return "image fault"
        case ContainerCrashed():
            return f"process ended ({record.reason})"
    return record_name(record)


def withholds_images(record: Record | None) -> bool:
    """Whether it only holds pods up: the registry gives no images, or not these."""
    return isinstance(record, ImagesBroken) or (
        isinstance(record, FaultInjected) and record.kind == "ImagePullFailure"
    )


def _order(changed: Sequence[str]) -> str:
    """Which of `ORDERS` it is that these parts of a spec are changed."""
    kinds = {"created": "creation", "template": "update", "replicas": "scaling"}
    return next((kind for name, kind in kinds.items() if name in changed), "change")


def record_name(record: Record) -> str:
    """The name of a record's type in words: `pod removed`."""
    name = type(record).__name__
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
