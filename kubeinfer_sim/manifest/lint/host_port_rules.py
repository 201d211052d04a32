"""A rule about ports of the node: a port that two pods want keeps them on different nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kubeinfer_sim.diagnostics import Path, Severity
from kubeinfer_sim.manifest.accelerators import common_family
from kubeinfer_sim.manifest.lint.packing import node_size
from kubeinfer_sim.manifest.lint.rule import (
    PLACED_KINDS,
    Finding,
    LintContext,
    TemplateAt,
    npus_of,
    rule,
)


@rule(
    "KI027",
    "host-port-keeps-pods-apart",
    Severity.WARNING,
    summary="pods that could share a node want the same port of it",
    reason="""A port of the node (hostPort, or any containerPort under hostNetwork) belongs to one pod at a time.
    Pods that want the same one never share a node, however many NPUs it has left: the rest of the node stays
    idle, and an update needs more free nodes than the NPUs suggest.""",
    right="A port for each pod that may share a node, no hostNetwork, or a request that takes the whole node.",
    source="kube-scheduler's NodePorts (pkg/scheduler/framework/plugins/nodeports/node_ports.go)",
    kinds=PLACED_KINDS,
)
def host_port_keeps_pods_apart(context: LintContext) -> Iterator[Finding]:
    """Fires where two pods of the workload fit on a node by their NPUs and not by their ports."""
    kind = "role" if context.unit == "instance" else context.workload.kind
    roles = [
        (each, npus, _host_ports(each))
        for each in context.templates
        if (npus := npus_of(each.template.requests))
    ]
    for each, (resource, number), ports in roles:
        size = node_size(context, resource, max(n for _, (name, n), _ in roles if name == resource))
        pods = each.replicas * context.instances
        for other, (_, others), wanted in roles:
            alone = other is each and pods < 2
            common = [port for port in ports if port in wanted]
            if common and not alone and number + others <= size:
                noun = common_family([{resource: number}]).noun
                with_whom = f"another pod of its {kind}" if other is each else f"a pod of {other.role}"
                yield Finding(
                    ports[common[0]],
                    f"port {common[0][0]} of a node can be had once: a pod with {number} of its {size} {noun}s never "
                    f"shares it with {with_whom}, up to {size - number} stay idle",
                    "give each pod a port of its own, or take whole nodes",
                )
                break


def _host_ports(each: TemplateAt) -> dict[tuple[int, str], Path]:
    """Port and protocol of what a role's pods take of their node, with the place where it is written."""
    spec: Mapping[str, Any] = each.template.raw.get("spec") or {}
    ports: dict[tuple[int, str], Path] = {}
    for at in each.containers(sidecars=True):
        container = spec[str(at.path[-2])][at.path[-1]]
        for index, port in enumerate(container.get("ports") or ()):
            kind = "hostPort" if port.get("hostPort") else "containerPort"
            if kind == "hostPort" or spec.get("hostNetwork"):
                key = port[kind], str(port.get("protocol") or "TCP")
                ports.setdefault(key, (*at.path, "ports", index, kind))
    return ports
