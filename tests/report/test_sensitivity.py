"""What turning an input does, in words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.report.sensitivity import more_text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            Estimate(-0.625, -0.934, 0.1609),
            "62.5 points less, anything from 62.5 points less to 16.09 points more",
        ),
        (Estimate(0.0, -0.2, 0.9), "anything from 20 points less to 37.5 points more"),
        (Estimate(0.375, 0.1, 0.9), "37.5 points (10 points–37.5 points) more"),
    ],
)
def test_parts_of_the_runs_differ_by_points_and_stay_between_none_and_all(more: Estimate, said: str) -> None:
    found: Any = SimpleNamespace(unit="held", base=Estimate(0.625, 0.2, 0.9))
    assert more_text(found, more, interval=True) == said


def test_times_differ_by_times_and_the_estimate_stands_before_what_may_be() -> None:
    found: Any = SimpleNamespace(unit="ms", base=Estimate(600_000.0, 0.0, 900_000.0))
    said = more_text(found, Estimate(60_000.0, -120_000.0, 300_000.0))
    assert said == "1m more, anything from 2m less to 5m more"
