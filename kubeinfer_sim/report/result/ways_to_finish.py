"""What lets a run finish that does not, found by playing it again."""

from __future__ import annotations

from kubeinfer_sim.experiment.ways_to_finish import WaysToFinish
from kubeinfer_sim.report.result_part import Part


class WayToFinishPart(Part):
    """A change with which the run finishes."""

    knob: str
    """As `--vary` takes it; `wait`: nothing is changed."""
    value: str
    """Of the knob; of `wait` what is waited for."""
    more: int | None
    """How much more than there is, less than 0 where it is fewer; null of `wait`."""
    owner: str
    """Whose knob it is: `KubeInfer/chat`; empty of nodes and of `wait`."""
    fewest_ready: int | None
    """Instances that stay ready then, of a Deployment pods that are available."""
    replicas: int | None
    """Of how many."""
    took_ms: int | None
    """Until the slowest change is in place."""
    until_ms: int | None
    """Of `wait`: when that ends."""


class WaysToFinishPart(Part):
    """What was tried."""

    ways: list[WayToFinishPart]
    """The least of each kind; empty where none helps."""
    tried: list[str]
    """Knobs that do not help, with the most that was tried."""
    runs: int
    """How many were played for it."""
    cut: bool
    """More would have been tried, had that not cost too much."""


def ways_to_finish_part(tried: WaysToFinish | None) -> WaysToFinishPart | None:
    """None where nothing was tried."""
    if tried is None or not (tried.ways or tried.tried or tried.cut):
        return None
    return WaysToFinishPart(
        ways=[
            WayToFinishPart(
                knob=each.knob,
                value=each.value,
                more=each.more,
                owner=each.owner,
                fewest_ready=each.ready,
                replicas=each.wanted,
                took_ms=each.took,
                until_ms=each.until,
            )
            for each in tried.ways
        ],
        tried=list(tried.tried),
        runs=tried.runs,
        cut=tried.cut,
    )
