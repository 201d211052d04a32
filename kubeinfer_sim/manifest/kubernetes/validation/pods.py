"""Pod specs and pod templates as a whole.

Source: pkg/apis/core/validation/validation.go (`ValidatePodSpec`, `ValidatePodTemplateSpec`) and
pkg/apis/apps/validation/validation.go (`ValidatePodTemplateSpecForReplicaSet`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kubeinfer_sim.manifest.kubernetes.decode import decode
from kubeinfer_sim.manifest.kubernetes.field_errors import DECODE, Errors, Field, Root
from kubeinfer_sim.manifest.kubernetes.names import (
    byte_length,
    dns1123_label,
    dns1123_subdomain,
    dns1123_subdomain_with_underscore,
    qualified_name,
)
from kubeinfer_sim.manifest.kubernetes.pod_resources import aggregate
from kubeinfer_sim.manifest.kubernetes.schema import Type, types
from kubeinfer_sim.manifest.kubernetes.validation.addresses import ip_errors
from kubeinfer_sim.manifest.kubernetes.validation.affinity import validate_affinity
from kubeinfer_sim.manifest.kubernetes.validation.containers import (
    PodContext,
    validate_containers,
    validate_ephemeral_containers,
    validate_init_containers,
)
from kubeinfer_sim.manifest.kubernetes.validation.metadata import validate_annotations, validate_labels
from kubeinfer_sim.manifest.kubernetes.validation.resources import (
    HUGE_PAGES,
    validate_pod_resource_name,
    validate_resource_requirements,
)
from kubeinfer_sim.manifest.kubernetes.validation.scheduling import (
    validate_scheduling_gates,
    validate_spread_constraints,
    validate_tolerations,
)
from kubeinfer_sim.manifest.kubernetes.validation.security import (
    APPARMOR_CONTAINER_PREFIX,
    SECCOMP_CONTAINER_PREFIX,
    SECCOMP_POD_ANNOTATION,
    validate_annotation_matches_profile,
    validate_pod_security_context,
    validate_security_annotations,
)
from kubeinfer_sim.manifest.kubernetes.validation.volumes import validate_volumes
from kubeinfer_sim.manifest.kubernetes.validation.windows import (
    Placed,
    validate_host_process,
    validate_linux,
    validate_windows,
)

CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_TOLERATIONS = "scheduler.alpha.kubernetes.io/tolerations"
_cost = re.compile(r"0|-?[0-9]{1,12}", re.ASCII).fullmatch


def each_container(spec: Mapping[str, Any], at: Field) -> Iterator[Placed]:
    """All containers of a pod with their places: init, regular, ephemeral."""
    for name in CONTAINER_LISTS:
        for i, container in enumerate(spec.get(name, ())):
            yield container, at.child(name).index(i)


def validate_pod_template(template: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """The template of a workload that keeps its pods running: restartPolicy Always, no deadline."""
    metadata, spec = template.get("metadata", {}), template.get("spec", {})
    # The API server words these paths without `metadata`.
    metadata_at, spec_at = at.child("metadata", ""), at.child("spec")
    annotations = metadata.get("annotations", {})
    annotations_at = metadata_at.child("annotations")
    validate_labels(metadata.get("labels", {}), metadata_at.child("labels"), errors)
    validate_annotations(annotations, annotations_at, errors)
    containers = list(each_container(spec, spec_at))
    if annotations:
        validate_pod_annotations(annotations, spec, containers, annotations_at, errors)
    validate_pod_spec(spec, spec_at, errors)
    if annotations:
        validate_annotations_match(annotations, spec, containers, spec_at, errors)
    if spec.get("ephemeralContainers"):
        errors.forbidden(spec_at.child("ephemeralContainers"), "must not be given in a template")
    restart = spec.get("restartPolicy", "")
    if restart != "Always":
        errors.not_supported(spec_at.child("restartPolicy"), restart, ("Always",))
    if "activeDeadlineSeconds" in spec:
        errors.forbidden(
            spec_at.child("activeDeadlineSeconds"), "must not be given for pods that keep running"
        )


def validate_pod_annotations(
    annotations: Mapping[str, str],
    spec: Mapping[str, Any],
    containers: Sequence[Placed],
    at: Field,
    errors: Errors,
) -> None:
    """Annotations the API server itself reads."""
    mirror = annotations.get("kubernetes.io/config.mirror")
    if mirror is not None and not spec.get("nodeName"):
        errors.invalid(at.key("kubernetes.io/config.mirror"), mirror, "needs spec.nodeName beside it")
    if annotations.get(_TOLERATIONS):
        tolerations = _read_tolerations(annotations[_TOLERATIONS])
        if tolerations is None:
            errors.invalid(at.child(_TOLERATIONS, ""), _TOLERATIONS, "must be a list of tolerations in JSON")
        else:
            validate_tolerations(tolerations, at.child(_TOLERATIONS), errors)
    cost = annotations.get(_DELETION_COST)
    if cost is not None and not _is_deletion_cost(cost):
        errors.invalid(at.key(_DELETION_COST), cost, "must be an integer of 32 bits")
    names = {container.get("name", "") for container, _ in containers}
    validate_security_annotations(annotations, names, at, errors)


def _read_tolerations(text: str) -> list[dict[str, Any]] | None:
    """Tolerations in JSON; None for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    errors = Errors()
    found = decode(value, Type("list", "list", types()["Toleration"]), Root(), errors)
    return None if any(error.type == DECODE for error in errors.found) else found


