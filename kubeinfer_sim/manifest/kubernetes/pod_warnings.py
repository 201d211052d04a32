"""What the API server accepts in a pod template with a warning.

Source: pkg/api/pod/warnings.go, pkg/api/node/util.go, pkg/api/persistentvolumeclaim/util.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Field, Warnings
from kubeinfer_sim.manifest.kubernetes.names import label_value
from kubeinfer_sim.manifest.kubernetes.selectors import PREFERRED, REQUIRED
from kubeinfer_sim.manifest.kubernetes.validation.addresses import ip_warning
from kubeinfer_sim.manifest.kubernetes.validation.hosts import each_container
from kubeinfer_sim.manifest.kubernetes.validation.security import (
    APPARMOR_CONTAINER_PREFIX,
    SECCOMP_CONTAINER_PREFIX,
    SECCOMP_POD_ANNOTATION,
)

_NULL_SELECTOR = "a null labelSelector results in matching no pod"
_OLD_LABELS = {
    "beta.kubernetes.io/arch": ("v1.14", "kubernetes.io/arch"),
    "beta.kubernetes.io/os": ("v1.14", "kubernetes.io/os"),
    "failure-domain.beta.kubernetes.io/region": ("v1.17", "topology.kubernetes.io/region"),
    "failure-domain.beta.kubernetes.io/zone": ("v1.17", "topology.kubernetes.io/zone"),
    "beta.kubernetes.io/instance-type": ("v1.17", "node.kubernetes.io/instance-type"),
}
_OLD_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": ("v1.16", "priorityClassName"),
    "security.alpha.kubernetes.io/sysctls": ("v1.11", "sysctls"),
    "security.alpha.kubernetes.io/unsafe-sysctls": ("v1.11", "sysctls"),
}
_OLD_VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}


def warn_about_pod_template(template: Mapping[str, Any], at: Field, warnings: Warnings) -> None:
    """Warnings about a valid template with its defaults."""
    spec, spec_at = template.get("spec", {}), at.child("spec")
    annotations = template.get("metadata", {}).get("annotations", {})
    annotations_at = at.down("metadata", "annotations")
    _warn_about_labels(spec, spec_at, warnings)
    for key, (version, field) in _OLD_ANNOTATIONS.items():
        if key in annotations:
            message = f'non-functional in {version}+; use the "{field}" field instead'
            warnings.at(annotations_at.key(key), message)
    for i, volume in enumerate(spec.get("volumes", ())):
        _warn_about_volume(volume, spec_at.child("volumes").index(i), warnings)
    _warn_about_duplicates(spec, spec_at, warnings)
    _warn_about_fractions(spec.get("overhead", {}), spec_at.child("overhead"), warnings)
    if annotations:
        _warn_about_profiles(spec, spec_at, annotations, annotations_at, warnings)
    for container, place in each_container(spec, spec_at):
        for kind in ("limits", "requests"):
            resources = container.get("resources", {}).get(kind, {})
            _warn_about_fractions(resources, place.down("resources", kind), warnings)
        _warn_about_env(container, place, warnings)
    _warn_about_ports(spec, spec_at, warnings)
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        message = "must be >= 0; negative values are invalid and will be treated as 1"
        warnings.at(spec_at.child("terminationGracePeriodSeconds"), message)
    for i, server in enumerate(spec.get("dnsConfig", {}).get("nameservers", ())):
        if message := ip_warning(server):
            warnings.at(spec_at.down("dnsConfig", "nameservers").index(i), message)
    for i, alias in enumerate(spec.get("hostAliases", ())):
        if message := ip_warning(alias.get("ip", "")):
            warnings.at(spec_at.child("hostAliases").index(i).child("ip"), message)


def _old_label(key: str) -> str:
    version, new = _OLD_LABELS[key]
    return f'deprecated since {version}; use "{new}" instead'


def _warn_about_labels(spec: Mapping[str, Any], at: Field, warnings: Warnings) -> None:
    """Deprecated labels of nodes, and selectors that match no pod."""
    for key in spec.get("nodeSelector", ()):
        if key in _OLD_LABELS:
            warnings.at(at.child("nodeSelector").key(key), _old_label(key))
    affinity, affinity_at = spec.get("affinity", {}), at.child("affinity")
    node, node_at = affinity.get("nodeAffinity", {}), affinity_at.child("nodeAffinity")
    for i, term in enumerate(node.get(REQUIRED, {}).get("nodeSelectorTerms", ())):
        place = node_at.down(REQUIRED, "nodeSelectorTerms").index(i)
        _warn_about_term(term, place, warnings, check_values=False)
    for i, preferred in enumerate(node.get(PREFERRED, ())):
        place = node_at.child(PREFERRED).index(i).child("preference")
        _warn_about_term(preferred.get("preference", {}), place, warnings, check_values=True)
    for i, constraint in enumerate(spec.get("topologySpreadConstraints", ())):
        place = at.child("topologySpreadConstraints").index(i)
        key = constraint.get("topologyKey", "")
        if key in _OLD_LABELS:
            warnings.at(place.child("topologyKey"), f"{key} is {_old_label(key)}")
        if "labelSelector" not in constraint:
            warnings.at(place.child("labelSelector"), _NULL_SELECTOR)
    for kind in ("podAffinity", "podAntiAffinity"):
        pods = affinity.get(kind, {})
        for i, term in enumerate(pods.get(REQUIRED, ())):
            if "labelSelector" not in term:
                place = affinity_at.down(kind, REQUIRED).index(i)
                warnings.at(place.child("labelSelector"), _NULL_SELECTOR)
        for i, weighted in enumerate(pods.get(PREFERRED, ())):
            if "labelSelector" not in weighted.get("podAffinityTerm", {}):
                place = affinity_at.down(kind, PREFERRED).index(i)
                warnings.at(place.down("podAffinityTerm", "labelSelector"), _NULL_SELECTOR)


def _warn_about_term(term: Mapping[str, Any], at: Field, warnings: Warnings, *, check_values: bool) -> None:
    for i, expression in enumerate(term.get("matchExpressions", ())):
        place = at.child("matchExpressions").index(i)
        key = expression.get("key", "")
        if key in _OLD_LABELS:
            warnings.at(place.child("key"), f"{key} is {_old_label(key)}")
        for j, value in enumerate(expression.get("values", ()) if check_values else ()):
            for message in label_value(value):
                warnings.at(place.child("values").index(j), f"{value} is invalid, {message}")


def _warn_about_volume(volume: Mapping[str, Any], at: Field, warnings: Warnings) -> None:
    name = volume.get("name", "")
    for source, message in _OLD_VOLUMES.items():
        if source in volume:
            label = ".storageOS" if source == "storageos" else None
            warnings.at(at.child(source, label), message)
    template = volume.get("ephemeral", {}).get("volumeClaimTemplate", {})
    for kind in ("requests", "limits"):
        resources = template.get("spec", {}).get("resources", {}).get(kind, {})
        place = at.down("ephemeral", "volumeClaimTemplate", "spec", "resources", kind)
        _warn_about_fractions(resources, place, warnings, ("storage",))
    for kind, name_field in (("configMap", "name"), ("secret", "secretName"), ("downwardAPI", "")):
        if kind in volume:
            title = kind[0].upper() + kind[1:]
            if name_field:
                title += f' "{volume[kind].get(name_field, "")}"'
            paths = ((item.get("path", ""), "") for item in volume[kind].get("items", ()))
            _warn_about_overlaps(name, title, paths, at.child(kind), warnings)
    if "projected" in volume:
        projected_at = at.child("projected")
        files: list[tuple[str, str]] = []
        for i, source in enumerate(volume["projected"].get("sources", ())):
            if not source:
                place = projected_at.child("sources").index(i)
                warnings.general(place, f'volume "{name}" (Projected) has no sources provided')
            files.extend(_projected_files(source))
        _warn_about_overlaps(name, "Projected", files, projected_at, warnings)


def _projected_files(source: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """The files one source of a projected volume makes, each with a title of the source."""
    for kind, title in (("configMap", "ConfigMap"), ("secret", "Secret")):
        if source.get(kind, {}).get("items"):
            title = f'{title} "{source[kind].get("name", "")}"'
            return [(item.get("path", ""), title) for item in source[kind]["items"]]
    if "downwardAPI" in source:
        return [(item.get("path", ""), "DownwardAPI") for item in source["downwardAPI"].get("items", ())]
    if "serviceAccountToken" in source:
        return [(source["serviceAccountToken"].get("path", ""), "ServiceAccountToken")]
    return []


def _warn_about_overlaps(
    volume: str, title: str, files: Iterable[tuple[str, str]], at: Field, warnings: Warnings
) -> None:
    """Files of a volume that are the same, or one below the other."""
    seen: list[tuple[str, str]] = []

    def words(path: str, source: str) -> str:
        return f'"{path}" ({source})' if source else f'"{path}"'

    for path, source in files:
        path = path.rstrip("/")
        for other, other_source in seen:
            overlap = f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")
            if path and other and overlap:
                both = f"{words(path, source)} with {words(other, other_source)}"
                warnings.general(at, f'volume "{volume}" ({title}): overlapping paths: {both}')
        seen.append((path, source))


def _warn_about_duplicates(spec: Mapping[str, Any], at: Field, warnings: Warnings) -> None:
    for name, key in (("hostAliases", "ip"), ("imagePullSecrets", "name")):
        seen: set[str] = set()
        for i, entry in enumerate(spec.get(name, ())):
            value = entry.get(key, "")
            if value in seen:
                warnings.at(at.child(name).index(i).child(key), f'duplicate {key} "{value}"')
            seen.add(value)
    for i, secret in enumerate(spec.get("imagePullSecrets", ())):
        if not secret.get("name"):
            place = at.child("imagePullSecrets").index(i).child("name")
            warnings.at(place, 'invalid empty name ""')


def _warn_about_fractions(
    resources: Mapping[str, Any],
    at: Field,
    warnings: Warnings,
    names: Iterable[str] = ("memory", "ephemeral-storage"),
) -> None:
    for name in names:
        quantity = resources.get(name)
        if quantity is not None and not quantity.is_integer():
            message = f'fractional byte value "{quantity}" is invalid, must be an integer'
            warnings.at(at.key(name), message)


def _warn_about_profiles(
    spec: Mapping[str, Any],
    at: Field,
    annotations: Mapping[str, str],
    annotations_at: Field,
    warnings: Warnings,
) -> None:
    """Old annotations for seccomp and AppArmor without the field that took their place."""
    context = spec.get("securityContext", {})
    seccomp = 'non-functional in v1.27+; use the "seccompProfile" field instead'
    if SECCOMP_POD_ANNOTATION in annotations and "seccompProfile" not in context:
        warnings.at(annotations_at.key(SECCOMP_POD_ANNOTATION), seccomp)
    for container, _ in each_container(spec, at):
        name, own = container.get("name", ""), container.get("securityContext", {})
        key = f"{SECCOMP_CONTAINER_PREFIX}{name}"
        if key in annotations and "seccompProfile" not in own:
            warnings.at(annotations_at.key(key), seccomp)
        key = f"{APPARMOR_CONTAINER_PREFIX}{name}"
        if key in annotations and "appArmorProfile" not in own and "appArmorProfile" not in context:
            message = 'deprecated since v1.30; use the "appArmorProfile" field instead'
            warnings.at(annotations_at.key(key), message)


def _warn_about_env(container: Mapping[str, Any], at: Field, warnings: Warnings) -> None:
    """A variable defined again, unless its new value builds on the old one."""
    seen: set[str] = set()
    for i, variable in enumerate(container.get("env", ())):
        name, value = variable.get("name", ""), variable.get("value", "")
        reference = f"$({name})"
        if name in seen and ("valueFrom" in variable or value == reference or reference not in value):
            message = f'hides previous definition of "{name}", which may be dropped when using apply'
            warnings.at(at.child("env").index(i), message)
        seen.add(name)


def _warn_about_ports(spec: Mapping[str, Any], at: Field, warnings: Warnings) -> None:
    """Ports defined twice in the pod, by number and protocol or by name."""
    by_number: dict[tuple[int, str], list[tuple[str, int, Field]]] = {}
    by_name: dict[str, Field] = {}
    for container, place in each_container(spec, at):
        if place.parent and place.parent.part == "initContainers":
            sidecar = container.get("restartPolicy") == "Always"
        else:
            sidecar = True
        for i, port in enumerate(container.get("ports", ())):
            port_at = place.child("ports").index(i)
            ip, host_port = port.get("hostIP", ""), port.get("hostPort", 0)
            number, protocol = port.get("containerPort", 0), port.get("protocol", "")
            name = port.get("name", "")
            if ip and not host_port:
                shown = (
                    f"{{Name:{name} HostPort:{host_port} ContainerPort:{number} "
                    f"Protocol:{protocol} HostIP:{ip}}}"
                )
                warnings.at(port_at, f"hostIP set without hostPort: {shown}")
            others = by_number.setdefault((number, protocol), [])
            for other_ip, other_port, other_at in others:
                if (ip, host_port) == (other_ip, other_port):
                    warnings.at(port_at, f"duplicate port definition with {other_at.text}")
                elif not host_port or not other_port:
                    warnings.at(port_at, f"overlapping port definition with {other_at.text}")
                elif host_port == other_port and (not ip) != (not other_ip):
                    message = f"dangerously ambiguous port definition with {other_at.text}"
                    warnings.at(port_at, message)
            others.append((ip, host_port, port_at))
            if name and sidecar and name in by_name:
                first = by_name[name].text
                warnings.at(
                    port_at,
                    f'duplicate port name "{name}" with {first}, services and probes that select ports by '
                    f"name will use {first}",
                )
            elif name and sidecar:
                by_name[name] = port_at
