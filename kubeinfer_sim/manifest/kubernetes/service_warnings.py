"""What the API server accepts in a Service with a warning.

Source: pkg/api/service/warnings.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import Field, Warnings
from kubeinfer_sim.manifest.kubernetes.validation.addresses import cidr_warnings, ip_warning


def warn_about_service(spec: Mapping[str, Any], at: Field, warnings: Warnings) -> None:
    """Warnings about a valid ServiceSpec with its defaults."""
    kind, cluster_ip = spec.get("type", ""), spec.get("clusterIP", "")
    external_ips = spec.get("externalIPs", ())
    headless = kind == "ClusterIP" and cluster_ip == "None"

    def ignored(name: str, why: str, spelled: str = "") -> None:
        warnings.general(at.child(name), f"spec.{spelled or name} is ignored {why}")

    if cluster_ip and cluster_ip != "None":
        for i, ip in enumerate(spec.get("clusterIPs", ())):
            if message := ip_warning(ip):
                warnings.at(at.child("clusterIPs").index(i), message)
    if headless:
        if spec.get("loadBalancerIP"):
            ignored("loadBalancerIP", "for headless services")
        if external_ips:
            ignored("externalIPs", "for headless services")
        if spec.get("sessionAffinity") != "None":
            ignored("sessionAffinity", "for headless services", "SessionAffinity")
    for i, ip in enumerate(external_ips):
        if message := ip_warning(ip):
            warnings.at(at.child("externalIPs").index(i), message)
    if external_ips and not headless and kind != "ExternalName":
        message = "spec.externalIPs is deprecated and may no longer be implemented in some clusters"
        warnings.general(at.child("externalIPs"), message)
    if message := ip_warning(spec.get("loadBalancerIP", "")):
        warnings.at(at.child("loadBalancerIP"), message)
    for i, cidr in enumerate(spec.get("loadBalancerSourceRanges", ())):
        for message in cidr_warnings(cidr):
            warnings.at(at.child("loadBalancerSourceRanges").index(i), message)
    if kind == "ExternalName" and external_ips:
        ignored("externalIPs", 'when spec.type is "ExternalName"')
    if kind != "ExternalName" and spec.get("externalName"):
        ignored("externalName", 'when spec.type is not "ExternalName"')
    if spec.get("trafficDistribution") == "PreferClose":
        message = '"PreferClose" is deprecated; use "PreferSameZone"'
        warnings.at(at.child("trafficDistribution"), message)
