"""What JSON Schema and CRD say beyond the types: KubeInfer's own types, descriptions, allowed values, ranges.

Allowed values and ranges are those of Kubernetes' validation (pkg/apis/core/validation/validation.go) and of
KubeInfer's rules (`kubeinfer.py`, `budgets.py`, `node_ports.py`), as far as a schema can say them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from kubeinfer_sim.manifest.kubeinfer import RECOVERY_LEVELS, RECOVERY_TYPES, STRATEGY_TYPES
from kubeinfer_sim.manifest.kubernetes.schema import FieldType, Type, types
from kubeinfer_sim.manifest.node_ports import FIRST, LAST

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#: apimachinery pkg/api/resource, as the API server accepts it in manifests.
QUANTITY = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$"
#: `20%`, from 0 to 100.
PERCENT = r"^0*(100|[1-9]?[0-9])%$"


@cache
def kubeinfer_types() -> dict[str, Type]:
    """All types by name, with KubeInfer's own: `KubeInfer` is the root."""
    schema = dict(types())
    scalar = {kind: Type(kind, kind) for kind in ("string", "int32", "IntOrString")}

    def add(name: str, /, **fields: Type) -> Type:
        schema[name] = Type("object", name, fields={key: FieldType(each) for key, each in fields.items()})
        return schema[name]

    def many(item: Type) -> Type:
        return Type("list", "list", item)

    policy = add("RecoveryPolicy", type=scalar["string"], restart=scalar["string"])
    role = add(
        "Role",
        name=scalar["string"],
        replicas=scalar["int32"],
        recoveryPolicy=policy,
        strategy=Type("FieldsV1", "FieldsV1"),
        template=schema["PodTemplateSpec"],
    )
    budgets = add("RollingUpdate", maxSurge=scalar["IntOrString"], maxUnavailable=scalar["IntOrString"])
    strategy = add("Strategy", type=scalar["string"], rollingUpdate=budgets)
    service = add("NetworkService", name=scalar["string"], spec=schema["ServiceSpec"])
    instance = add(
        "InstanceTemplate", metadata=schema["ObjectMeta"], spec=add("InstanceSpec", roles=many(role))
    )
    spec = add(
        "KubeInferSpec",
        replicas=scalar["int32"],
        strategy=strategy,
        networkServices=many(service),
        template=instance,
    )
    add(
        "KubeInfer",
        apiVersion=scalar["string"],
        kind=scalar["string"],
        metadata=schema["ObjectMeta"],
        spec=spec,
        status=Type("FieldsV1", "FieldsV1"),
    )
    return schema


#: Required beyond the fields a Go type always writes out.
REQUIRED = {
    "KubeInfer": ("apiVersion", "kind", "metadata", "spec"),
    "KubeInferSpec": ("template",),
    "InstanceTemplate": ("spec",),
    "InstanceSpec": ("roles",),
    "Role": ("template",),
    "NetworkService": ("name", "spec"),
    "PodTemplateSpec": ("spec",),
    "Container": ("image",),
    "EphemeralContainer": ("image",),
    "ScaleIOVolumeSource": ("secretRef",),
}

#: Lists that must hold something, lists whose items have a key of their own.
NOT_EMPTY = {"InstanceSpec.roles", "PodSpec.containers", "NodeSelector.nodeSelectorTerms"}
KEYED = {
    "PodSpec.containers": "name",
    "PodSpec.initContainers": "name",
    "PodSpec.volumes": "name",
    "KubeInferSpec.networkServices": "name",
}

#: Objects of which exactly one of some fields must be given.
ONE_OF = {
    "Probe": ("exec", "httpGet", "tcpSocket", "grpc"),
    "LifecycleHandler": ("exec", "httpGet", "tcpSocket", "sleep"),
}

_ZERO = {"enum": [0, "0%"]}
#: What an object must not be: both budgets written as zero.
FORBIDDEN = {
    "RollingUpdate": {
        "required": ["maxSurge", "maxUnavailable"],
        "properties": {"maxSurge": _ZERO, "maxUnavailable": _ZERO},
    }
}

