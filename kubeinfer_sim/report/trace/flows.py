"""From cause to effect: what made pods come, go and fail, read from the history."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from kubeinfer_sim.cluster.records import (
    ContainerDied,
    PodCreated,
    PodDeleting,
    PodNotReady,
    PodRef,
    PodRejected,
    PodRemoved,
)
from kubeinfer_sim.engine.history import NO_CAUSE, History, Record

#: What an arrow leads to.
_EFFECTS = (PodCreated, PodDeleting, PodRemoved, PodRejected, PodNotReady, ContainerDied)


class Flow(Struct, frozen=True):
    """One arrow: the nearest cause of `effect` that is about another pod, an effect itself, or caused by nothing."""

    cause: Record
    effect: Record


def flows(history: History) -> Iterator[Flow]:
    """In the order of their effects; none to what nothing caused."""
    for effect in history:
        if isinstance(effect, _EFFECTS) and effect.cause != NO_CAUSE:
            yield Flow(_nearest(history, effect), effect)


def pod_of(record: Record) -> PodRef | None:
    """The pod that a record is about; None of what nothing caused, which is about whatever it strikes."""
    pod = None if record.cause == NO_CAUSE else getattr(record, "pod", None)
    return pod if isinstance(pod, PodRef) else None


def _nearest(history: History, effect: Record) -> Record:
    own = pod_of(effect)
    cause = history[effect.cause]
    while cause.cause != NO_CAUSE and not isinstance(cause, _EFFECTS) and pod_of(cause) in (None, own):
        cause = history[cause.cause]
    return cause
