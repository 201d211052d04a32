"""How workloads of one kind and one name are told apart that stand in several namespaces: `prod/chat`.

Where a name is not shared a workload goes by it alone. No name in Kubernetes has a slash, so what stands before the
last one is always a namespace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

from msgspec.structs import replace

from kubeinfer_sim.manifest.model import WorkloadSpec

_Workload = TypeVar("_Workload", bound=WorkloadSpec)


def in_namespace(name: str) -> str:
    """The name of an object, or of a pod, as its namespace knows it."""
    return name.rpartition("/")[2]


def full_name(workload: WorkloadSpec) -> str:
    """A workload with its namespace: `prod/chat`."""
    return f"{workload.namespace}/{in_namespace(workload.name)}"


class NamesApart:
    """The name by which each workload goes, the same for every version of it."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str, str], str] = {}

    def note(self, workloads: Iterable[WorkloadSpec]) -> None:
        """Workloads that are there: those that share a kind and a name all get their namespace before it.

        Who has a name keeps it, whoever comes later.
        """
        keys = dict.fromkeys((each.kind, in_namespace(each.name), each.namespace) for each in workloads)
        new = [key for key in keys if key not in self._of]
        holders = Counter((kind, name) for kind, name, _ in (*self._of, *new))
        for kind, name, namespace in new:
            alone = holders[kind, name] == 1
            self._of[kind, name, namespace] = name if alone else f"{namespace}/{name}"

    def named(self, workload: _Workload) -> _Workload:
        """The workload by the name it goes by: itself where it has that name."""
        key = workload.kind, in_namespace(workload.name), workload.namespace
        name = self._of.get(key, workload.name)
        return workload if name == workload.name else replace(workload, name=name)
