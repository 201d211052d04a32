"""Instances that came up though probes had killed starts of theirs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from kubeinfer_sim.metrics.killed_starts import KilledStarts
from kubeinfer_sim.report.result_part import Part


class KilledStartsPart(Part):
    """Those of one workload: of a KubeInfer its instances, of others their pods."""

    kind: str
    owner: str
    started: int
    """How many started in the run and became ready."""
    killed: int
    """Of how many of them a start had been killed before."""
    kills: int
    probe: Literal["startup", "liveness"]
    """Of the longest of these starts, as the next two."""
    gave_up_after_ms: int
    """From its container's start until the kill."""
    needed_ms: int | None
    """Until it would have answered; null: nobody knows."""
    after_sigterm_ms: int | None
    """What an engine finished after SIGTERM made a later start faster: the shortest time that it still had then. Null:
    that helped nobody."""


def killed_starts_parts(killed_starts: Iterable[KilledStarts]) -> list[KilledStartsPart]:
    """One for each workload."""
    return [
        KilledStartsPart(
            kind=each.kind,
            owner=each.name,
            started=each.started,
            killed=each.killed,
            kills=each.starts,
            probe=each.longest.probe,
            gave_up_after_ms=each.longest.lasted,
            needed_ms=each.longest.needed,
            after_sigterm_ms=each.late,
        )
        for each in killed_starts
        if each.longest is not None
    ]
