"""What is edited, and how, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from kubeinfer_sim.manifest.model import KINDS_WITH_TEMPLATES
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.testing.strategies.values import Draw
from kubeinfer_sim.testing.strategies.workloads import Workload
from kubeinfer_sim.testing.strategies.written import Raw


class Draft(Struct):
    """A copy that edits change.

    Attributes:
        objects: of all versions of the manifest: what stands in the scenario as such is edited in place.
        spec: of the scenario; empty of a manifest alone.
        scenario: as it was read before the edit; None of a manifest alone.
        moments: times at which something may happen, in ms.
    """

    objects: Sequence[Raw]
    spec: Raw = {}
    scenario: Scenario | None = None
    moments: Sequence[int] = ()

    @property
    def workloads(self) -> list[Workload]:
        """The objects that own pods, and bare Pods."""
        return [Workload(each) for each in self.objects if each["kind"] in (*KINDS_WITH_TEMPLATES, "Pod")]


#: Edits a draft; whether there was anything to edit.
Make = Callable[[Draw, Draft], bool]


class Edit(Struct, frozen=True):
    """How something is edited; `manifest`: of a manifest alone, too."""

    make: Make
    manifest: bool = False


EDITS: dict[str, Edit] = {}


def edit(name: str, *, manifest: bool = False) -> Callable[[Make], Make]:
    """The function that follows makes this edit."""

    def register(make: Make) -> Make:
        EDITS[name] = Edit(make, manifest)
        return make

    return register


def objects_of(spec: Raw) -> list[Raw]:
    """The objects of all versions of a scenario's manifest that are written in place."""
    versions = [spec.get("manifest"), spec.get("update")]
    versions += [action.get("apply") for action in spec.get("actions") or ()]
    return [each for version in versions for each in _objects(version)]


def _objects(value: Any) -> Iterator[Raw]:
    if isinstance(value, dict) and "inline" in value:
        value = value["inline"]
    if isinstance(value, dict) and "kind" in value:
        yield from value["items"] if value["kind"] == "List" else (value,)