_PULL = ["Always", "IfNotPresent", "Never"]
_PROTOCOL = ["TCP", "UDP", "SCTP"]
#: Constraints by `Type.field`, in JSON Schema's words.
CONSTRAINTS: dict[str, dict[str, Any]] = {
    "RecoveryPolicy.type": {"enum": list(RECOVERY_TYPES), "default": "Restart"},
    "RecoveryPolicy.restart": {"enum": list(RECOVERY_LEVELS), "default": "Instance"},
    "Strategy.type": {"enum": list(STRATEGY_TYPES), "default": STRATEGY_TYPES[0]},
    "KubeInferSpec.replicas": {"minimum": 0, "default": 1},
    "Role.replicas": {"minimum": 0, "default": 1},
    "Role.name": {"pattern": f"^{_LABEL}$", "maxLength": 63},
    "NetworkService.name": {"pattern": f"^{_LABEL}$", "maxLength": 63},
    "RollingUpdate.maxSurge": {"minimum": 0, "pattern": PERCENT, "default": "20%"},
    "RollingUpdate.maxUnavailable": {"minimum": 0, "pattern": PERCENT, "default": "20%"},
    "PodSpec.restartPolicy": {"enum": ["Always"]},
    "PodSpec.dnsPolicy": {"enum": ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]},
    "PodSpec.preemptionPolicy": {"enum": ["PreemptLowerPriority", "Never"]},
    "Container.name": {"pattern": f"^{_LABEL}$", "maxLength": 63},
    "Container.image": {"minLength": 1},
    "Container.imagePullPolicy": {"enum": _PULL},
    "Container.terminationMessagePolicy": {"enum": ["File", "FallbackToLogsOnError"]},
    "ContainerPort.containerPort": {"minimum": 1, "maximum": 65535},
    "ContainerPort.hostPort": {"minimum": 0, "maximum": 65535},
    "ContainerPort.protocol": {"enum": _PROTOCOL},
    "Probe.initialDelaySeconds": {"minimum": 0},
    "Probe.timeoutSeconds": {"minimum": 0},
    "Probe.periodSeconds": {"minimum": 0},
    "Probe.successThreshold": {"minimum": 0},
    "Probe.failureThreshold": {"minimum": 0},
    "Probe.terminationGracePeriodSeconds": {"minimum": 1},
    "HTTPGetAction.scheme": {"enum": ["HTTP", "HTTPS"]},
    "GRPCAction.port": {"minimum": 1, "maximum": 65535},
    "SleepAction.seconds": {"minimum": 0},
    "Volume.name": {"pattern": f"^{_LABEL}$", "maxLength": 63},
    "VolumeMount.mountPath": {"minLength": 1},
    "VolumeMount.mountPropagation": {"enum": ["None", "HostToContainer", "Bidirectional"]},
    "HostPathVolumeSource.type": {
        "enum": [
            "",
            "DirectoryOrCreate",
            "Directory",
            "FileOrCreate",
            "File",
            "Socket",
            "CharDevice",
            "BlockDevice",
        ]
    },
    "ImageVolumeSource.pullPolicy": {"enum": _PULL},
    "NodeSelectorRequirement.operator": {"enum": ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]},
    "LabelSelectorRequirement.operator": {"enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
    "PreferredSchedulingTerm.weight": {"minimum": 1, "maximum": 100},
    "WeightedPodAffinityTerm.weight": {"minimum": 1, "maximum": 100},
    "Toleration.operator": {"enum": ["Exists", "Equal"]},
    "Toleration.effect": {"enum": ["", "NoSchedule", "PreferNoSchedule", "NoExecute"]},
    "TopologySpreadConstraint.maxSkew": {"minimum": 1},
    "TopologySpreadConstraint.minDomains": {"minimum": 1},
    "TopologySpreadConstraint.whenUnsatisfiable": {"enum": ["DoNotSchedule", "ScheduleAnyway"]},
    "TopologySpreadConstraint.nodeAffinityPolicy": {"enum": ["Honor", "Ignore"]},
    "TopologySpreadConstraint.nodeTaintsPolicy": {"enum": ["Honor", "Ignore"]},
    "ServiceSpec.type": {"enum": ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]},
    "ServiceSpec.sessionAffinity": {"enum": ["None", "ClientIP"]},
    "ServiceSpec.externalTrafficPolicy": {"enum": ["Cluster", "Local"]},
    "ServiceSpec.internalTrafficPolicy": {"enum": ["Cluster", "Local"]},
    "ServicePort.port": {"minimum": 1, "maximum": 65535},
    "ServicePort.nodePort": {"minimum": FIRST, "maximum": LAST},
    "ServicePort.protocol": {"enum": _PROTOCOL},
}
CONSTRAINTS |= {
    f"EphemeralContainer.{name.partition('.')[2]}": each
    for name, each in CONSTRAINTS.items()
    if name.startswith("Container.")
}
OBJECT_NAME = {"pattern": f"^{_SUBDOMAIN}$", "maxLength": 253}

