"""Whose record is it? So that what counts instances can be told of those of one workload alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from msgspec import Struct

from kubeinfer_sim.cluster.records import PodRef
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import Handlers, Observer, merged


class Workload(Struct, frozen=True):
    """A KubeInfer, a Deployment, a ReplicaSet or a Pod: `kind`, and its name."""

    kind: str
    name: str


#: Fields of records that name a workload, and its kind unless the record itself says which.
_NAMED_BY = {"kubeinfer": "KubeInfer", "deployment": "Deployment"}


def workload_of(record: Record) -> Workload | None:
    """The workload a record is about; None for what is about nodes or the cluster as a whole."""
    instance = getattr(record, "instance", None)
    if instance is None:
        pod = getattr(record, "pod", None)
        instance = pod.instance if isinstance(pod, PodRef) else None
    if instance is not None:
        return Workload(instance.kind, instance.owner)
    for field, kind in _NAMED_BY.items():
        if (name := getattr(record, field, None)) is not None:
            return Workload(getattr(record, "kind", kind), name)
    return None


class ByWorkload:
    """Hands each record to the observers of the workload it is about; what is about none, to those of all."""

    def __init__(self, observers: Mapping[Workload, Iterable[Observer]]) -> None:
        self._of = {workload: merged(each) for workload, each in observers.items()}

    def handlers(self) -> Handlers:
        """What any of them listens to."""
        kinds = dict.fromkeys(kind for handlers in self._of.values() for kind in handlers)
        return {kind: partial(self._hand_on, kind) for kind in kinds}

    def _hand_on(self, kind: type[Record], record: Record) -> None:
        workload = workload_of(record)
        if workload is None:
            for handlers in self._of.values():
                for handler in handlers.get(kind, ()):
                    handler(record)
        elif workload in self._of:
            for handler in self._of[workload].get(kind, ()):
                handler(record)
