"""The objects that own no pods, as people create, change and delete them on the time line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.manifest.kubernetes.updates import already_exists, not_found
from kubeinfer_sim.manifest.load import OtherObject
from kubeinfer_sim.manifest.refusals import refusal
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.actions.model import Change, DeleteObject, Put, Refused
from kubeinfer_sim.scenario.cluster import (
    disruption_budgets,
    priority_classes,
    resource_objects,
    volcano_objects,
)
from kubeinfer_sim.scenario.cluster.model import ClusterObject, ObjectKey
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.workloads.manifests import Manifests, merge_patch

#: What reads the content of an object of a kind of which more is simulated than that it is there.
READERS: dict[str, Callable[[OtherObject, list[Diagnostic]], Any]] = {
    disruption_budgets.KIND: lambda written, errors: next(
        disruption_budgets.read_budget(written, errors), None
    ),
    priority_classes.KIND: priority_classes.read_priority_class,
    "ResourceQuota": resource_objects.read_quota,
    "LimitRange": resource_objects.read_limit_range,
    "RuntimeClass": resource_objects.read_runtime_class,
    "PodGroup": volcano_objects.read_pod_group,
    "Queue": volcano_objects.read_queue,
}


class ObjectLines:
    """All of them, each by the name under which an action means it: `PodDisruptionBudget/b`.

    Attributes:
        created: those that were not there before somebody created them.
    """

    def __init__(self, context: Context, manifests: Manifests) -> None:
        self._context = context
        self._manifests = manifests
        self._there = {_name(each): each for each in manifests.others.values()}
        self._gone: dict[str, OtherObject] = {}
        self.created: set[ObjectKey] = set()
        self._first = tuple(self._read(each) for each in self._there.values())

    def __contains__(self, name: str) -> bool:
        return name in self._there or name in self._gone

    @property
    def first(self) -> tuple[ClusterObject, ...]:
        """All that are there at time 0."""
        return self._first

    def named(self, name: str) -> OtherObject:
        """The one of this name, which is known, as it is or was when it was deleted."""
        return self._there.get(name) or self._gone[name]

    def create(self, at: int, written: OtherObject) -> Change:
        """Somebody creates it."""
        name = _name(written)
        if name in self._there:
            return Refused(at, "creation", name, already_exists(written.kind, written.name))
        if name not in self._gone:
            self.created.add((written.kind, written.namespace, written.name))
        self._set(name, written)
        self._gone.pop(name, None)
        return Put(at, self._read(written))

    def patch(self, at: int, name: str, patch: Mapping[str, Any], path: Path) -> Iterator[Change]:
        """Somebody patches the one of this name, which is known; nothing when it is wrong, which is noted."""
        if name in self._gone:
            yield Refused(at, "patch", name, not_found(*_parts(name)))
            return
        before = self._there[name].document.value
        value = merge_patch(before, patch)
        if message := refusal(before, value):
            yield Refused(at, "patch", name, message)
            return
        loaded = self._manifests.created(value, path)
        for written in () if loaded is None else loaded.others:
            if _name(written) != name:
                self._context.error(path, f"this is {_name(written)}, another object than {name}")
                return
            self._set(name, written)
            yield Put(at, self._read(written))

    def delete(self, at: int, name: str) -> Change:
        """Somebody deletes the one of this name, which is known."""
        if name in self._gone:
            return Refused(at, "deletion", name, not_found(*_parts(name)))
        self._gone[name] = written = self._there.pop(name)
        self._manifests.since[written.kind, written.namespace, written.name] = None
        return DeleteObject(at, ClusterObject(written.kind, written.namespace, written.name))

    def _set(self, name: str, written: OtherObject) -> None:
        self._there[name] = written
        self._manifests.since[written.kind, written.namespace, written.name] = written

    def unknown(self, name: str, path: Path, others: Sequence[str]) -> None:
        """Note that there is no object of this name, there being these others."""
        known = [*others, *self._there]
        there = f"there are: {', '.join(known)}" if known else "there is none"
        self._context.error(path, f"no object is {name!r}{did_you_mean(name, known)} ({there})")

    def _read(self, written: OtherObject) -> ClusterObject:
        """With its content; what is wrong with that is noted, once for each place."""
        read = READERS.get(written.kind)
        content = None if read is None else read(written, self._context.errors)
        return ClusterObject(written.kind, written.namespace, written.name, content, written.document.value)


def _name(written: OtherObject) -> str:
    return f"{written.kind}/{written.name}"


def _parts(name: str) -> tuple[str, str]:
    kind, _, rest = name.partition("/")
    return kind, rest
