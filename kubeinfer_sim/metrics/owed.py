"""From when to when readiness is owed: one rule for KubeInfers, Deployments and their like."""

from __future__ import annotations

from kubeinfer_sim.metrics.steps import Steps


def owed_from(desired: Steps, ready: Steps, began: int, *, ran_at_start: bool) -> int:
    """From when on somebody may count on a workload, ms; `began` is when it was asked for.

    What ran at the start is owed from then on, all else from when all of it was ready for the first time: a cold start
    is no outage. Where that never came about it is one from `began` on.
    """
    if ran_at_start:
        return began
    edges = sorted({at for steps in (desired, ready) for at, _ in steps.points})
    return next((at for at in edges if ready.at(at) >= desired.at(at) > 0), began)


def owed_until(since: int, ended_at: int, deleted: int | None) -> int:
    """Until the run ends, or the instant before somebody deleted it for good."""
    return ended_at if deleted is None else max(since, deleted - 1)
