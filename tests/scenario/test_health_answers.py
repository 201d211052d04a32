"""Checks that get a particular answer, as a scenario says it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scenario_files import MANIFEST, SMALLEST, Load

from kubeinfer_sim.scenario.actions.model import Health
from kubeinfer_sim.simulation.faults.health_actions import answer_of

Findings = Callable[..., list[str]]
FIRST = SMALLEST.count("\n") + 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(200, "success"), (302, "success"), (399, "success"), (400, "fail"), (503, "fail")],
)
def test_of_the_statuses_of_http_those_below_400_pass(load: Load, answer: int, outcome: str) -> None:
    scenario = load(f"actions: [{{at: 1m, health: {{answer: {answer}}}}}]")
    (action,) = scenario.actions
    assert isinstance(action, Health)
    segment = answer_of(action)
    assert segment is not None
    assert (segment.outcome.value, segment.latency_ms) == (outcome, 0)


@pytest.mark.parametrize(
    ("answer", "passing"), [("SERVING", True), ("NOT_SERVING", False), ("Unimplemented", False)]
)
def test_of_the_answers_of_grpc_only_serving_passes(
    folder: Path, load: Load, answer: str, passing: bool
) -> None:
    text = MANIFEST.replace("httpGet: {path: /health, port: 9000}", "grpc: {port: 9000}")
    (folder / "chat.yaml").write_text(text, encoding="utf-8")
    (action,) = load(f"actions: [{{at: 1m, health: {{answer: {answer}}}}}]").actions
    assert isinstance(action, Health)
    assert (action.latency == 0) == passing


@pytest.mark.parametrize(
    ("health", "words"),
    [
        ("answer: SERVING", "a probe by httpGet never gets 'SERVING', it gets a status of HTTP, 100 to 599"),
        ("answer: 7", "a probe by httpGet never gets 7"),
        ("answer: 503, hang: true", "answer says all: leave out healthy, hang, flapping and latency"),
        ("answer: 302, latency: 3s", "answer says all"),
        ("answer: 700", "answer"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said_where_it_stands(
    findings: Findings, health: str, words: str
) -> None:
    found = findings(f"actions:\n- {{at: 1m, health: {{{health}}}}}")
    assert any(words in each for each in found)
    assert all(each.startswith(f"{FIRST + 1}: spec.actions[0].health") for each in found)


def test_an_answer_that_passes_for_some_probes_and_fails_for_others_is_an_error(
    folder: Path, findings: Findings
) -> None:
    text = MANIFEST.replace("readinessProbe: *probe", "readinessProbe: {exec: {command: [check]}}")
    (folder / "chat.yaml").write_text(text, encoding="utf-8")
    (found,) = findings("actions: [{at: 1m, health: {answer: 200, probes: [startup, readiness]}}]")
    assert "200 passes for some of these probes and fails for others (exec, httpGet)" in found
