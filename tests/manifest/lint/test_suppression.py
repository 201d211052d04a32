"""Rules switched off by comments and by name."""

from __future__ import annotations

import pytest
from manifest.helpers import BASE, changed
from manifest.lint.test_rules import findings, fired


def codes(text: str, **options) -> set[str]:
    return {each.code for each in findings(text, **options)}


def test_a_comment_on_the_line_switches_a_rule_off_there() -> None:
    assert not fired(
        changed(("maxUnavailable: 20%", "maxUnavailable: 20%  # kubeinfer-sim: disable=KI002")), "KI002"
    )
    assert fired(changed(("maxSurge: 20%", "maxSurge: 20%  # kubeinfer-sim: disable=KI002")), "KI002")


def test_a_comment_on_the_line_above_does_too() -> None:
    text = changed(
        (
            "      maxUnavailable",
            "      # kubeinfer-sim: disable=KI002 -- the spare is there\n      maxUnavailable",
        )
    )
    assert "KI002" not in codes(text)
    assert "KI000" not in codes(text)


def test_a_comment_at_the_top_holds_for_the_file() -> None:
    text = f"# what this is\n# kubeinfer-sim: disable=KI002, KI007\n---\n{BASE}"
    assert not codes(text) & {"KI002", "KI007"}
    assert "KI001" in codes(text)
    assert "KI002" in codes(f"{BASE}\n# kubeinfer-sim: disable=KI002\n")


def test_one_role_can_be_excused_and_the_other_is_still_told() -> None:
    text = changed(
        (
            "timeoutSeconds: 10\n                failureThreshold: 6",
            "timeoutSeconds: 10 # kubeinfer-sim: disable=KI007\n                failureThreshold: 6",
        )
    )
    (found,) = fired(text, "KI007")
    assert found.path[4] == 1


@pytest.mark.parametrize("code", ["KI999", "KI07", "timeout", "ki007"])
def test_an_unknown_code_is_reported_where_it_stands(code: str) -> None:
    text = changed(("maxSurge: 20%", f"maxSurge: 20%  # kubeinfer-sim: disable=KI001,{code}"))
    (found,) = fired(text, "KI000")
    assert (found.line, found.severity) == (24, "warning")
    assert found.text[found.column - 1 :].startswith(code)
    assert "KI001" not in codes(text), "the known one counts"


def test_rules_are_switched_off_by_code() -> None:
    assert not codes(BASE, disabled={"KI001", "KI002"}) & {"KI001", "KI002"}


def test_a_hash_inside_a_word_is_no_comment() -> None:
    assert fired(
        changed(("maxUnavailable: 20%", 'maxUnavailable: "20%" # x#kubeinfer-sim: disable=KI002')), "KI002"
    )
