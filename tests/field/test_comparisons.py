"""What `compare` says: who is better and why, until when it was counted, and what cannot be told."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import User, asking, both


@both
def test_assumptions_without_effect_are_warned_of_as_in_a_run(user: User, workload: Any) -> None:
    user.plans(workload(asking(npu=8)), cluster="3x8", initial="empty")
    done = user.types("compare", "scenario.yaml", "--assume", "minMember=1,2")
    assert done.returncode == 0
    assert "minMember=1 and minMember=2 come out the same" in done.stdout
    assert "spec.assumptions.minMember: has no effect" in done.told


@pytest.mark.parametrize(
    ("knob", "said"),
    [
        ("nodes=3..", "expected a number of nodes from 1 on, found '3..'; a range has two ends, as in 3..7"),
        ("nodes=..4", "a range has two ends, as in 1..4"),
        ("nodes=3,4,3", "--vary: the value 3 is there twice"),
    ],
)
@both
def test_a_value_that_cannot_be_meant_is_an_error_that_says_how_it_is_written(
    user: User, workload: Any, knob: str, said: str
) -> None:
    user.plans(workload(asking(npu=8)), cluster="3x8")
    done = user.types("compare", "scenario.yaml", "--vary", knob)
    assert done.returncode == 2
    assert said in done.told
