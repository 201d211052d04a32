"""Fields of KubeInfers, the kinds of apps/v1 and Services, but for their pod templates."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.manifest.model import KINDS_WITH_TEMPLATES
from kubeinfer_sim.manifest.register.row import Row, not_simulated, simulated, without_effect

_NAMES = "which addresses there are: traffic reaches a ready pod by any of them"


def _local(value: Any) -> bool:
    return bool(value == "Local")


ROWS: tuple[Row, ...] = (
    *(simulated(kind, "apiVersion kind metadata spec") for kind in KINDS_WITH_TEMPLATES),
    *(without_effect(kind, "status", "the server writes it") for kind in ("KubeInfer", "Deployment")),
    simulated("ObjectMeta", "name generateName namespace"),
    simulated("ObjectMeta", "labels annotations", "key by key, see below"),
    without_effect(
        "ObjectMeta",
        "finalizers",
        "until somebody deletes the object: then a warning says what they would keep",
    ),
    without_effect(
        "ObjectMeta", "ownerReferences", "no object that is simulated goes with its owner but Pods"
    ),
    without_effect(
        "ObjectMeta",
        "selfLink uid resourceVersion generation creationTimestamp deletionTimestamp deletionGracePeriodSeconds "
        "managedFields",
        "the server writes it",
    ),
    simulated("KubeInferSpec", "replicas strategy networkServices template"),
    simulated("Strategy", "type rollingUpdate"),
    simulated("RollingUpdate", "maxSurge maxUnavailable"),
    simulated("InstanceTemplate", "spec"),
    without_effect("InstanceTemplate", "metadata", "it names the instances; pods have that of their role"),
    simulated("InstanceSpec", "roles"),
    simulated("Role", "name replicas recoveryPolicy template"),
    without_effect("Role", "strategy", "no effect of it is published; a note says so"),
    simulated("RecoveryPolicy", "type restart"),
    simulated("NetworkService", "name spec"),
    simulated(
        "DeploymentSpec",
        "replicas selector template strategy minReadySeconds revisionHistoryLimit paused progressDeadlineSeconds",
    ),
    simulated("ReplicaSetSpec", "replicas selector template minReadySeconds"),
    simulated(
        "StatefulSetSpec",
        "replicas selector template podManagementPolicy updateStrategy minReadySeconds ordinals "
        "revisionHistoryLimit",
    ),
    simulated("StatefulSetUpdateStrategy", "type rollingUpdate"),
    simulated("RollingUpdateStatefulSetStrategy", "partition maxUnavailable"),
    simulated("StatefulSetOrdinals", "start"),
    without_effect("StatefulSetSpec", "serviceName", "it names the pods in the DNS"),
    without_effect(
        "StatefulSetSpec",
        "persistentVolumeClaimRetentionPolicy",
        "what becomes of claims nobody uses any more",
    ),
    not_simulated(
        "StatefulSetSpec",
        "volumeClaimTemplates",
        "each pod has claims of its own, and a volume may tie it to one node or zone (local volumes, zonal disks); "
        "here they are taken to be bound, and a pod goes where there is room",
    ),
    simulated("DaemonSetSpec", "selector template updateStrategy minReadySeconds revisionHistoryLimit"),
    simulated("DaemonSetUpdateStrategy", "type rollingUpdate"),
    simulated("RollingUpdateDaemonSet", "maxUnavailable maxSurge"),
    simulated("DeploymentStrategy", "type rollingUpdate"),
    simulated("RollingUpdateDeployment", "maxUnavailable maxSurge"),
    simulated("ServiceSpec", "ports type", "a node port can be given once"),
    simulated(
        "ServiceSpec", "selector", "kube-scheduler's default scores spread its pods (placement: default)"
    ),
    simulated("ServicePort", "nodePort"),
    without_effect("ServicePort", "name protocol appProtocol port targetPort", _NAMES),
    without_effect(
        "ServiceSpec",
        "clusterIP clusterIPs externalIPs loadBalancerIP loadBalancerSourceRanges externalName "
        "healthCheckNodePort ipFamilies ipFamilyPolicy allocateLoadBalancerNodePorts loadBalancerClass "
        "sessionAffinityConfig trafficDistribution",
        _NAMES,
    ),
    not_simulated(
        "ServiceSpec",
        "sessionAffinity",
        "requests of one client go to one pod as long as it is ready; here they are shared out among all ready pods",
        when=lambda value: value == "ClientIP",
        values="ClientIP",
    ),
    not_simulated(
        "ServiceSpec",
        "externalTrafficPolicy internalTrafficPolicy",
        "a node passes requests to its own ready pods alone, and loses those it has no pod for; here any ready pod "
        "gets them",
        when=_local,
        values="Local",
    ),
    not_simulated(
        "ServiceSpec",
        "publishNotReadyAddresses",
        "pods that are not ready get requests as well, which they cannot answer; here they get none",
    ),
)
