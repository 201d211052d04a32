"""Rules of recovery as written: what is read, and what is refused where and in which words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from scenario_files import MANIFEST, Load

from kubeinfer_sim.scenario.recovery.checks import possible_failures
from kubeinfer_sim.scenario.recovery.faults import known_faults
from kubeinfer_sim.scenario.recovery.rules import ActionName, GiveUp, Limit, RecoveryRule

Findings = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def custom(folder: Path) -> None:
    """Every role of the manifest has Custom recovery."""
    text = MANIFEST.replace(
        "      - name: serve\n", "      - name: serve\n        recoveryPolicy: {restart: Custom}\n"
    )
    text = text.replace(
        "      - name: proxy\n", "      - name: proxy\n        recoveryPolicy: {restart: Custom}\n", 1
    )
    (folder / "chat.yaml").write_text(text, encoding="utf-8")


def rules(*lines: str) -> str:
    return "recovery:\n  rules:\n" + "".join(f"  - {line}\n" for line in lines)


def test_rules_are_read_in_order_with_all_their_fields(load: Load) -> None:
    found = load(
        rules(
            "{roles: [serve], faults: [Error, OOMKilled], phase: serving, exitCodes: [1, 137], action: RestartContainer,"
            " limit: {count: 3, window: 10m, then: RecreateInstance}}",
            "{roles: [proxy], action: Degrade, giveUp: [serve], isolate: Node, delay: 30s}",
            "{action: RecreateRole}",
        )
    ).recovery
    assert found == (
        RecoveryRule(
            "RestartContainer",
            ("serve",),
            ("Error", "OOMKilled"),
            "serving",
            (1, 137),
            limit=Limit(3, 600_000, "RecreateInstance"),
        ),
        RecoveryRule("Degrade", ("proxy",), delay=30_000, isolate="Node", give_up=(GiveUp("serve", 1),)),
        RecoveryRule("RecreateRole"),
    )


def test_rules_may_be_a_file_of_their_own(load: Load, findings: Findings, folder: Path) -> None:
    head = "apiVersion: kubeinfer-sim/v1\nkind: Recovery\nmetadata: {name: r}\nspec:\n"
    (folder / "rules.yaml").write_text(head + "  rules: [{action: Fail}]\n", encoding="utf-8")
    assert load("recovery: rules.yaml").recovery == (RecoveryRule("Fail"),)
    assert load("recovery: {path: rules.yaml}").recovery == (RecoveryRule("Fail"),)
    (folder / "rules.yaml").write_text(head + "  rules: [{action: Fial}]\n", encoding="utf-8")
    (found,) = findings("recovery: rules.yaml")
    assert found.startswith("rules.yaml:5: spec.rules[0].action: expected one of RestartContainer")
    assert 'did you mean "Fail"' in found
    (found,) = findings("recovery: none.yaml")
    assert "cannot read" in found


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["{faults: [Eror], action: Fail}"], '9: spec.recovery.rules[0].faults[0]: there is no fault \'Eror\'; did you mean "Error"'),
        (["{roles: [serv], action: Fail}"], "9: spec.recovery.rules[0].roles[0]: no role is called 'serv'; did you mean"),
        (["{action: Fail, limit: {count: 1, window: 1h}}"], '9: spec.recovery.rules[0].limit: "then" is required'),
        (["{action: Fail, limit: {count: 0, window: 1h, then: Ignore}}"], "9: spec.recovery.rules[0].limit.count must be at least 1, found 0"),
        (["{action: Fail, limit: {count: 1, window: 1h, then: Fail}}"], "9: spec.recovery.rules[0]: limit.then must be another action than Fail"),
        (["{action: Degrade}"], "9: spec.recovery.rules[0]: Degrade needs giveUp: the roles that give up pods"),
        (["{action: Fail, giveUp: [serve]}"], "9: spec.recovery.rules[0]: giveUp is for action Degrade"),
        (["{action: Ignore, delay: 5s}"], "9: spec.recovery.rules[0]: Ignore has no delay: the kubelet restarts"),
        (["{roles: [serve], action: Degrade, giveUp: [serve]}"], "9: spec.recovery.rules[0].giveUp[0]: role 'serve' cannot give up pods to save itself"),
        (["{action: Degrade, giveUp: [{role: serve, keep: 2}]}"], "9: spec.recovery.rules[0].giveUp[0]: role 'serve' has 2 and keeps 2: nothing to give up"),
        (["{action: Fail, phase: later}"], "9: spec.recovery.rules[0].phase: expected one of starting or serving, found 'later'"),
        (["{action: Fail, delay: 5}"], "9: spec.recovery.rules[0].delay: "),
        (["{action: Fail}", "{action: Ignore}"], "10: spec.recovery.rules[1]: no failure ever comes to this rule: the rules before it take all it matches, rule 1 first"),
        (
            ["{phase: starting, action: Fail}", "{phase: serving, action: Ignore}", "{faults: [Error], action: RecreatePod}"],
            "11: spec.recovery.rules[2]: no failure ever comes to this rule: the rules before it take all it matches, rule 1 first",
        ),
        (["{faults: [StartupProbeFailed], phase: serving, action: Fail}"], "9: spec.recovery.rules[0]: no failure ever comes to this rule: no failure that can happen matches it (StartupProbeFailed happens only while starting)"),
        (["{faults: [LivenessProbeFailed], action: Fail}"], "9: spec.recovery.rules[0]: no failure ever comes to this rule: no failure that can happen matches it (LivenessProbeFailed needs a liveness probe)"),
        (["{faults: [StartupProbeFailed], roles: [proxy], action: Fail}"], "9: spec.recovery.rules[0]: no failure ever comes to this rule: no failure that can happen matches it"),
        (["{faults: [Completed], exitCodes: [1], action: Fail}"], "9: spec.recovery.rules[0]: no failure ever comes to this rule: no failure that can happen matches it (Completed comes with 0)"),
        (["{faults: [CardDrop], action: Fail}"], '(CardDrop needs NPUs and the label modelarts-infer-npu-reset-enable: "true")'),
        (["{faults: [SubHealth], action: Fail}"], "(pods run on at the level of SubHealth; a fault may be given another one)"),
        (["{action: Fail, delay: -5s}"], "9: spec.recovery.rules[0].delay: -5s: a duration cannot be negative"),
        (["{action: Fail, limit: {count: 1, window: 0s, then: Ignore}}"], "9: spec.recovery.rules[0].limit.window: 0s: nothing is ever counted within no time"),
        (["{faults: [Drained], exitCodes: [1], action: Fail}"], "(Drained comes with no exit code)"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_rule_is_said_at_its_line(
    findings: Findings,
    lines: list[str],
    expected: str,
) -> None:
    found = findings(rules(*lines))
    assert len(found) == 1, found
    assert expected in found[0]


def test_everything_wrong_is_said_at_once(findings: Findings) -> None:
    found = findings(rules("{faults: [A, B], action: Fail}", "{roles: [x], action: Fail}"))
    assert [line.split(":")[0] for line in found] == ["9", "9", "10"]


def test_rules_that_no_role_asks_for_are_an_error(findings: Findings, folder: Path) -> None:
    (folder / "chat.yaml").write_text(MANIFEST, encoding="utf-8")
    (found,) = findings(rules("{action: Fail}"))
    assert "no role has recoveryPolicy.restart Custom" in found


def test_rules_that_split_what_can_happen_between_them_are_all_reached(load: Load) -> None:
    lines = [
        "{exitCodes: [1], action: Fail}",
        "{exitCodes: [137], action: Ignore}",
        "{roles: [proxy], action: Ignore}",
    ]
    assert len(load(rules(*lines, "{action: RecreatePod}")).recovery) == 4


def test_the_kinds_of_failure_tell_apart_what_rules_tell_apart(load: Load) -> None:
    made = load(rules("{exitCodes: [3], action: Fail}", "{action: Ignore}"))
    found = set(possible_failures(made.recovery, made.kubeinfer.roles))
    codes = {failure.exit_code for failure in found if failure.fault == "Error"}
    assert codes == {3, 4}, "the one named, and one that stands for all others"


def test_custom_without_rules_is_warned_about(load: Load, folder: Path) -> None:
    warnings = [each.message for each in load().warnings]
    assert sum("Custom recovery without rules is taken to leave" in each for each in warnings) == 2
    assert not [each for each in load(rules("{action: Fail}")).warnings if "Custom" in each.message]


def test_pod_recovery_of_a_group_is_warned_about_unless_its_peers_time_out(load: Load, folder: Path) -> None:
    text = MANIFEST.replace(
        "      - name: serve\n", "      - name: serve\n        recoveryPolicy: {restart: Pod}\n"
    )
    (folder / "chat.yaml").write_text(text, encoding="utf-8")
    assert any("collective group" in each.message for each in load().warnings)
    quiet = load("assumptions: {peerLossTimeout: 30m}")
    assert not any("collective group" in each.message for each in quiet.warnings)


def test_the_page_names_every_fault_and_every_action() -> None:
    page = (Path(__file__).parents[2] / "docs" / "recovery.md").read_text(encoding="utf-8")
    for name, fault in known_faults().items():
        assert f"| `{name}` | {fault.what} |" in page
    for action in get_args(ActionName):
        assert f"| `{action}` |" in page
