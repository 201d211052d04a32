"""Node ports: their range, and that no two Services of one load ask for the same one.

The API server's port allocator refuses both when the Service is created, not when the manifest is validated
(pkg/registry/core/service/portallocator); the KubeInfer controller would fail later, so it is said here.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from kubeinfer_sim.diagnostics import Path, format_path
from kubeinfer_sim.manifest.checker import Checker

#: The default of kube-apiserver's `--service-node-port-range`, which the vendor's guide keeps.
FIRST, LAST = 30000, 32767


class _Use(Struct, frozen=True):
    owner: str
    where: str
    path: Path
    checker: Checker


class NodePorts(Struct):
    """The node ports of all Services seen so far, by protocol and number."""

    used: dict[tuple[str, int], _Use] = field(default_factory=dict)

    def add_service(self, checker: Checker, spec: Any, path: Path, owner: str) -> None:
        """Check the ports of a Service; `owner` names the object it belongs to."""
        ports = spec.get("ports") if isinstance(spec, dict) else None
        for index, port in enumerate(ports if isinstance(ports, list) else ()):
            number = port.get("nodePort") if isinstance(port, dict) else None
            if not isinstance(number, int) or isinstance(number, bool) or number == 0:
                continue
            here = (*path, "ports", index, "nodePort")
            if not FIRST <= number <= LAST:
                checker.report(here, f"{number} is outside {FIRST}-{LAST}")
                continue
            use = _Use(owner, checker.document.diagnostic(here, "").where, here, checker)
            earlier = self.used.setdefault((str(port.get("protocol") or "TCP"), number), use)
            if earlier is not use:
                self._report(checker, here, number, owner, earlier)

    def _report(self, checker: Checker, path: Path, number: int, owner: str, earlier: _Use) -> None:
        if earlier.checker is checker:
            checker.report(
                path,
                f"{number} is used twice in this object",
                code="duplicate",
                hint=f"first at {format_path(earlier.path)}; a node port belongs to one Service only",
            )
        elif earlier.owner != owner:  # another version of the same object may well keep its port
            checker.report(
                path, f"{number} is used by {earlier.owner} as well ({earlier.where})", code="duplicate"
            )
