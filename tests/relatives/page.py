"""What docs/relatives.md says of the recorded runs: counted, rule by rule, and case by case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from relatives.judging import Judged, judge
from relatives.questions import QUESTIONS, Question
from relatives.recorded import Case

#: The tables of recorded runs, whose they are, and the switches by which a KubeInfer comes nearest to each.
RELATIVES: dict[str, tuple[str, dict[str, Any]]] = {
    "golden_lws_e2e": (
        "LeaderWorkerSet 0.9.0",
        {
            "ordinals": "fixed",
            "replaced_at_once": "one",
            "unready_old": "inOrder",
            "middle_revision": "finished",
            "scale_in": "highestOrdinal",
            "old_instance_failure": "rebuildOld",
            "backoff": (0,),
        },
    ),
    "golden_kthena_e2e": (
        "kthena 1.0.0",
        {
            "ordinals": "next",
            "scale_in": "highestOrdinal",
            "group_termination": "failedFirst",
            "unready_grace": 0,
            "backoff": (0,),
        },
    ),
}

#: Why a KubeInfer is given no switch for what a case differs in.
_NO_LEADER = (
    "roles of a KubeInfer are equals: no pod owns the others, so none is waited for or deleted in their stead"
)
_KEPT = (
    "the vendor's instances are objects of their own (kind Instance), which recovery rebuilds: restarts, back-off and "
    "what is given up are counted by instance, and another ordinal would be another instance"
)
NO_SWITCH = {
    "ll-grace": f"{_NO_LEADER}; what comes nearest is `replacement: TerminationStarted`, which starts the successor "
    "with the deletion itself",
    "ll-recreate-del-l": _NO_LEADER,
    "ll-none-del-l": _NO_LEADER,
    "kt-sg-del": _KEPT,
    "kt-sg-exit": _KEPT,
    "kt-none-del": "levels of the guide are Instance, Pod and Custom, and each makes a missing pod again: an instance "
    "is Ready with all its pods, so one left away would never serve again",
}


def judged(table: str, cases: Iterable[Case]) -> list[Judged]:
    """All cases of a table."""
    return [judge(case, RELATIVES[table][1]) for case in cases]


def camel(name: str) -> str:
    """As a scenario has it."""
    return re.sub(r"_(.)", lambda match: match[1].upper(), name)


def switches_text(switches: dict[str, Any]) -> str:
    """The switches of a relative as one writes them."""
    told = {"backoff": "0s", "unready_grace": "0s"}
    return ", ".join(f"`{camel(name)}: {told.get(name, value)}`" for name, value in switches.items())


def case_row(each: Judged) -> str:
    """One case's line."""
    if each.says == "cannot be expressed":
        told = f"cannot be expressed | {'; '.join(each.cannot)}"
    elif each.says == "agrees under switches":
        told = f"agrees under switches | {', '.join(f'`{camel(name)}`' for name in each.needs)}"
    elif each.says == "agrees":
        told = "agrees |"
    else:
        why = NO_SWITCH.get(each.case["id"], "")
        told = f"differs | {'; '.join(_said(each, question) for question in each.because)}"
        told += f". No switch: {why}" if why else ""
    return f"| `{each.case['id']}` | {told} |".replace("|  |", "| |")


def _said(each: Judged, question: Question) -> str:
    theirs = next(answer.theirs for answer in each.answers if answer.question is question)
    return f"{_rule(question)}: {question.text} {theirs}"


def _rule(question: Question) -> str:
    return f"rule {question.rule}" if question.rule.isdigit() else question.rule


def stated(each: Judged) -> list[tuple[str, str]]:
    """The rules a case is about, as their lines begin, and what the relative does."""
    return [(_head(answer.question), answer.theirs) for answer in each.answers]


def _head(question: Question) -> str:
    return f"{_rule(question)}: {question.text}"


def rule_rows(cases: Sequence[tuple[str, list[Judged]]]) -> list[str]:
    """For each rule, what a KubeInfer does by default and in which cases which relative does what."""
    rows = []
    for question in QUESTIONS:
        ours: dict[str, None] = {}
        cells = []
        for _, every in cases:
            said: dict[str, list[str]] = {}
            for each in every:
                for answer in each.answers:
                    if answer.question is question:
                        said.setdefault(answer.theirs, []).append(f"`{each.case['id']}`")
                        ours |= {} if answer.default is None else {answer.default: None}
            cells.append("; ".join(f"{text} ({', '.join(ids)})" for text, ids in said.items()))
        if any(cells):
            switch = f"`{question.switch}`" if question.switch else ""
            head = f"| {_head(question)} … | {'; '.join(ours)} | {switch} | "
            rows.append(f"{head}{' | '.join(cells)} |")
    return rows


def counts_row(table: str, says: Sequence[str]) -> str:
    """How many cases of a table came out how."""
    name = RELATIVES[table][0]
    expressible = [each for each in says if each != "cannot be expressed"]
    default = expressible.count("agrees")
    switched = default + expressible.count("agrees under switches")
    return f"| {name} | {len(says)} | {len(expressible)} | {default} | {switched} |"


def page(tables: dict[str, list[Judged]]) -> str:
    """The generated part."""
    lines = [
        "| relative | recorded runs | can be expressed | agree by default | agree under its switches |",
        "|---|---:|---:|---:|---:|",
        *(counts_row(name, [each.says for each in every]) for name, every in tables.items()),
        "",
    ]
    lines += [f"Switches of {RELATIVES[name][0]}: {switches_text(RELATIVES[name][1])}." for name in tables]
    lines += [
        "",
        f"| rule | KubeInfer by default | switch | {' | '.join(RELATIVES[name][0] for name in tables)} |",
        f"|---|---|---|{'---|' * len(tables)}",
        *rule_rows(list(tables.items())),
        "",
        "| recorded run | outcome | it takes, or it differs in |",
        "|---|---|---|",
        *(case_row(each) for every in tables.values() for each in every),
    ]
    return "\n".join(lines) + "\n"
