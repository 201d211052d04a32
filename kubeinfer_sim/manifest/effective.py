"""Objects as they would stand in the cluster: what was written, with the defaults filled in."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import yaml

from kubeinfer_sim.manifest.kubernetes.rolling_update import read_apps_spec
from kubeinfer_sim.manifest.kubernetes.service import default_service_spec
from kubeinfer_sim.manifest.model import BarePod, KubeInfer, PlainWorkload, WorkloadSpec

#: What the server writes and a manifest that is applied need not say.
_SERVER_WRITTEN = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")


def effective(kubeinfer: KubeInfer) -> dict[str, Any]:
    """The object with KubeInfer's defaults and, in pod templates and Services, the API server's."""
    value = _as_applied(kubeinfer)
    spec = dict(value.get("spec") or {})
    update = kubeinfer.rolling_update
    spec["replicas"] = kubeinfer.replicas
    spec["strategy"] = {
        "type": "InstanceRollingUpdate",
        "rollingUpdate": {
            "maxSurge": _int_or_percent(update.max_surge),
            "maxUnavailable": _int_or_percent(update.max_unavailable),
        },
    }
    if kubeinfer.network_services:
        spec["networkServices"] = [
            {"name": service.name, "spec": default_service_spec(copy.deepcopy(dict(service.spec)))}
            for service in kubeinfer.network_services
        ]
    spec["template"] = {
        "spec": {
            "roles": [
                {
                    "name": role.name,
                    "replicas": role.replicas,
                    "recoveryPolicy": {"type": "Restart", "restart": role.recovery_policy.restart},
                    "template": copy.deepcopy(dict(role.template.raw)),
                }
                for role in kubeinfer.roles
            ]
        }
    }
    value["spec"] = spec
    return value


def effective_plain(workload: PlainWorkload) -> dict[str, Any]:
    """The object with the API server's defaults."""
    value = _as_applied(workload)
    template = copy.deepcopy(dict(workload.template.raw))
    if isinstance(workload, BarePod):
        value["spec"] = template["spec"]
        return value
    spec = read_apps_spec(workload.kind, {**value["spec"], "template": template}).effective
    value["spec"] = {**spec, "template": template}
    return value


def _as_applied(workload: WorkloadSpec) -> dict[str, Any]:
    """The document without what only the server writes."""
    value: dict[str, Any] = copy.deepcopy(dict(workload.raw))
    value.pop("status", None)
    metadata = dict(value.get("metadata") or {})
    value["metadata"] = {key: each for key, each in metadata.items() if key not in _SERVER_WRITTEN}
    value["metadata"]["namespace"] = workload.namespace
    return value


def effective_yaml(kubeinfers: Iterable[KubeInfer], others: Iterable[PlainWorkload] = ()) -> str:
    """The objects as YAML documents."""
    objects = [effective(each) for each in kubeinfers] + [effective_plain(each) for each in others]
    return yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True, width=100)


def _int_or_percent(value: Any) -> int | str:
    return str(value) if value.percent else int(value.value)
