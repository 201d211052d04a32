"""Rules and limits of recovery beside JobSet's failure policies, the closest public relative.

Where the two mean the same they must answer the same: when a rule matches, and when restarts are used up. JobSet
also matches texts of messages, and it can leave restarts uncounted; rules of recovery know neither.
"""

from __future__ import annotations

from typing import Any

import pytest

from kubeinfer_sim.controllers.kubeinfer.restart_history import RestartHistory
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.recovery.rules import RecoveryRule


@pytest.mark.vectors("failure_policies", key="jobset.ruleMatch.cases")
def test_a_rule_matches_where_jobsets_does(case: dict[str, Any]) -> None:
    if "messageMatches" in case:
        pytest.skip("rules of recovery have no pattern for messages")
    rule = RecoveryRule(
        "Fail", roles=tuple(case.get("ruleTargets", ())), faults=tuple(case.get("ruleReasons", ()))
    )
    assert rule.matches(case["jobParent"], case["jobReason"], "serving", 1) == case["expect"]


@pytest.mark.vectors("failure_policies", key="jobset.action.cases")
def test_restarts_are_used_up_where_jobsets_are(case: dict[str, Any]) -> None:
    if "maxRestarts" not in case:
        pytest.skip("the case gives no numbers")
    history = RestartHistory(recent=list(range(case["countTowardsMax"])))
    wait = history.restart(1000, Assumptions(max_restarts=case["maxRestarts"]))
    assert (wait is None) == (case["expect"] == "failed")
    if wait is not None:
        assert len(history.recent) == case["expect"]["countTowardsMax"]


def test_restarts_of_parts_count_towards_the_limit_of_the_instance_as_well() -> None:
    limit = Assumptions(max_restarts=1)
    for first, second in (("pod", None), (None, "pod"), ("pod", "another pod")):
        history = RestartHistory()
        assert history.restart(0, limit, first) == 0
        assert history.restart(1000, limit, second) is None
