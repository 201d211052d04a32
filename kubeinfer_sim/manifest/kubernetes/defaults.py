"""The defaults the API server fills, object by object, before it validates.

A field gets its default where it is absent, or zero where its type knows no absence (periodSeconds: 0 is 10).
Sources: pkg/apis/core/v1/defaults.go and zz_generated.defaults.go, pkg/apis/apps/v1/defaults.go.
"""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.manifest.kubernetes.images import default_pull_policy
from kubeinfer_sim.manifest.kubernetes.schema import types

#: type -> field -> default.
DEFAULTS: dict[str, dict[str, Any]] = {
    "PodSpec": {
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "terminationGracePeriodSeconds": 30,
        "securityContext": {},
        "schedulerName": "default-scheduler",
    },
    "Container": {
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    },
    "ContainerPort": {"protocol": "TCP"},
    "Probe": {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
    "HTTPGetAction": {"path": "/", "scheme": "HTTP"},
    "GRPCAction": {"service": ""},
    "ObjectFieldSelector": {"apiVersion": "v1"},
    "FileKeySelector": {"optional": False},
    "HostPathVolumeSource": {"type": ""},
    "SecretVolumeSource": {"defaultMode": 0o644},
    "ConfigMapVolumeSource": {"defaultMode": 0o644},
    "DownwardAPIVolumeSource": {"defaultMode": 0o644},
    "ProjectedVolumeSource": {"defaultMode": 0o644},
    "ServiceAccountTokenProjection": {"expirationSeconds": 3600},
    "PersistentVolumeClaimSpec": {"volumeMode": "Filesystem"},
    "ISCSIVolumeSource": {"iscsiInterface": "default"},
    "RBDVolumeSource": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "AzureDiskVolumeSource": {
        "cachingMode": "ReadWrite",
        "fsType": "ext4",
        "readOnly": False,
        "kind": "Shared",
    },
    "ScaleIOVolumeSource": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
    "ServicePort": {"protocol": "TCP"},
    "ReplicaSetSpec": {"replicas": 1},
    "StatefulSetSpec": {"replicas": 1, "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10},
    "DaemonSetSpec": {"revisionHistoryLimit": 10},
    "DeploymentSpec": {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600},
}
DEFAULTS["EphemeralContainer"] = DEFAULTS["Container"]

_QUANTITY_MAPS = {
    name: [key for key, f in each.fields.items() if f.type.item and f.type.item.kind == "Quantity"]
    for name, each in types().items()
}
_VOLUME_SOURCES = [name for name in types()["Volume"].fields if name != "name"]


def fill_defaults(type_name: str, decoded: dict[str, Any]) -> None:
    """Fill the defaults of one typed object in place; its own parts have theirs already."""
    defaults = DEFAULTS.get(type_name)
    if defaults is not None:
        fields = types()[type_name].fields
        for name, value in defaults.items():
            if name not in decoded or (not fields[name].pointer and not decoded[name]):
                decoded[name] = dict(value) if isinstance(value, dict) else value
    for name in _QUANTITY_MAPS[type_name]:
        quantities = decoded.get(name)
        if quantities:
            for key, quantity in quantities.items():
                quantities[key] = quantity.round_up(-3)[0]
    match type_name:
        case "Container" | "EphemeralContainer":
            if not decoded.get("imagePullPolicy"):
                decoded["imagePullPolicy"] = default_pull_policy(decoded.get("image", ""))
        case "Volume":
            if not any(source in decoded for source in _VOLUME_SOURCES):
                decoded["emptyDir"] = {}
            if "image" in decoded and not decoded["image"].get("pullPolicy"):
                decoded["image"]["pullPolicy"] = default_pull_policy(decoded["image"].get("reference", ""))
        case "PodSpec":
            _service_account(decoded)
        case "ServiceSpec":
            _service(decoded)
        case "DeploymentSpec":
            _deployment(decoded)
        case "StatefulSetSpec":
            _rolling_update(decoded, partition=0, maxUnavailable=1)
        case "DaemonSetSpec":
            _rolling_update(decoded, maxUnavailable=1, maxSurge=0)


def _service_account(spec: dict[str, Any]) -> None:
    """`serviceAccount` is the old name of `serviceAccountName`; both are stored."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def _service(spec: dict[str, Any]) -> None:
    if not spec.get("type"):
        spec["type"] = "ClusterIP"
    if not spec.get("sessionAffinity"):
        spec["sessionAffinity"] = "None"
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        config = spec.get("sessionAffinityConfig", {}).get("clientIP", {})
        if "timeoutSeconds" not in config:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": 10800}}
    for port in spec.get("ports", ()):
        if port.get("targetPort", 0) in (0, ""):
            port["targetPort"] = port.get("port", 0)
    if externally_accessible(spec) and not spec.get("externalTrafficPolicy"):
        spec["externalTrafficPolicy"] = "Cluster"
    if "internalTrafficPolicy" not in spec and spec["type"] in ("ClusterIP", "NodePort", "LoadBalancer"):
        spec["internalTrafficPolicy"] = "Cluster"
    if spec["type"] == "LoadBalancer" and "allocateLoadBalancerNodePorts" not in spec:
        spec["allocateLoadBalancerNodePorts"] = True


def externally_accessible(spec: dict[str, Any]) -> bool:
    """Whether a Service can be reached from outside: NodePort, LoadBalancer, or with external IPs."""
    kind = spec.get("type")
    return kind in ("LoadBalancer", "NodePort") or (kind == "ClusterIP" and bool(spec.get("externalIPs")))


def _rolling_update(spec: dict[str, Any], **defaults: int) -> None:
    """The update strategy of a StatefulSet or a DaemonSet."""
    strategy = spec.setdefault("updateStrategy", {})
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        update = strategy.setdefault("rollingUpdate", {})
        for name, value in defaults.items():
            update.setdefault(name, value)


def _deployment(spec: dict[str, Any]) -> None:
    strategy = spec["strategy"]
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {})
    default = "25%" if strategy["type"] == "RollingUpdate" else 0
    if "rollingUpdate" in strategy:
        strategy["rollingUpdate"].setdefault("maxUnavailable", default)
        strategy["rollingUpdate"].setdefault("maxSurge", default)
