"""Fields of volumes and their classes that tie pods to nodes, which is not simulated.

Source: pkg/scheduler/framework/plugins/volumebinding (node(s) had volume node affinity conflict), volumezone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.register.row import given

_TIES = (
    "not simulated: pods that use {} run on these nodes alone, and stay Pending where such a node has no room, is "
    "drained or gone; here they go where there is room"
)
#: The field of each kind, where in it and what is used.
_FIELDS: Mapping[str, tuple[Path, str]] = {
    "PersistentVolume": (("spec", "nodeAffinity"), "the volume"),
    "StorageClass": (("allowedTopologies",), "volumes of this class"),
}


def tied_to_nodes(value: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Where an object says which nodes its volumes are for, and what is to be said of it."""
    path, what = _FIELDS.get(str(value.get("kind")), ((), ""))
    written: Any = value
    for key in path:
        written = written.get(key) if isinstance(written, Mapping) else None
    if path and given(written):
        yield path, _TIES.format(what)
