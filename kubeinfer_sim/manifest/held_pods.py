"""What a pod template says that holds its pods until somebody else acts: gates and finalizers."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.model import PodTemplate


class Hold(Struct, frozen=True):
    """A gate or a finalizer of a pod template.

    Attributes:
        what: "scheduling gate", "readiness gate", "finalizer".
        path: where it stands in the document.
    """

    what: str
    name: str
    path: Path


def holds_of(template: PodTemplate, path: Path) -> Iterator[Hold]:
    """All of a template, which stands at a path of its document."""
    for index, name in enumerate(template.scheduling_gates):
        yield Hold("scheduling gate", name, (*path, "spec", "schedulingGates", index, "name"))
    for index, name in enumerate(template.readiness_gates):
        yield Hold("readiness gate", name, (*path, "spec", "readinessGates", index, "conditionType"))
    for index, name in enumerate(template.finalizers):
        yield Hold("finalizer", name, (*path, "metadata", "finalizers", index))
