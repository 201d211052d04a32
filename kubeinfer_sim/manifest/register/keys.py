"""Labels and annotations that schedulers, device plugins and operators read: on pods, or on what owns them.

Volcano: staging/src/volcano.sh/apis/pkg/apis/scheduling/v1beta1/labels.go, and the user guide "Unified scheduling"
(group-min-member on Deployments); what v1.15.1 reads of them: pkg/controllers/podgroup, pkg/scheduler/api. MindCluster:
cluster scheduling, API reference, labels and annotations of Pod and PodGroup (ring-controller.atlas, fault-scheduling
...), and its interconnection of affinity scheduling, which names Deployments. The others are documented by those who
read them: Istio, Linkerd, Dapr, Vault, OpenTelemetry (injection), Reloader, the descheduler, cluster autoscalers,
Multus, CRI-O, pod security admission. Names are regular expressions that a key matches as a whole, alternatives in
brackets; the first row counts. A key that no row names is read by nothing that is simulated.
"""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.manifest.model import RESET_LABEL
from kubeinfer_sim.manifest.register.row import Row, not_simulated, simulated, without_effect

#: Who owns the keys, as rows name it.
LABELS, ANNOTATIONS, EITHER = "labels", "annotations", "labels and annotations"
OF_NAMESPACES = "labels and annotations of Namespaces"
_GANG = (
    "MindCluster holds back pods of a group until so many of them fit at once, and a surge pod alone is no gang; here "
    "instances of KubeInfers and pods of a PodGroup are placed as a whole, by Volcano's own names alone"
)
_SIDECAR = "a webhook adds a sidecar, with its own image, start, probes and requests; here the pod has none"


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
        r"pod-rescheduling process-recover-enable elastic-scheduling subHealthyStrategy subhealthyStrategy fault-type",
        "it changes what MindCluster's rescheduling does after a fault, which is not simulated",
        when=lambda value: _on(value) and value != "ignore",
    ),
    not_simulated(
        ANNOTATIONS,
        r"recover-strategy wait-reschedule-timeout huawei\.com/schedule\.filter\..*",
        "it changes what MindCluster's rescheduling does after a fault, or which faults it does not see, which is not "
        "simulated",
    ),
    not_simulated(
        LABELS,
        r"tor-affinity npu-310-strategy vnpu-level vnpu-dvpp super-pod-affinity podgroup-sched-enable",
        "MindCluster's Volcano places pods by it, and they stay Pending where it does not fit; here NPUs are counted, "
        "and switches and shares of NPUs are not",
        when=_on,
    ),
    not_simulated(
        ANNOTATIONS,
        r"huawei\.com/schedule_.* huawei\.com/recover_policy_path huawei\.com/affinity-config sp-block ra-block sp-fit",
        "MindCluster's Volcano places or reschedules pods by it (rings of NPUs, super pods); here NPUs are alike",
    ),
    not_simulated(
        EITHER,
        r"hami\.io/.* (nvidia|metax-tech|hygon|cambricon|mthreads|iluvatar|huawei)\.com/(no)?use-.* "
        r"huawei\.com/scheduler\.softShareDev\..* nvidia\.com/vgpu-mode huawei\.com/vnpu-mode",
        "HAMi's or MindCluster's scheduler chooses devices by it, or what share of one a container gets; here devices "
        "of a node are alike, and each has one holder",
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
        r"kueue\.x-k8s\.io/.* scheduling\.x-k8s\.io/pod-group(-name)? "
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
        r"sidecar\.istio\.io/inject istio\.io/rev linkerd\.io/inject dapr\.io/enabled kuma\.io/sidecar-injection "
        r"vault\.hashicorp\.com/agent-inject consul\.hashicorp\.com/connect-inject sidecar\.jaegertracing\.io/inject "
        r"(sidecar|instrumentation)\.opentelemetry\.io/inject.*",
        _SIDECAR,
        when=lambda value: value not in (None, "", "false", "disabled"),
        values="but false, disabled",
    ),
    not_simulated(
        ANNOTATIONS,
        r"((configmap|secret|search)\.)?reloader\.stakater\.com/(auto|reload|search)",
        "Reloader rolls the workload out anew when a ConfigMap or Secret changes; here nobody does",
        when=lambda value: value not in (None, "", "false"),
        values="but false",
    ),
    not_simulated(
        ANNOTATIONS,
        r"descheduler\.alpha\.kubernetes\.io/evict",
        "a descheduler may evict such pods, wherever they run; here nobody does",
    ),
    not_simulated(
        OF_NAMESPACES,
        r"istio-injection istio\.io/rev linkerd\.io/inject kuma\.io/sidecar-injection",
        _SIDECAR,
        when=lambda value: value not in (None, "", "false", "disabled"),
        values="but false, disabled",
    ),
    not_simulated(
        OF_NAMESPACES,
        r"pod-security\.kubernetes\.io/enforce",
        "the API server refuses pods that ask for more than this level allows (hostPath, hostNetwork, privileged "
        "containers); here they are made",
        when=lambda value: value not in (None, "", "privileged"),
        values="but privileged",
    ),
    not_simulated(
        OF_NAMESPACES,
        r"(scheduler\.alpha\.kubernetes|openshift)\.io/node-selector scheduler\.alpha\.kubernetes\.io/"
        r"(defaultTolerations|tolerationsWhitelist)",
        "where the admission plugin is on, pods get this node selector or these tolerations as well, and are placed by "
        "them; here they have their own alone",
    ),
    without_effect(
        EITHER,
        r"(.*\.)?sidecar\.istio\.io/.* (proxy|networking|security)\.istio\.io/.* istio\.io/dataplane-mode "
        r"(config|proxy)\.linkerd\.io/.* config\.alpha\.linkerd\.io/.* dapr\.io/.* vault\.hashicorp\.com/.*",
        "how a sidecar is set that other keys ask for, or how traffic reaches the pod",
    ),
    without_effect(
        ANNOTATIONS,
        r"cluster-autoscaler\.kubernetes\.io/.* karpenter\.sh/do-not-(disrupt|evict|consolidate) "
        r"descheduler\.alpha\.kubernetes\.io/.*",
        "it keeps nodes from being given back, or pods from being moved; here nodes go when the scenario says so, and "
        "nobody moves pods",
    ),
    without_effect(
        ANNOTATIONS,
        r"k8s\.v1\.cni\.cncf\.io/.* v1\.multus-cni\.io/.* cni\.projectcalico\.org/.* "
        r"kubernetes\.io/(ingress|egress)-bandwidth",
        "which networks the pod has; how long it reads weights is in the timings",
    ),
    without_effect(
        ANNOTATIONS,
        r"(cpu-load-balancing|cpu-quota|irq-load-balancing|cpu-c-states|cpu-freq-governor)\.crio\.io.* "
        r"container\.(apparmor|seccomp)\.security\..* io\.kubernetes\.cri.*",
        "how cores are pinned, or what a process may do: it takes the time that the timings say",
    ),
)