#: What an editor shows beside a field.
DESCRIPTIONS = {
    "KubeInfer": "A KubeInfer of Huawei Cloud ModelArts: instances of a model, each made of roles.",
    "KubeInferSpec.replicas": "How many instances. Each has all pods of all roles; they are scheduled together.",
    "KubeInferSpec.strategy": "How a change of the role templates is rolled out.",
    "KubeInferSpec.networkServices": "Services of the whole KubeInfer.",
    "KubeInferSpec.template": "What an instance is made of.",
    "InstanceSpec.roles": "The roles of an instance (prefill, decode, router ...), in order.",
    "Strategy.type": "InstanceRollingUpdate replaces whole instances.",
    "RollingUpdate.maxSurge": "How many instances there may be beyond replicas during an update: a number, or a "
    "share such as 20%, rounded up.",
    "RollingUpdate.maxUnavailable": "How many instances need not be ready during an update: a number, or a share "
    "such as 20%, rounded down. Not zero together with maxSurge.",
    "NetworkService.name": "Name of the Service.",
    "NetworkService.spec": "A Kubernetes Service spec.",
    "Role.name": "Name of the role; role0, role1 ... by place when left out.",
    "Role.replicas": "How many pods of this role an instance has.",
    "Role.recoveryPolicy": "What is restarted when a pod of this role fails.",
    "Role.strategy": "Without known effect; spec.strategy decides.",
    "Role.template": "The pods of this role: a Kubernetes PodTemplateSpec. The label "
    'modelarts-infer-npu-reset-enable: "true" ties it to the Ascend device plugin.',
    "RecoveryPolicy.restart": "Instance: all pods of the instance. Pod: this pod. Custom: not published.",
    "ObjectMeta.labels": "Texts by name; numbers and true or false must be in quotes.",
    "ObjectMeta.annotations": "Texts by name; numbers and true or false must be in quotes.",
    "PodSpec.containers": "The containers of the pod; at least one.",
    "PodSpec.initContainers": "Run one after the other before the containers; with restartPolicy Always, beside them.",
    "PodSpec.terminationGracePeriodSeconds": "From the deletion of the pod to SIGKILL, preStop hooks included. "
    "Seconds; 30 by default.",
    "PodSpec.nodeSelector": "Labels a node must have.",
    "PodSpec.affinity": "Which nodes, and which pods beside it, a pod wants or needs.",
    "PodSpec.tolerations": "Taints of nodes this pod puts up with.",
    "PodSpec.schedulerName": "Which scheduler places the pod, e.g. volcano.",
    "PodSpec.volumes": "What containers can mount.",
    "Container.image": "The image, with a fixed tag or a digest.",
    "Container.imagePullPolicy": "When the image is fetched; IfNotPresent unless the tag is latest.",
    "Container.command": "The program and its arguments, a list; instead of the image's entrypoint.",
    "Container.args": "Arguments, a list; $(NAME) is replaced by an environment variable.",
    "Container.env": "Environment variables; values are texts, numbers in quotes.",
    "Container.resources": "What the container asks of its node (requests) and may use at most (limits).",
    "Container.startupProbe": "Runs until its first success; the other probes wait for it. Its window, "
    "failureThreshold x periodSeconds, must be longer than the slowest load.",
    "Container.livenessProbe": "Kills the container when it fails failureThreshold times in a row.",
    "Container.readinessProbe": "Decides whether the pod is Ready and gets traffic.",
    "Container.lifecycle": "Hooks after the start and before the stop of the container.",
    "Container.volumeMounts": "Where volumes appear in the container.",
    "Probe.initialDelaySeconds": "From the start of the container to the first check. Seconds; 0 by default.",
    "Probe.periodSeconds": "From check to check. Seconds; 10 by default.",
    "Probe.timeoutSeconds": "After this a check has failed. Seconds; 1 by default. Above periodSeconds it sets the "
    "pace of checks that hang.",
    "Probe.failureThreshold": "Failures in a row that count as failure; 3 by default.",
    "Probe.successThreshold": "Successes in a row that count as success; 1 by default, and always 1 for liveness and "
    "startup.",
    "Lifecycle.preStop": "Runs before SIGTERM, within the grace period.",
    "ResourceRequirements.limits": "The most the container may use: cpu, memory, huawei.com/ascend-1980 ...",
    "ResourceRequirements.requests": "What the scheduler sets aside. NPUs: equal to the limit.",
    "ServiceSpec.type": "ClusterIP by default; NodePort opens a port on every node.",
    "ServicePort.nodePort": f"Port on every node, {FIRST} to {LAST}, unique in the cluster.",
    "ServicePort.targetPort": "Port of the pods, a number or a name; the same as port by default.",
    "HostPathVolumeSource.path": "A folder or file of the node.",
    "EmptyDirVolumeSource.medium": "Memory for a tmpfs such as /dev/shm; empty for the node's disk.",
}
