"""Pod specs and pod templates as a whole.

Source: pkg/apis/core/validation/validation.go (`ValidatePodSpec`, `ValidatePodTemplateSpec`) and
pkg/apis/apps/validation/validation.go (`ValidatePodTemplateSpecForReplicaSet`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import dns1123_label, dns1123_subdomain, qualified_name
from kubeinfer_sim.manifest.kubernetes.pod_resources import aggregate
from kubeinfer_sim.manifest.kubernetes.validation.annotations import (
    validate_annotations_match,
    validate_pod_annotations,
)
from kubeinfer_sim.manifest.kubernetes.validation.containers import (
    PodContext,
    validate_containers,
    validate_ephemeral_containers,
    validate_init_containers,
)
from kubeinfer_sim.manifest.kubernetes.validation.hosts import (
    each_container,
    validate_dns,
    validate_host,
    validate_names,
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
from kubeinfer_sim.manifest.kubernetes.validation.security import validate_pod_security_context
from kubeinfer_sim.manifest.kubernetes.validation.volumes import validate_volumes
from kubeinfer_sim.manifest.kubernetes.validation.windows import (
    validate_host_process,
    validate_linux,
    validate_windows,
)

_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_RESTART_POLICIES = ("Always", "OnFailure", "Never")


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
        from kubeinfer_sim.manifest.kubernetes.validation.affinity import validate_affinity

        validate_affinity(spec["affinity"], at.child("affinity"), errors)
    validate_dns(spec, at.child("dnsConfig"), errors)
    for i, gate in enumerate(spec.get("readinessGates", ())):
        condition = gate.get("conditionType", "")
        place = at.child("readinessGates").index(i).child("conditionType")
        errors.check(place, condition, qualified_name(condition))
    validate_scheduling_gates(spec.get("schedulingGates", ()), at.child("schedulingGates"), errors)
    constraints_at = at.child("topologySpreadConstraints")
    validate_spread_constraints(spec.get("topologySpreadConstraints", ()), constraints_at, errors)
    validate_tolerations(spec.get("tolerations", ()), at.child("tolerations"), errors)
    validate_names(spec, at, errors)
    validate_host(spec, at, errors)
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
