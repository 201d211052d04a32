"""Valid pod templates, as `kubernetes/` reads them, turned into the records the simulation uses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from kubeinfer_sim.manifest.model import (
    Container,
    Hook,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PodTemplate,
    Probe,
    RestartRule,
    Toleration,
)
from kubeinfer_sim.manifest.pod_resources import amounts, pod_total, whole_units

_PROBE_HANDLERS: tuple[Literal["exec", "httpGet", "tcpSocket", "grpc"], ...] = (
    "exec",
    "httpGet",
    "tcpSocket",
    "grpc",
)
_HOOK_HANDLERS: tuple[Literal["exec", "httpGet", "tcpSocket", "sleep"], ...] = (
    "exec",
    "httpGet",
    "tcpSocket",
    "sleep",
)
#: Volumes whose content lies outside the node and is there for every pod: weights read from them are cold.
_SHARED_VOLUMES = frozenset({"persistentVolumeClaim", "nfs", "csi", "ephemeral", "iscsi", "cephfs", "rbd"})
_SYSTEM_FOLDER = r"/+(dev|etc|proc|sys|run|usr|lib|lib64|bin|sbin|boot|var/(log|run))(/|$)"


def convert_template(template: Mapping[str, Any], stored: Mapping[str, Any]) -> PodTemplate:
    """Turn a valid PodTemplateSpec into a record.

    Args:
        template: typed, with its defaults (quantities as `Quantity`).
        stored: the same as the API server would store it, for `raw`.
    """
    metadata = template.get("metadata") or {}
    spec = template.get("spec") or {}
    return PodTemplate(
        containers=tuple(map(_container, spec.get("containers") or ())),
        init_containers=tuple(map(_container, spec.get("initContainers") or ())),
        labels=_texts(metadata.get("labels")),
        annotations=_texts(metadata.get("annotations")),
        node_selector=_texts(spec.get("nodeSelector")),
        required_node_affinity=_node_affinity(spec),
        tolerations=tuple(map(_toleration, spec.get("tolerations") or ())),
        termination_grace_period_seconds=_or(spec.get("terminationGracePeriodSeconds"), 30),
        restart_policy=spec.get("restartPolicy") or "Always",
        scheduler_name=spec.get("schedulerName") or "default-scheduler",
        priority_class_name=spec.get("priorityClassName") or "",
        priority=spec.get("priority") or 0,
        preempts=spec.get("preemptionPolicy") != "Never",
        requests=whole_units(pod_total(spec)),
        weights_volume=_weights_volume(spec.get("volumes") or ()),
        node_name=spec.get("nodeName") or "",
        scheduling_gates=tuple(each["name"] for each in spec.get("schedulingGates") or ()),
        readiness_gates=tuple(each["conditionType"] for each in spec.get("readinessGates") or ()),
        finalizers=tuple(metadata.get("finalizers") or ()),
        active_deadline_seconds=spec.get("activeDeadlineSeconds"),
        raw=stored,
    )


def _container(written: Mapping[str, Any]) -> Container:
    lifecycle = written.get("lifecycle") or {}
    return Container(
        name=written["name"],
        image=written.get("image") or "",
        image_pull_policy=written.get("imagePullPolicy") or "IfNotPresent",
        startup_probe=_probe(written.get("startupProbe")),
        liveness_probe=_probe(written.get("livenessProbe")),
        readiness_probe=_probe(written.get("readinessProbe")),
        pre_stop=_hook(lifecycle.get("preStop")),
        post_start=_hook(lifecycle.get("postStart")),
        requests=whole_units(amounts(written, "requests")),
        limits=whole_units(amounts(written, "limits")),
        restart_policy=written.get("restartPolicy"),
        restart_rules=tuple(map(_restart_rule, written.get("restartPolicyRules") or ())),
    )


def _restart_rule(written: Mapping[str, Any]) -> RestartRule:
    codes = written.get("exitCodes") or {}
    values = frozenset(int(each) for each in codes.get("values") or ())
    return RestartRule(written["action"], values, codes.get("operator") == "NotIn")


def _probe(written: Mapping[str, Any] | None) -> Probe | None:
    if written is None:
        return None
    default = Probe()
    return Probe(
        handler=next((each for each in _PROBE_HANDLERS if written.get(each) is not None), "exec"),
        initial_delay_seconds=written.get("initialDelaySeconds") or default.initial_delay_seconds,
        timeout_seconds=written.get("timeoutSeconds") or default.timeout_seconds,
        period_seconds=written.get("periodSeconds") or default.period_seconds,
        success_threshold=written.get("successThreshold") or default.success_threshold,
        failure_threshold=written.get("failureThreshold") or default.failure_threshold,
        termination_grace_period_seconds=written.get("terminationGracePeriodSeconds"),
    )


def _hook(written: Mapping[str, Any] | None) -> Hook | None:
    handler = next((each for each in _HOOK_HANDLERS if written and written.get(each) is not None), None)
    if written is None or handler is None:
        return None
    action = written[handler]
    return Hook(
        handler=handler,
        sleep_seconds=_or(action.get("seconds"), 0) if handler == "sleep" else None,
        command=tuple(action.get("command") or ()) if handler == "exec" else (),
    )


def _node_affinity(spec: Mapping[str, Any]) -> tuple[NodeSelectorTerm, ...] | None:
    node_affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = node_affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return None
    return tuple(
        NodeSelectorTerm(
            _requirements((term or {}).get("matchExpressions")),
            _requirements((term or {}).get("matchFields")),
        )
        for term in required.get("nodeSelectorTerms") or ()
    )


def _requirements(written: Any) -> tuple[NodeSelectorRequirement, ...]:
    return tuple(
        NodeSelectorRequirement(each["key"], each["operator"], tuple(each.get("values") or ()))
        for each in written or ()
    )


def _toleration(written: Mapping[str, Any]) -> Toleration:
    return Toleration(
        key=written.get("key") or "",
        operator=written.get("operator") or "Equal",
        value=written.get("value") or "",
        effect=written.get("effect") or "",
        toleration_seconds=written.get("tolerationSeconds"),
    )


def _weights_volume(volumes: Any) -> Literal["local", "shared", "none"]:
    """Where weights are read from: `shared` (a claim, network storage), else `local` (a folder of the node), or `none`.

    Volumes that cannot hold weights (emptyDir, ConfigMaps, Secrets ...) do not count, nor do the folders of
    the node's system, from which NPU pods mount drivers, devices and logs.
    """
    where: Literal["local", "none"] = "none"
    for volume in volumes:
        for kind, source in volume.items():
            if source is None:
                continue
            if kind in _SHARED_VOLUMES:
                return "shared"
            if kind == "hostPath" and not re.match(_SYSTEM_FOLDER, source.get("path") or ""):
                where = "local"
    return where


def _texts(written: Any) -> dict[str, str]:
    return {key: value or "" for key, value in (written or {}).items()}


def _or(value: Any, default: int) -> int:
    return default if value is None else value