def _is_deletion_cost(text: str) -> bool:
    """A 32-bit integer without a plus sign or leading zeros (pkg/apis/core/helper)."""
    if not _cost(text) or (text[0] == "0" and text != "0"):
        return False
    return -(2**31) <= int(text) < 2**31


def validate_annotations_match(
    annotations: Mapping[str, str],
    spec: Mapping[str, Any],
    containers: Sequence[Placed],
    at: Field,
    errors: Errors,
) -> None:
    """Annotations for seccomp and AppArmor beside the fields that took their place."""
    context = spec.get("securityContext", {})
    validate_annotation_matches_profile(
        "seccomp",
        annotations.get(SECCOMP_POD_ANNOTATION),
        context.get("seccompProfile"),
        at.down("securityContext", "seccompProfile"),
        errors,
    )
    windows = spec.get("os", {}).get("name") == "windows"
    for container, place in containers:
        name, own = container.get("name", ""), container.get("securityContext", {})
        validate_annotation_matches_profile(
            "seccomp",
            annotations.get(f"{SECCOMP_CONTAINER_PREFIX}{name}"),
            own.get("seccompProfile"),
            place.down("securityContext", "seccompProfile"),
            errors,
        )
        if not windows:
            validate_annotation_matches_profile(
                "AppArmor",
                annotations.get(f"{APPARMOR_CONTAINER_PREFIX}{name}"),
                own.get("appArmorProfile", context.get("appArmorProfile")),
                place.down("securityContext", "appArmorProfile"),
                errors,
            )


