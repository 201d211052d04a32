"""Labels and annotations that schedulers, device plugins and operators read: on pods, or on what owns them.

Volcano: staging/src/volcano.sh/apis/pkg/apis/scheduling/v1beta1/labels.go, and the user guide "Unified scheduling"
(group-min-member on Deployments); what v1.15.1 reads of them: pkg/controllers/podgroup, pkg/scheduler/api. MindCluster:
cluster scheduling, API reference, labels and annotations of Pod and PodGroup (ring-controller.atlas, fault-scheduling
...), and its interconnection of affinity scheduling, which names Deployments. Names are regular expressions that a key
matches as a whole; the first row counts. A key that no row names is read by nothing that is simulated.
"""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.manifest.model import RESET_LABEL
from kubeinfer_sim.manifest.register.row import Row, not_simulated, simulated, without_effect

#: Who owns the keys, as rows name it.
LABELS, ANNOTATIONS, EITHER = "labels", "annotations", "labels and annotations"
_GANG = (
    "MindCluster holds back pods of a group until so many of them fit at once, and a surge pod alone is no gang; here "
    "instances of KubeInfers and pods of a PodGroup are placed as a whole, by Volcano's own names alone"
)


def _more_than_one(value: Any) -> bool:
    return not (isinstance(value, str) and value.strip() in ("", "0", "1"))


def _on(value: Any) -> bool:
    return value not in (None, "", "off", "false", "null")


ROWS: tuple[Row, ...] = (
    simulated(LABELS, RESET_LABEL.replace(".", r"\."), "ties a KubeInfer to Ascend's device plugin"),
    simulated(LABELS, r"pod-template-hash", "the controller sets it"),
    not_simulated(
        ANNOTATIONS,
        r"scheduling\.volcano\.sh/group-min-member",
        "on a pod Volcano 1.15 does not read it: it belongs to what makes pods (a Deployment's own metadata), where it "
        "says how many of them are placed together or not at all",
        when=_more_than_one,
        values="2 and more",
        on_pods=True,
    ),
    simulated(
        ANNOTATIONS,
        r"scheduling\.k8s\.io/group-name",
        "of a pod that Volcano places: its PodGroup, without which it is never looked at",
    ),
    simulated(
        ANNOTATIONS,
        r"scheduling\.volcano\.sh/queue-name",
        "of a pod that Volcano makes a PodGroup for: its queue",
    ),
    not_simulated(
        ANNOTATIONS,
        r"huawei\.com/schedule_minAvailable",
        _GANG,
        when=_more_than_one,
        values="2 and more",
    ),
    not_simulated(
        ANNOTATIONS,
        r"scheduling\.volcano\.sh/group-name",
        "some schedulers take it for the name of the pod's PodGroup; Volcano 1.15 does not read it",
    ),
    not_simulated(
        ANNOTATIONS,
        r"scheduling\.volcano\.sh/group-min-resources",
        "Volcano holds the group back until its queue has so much free; here a pod waits for its node alone",
    ),
    not_simulated(
        EITHER,
        r"(scheduling\.)?volcano\.sh/queue-name",
        "a queue has a share and a limit, beyond which pods stay Pending though nodes are free; Volcano reads the "
        "annotation scheduling.volcano.sh/queue-name of a pod alone",
        when=lambda value: value not in (None, "", "default"),
        values="others than default",
    ),
    not_simulated(
        EITHER,
        r"volcano\.sh/(preemptable|revocable-zone)",
        "Volcano may take such pods away for others; here nobody does",
        when=_on,
    ),
    not_simulated(
        ANNOTATIONS,
        r"volcano\.sh/(numa-topology-policy|task-topology-.*) "
        r"scheduling\.volcano\.sh/(topology|network-topology)-.*",
        "Volcano chooses nodes by topology as well, and pods stay Pending where it does not fit; here kube-scheduler's "
        "rules count alone",
    ),
    without_effect(
        ANNOTATIONS,
        r"volcano\.sh/.* scheduling\.volcano\.sh/.* scheduling\.k8s\.io/.*",
        "about Volcano's own jobs, budgets and bookkeeping",
    ),
    not_simulated(
        LABELS,
        r"fault-scheduling",
        "on a fault of an NPU or node MindCluster's Volcano deletes the pods it struck (rescheduling) and keeps off "
        "what is broken; here the recovery of the KubeInfer or the Deployment acts alone",
        when=lambda value: value in ("grace", "force"),
        values="grace, force",
    ),
    not_simulated(
        LABELS,
        r"pod-rescheduling process-recover-enable elastic-scheduling subHealthyStrategy subhealthyStrategy",
        "it changes what MindCluster's rescheduling does after a fault, which is not simulated",
        when=lambda value: _on(value) and value != "ignore",
    ),
    not_simulated(
        LABELS,
        r"tor-affinity npu-310-strategy vnpu-level vnpu-dvpp huawei\.com/scheduler\.softShareDev\..*",
        "MindCluster's Volcano places pods by it, and they stay Pending where it does not fit; here NPUs are counted, "
        "and switches and shares of NPUs are not",
        when=_on,
    ),
    not_simulated(
        ANNOTATIONS,
        r"huawei\.com/schedule_policy huawei\.com/recover_policy_path huawei\.com/schedule_enable_dequeue "
        r"sp-block ra-block sp-fit",
        "MindCluster's Volcano places or reschedules pods by it (rings of NPUs, super pods); here NPUs are alike",
    ),
    not_simulated(
        EITHER,
        r"hami\.io/.* (nvidia|metax-tech|hygon|cambricon|mthreads|iluvatar|huawei)\.com/(no)?use-.* "
        r"nvidia\.com/vgpu-mode huawei\.com/vnpu-mode",
        "HAMi's webhook and scheduler choose devices by it, or what share of one a container gets; here devices of a "
        "node are alike, and each has one holder",
    ),
    without_effect(
        LABELS,
        r"ring-controller\.atlas fault-retry-times host-arch accelerator(-type)? framework jobID inferserviceid",
        "it tells MindCluster's components which pods they are to write rank tables for, or how often",
    ),
    without_effect(
        ANNOTATIONS,
        r"huawei\.com/.*",
        "the device plugin writes which NPUs a pod has, or reads what it wrote",
    ),
    not_simulated(
        EITHER,
        r"kueue\.x-k8s\.io/(queue-name|pod-group-.*) scheduling\.x-k8s\.io/pod-group(-name)? "
        r"pod-group\.scheduling\.sigs\.k8s\.io.* yunikorn\.apache\.org/.* kai\.scheduler/queue "
        r"(gang|quota|scheduling)\.scheduling\.koordinator\.sh/.* koordinator\.sh/queue-name",
        "another scheduler or queue holds such pods back until its group or its quota allows them; here they are "
        "placed as soon as they fit",
    ),
    not_simulated(
        ANNOTATIONS,
        r"controller\.kubernetes\.io/pod-deletion-cost",
        "pods of a lower cost are the first to go when a ReplicaSet shrinks; here costs are equal",
        when=lambda value: value not in (None, "", "0"),
        values="but 0",
    ),
    not_simulated(
        EITHER,
        r"sidecar\.istio\.io/inject istio\.io/rev",
        "a webhook adds a sidecar, with its own image, start, probes and requests; here the pod has none",
        when=lambda value: value not in (None, "", "false"),
        values="but false",
    ),
)
