"""The objects that own no pods, as people create, change and delete them on the time line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.manifest.kubernetes.updates import already_exists, not_found
from kubeinfer_sim.manifest.load import OtherObject
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

    Of several of a kind and a name in different namespaces that is `PodDisruptionBudget/prod/b`.

    Attributes:
        created: those that were not there before somebody created them.
    """

    def __init__(self, context: Context, manifests: Manifests, budgets: Sequence[str] = ()) -> None:
        self._context = context
        self._budgets = {f"PodDisruptionBudget/{name}" for name in budgets}
        self._manifests = manifests
        self._there = {_key(each): each for each in manifests.others.values()}
        self._gone: dict[ObjectKey, OtherObject] = {}
        self.created: set[ObjectKey] = set()
        self._first = tuple(self._read(each) for each in self._there.values())

    def __contains__(self, name: str) -> bool:
        return name in self._names()

    def _names(self) -> dict[str, ObjectKey]:
        """How actions name each that there is, or has been."""
        keys = (*self._there, *self._gone)
        several = Counter((kind, name) for kind, _, name in keys)
        return {
            f"{kind}/{name}" if several[kind, name] == 1 else f"{kind}/{namespace}/{name}": (
                kind,
                namespace,
                name,
            )
            for kind, namespace, name in keys
        }

    def inside(self, namespace: str) -> list[str]:
        """The names of those that are in a namespace."""
        return [name for name, key in self._names().items() if key in self._there and key[1] == namespace]

    @property
    def first(self) -> tuple[ClusterObject, ...]:
        """All that are there at time 0."""
        return self._first

    def named(self, name: str) -> OtherObject:
        """The one of this name, which is known, as it is or was when it was deleted."""
        key = self._names()[name]
        return self._there.get(key) or self._gone[key]

    def create(self, at: int, written: OtherObject) -> Change:
        """Somebody creates it."""
        key = _key(written)
        if key in self._there:
            name = f"{written.kind}/{written.name}"
            return Refused(at, "creation", name, already_exists(written.kind, written.name))
        if key not in self._gone:
            self.created.add(key)
        return self._put(at, written)

    def apply(self, at: int, written: OtherObject) -> Iterator[Change]:
        """Somebody applies a file that holds it: it is made, or changed where it differs.

        What is taken to be there where no file holds it was there before.
        """
        from kubeinfer_sim.manifest.refusals import refusal

        before = self._there.get(_key(written))
        if before is not None and before.document.value == written.document.value:
            return
        if before is not None and (message := refusal(before.document.value, written.document.value)):
            yield Refused(at, "update", f"{written.kind}/{written.name}", message)
        else:
            yield self._put(at, written)

    def patch(self, at: int, name: str, patch: Mapping[str, Any], path: Path) -> Iterator[Change]:
        """Somebody patches the one of this name, which is known; nothing when it is wrong, which is noted."""
        from kubeinfer_sim.manifest.refusals import refusal

        key = self._names()[name]
        if key in self._gone:
            yield Refused(at, "patch", name, not_found(key[0], key[2]))
            return
        before = self._there[key].document.value
        value = merge_patch(before, patch)
        if message := refusal(before, value):
            yield Refused(at, "patch", name, message)
            return
        loaded = self._manifests.created(value, path)
        for written in () if loaded is None else loaded.others:
            if _key(written) != key:
                other = f"{written.kind}/{written.name}"
                self._context.error(path, f"this is {other}, another object than {name}")
                return
            yield self._put(at, written)

    def delete(self, at: int, name: str) -> Change:
        """Somebody deletes the one of this name, which is known."""
        key = self._names()[name]
        if key in self._gone:
            return Refused(at, "deletion", name, not_found(key[0], key[2]))
        self._gone[key] = self._there.pop(key)
        self._manifests.since[key] = None
        return DeleteObject(at, ClusterObject(*key))

    def _put(self, at: int, written: OtherObject) -> Put:
        key = _key(written)
        self._there[key] = self._manifests.since[key] = written
        self._gone.pop(key, None)
        return Put(at, self._read(written))

    def unknown(self, name: str, path: Path, others: Sequence[str]) -> None:
        """Note that there is no object of this name, there being these others."""
        known = [*others, *(each for each, key in self._names().items() if key in self._there)]
        there = f"there are: {', '.join(known)}" if known else "there is none"
        hint = ""
        if name in self._budgets:
            hint = (
                "spec.podDisruptionBudgets stay as they are: write it as an object in a file of spec.manifest"
            )
        message = f"no object is {name!r}{did_you_mean(name, known)} ({there})"
        self._context.error(path, message, hint=hint)

    def _read(self, written: OtherObject) -> ClusterObject:
        """With its content; what is wrong with that is noted, once for each place."""
        read = READERS.get(written.kind)
        content = None if read is None else read(written, self._context.errors)
        return ClusterObject(*_key(written), content, written.document.value)


def _key(written: OtherObject) -> ObjectKey:
    return written.kind, written.namespace, written.name
