"""Specs of Services, as they are when a Service is created.

Source: pkg/apis/core/validation/validation.go (`validateService`). What allocators check is not here: node port
ranges, cluster IP ranges, the cluster's IP families.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from kubeinfer_sim.manifest.kubernetes.defaults import externally_accessible
from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field
from kubeinfer_sim.manifest.kubernetes.names import (
    dns1123_label,
    dns1123_subdomain,
    port_number,
    qualified_name,
)
from kubeinfer_sim.manifest.kubernetes.validation.addresses import (
    cidr_errors,
    ip_errors,
    parse_sloppy,
    special_ip_errors,
)
from kubeinfer_sim.manifest.kubernetes.validation.environment import PROTOCOLS
from kubeinfer_sim.manifest.kubernetes.validation.handlers import validate_port
from kubeinfer_sim.manifest.kubernetes.validation.metadata import validate_labels

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_FAMILIES = ("IPv4", "IPv6")
_FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_TRAFFIC_POLICIES = ("Cluster", "Local")
_DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
_LONGEST_AFFINITY = 86400


def validate_service_spec(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    """The spec of a Service with its defaults; `clusterIP` is in `clusterIPs` too."""
    kind, ports, cluster_ips = spec.get("type", ""), spec.get("ports", ()), spec.get("clusterIPs", ())
    headless = list(cluster_ips) == ["None"]
    if not ports and not headless and kind != "ExternalName":
        errors.required(at.child("ports"), "needs at least one port")
    if kind in ("LoadBalancer", "NodePort") and headless:
        message = f"must not be None for a Service of type {kind}"
        errors.invalid(at.child("clusterIPs").index(0), "None", message)
    if kind == "ExternalName":
        _validate_external_name(spec, at, errors)
    else:
        _validate_cluster_ips(spec, at, errors)
    _validate_ports(ports, kind, at.child("ports"), errors)
    validate_labels(spec.get("selector", {}), at.child("selector"), errors)
    _validate_session_affinity(spec, at, errors)
    for i, ip in enumerate(spec.get("externalIPs", ())):
        errors.check(at.child("externalIPs").index(i), ip, ip_errors(ip) or special_ip_errors(ip))
    errors.choice(at.child("type"), kind, _TYPES)
    _validate_load_balancer(spec, kind, at, errors)
    _validate_traffic(spec, kind, at, errors)


def _validate_external_name(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    message = "must not be given for a Service of type ExternalName"
    for name in ("clusterIPs", "ipFamilies"):
        if spec.get(name):
            errors.forbidden(at.child(name), message)
    if "ipFamilyPolicy" in spec:
        errors.forbidden(at.child("ipFamilyPolicy"), message)
    name = spec.get("externalName", "").removesuffix(".")
    if not name:
        errors.required(at.child("externalName"))
    else:
        errors.check(at.child("externalName"), name, dns1123_subdomain(name))


def _validate_ports(ports: Sequence[Mapping[str, Any]], kind: str, at: Field, errors: Errors) -> None:
    names: set[str] = set()
    node_ports: set[tuple[str, int]] = set()
    numbers: set[tuple[str, int]] = set()
    for i, port in enumerate(ports):
        place = at.index(i)
        name, protocol = port.get("name", ""), port.get("protocol", "")
        if name:
            errors.check(place.child("name"), name, dns1123_label(name))
            if name in names:
                errors.duplicate(place.child("name"), name)
            names.add(name)
        elif len(ports) > 1:
            errors.required(place.child("name"), "is required when there are several ports")
        number = port.get("port", 0)
        errors.check(place.child("port"), number, port_number(number))
        errors.choice(place.child("protocol"), protocol, PROTOCOLS)
        validate_port(port.get("targetPort", 0), place.child("targetPort"), errors)
        if "appProtocol" in port:
            errors.check(place.child("appProtocol"), port["appProtocol"], qualified_name(port["appProtocol"]))
        node_port = port.get("nodePort", 0)
        if node_port:
            if kind == "ClusterIP":
                errors.forbidden(place.child("nodePort"), "must not be given when type is ClusterIP")
            if (protocol, node_port) in node_ports:
                errors.duplicate(place.child("nodePort"), node_port)
            node_ports.add((protocol, node_port))
        if (protocol, number) in numbers:
            errors.duplicate(place, f"{number}/{protocol}")
        numbers.add((protocol, number))


def _validate_session_affinity(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    affinity = spec.get("sessionAffinity", "")
    errors.choice(at.child("sessionAffinity"), affinity, ("ClientIP", "None"))
    config, config_at = spec.get("sessionAffinityConfig"), at.child("sessionAffinityConfig")
    if affinity == "None" and config is not None:
        errors.forbidden(config_at, "must not be given when sessionAffinity is None")
    if affinity != "ClientIP":
        return
    if config is None:
        errors.required(config_at, "is required when sessionAffinity is ClientIP")
    elif "clientIP" not in config:
        errors.required(config_at.child("clientIP"), "is required when sessionAffinity is ClientIP")
    elif "timeoutSeconds" not in config["clientIP"]:
        place = config_at.down("clientIP", "timeoutSeconds")
        errors.required(place, "is required when sessionAffinity is ClientIP")
    elif not 0 < config["clientIP"]["timeoutSeconds"] <= _LONGEST_AFFINITY:
        errors.invalid(
            config_at.down("clientIP", "timeoutSeconds"),
            config["clientIP"]["timeoutSeconds"],
            f"must be from 1 to {_LONGEST_AFFINITY} (24 hours)",
        )


def _validate_cluster_ips(spec: Mapping[str, Any], at: Field, errors: Errors) -> None:
    ip, ips, families = spec.get("clusterIP", ""), spec.get("clusterIPs", ()), spec.get("ipFamilies", ())
    ips_at = at.child("clusterIPs")
    if ip and not ips:
        errors.required(ips_at, "is required beside clusterIP")
    elif ip and ips[0] != ip:
        errors.invalid(ips_at, None, f"must have the clusterIP {ip} first")
    elif ips and not ip:
        errors.invalid(ips_at, None, "must be empty when clusterIP is not given")
    seen: set[str] = set()
    for i, family in enumerate(families):
        place = at.child("ipFamilies").index(i)
        if family not in _FAMILIES:
            errors.not_supported(place, family, _FAMILIES)
        if family in seen:
            errors.duplicate(place, family)
        seen.add(family)
    policy = spec.get("ipFamilyPolicy")
    if policy is not None and policy not in _FAMILY_POLICIES:
        errors.not_supported(at.child("ipFamilyPolicy"), policy, _FAMILY_POLICIES)
    before = len(errors.found)
    for i, each in enumerate(ips):
        if i == 0 and each == "None":
            if len(ips) > 1:
                errors.invalid(ips_at, None, "must have None as its only value")
        else:
            errors.check(ips_at.index(i), each, ip_errors(each))
    invalid = len(errors.found) > before
    if len(ips) > 2:
        errors.invalid(ips_at, None, f"must have at most 2 values, has {len(ips)}")
    if invalid:
        return
    versions = [_version(each) for each in ips]
    if len(ips) > 1 and set(versions) != {4, 6}:
        errors.invalid(ips_at, None, "must have at most one address of each IP family")
    if ips != ["None"]:
        for i, (each, family) in enumerate(zip(ips, families, strict=False)):
            if family in _FAMILIES and (family == "IPv6") != (versions[i] == 6):
                errors.invalid(ips_at.index(i), each, f"must be an {family} address as in ipFamilies[{i}]")


def _version(text: str) -> int:
    address = parse_sloppy(text)
    return 6 if isinstance(address, ipaddress.IPv6Address) else 4


def _validate_load_balancer(spec: Mapping[str, Any], kind: str, at: Field, errors: Errors) -> None:
    ranges = spec.get("loadBalancerSourceRanges", ())
    only = "must only be given when type is LoadBalancer"
    if ranges:
        ranges_at = at.child("loadBalancerSourceRanges", ".LoadBalancerSourceRanges")
        if kind != "LoadBalancer":
            errors.forbidden(ranges_at, only)
        for i, each in enumerate(ranges):
            errors.check(ranges_at.index(i), each, cidr_errors(each.strip()))
    if kind != "LoadBalancer":
        for name in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
            if name in spec:
                errors.forbidden(at.child(name), only)
    elif "loadBalancerClass" in spec:
        name = spec["loadBalancerClass"]
        errors.check(at.child("loadBalancerClass"), name, qualified_name(name))


def _validate_traffic(spec: Mapping[str, Any], kind: str, at: Field, errors: Errors) -> None:
    external = spec.get("externalTrafficPolicy", "")
    external_at = at.child("externalTrafficPolicy")
    if externally_accessible(dict(spec)):
        errors.choice(external_at, external, _TRAFFIC_POLICIES)
    elif external:
        errors.invalid(external_at, external, "must only be given for NodePort, LoadBalancer or external IPs")
    check_port = spec.get("healthCheckNodePort", 0)
    check_at = at.child("healthCheckNodePort")
    if kind == "LoadBalancer" and external == "Local":
        if check_port:  # left out it is allocated
            errors.check(check_at, check_port, port_number(check_port))
    elif check_port:
        message = "must only be given for type LoadBalancer with externalTrafficPolicy Local"
        errors.invalid(check_at, check_port, message)
    internal = spec.get("internalTrafficPolicy")
    if internal is None:
        if kind in ("ClusterIP", "NodePort", "LoadBalancer"):
            errors.required(at.child("internalTrafficPolicy"))
    elif internal not in _TRAFFIC_POLICIES:
        errors.not_supported(at.child("internalTrafficPolicy"), internal, _TRAFFIC_POLICIES)
    distribution = spec.get("trafficDistribution")
    if distribution is not None and distribution not in _DISTRIBUTIONS:
        errors.not_supported(at.child("trafficDistribution"), distribution, _DISTRIBUTIONS)
