"""What happens to Pods that no controller makes, as the history tells it."""

from __future__ import annotations

from kubeinfer_sim.cluster.records import PodRef
from kubeinfer_sim.engine.history import Record


class BarePodApplied(Record):
    """The user created a Pod; `label`: `running` where it has run for long, else `created`."""

    pod: PodRef
    changed: tuple[str, ...]
    label: str


class BarePodEvicted(Record):
    """Somebody else than the user deletes a Pod that nobody will make again."""

    pod: PodRef
    reason: str
