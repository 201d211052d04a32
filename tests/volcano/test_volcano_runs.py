"""Recorded runs of the real Volcano v1.15.1, played by the simulator: who is placed, where, when, and what is said.

`python tests/volcano/compare.py CASE` shows a case's milestones side by side.
"""

from __future__ import annotations

import pytest
from conftest import NOT_EXPRESSIBLE
from e2e.comparing import judge, table_of
from e2e.not_yet import not_yet
from e2e.recorded import Case
from volcano.runs import NOT_YET, READER


@pytest.mark.vectors("golden_volcano")
def test_the_simulated_run_is_one_that_volcano_makes(case: Case, request: pytest.FixtureRequest) -> None:
    verdict = judge(case, READER)
    if verdict.says == "not expressible":
        pytest.skip(f"{NOT_EXPRESSIBLE}{verdict.why}")
    if (reason := not_yet(NOT_YET).get(case["id"])) is not None:
        request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))
    assert verdict.says == "agrees", f"{case['what']}\n{verdict.why}{table_of(case, verdict)}"
