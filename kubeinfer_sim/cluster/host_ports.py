"""The ports of its node that a pod takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct


class HostPort(Struct, frozen=True):
    """A port of the node that a pod takes; ip `0.0.0.0` stands for all addresses."""

    port: int
    protocol: str = "TCP"
    ip: str = "0.0.0.0"

    def clashes(self, other: HostPort) -> bool:
        """Whether the two cannot be had on one node."""
        return (
            self.port == other.port
            and self.protocol == other.protocol
            and (self.ip == other.ip or "0.0.0.0" in (self.ip, other.ip))
        )


def host_ports(spec: Mapping[str, Any]) -> Iterator[HostPort]:
    """Those of a pod's spec: with `hostNetwork` all ports of its containers."""
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in (*(spec.get("containers") or ()), *sidecars):
        for port in container.get("ports") or ():
            number = port.get("hostPort") or (port.get("containerPort") if spec.get("hostNetwork") else 0)
            if number:
                yield HostPort(number, port.get("protocol") or "TCP", port.get("hostIP") or "0.0.0.0")
