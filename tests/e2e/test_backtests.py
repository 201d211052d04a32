"""`backtest` of recorded whole runs: what really happened lies in what is predicted of it."""

from __future__ import annotations

import pytest
from e2e.backtests import BEGINS, ENDS, KUBERNETES, PAGE, RELATIVES, read, table_lines, tell


@pytest.mark.parametrize(
    ("table", "name"),
    [(KUBERNETES, "ro-default"), (KUBERNETES, "ro-pull-s2"), ("golden_kthena_e2e", "kt-u2")],
)
def test_a_recorded_rollout_lies_in_its_prediction(table: str, name: str) -> None:
    (case,) = (each for each in read(table) if each["id"] == name)
    told = list(tell(table, case, 19))
    assert len(told) == 2
    for each in told:
        assert each.made is not None, each.why
        figures = {figure.name: figure for one in each.made.rollouts for figure in one.figures}
        assert {figure.judgement for figure in figures.values()} == {"inside"}
        assert figures.keys() >= {"duration", "fewestReady", "setUp", "start"}
        if name == "ro-pull-s2":
            # Of two pods one waits for the other's pull of the same image.
            assert figures["image"].truth is not None
            assert 14 < figures["image"].truth.low < 16


@pytest.mark.sweep(whole=True)
def test_the_page_says_how_often_intervals_held() -> None:
    told = [
        each for table in (KUBERNETES, *RELATIVES) for case in read(table) for each in tell(table, case, 199)
    ]
    page = PAGE.read_text(encoding="utf-8")
    assert page.partition(BEGINS)[2].partition(ENDS)[0].split("\n")[1:-1] == list(table_lines(told))
