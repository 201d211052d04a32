"""Which port a probe goes to (pkg/probe/util.go, `ResolveContainerPort`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubeinfer_sim.manifest.kubernetes.labels import parse_int64


def resolve_port(port: Any, container_ports: Iterable[Mapping[str, Any]]) -> int:
    """The number of a port given by number, by the name of one of the container's ports, or as digits.

    Raises:
        ValueError: no such port, or not a port number. The kubelet throws such a probe's result away.
    """
    number = port
    if isinstance(port, str):
        named = [each.get("containerPort", 0) for each in container_ports if each.get("name", "") == port]
        number = named[0] if named else parse_int64(port)
    if not isinstance(number, int) or isinstance(number, bool):
        raise ValueError(f"no port {port!r}: it must be a number or the name of one of the container's ports")
    if not 0 < number < 65536:
        raise ValueError(f"port {number} is not from 1 to 65535")
    return number