def validate_pod_spec(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """A pod spec, whatever it is part of."""
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is None:
        errors.required(at.child("terminationGracePeriodSeconds"))
    volumes = validate_volumes(spec.get("volumes", ()), at.child("volumes"), errors)
    claims = spec.get("resourceClaims", ())
    _validate_resource_claims(claims, at.child("resourceClaims"), errors)
    pod = PodContext(
        volumes,
        frozenset(claim["name"] for claim in claims if claim.get("name")),
        grace,
        spec.get("restartPolicy", ""),
        spec.get("hostUsers", True),
    )
    regular, init = spec.get("containers", ()), spec.get("initContainers", ())
    validate_containers(regular, pod, at.child("containers"), errors)
    validate_init_containers(init, regular, pod, at.child("initContainers"), errors)
    ephemeral, ephemeral_at = spec.get("ephemeralContainers", ()), at.child("ephemeralContainers")
    validate_ephemeral_containers(ephemeral, [*regular, *init], pod, ephemeral_at, errors)
    if "resources" in spec:
        _validate_pod_resources(spec, pod, at.child("resources"), errors)
    errors.choice(at.child("restartPolicy"), spec.get("restartPolicy", ""), _RESTART_POLICIES)
    errors.choice(at.child("dnsPolicy"), spec.get("dnsPolicy", ""), _DNS_POLICIES)
    validate_labels(spec.get("nodeSelector", {}), at.child("nodeSelector"), errors)
    context = spec.get("securityContext")
    if context is not None:
        validate_pod_security_context(context, spec, at.child("securityContext"), errors)
    if "affinity" in spec:
        validate_affinity(spec["affinity"], at.child("affinity"), errors)
    _validate_dns(spec, at.child("dnsConfig"), errors)
    for i, gate in enumerate(spec.get("readinessGates", ())):
        condition = gate.get("conditionType", "")
        place = at.child("readinessGates").index(i).child("conditionType")
        errors.check(place, condition, qualified_name(condition))
    validate_scheduling_gates(spec.get("schedulingGates", ()), at.child("schedulingGates"), errors)
    constraints_at = at.child("topologySpreadConstraints")
    validate_spread_constraints(spec.get("topologySpreadConstraints", ()), constraints_at, errors)
    validate_tolerations(spec.get("tolerations", ()), at.child("tolerations"), errors)
    _validate_names(spec, at, errors)
    _validate_host(spec, at, errors)
    _validate_os(spec, at, errors)
    _validate_file_keys(spec, at, errors)
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline < 2**31:
        message = "must be between 1 and 2147483647, inclusive"
        errors.invalid(at.child("activeDeadlineSeconds"), deadline, message)
    preemption = spec.get("preemptionPolicy")
    if preemption is not None:
        errors.choice(at.child("preemptionPolicy"), preemption, ("PreemptLowerPriority", "Never"))
    if "overhead" in spec:
        overhead_at = at.child("overhead")
        limits = _Overhead(overhead_at)
        validate_resource_requirements({"limits": spec["overhead"]}, (), limits, errors)


class _Overhead(Field):
    """The place of overhead, which is checked and worded as if it were limits: `overhead.limits[cpu]`."""

    __slots__ = ()

    def __init__(self, at: Field) -> None:
        super().__init__(at, None, "")

    def child(self, name: str, label: str | None = None) -> Field:
        return Field(self, None, f".{name}")


def _validate_resource_claims(claims: Sequence[Mapping[str, Any]], at: Field, errors: Errors) -> None:
    names: set[str] = set()
    for i, claim in enumerate(claims):
        place = at.index(i)
        name = claim.get("name", "")
        if not name:
            errors.required(place.child("name"))
        elif name in names:
            errors.duplicate(place.child("name"), name)
        else:
            errors.check(place.child("name"), name, dns1123_label(name))
            names.add(name)
        given = [key for key in ("resourceClaimName", "resourceClaimTemplateName") if key in claim]
        if len(given) != 1:
            errors.invalid(place, None, "needs one of resourceClaimName and resourceClaimTemplateName")
        for key in given:
            errors.check(place.child(key), claim[key], dns1123_subdomain(claim[key]))


def _validate_pod_resources(spec: Mapping[str, Any], pod: PodContext, at: Field, errors: Errors) -> None:
    """Resources of the pod as a whole (PodLevelResources) against those of its containers."""
    if spec.get("os", {}).get("name") == "windows":
        errors.forbidden(at, "must not be given for a Windows pod")
        return
    resources = spec["resources"]
    if "claims" in resources:
        errors.forbidden(at.child("claims"), "must not be given for the pod as a whole")
    validate_resource_requirements(resources, pod.claims, at, errors, validate_pod_resource_name)
    requests, limits = resources.get("requests", {}), resources.get("limits", {})
    for name, total in aggregate(spec, "requests").items():
        own = requests.get(name)
        if own is not None and total > own:
            message = f"must be greater than or equal to what the containers request, {total}"
            errors.invalid(at.child("requests").key(name), str(own), message)
    for name, total in aggregate(spec, "limits").items():
        own = limits.get(name)
        if name.startswith(HUGE_PAGES) and own is not None and total > own:
            message = f"must be greater than or equal to the limits of the containers, {total}"
            errors.invalid(at.child("limits").key(name), str(own), message)
    for i, container in enumerate(spec.get("containers", ())):
        for name, limit in container.get("resources", {}).get("limits", {}).items():
            own = limits.get(name)
            if own is not None and limit > own:
                # Worded as a child of the pod's resources; in the document it is the container's own limit.
                place = at.parent.child("containers", ".resources.containers") if at.parent else at
                label = Field(Field(place, i), "resources", "").child("limits", f"[{name}].limits")
                message = f"must be less than or equal to the pod's limit of {own}"
                errors.invalid(label.child(name, ""), str(limit), message)


def _validate_dns(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    config = spec.get("dnsConfig")
    servers_at, searches_at = at.child("nameservers"), at.child("searches")
    if spec.get("dnsPolicy") == "None":
        if config is None:
            errors.required(at, "is required when dnsPolicy is None")
            return
        if not config.get("nameservers"):
            errors.required(servers_at, "needs at least one server when dnsPolicy is None")
            return
    if config is None:
        return
    servers, searches = config.get("nameservers", ()), config.get("searches", ())
    if len(servers) > 3:
        errors.invalid(servers_at, None, f"must have at most 3 servers, has {len(servers)}")
    for i, server in enumerate(servers):
        errors.check(servers_at.index(i), server, ip_errors(server))
    if len(searches) > 32:
        errors.invalid(searches_at, None, f"must have at most 32 domains, has {len(searches)}")
    if byte_length(" ".join(searches)) > 2048:
        errors.invalid(searches_at, None, "must have at most 2048 characters in all, spaces between included")
    for i, domain in enumerate(searches):
        if domain != ".":
            messages = dns1123_subdomain_with_underscore(domain.removesuffix("."))
            errors.check(searches_at.index(i), domain, messages)
    for i, option in enumerate(config.get("options", ())):
        if not option.get("name"):
            errors.required(at.child("options").index(i), "needs a name")


def _validate_names(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """Names of other objects, of the host, of the domain."""
    for name in ("serviceAccountName", "nodeName", "priorityClassName"):
        if spec.get(name):
            errors.check(at.child(name), spec[name], dns1123_subdomain(spec[name]))
    if "runtimeClassName" in spec:
        errors.check(
            at.child("runtimeClassName"),
            spec["runtimeClassName"],
            dns1123_subdomain(spec["runtimeClassName"]),
        )
    for name in ("hostname", "subdomain"):
        if spec.get(name):
            errors.check(at.child(name), spec[name], dns1123_label(spec[name]))
    for i, alias in enumerate(spec.get("hostAliases", ())):
        place, ip = at.child("hostAliases").index(i), alias.get("ip", "")
        errors.check(place.child("ip"), ip, ip_errors(ip))
        for j, host in enumerate(alias.get("hostnames", ())):
            errors.check(place.child("hostnames").index(j), host, dns1123_subdomain(host))
    override = spec.get("hostnameOverride")
    if override is not None:
        place = at.child("hostnameOverride")
        for name in ("setHostnameAsFQDN", "hostNetwork"):
            if spec.get(name):
                errors.forbidden(place, f"must not be given when {name} is true")
        if byte_length(override) > 64:
            errors.too_long(place, 64)
        errors.check(place, override, dns1123_subdomain(override))


def _validate_host(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """What shares the host's network and namespaces."""
    if spec.get("hostNetwork"):
        for i, container in enumerate(spec.get("containers", ())):
            for j, port in enumerate(container.get("ports", ())):
                host_port = port.get("hostPort", 0)
                if host_port and host_port != port.get("containerPort", 0):
                    place = at.child("containers").index(i).child("ports").index(j).child("hostPort")
                    errors.invalid(
                        place, host_port, "must be equal to containerPort when hostNetwork is true"
                    )
    if spec.get("hostUsers", True):
        return
    message = "must not be true when hostUsers is false"
    for name, label in (("hostNetwork", None), ("hostPID", ".HostPID"), ("hostIPC", ".HostIPC")):
        if spec.get(name):
            errors.forbidden(at.child(name, label), message)
    for container, place in each_container(spec, at):
        if container.get("volumeDevices"):
            errors.forbidden(place.child("volumeDevices"), "must not be given when hostUsers is false")


def _validate_os(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    containers = list(each_container(spec, at))
    validate_host_process(spec, containers, at, errors)
    if "os" not in spec:
        return
    name = spec["os"].get("name", "")
    if not name:
        errors.required(at.down("os", "name"))
    elif name == "linux":
        validate_linux(spec, containers, at, errors)
    elif name == "windows":
        validate_windows(spec, containers, at, errors)
    else:
        errors.not_supported(at.child("os").child("name", ""), name, ("linux", "windows"))


def _validate_file_keys(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """Environment variables read from a file: the volume must be an emptyDir of the pod."""
    volumes = {volume.get("name", ""): volume for volume in spec.get("volumes", ())}
    for container, place in each_container(spec, at):
        for i, variable in enumerate(container.get("env", ())):
            reference = variable.get("valueFrom", {}).get("fileKeyRef")
            if reference is None:
                continue
            name = reference.get("volumeName", "")
            name_at = place.child("env").index(i).down("valueFrom", "fileKeyRef", "volumeName")
            if name not in volumes:
                errors.not_found(name_at, name, "must be the name of one of the pod's volumes")
            elif "emptyDir" not in volumes[name]:
                errors.invalid(name_at, name, "must be the name of an emptyDir volume")
