"""The fields of a KubeInfer that are its own: what may be written there, and what is meant by default.

Rules: the vendor's YAML guide and the semantics page of this project (objects, rolling update, recovery).
Pod templates and Service specs are Kubernetes' own and checked by `kubernetes/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from msgspec import Struct, field

from kubeinfer_sim.diagnostics import Path, Severity
from kubeinfer_sim.manifest.budgets import check_rolling_update
from kubeinfer_sim.manifest.checker import Checker, shown
from kubeinfer_sim.manifest.kubernetes.names import dns1123_label
from kubeinfer_sim.manifest.model import RecoveryPolicy, RollingUpdate
from kubeinfer_sim.manifest.object_meta import ObjectMeta, check_object_meta

API_GROUP = "infer.modelarts.huaweicloud"
API_VERSION = f"{API_GROUP}/v1"
KIND = "KubeInfer"

STRATEGY_TYPES = ("InstanceRollingUpdate",)
RECOVERY_LEVELS = ("Instance", "Pod", "Custom")
RECOVERY_TYPES = ("Restart",)

_OBJECT_FIELDS = ("apiVersion", "kind", "metadata", "spec", "status")
_SPEC_FIELDS = ("networkServices", "replicas", "strategy", "template")
_ROLE_FIELDS = ("name", "recoveryPolicy", "replicas", "strategy", "template")


class RoleForm(Struct, frozen=True):
    """A role as written, its own fields checked; `template` is not."""

    name: str
    replicas: int
    recovery_policy: RecoveryPolicy
    template: Any
    template_path: Path


class ServiceForm(Struct, frozen=True):
    """An entry of networkServices; its spec is not checked."""

    name: str
    spec: Any
    spec_path: Path


class KubeInferForm(Struct, frozen=True):
    """A KubeInfer as written, its own fields checked."""

    metadata: ObjectMeta
    replicas: int = 1
    rolling_update: RollingUpdate = field(default_factory=RollingUpdate)
    roles: tuple[RoleForm, ...] = ()
    services: tuple[ServiceForm, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)


def check_kubeinfer(checker: Checker, value: Mapping[str, Any]) -> KubeInferForm:
    """Check a document whose kind is KubeInfer; what is wrong is reported and read as if left out."""
    api_version = checker.string(value.get("apiVersion"), ("apiVersion",))
    if "apiVersion" not in value or value["apiVersion"] is None:
        checker.report(("apiVersion",), "required", code="required", hint=f"write apiVersion: {API_VERSION}")
    elif isinstance(value["apiVersion"], str) and api_version != API_VERSION:
        checker.report(
            ("apiVersion",),
            f"unsupported apiVersion {shown(api_version)} for kind {KIND}",
            hint=f"write apiVersion: {API_VERSION}",
        )
    checker.known_fields(value, (), _OBJECT_FIELDS)
    metadata = check_object_meta(checker, value.get("metadata"), ("metadata",), named=True)
    spec = checker.mapping(value.get("spec"), ("spec",), required=True)
    checker.known_fields(spec, ("spec",), _SPEC_FIELDS)
    replicas = checker.count(spec.get("replicas"), ("spec", "replicas"), default=1)
    rolling_update = _check_strategy(checker, spec.get("strategy"), ("spec", "strategy"), replicas)
    services = _check_services(checker, spec.get("networkServices"), ("spec", "networkServices"))
    roles = _check_template(checker, spec.get("template"), ("spec", "template")) if spec else ()
    return KubeInferForm(metadata, replicas, rolling_update, roles, services, value)


def _check_strategy(checker: Checker, value: Any, path: Path, replicas: int) -> RollingUpdate:
    strategy = checker.mapping(value, path)
    checker.known_fields(strategy, path, ("rollingUpdate", "type"))
    checker.one_of(strategy.get("type"), (*path, "type"), STRATEGY_TYPES, default=STRATEGY_TYPES[0])
    return check_rolling_update(checker, strategy.get("rollingUpdate"), (*path, "rollingUpdate"), replicas)


def _check_services(checker: Checker, value: Any, path: Path) -> tuple[ServiceForm, ...]:
    services: list[ServiceForm] = []
    names: set[str] = set()
    for index, each in enumerate(checker.sequence(value, path)):
        here = (*path, index)
        service = checker.mapping(each, here, required=True)
        checker.known_fields(service, here, ("name", "spec"))
        name = _check_name(checker, service, here, "Service")
        if name and name in names:
            checker.report((*here, "name"), f"duplicate Service name {shown(name)}", code="duplicate")
        names.add(name)
        if service:
            checker.mapping(service.get("spec"), (*here, "spec"), required=True)
        if isinstance(service.get("spec"), dict):
            services.append(ServiceForm(name, service["spec"], (*here, "spec")))
    return tuple(services)


def _check_name(checker: Checker, value: Mapping[str, Any], path: Path, what: str) -> str:
    if value and value.get("name") is None:
        checker.report((*path, "name"), "required", code="required")
    name = checker.string(value.get("name"), (*path, "name"))
    if name and dns1123_label(name):
        checker.report(
            (*path, "name"),
            f'{shown(name)} is not a {what} name (lower case letters, digits, "-", at most 63)',
        )
    return name


def _check_template(checker: Checker, value: Any, path: Path) -> tuple[RoleForm, ...]:
    template = checker.mapping(value, path, required=True)
    checker.known_fields(template, path, ("metadata", "spec"))
    check_object_meta(checker, template.get("metadata"), (*path, "metadata"), named=False)
    if not template:
        return ()
    spec_path = (*path, "spec")
    spec = checker.mapping(template.get("spec"), spec_path, required=True)
    checker.known_fields(spec, spec_path, ("roles",))
    if not isinstance(template.get("spec"), dict):
        return ()
    return _check_roles(checker, spec.get("roles"), (*spec_path, "roles"))


def _check_roles(checker: Checker, value: Any, path: Path) -> tuple[RoleForm, ...]:
    written = checker.sequence(value, path)
    if not written and (value is None or isinstance(value, list)):
        checker.report(path, "at least one role is required", code="required", key=True)
    roles: list[RoleForm] = []
    names: set[str] = set()
    for index, each in enumerate(written):
        here = (*path, index)
        role = checker.mapping(each, here, required=True)
        if not isinstance(each, dict):
            continue
        checker.known_fields(role, here, _ROLE_FIELDS)
        name = f"role{index}" if role.get("name") is None else _check_name(checker, role, here, "role")
        if name and name in names:
            checker.report((*here, "name"), f"duplicate role name {shown(name)}", code="duplicate")
        names.add(name)
        replicas = checker.count(role.get("replicas"), (*here, "replicas"), default=1)
        policy = _check_recovery(checker, role.get("recoveryPolicy"), (*here, "recoveryPolicy"))
        if role.get("strategy") is not None:
            checker.mapping(role["strategy"], (*here, "strategy"))
            checker.report(
                (*here, "strategy"),
                "a role's strategy has no known effect; spec.strategy decides how the KubeInfer is updated",
                severity=Severity.NOTE,
                code="role-strategy",
                key=True,
            )
        template_path = (*here, "template")
        checker.mapping(role.get("template"), template_path, required=True)
        if isinstance(role.get("template"), dict):
            roles.append(RoleForm(name, replicas, policy, role["template"], template_path))
    return tuple(roles)


def _check_recovery(checker: Checker, value: Any, path: Path) -> RecoveryPolicy:
    policy = checker.mapping(value, path)
    checker.known_fields(policy, path, ("restart", "type"))
    restart = checker.one_of(policy.get("restart"), (*path, "restart"), RECOVERY_LEVELS, default="Instance")
    checker.one_of(policy.get("type"), (*path, "type"), RECOVERY_TYPES, default="Restart")
    return RecoveryPolicy(cast("Literal['Instance', 'Pod', 'Custom']", restart))
