"""Fields of pod templates. Types and fields are those of `kubernetes/schema_table.py`."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.manifest.model import SCHEDULERS
from kubeinfer_sim.manifest.register.row import Row, not_simulated, simulated, without_effect

_INSIDE = "what happens inside a container, or who it is there, takes the time that the timings say"
_NAMES = "names and addresses: traffic reaches a ready pod all the same"
_CONTENT = "its content is taken to be there and right"
_OFF = "its feature gate is off in 1.36, so that the API server drops it"
_SHARED = "weights lie outside the node: they are read cold"
_DISK = (
    "such a disk is attached to one node at a time: a pod on another node stays in ContainerCreating (Multi-Attach "
    "error) until the pod that has it is gone"
)


def _another_scheduler(value: Any) -> bool:
    return bool(value) and value not in SCHEDULERS


def _windows(value: Any) -> bool:
    return isinstance(value, dict) and value.get("name") == "windows"


ROWS: tuple[Row, ...] = (
    simulated("PodTemplateSpec", "metadata spec"),
    simulated("PodTemplateSpec.metadata", "labels annotations", "key by key, see below"),
    simulated("PodTemplateSpec.metadata", "finalizers", "until an action takes them away (removeFinalizers)"),
    without_effect(
        "PodTemplateSpec.metadata",
        "name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp "
        "deletionGracePeriodSeconds ownerReferences managedFields",
        "the controller that makes the pods sets it",
    ),
    simulated(
        "PodSpec",
        "volumes initContainers containers restartPolicy terminationGracePeriodSeconds nodeSelector hostNetwork "
        "affinity tolerations priorityClassName topologySpreadConstraints overhead resources",
    ),
    simulated("PodSpec", "preemptionPolicy priority", "where pods may be preempted (assumption preemption)"),
    simulated("PodSpec", "readinessGates", "set by actions (setReadinessGate)"),
    simulated("PodSpec", "schedulingGates", "opened by actions (setGate)"),
    simulated("PodReadinessGate", "conditionType"),
    simulated("PodSchedulingGate", "name"),
    simulated(
        "PodSpec", "activeDeadlineSeconds", "not of pods that run at the start: when they began is not known"
    ),
    not_simulated(
        "PodSpec",
        "schedulerName",
        "no scheduler of this name is known to run, so that pods stay Pending for ever; where one runs it has rules of "
        "its own, and pods are placed as by kube-scheduler if `schedulers` of the scenario names it",
        when=_another_scheduler,
        values=f"others than {', '.join(SCHEDULERS)}",
    ),
    simulated(
        "PodSpec", "nodeName", "such a pod asks no scheduler; the node's kubelet takes it or rejects it"
    ),
    simulated(
        "PodSpec",
        "runtimeClassName",
        "overhead and nodes of a RuntimeClass in the file; one that is `absent` has the pods refused, any other is "
        "taken to ask for nothing, with a warning",
    ),
    not_simulated(
        "PodSpec",
        "resourceClaims",
        "devices that are asked for by claims (dynamic resource allocation) are not counted: pods would be placed "
        "without them",
        worthless=True,
    ),
    not_simulated(
        "PodSpec",
        "os",
        "the kubelets of Linux nodes reject Windows pods (PodOSNotSupported): nothing would ever run on the nodes "
        "that are simulated",
        when=_windows,
        values="windows",
        worthless=True,
    ),
    without_effect("PodSpec", "ephemeralContainers", "the API server refuses them in templates"),
    without_effect(
        "PodSpec",
        "dnsPolicy dnsConfig hostname subdomain hostAliases setHostnameAsFQDN hostnameOverride enableServiceLinks",
        _NAMES,
    ),
    without_effect(
        "PodSpec",
        "serviceAccountName serviceAccount automountServiceAccountToken securityContext hostPID hostIPC hostUsers "
        "shareProcessNamespace",
        _INSIDE,
    ),
    without_effect("PodSpec", "imagePullSecrets", "registries are taken to let the nodes in"),
    without_effect("PodSpec", "schedulingGroup", _OFF),
    simulated(
        "Container",
        "name image resources restartPolicy restartPolicyRules livenessProbe readinessProbe startupProbe lifecycle "
        "imagePullPolicy ports",
    ),
    without_effect(
        "Container",
        "command args workingDir env envFrom volumeMounts volumeDevices securityContext stdin stdinOnce tty "
        "terminationMessagePath terminationMessagePolicy",
        _INSIDE,
    ),
    without_effect("Container", "resizePolicy", "nobody changes the resources of a running pod here"),
    simulated("ContainerPort", "hostPort containerPort protocol hostIP", "ports of the node have one holder"),
    without_effect("ContainerPort", "name", _NAMES),
    simulated("ResourceRequirements", "limits requests"),
    without_effect("ResourceRequirements", "claims", "spec.resourceClaims is refused"),
    simulated("ContainerRestartRule", "action exitCodes"),
    simulated("ContainerRestartRuleOnExitCodes", "operator values"),
    simulated(
        "Probe",
        "exec httpGet tcpSocket grpc",
        "which of them it is; what it asks is what the timings and faults answer",
    ),
    simulated(
        "Probe",
        "initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold "
        "terminationGracePeriodSeconds",
    ),
    simulated("Lifecycle", "postStart preStop"),
    without_effect("Lifecycle", "stopSignal", _OFF),
    simulated("LifecycleHandler", "exec httpGet tcpSocket sleep", "how long each takes is in the timings"),
    simulated("SleepAction", "seconds"),
    simulated("ExecAction", "command", "of a preStop hook: a sleep in it is its length"),
    without_effect("HTTPGetAction", "path port host scheme httpHeaders", _NAMES),
    without_effect("TCPSocketAction", "port host", _NAMES),
    without_effect("GRPCAction", "port service", _NAMES),
    simulated(
        "Volume", "hostPath", "where no volume is shared, weights lie on the node: warm where they were read"
    ),
    simulated("Volume", "emptyDir", "a drain needs its consent to lose it"),
    simulated("Volume", "persistentVolumeClaim nfs csi ephemeral cephfs", _SHARED),
    not_simulated(
        "Volume",
        "gcePersistentDisk awsElasticBlockStore azureDisk cinder vsphereVolume iscsi rbd fc",
        _DISK,
        when=lambda value: isinstance(value, dict) and not value.get("readOnly"),
        values="unless readOnly",
    ),
    without_effect("Volume", "name", "it only ties mounts to volumes"),
    without_effect("Volume", "secret configMap downwardAPI projected", _CONTENT),
    without_effect(
        "Volume", "image", "the time it takes to pull it is not counted, as that of weights read from it"
    ),
    without_effect(
        "Volume",
        "gitRepo glusterfs flexVolume flocker azureFile quobyte photonPersistentDisk portworxVolume scaleIO storageos",
        f"of a kind that Kubernetes has given up or that many nodes can read; {_CONTENT}",
    ),
    simulated("HostPathVolumeSource", "path"),
    without_effect("HostPathVolumeSource", "type", _CONTENT),
    without_effect(
        "EmptyDirVolumeSource", "*", "pods are taken to stay within the limits they set themselves"
    ),
    without_effect(
        "PersistentVolumeClaimVolumeSource", "*", "what matters is in the claim, see PersistentVolumeClaim"
    ),
    without_effect("NFSVolumeSource", "*", _CONTENT),
    without_effect("CSIVolumeSource", "*", _CONTENT),
    without_effect("EphemeralVolumeSource", "*", "made with its pod, and gone with it"),
    without_effect("CephFSVolumeSource", "*", _CONTENT),
    simulated("Affinity", "nodeAffinity podAffinity podAntiAffinity"),
    *(
        simulated(
            owner,
            "requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution",
        )
        for owner in ("NodeAffinity", "PodAffinity", "PodAntiAffinity")
    ),
    simulated("NodeSelector", "nodeSelectorTerms"),
    simulated("NodeSelectorTerm", "matchExpressions matchFields"),
    simulated("NodeSelectorRequirement", "key operator values"),
    simulated("PreferredSchedulingTerm", "weight preference"),
    simulated("WeightedPodAffinityTerm", "weight podAffinityTerm"),
    simulated(
        "PodAffinityTerm",
        "labelSelector namespaces topologyKey namespaceSelector matchLabelKeys mismatchLabelKeys",
    ),
    simulated("LabelSelector", "matchLabels matchExpressions"),
    simulated("LabelSelectorRequirement", "key operator values"),
    simulated("Toleration", "key operator value effect tolerationSeconds"),
    simulated(
        "TopologySpreadConstraint",
        "maxSkew topologyKey whenUnsatisfiable labelSelector minDomains nodeAffinityPolicy nodeTaintsPolicy "
        "matchLabelKeys",
    ),
)
