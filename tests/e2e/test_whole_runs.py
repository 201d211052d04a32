"""Whole runs of the real API server, controllers, scheduler and kubelets, played by the simulator.

`python tests/e2e/compare.py CASE` shows a case's milestones side by side.
"""

from __future__ import annotations

import pytest
from conftest import NOT_EXPRESSIBLE
from e2e.comparing import judge, table_of
from e2e.not_yet import not_yet
from e2e.recorded import Case


@pytest.mark.vectors("golden_e2e")
def test_the_simulated_run_is_one_that_happens(case: Case, request: pytest.FixtureRequest) -> None:
    verdict = judge(case)
    if verdict.says == "not expressible":
        pytest.skip(f"{NOT_EXPRESSIBLE}{verdict.why}")
    if (reason := not_yet().get(case["id"])) is not None:
        request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))
    assert verdict.says == "agrees", f"{case['what']}\n{verdict.why}{table_of(case, verdict)}"
