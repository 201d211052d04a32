"""What lets a run finish that does not, found by playing it again."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.experiment.knobs_to_finish import Turned
from kubeinfer_sim.experiment.ways_to_finish import WaysToFinish, WayToFinish
from kubeinfer_sim.report.result_part import Part


class TurnedPart(Part):
    """A knob at another value."""

    knob: str
    """As `--vary` takes it; `wait`: nothing is changed."""
    value: str
    """Of the knob; of `wait` what is waited for."""
    more: int | None
    """How much more than there is, less than 0 where it is fewer; null of `wait`."""
    owner: str
    """Whose knob it is: `KubeInfer/chat`; empty of nodes and of `wait`."""


class ThenPart(Part):
    """What a run that finishes comes to."""

    fewest_ready: int | None
    """Instances that stay ready then, of a Deployment pods that are available."""
    replicas: int | None
    """Of how many."""
    took_ms: int | None
    """Until the slowest change is in place."""
    killed_starts: int
    """How many starts of containers probes kill on the way, before their pods are ready."""
    after_sigterm_ms: int | None
    """What an engine finished after SIGTERM made a later start faster: the shortest time that it still had then. Null:
    that helped nobody."""


class WayToFinishPart(ThenPart, TurnedPart):
    """A change with which the run finishes."""

    until_ms: int | None
    """Of `wait`: when that ends."""


class WayTogetherPart(ThenPart):
    """Two changes with which the run finishes, of which neither is enough."""

    changes: list[TurnedPart]


class WaysToFinishPart(Part):
    """What was tried."""

    ways: list[WayToFinishPart]
    """The least of each kind, of a probe the least without a kill, too; empty where none helps by itself."""
    together: list[WayTogetherPart]
    """Where none helps by itself: two that do."""
    tried: list[str]
    """Knobs that do not help, with the most that was tried."""
    runs: int
    """How many were played for it."""
    pairs: int
    """How many pairs of changes were tried together."""
    cut: bool
    """More would have been tried, had that not cost too much."""
    untried: list[str]
    """Knobs of which nothing is known for that, with the most that would have been tried."""


def ways_to_finish_part(tried: WaysToFinish | None) -> WaysToFinishPart | None:
    """None where nothing was tried."""
    if tried is None or not (tried.ways or tried.tried or tried.cut):
        return None
    return WaysToFinishPart(
        ways=[
            WayToFinishPart(**_turned(*each.changes), **_then(each), until_ms=each.until)
            for each in tried.ways
            if len(each.changes) == 1
        ],
        together=[
            WayTogetherPart(changes=[TurnedPart(**_turned(one)) for one in each.changes], **_then(each))
            for each in tried.ways
            if len(each.changes) > 1
        ],
        tried=list(tried.tried),
        runs=tried.runs,
        pairs=tried.pairs,
        cut=tried.cut,
        untried=list(tried.untried),
    )


def _turned(change: Turned) -> dict[str, Any]:
    return {"knob": change.knob, "value": change.value, "more": change.more, "owner": change.owner}


def _then(way: WayToFinish) -> dict[str, Any]:
    return {
        "fewest_ready": way.ready,
        "replicas": way.wanted,
        "took_ms": way.took,
        "killed_starts": way.killed,
        "after_sigterm_ms": way.late,
    }
