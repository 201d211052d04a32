"""When a run is given up, as a rule alone; what it looks like is in `tests/field/test_it_ends.py`."""

from __future__ import annotations

from typing import Any

import pytest
from building import kubeinfer, scenario
from msgspec.structs import replace

from kubeinfer_sim.engine.history import History
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.simulation.rounds import MOST, MOST_WITHOUT_PROGRESS, PER_POD, Rounds

HOUR, PODS = 3_600_000, 3
#: More timers than come to nothing in any run of three pods.
IN_VAIN = MOST_WITHOUT_PROGRESS + PER_POD * PODS


def look(now: int, fired: int, *, quiet_after: int = 24 * HOUR, **fields: Any) -> int:
    rounds = Rounds(replace(scenario(kubeinfer(1), 1, 60, 10), quiet_after=quiet_after), History())
    told = {"last_step": 0, "became_ready": 0, "pods": PODS, "faults": 0, "awaits_more": False, **fields}
    return rounds.look(now, fired, **told)


@pytest.mark.parametrize(
    ("now", "fired", "fields", "idle"),
    [
        (HOUR + 1, IN_VAIN + 1, {}, HOUR + 1),
        (HOUR, IN_VAIN + 1, {}, 0),  # not yet for more than an hour
        (HOUR + 1, IN_VAIN, {}, 0),  # no more than may be
        (60_001, IN_VAIN + 1, {"quiet_after": 60_000}, 60_001),
        (60_000, IN_VAIN + 1, {"quiet_after": 60_000}, 0),
        (HOUR + 1, IN_VAIN + 1, {"awaits_more": True}, 0),
        (HOUR + 1, IN_VAIN + 1, {"became_ready": 1}, 0),  # a pod has become ready since
        (HOUR + 1, IN_VAIN + 1, {"last_step": 1}, 0),  # something has come nearer to its end
    ],
)
def test_a_run_is_given_up_after_an_hour_of_much_that_comes_to_nothing(
    now: int, fired: int, fields: dict[str, Any], idle: int
) -> None:
    assert look(now, fired, **fields) == idle


def test_too_much_that_goes_on_is_an_error_of_who_asks_for_it() -> None:
    assert look(HOUR, MOST + PER_POD * PODS, became_ready=1, awaits_more=True) == 0
    with pytest.raises(UsageError, match="goes round without end"):
        look(HOUR, MOST + PER_POD * PODS + 1, became_ready=1, awaits_more=True)
