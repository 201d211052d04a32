"""What a pod shares with its host and how it is named: DNS, host names, namespaces, names of other objects.

Source: pkg/apis/core/validation/validation.go (`validatePodDNSConfig`, `validatePodHostName`, `validateHostUsers`,
`validatePodHostNetworkDeps`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import (
    byte_length,
    dns1123_label,
    dns1123_subdomain,
    dns1123_subdomain_with_underscore,
)
from kubeinfer_sim.manifest.kubernetes.validation.addresses import ip_errors
from kubeinfer_sim.manifest.kubernetes.validation.windows import Placed

CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


def each_container(spec: Mapping[str, Any], at: Field) -> Iterator[Placed]:
    """All containers of a pod with their places: init, regular, ephemeral."""
    for name in CONTAINER_LISTS:
        for i, container in enumerate(spec.get(name, ())):
            yield container, at.child(name).index(i)


def validate_dns(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """The dnsConfig of a pod, `at` its place; dnsPolicy None needs one."""
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


def validate_names(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
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


def validate_host(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
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
