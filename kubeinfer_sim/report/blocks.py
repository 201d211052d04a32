"""What the report for people is put together from: titled sections, tables of figures, objectives, what stalls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kubeinfer_sim.manifest.register.check import not_simulated
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics import Judged, Judgement, Stall
from kubeinfer_sim.report.objectives import objective_text
from kubeinfer_sim.report.packed_pods import packed_lines
from kubeinfer_sim.report.paragraph import Part, indented
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.verdict import JUDGED, Assessment, idle_lines
from kubeinfer_sim.report.warnings import by_what_they_say
from kubeinfer_sim.report.words import count
from kubeinfer_sim.scenario.actions.model import Action
from kubeinfer_sim.scenario.units import format_duration

_COLOURS = {Judgement.HELD: "green", Judgement.MISSED: "red", Judgement.OPEN: "yellow"}


def section(title: str, content: Sequence[Part]) -> Iterable[Part]:
    """A blank line, the title, the content under it; nothing without any."""
    if content:
        yield Text()
        yield Text(title, style="bold")
        yield from (indented(each, 2) for each in content)


def first_lines(lines: Sequence[str], most: int, noun: str) -> list[Part]:
    """The first ones, and how many more there are: `… and 3 more events`."""
    shown: list[Part] = [Text(printable(line)) for line in lines[:most]]
    if len(lines) > most:
        shown.append(Text(f"… and {count(len(lines) - most, f'more {noun}')}", style="dim"))
    return shown


def objective_line(judged: Judged) -> Text:
    """`✔ held    at least 4 ready (measured: 4)`."""
    how = judged.judgement
    return Text().append(f"{JUDGED[how]:<8}", _COLOURS[how]).append(f"  {objective_text(judged)}")


def stalled_since(stall: Stall) -> str:
    """`Stalled since 10m (Unschedulable)`."""
    reason = stall.reason if stall.pod_reason in ("", stall.reason) else f"{stall.reason}: {stall.pod_reason}"
    return f"Stalled since {format_duration(stall.at)} ({reason})"


def warning_lines(assessment: Assessment, most: int | None = None) -> list[Text]:
    """What to know of the run and of the files it came from, each once.

    Of what would matter and is not simulated each thing is told; of the rest as many as `most`, and how many more.
    """
    told, unsimulated = warning_texts(assessment)
    shown = told[:most]
    lines = [Text(f"! {printable(text)}", "yellow") for text in (*shown, *unsimulated)]
    if len(told) > len(shown):
        lines.append(Text(f"… and {count(len(told) - len(shown), 'more warning')}", "dim"))
    return lines


def warning_texts(assessment: Assessment) -> tuple[list[str], list[str]]:
    """What to know of the run and of its files, each once; and what would matter and is not simulated."""
    of_files = assessment.run.scenario.warnings
    unsimulated = not_simulated(of_files)
    texts = [*run_warnings(assessment), *(each.one_line() for each in of_files if each not in unsimulated)]
    return list(dict.fromkeys(texts)), by_what_they_say(unsimulated)


def run_warnings(assessment: Assessment) -> list[str]:
    """What to know of the run alone."""
    of_kubeinfers = [text for each in assessment.kubeinfers.values() for text in each.measures.warnings]
    return [*of_kubeinfers, *idle_lines(assessment.cluster), *packed_lines(assessment)]


def actions_of(actions: tuple[Action, ...], kubeinfer: str) -> tuple[Action, ...]:
    """What is done, but for what is done to other KubeInfers."""

    def is_others(action: Action) -> bool:
        meant: Any = getattr(action, "workload", None) or getattr(action, "target", None) or action
        return getattr(meant, "kind", "") == "KubeInfer" and meant.name not in ("", kubeinfer)

    return tuple(action for action in actions if not is_others(action))
