"""The lines of the report on what recovery did."""

from __future__ import annotations

from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics import Measures
from kubeinfer_sim.metrics.recoveries import Recovery
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, listed, rounded

_MOST = 12
_WORDS = {
    "RecreateInstance": "rebuilt",
    "RecreateRole": "{what} rebuilt",
    "RecreatePod": "{what} rebuilt alone",
    "RestartContainer": "{what} left to the kubelet, in place",
    "Ignore": "{what} ignored",
    "Fail": "given up and held",
    "GiveUp": "gives up {what}",
    "Restored": "whole again",
    "PeersLost": "{what}'s peers hang without it",
    "Withdrawn": "{what} well again, left alone",
}


def recovery_lines(measures: Measures) -> list[Part]:
    """One line for each step, the first ones of many."""
    steps = measures.recoveries
    lines: list[Part] = [Text(printable(_line(each))) for each in steps[:_MOST]]
    if len(steps) > _MOST:
        lines.append(Text(f"… and {count(len(steps) - _MOST, 'more step')}", style="dim"))
    return lines


def recovery_groups(measures: Measures) -> list[str]:
    """One line for what happened to several at the same time: `10m chat-0, chat-1: rebuilt (Error)`."""
    alike: dict[tuple[int, str], list[str]] = {}
    for step in measures.recoveries:
        alike.setdefault((step.at, _what(step)), []).append(str(step.instance))
    return [
        f"{rounded(at)} {listed(list(dict.fromkeys(names)), 4)}: {what}"
        for (at, what), names in alike.items()
    ]


def _line(step: Recovery) -> str:
    """`10m36s infer-0: decode rebuilt (LivenessProbeFailed, rule 1)`."""
    return f"{rounded(step.at)} {step.instance}: {_what(step)}"


def _what(step: Recovery) -> str:
    what = step.what.rpartition(" of ")[2] if step.action == "PeersLost" else step.what
    why = ", ".join(part for part in (step.fault, step.by) if part)
    text = _WORDS[step.action].format(what=what)
    return f"{text} ({why})" if why else text
