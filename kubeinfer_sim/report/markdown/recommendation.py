"""A recommendation as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.experiment.recommending.recommend import Recommendation
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.markdown.text import MOST_LINES, capped, comment, escaped, footer
from kubeinfer_sim.report.recommendation import (
    change_name,
    effect_text,
    looked_text,
    notes,
    others_played,
    patch_lines,
    sentence,
    subtitle,
)

_MOST_EFFECTS, _MOST_OTHERS = 8, 4
#: Lines of a patch that are shown at least, where it is longer.
_LEAST_PATCH = 8


def recommendation_markdown(made: Recommendation, command: str = "") -> str:
    """What to change and what each change does, the patch as far as there is room, what else was played."""
    lines = [f"**{escaped(sentence(made))}**", "", escaped(subtitle(made)), ""]
    effects = [
        f"- {escaped(change_name(step.change))}: {escaped(effect_text(each))}"
        for step in made.steps
        for each in step.effects
        if each.tells
    ]
    lines += capped(effects, _MOST_EFFECTS, "effects")
    others = [f"- {escaped(looked_text(each))}" for each in others_played(made)]
    after = (
        ["", "Also played:" if made.steps else "Played:", *capped(others, _MOST_OTHERS, "sets")]
        if others
        else []
    )
    for each in notes(made):
        after += ["", escaped(each)]
    if made.edits:
        room = MOST_LINES - len(lines) - len(after) - 5
        lines += ["", *_fenced(patch_lines(made), max(room, _LEAST_PATCH), "diff")]
    if made.recovery:
        lines += ["", "with rules of Custom recovery: `--rules FILE` writes them"]
    return comment([*lines, *after, footer(made.scenario, command)])


def _fenced(lines: Sequence[str], most: int, language: str) -> list[str]:
    """As code that nothing in it ends; of too many lines the first."""
    shown = [printable(each) for each in lines[:most]]
    fence = "`" * max(3, *(len(each) - len(each.lstrip("`")) + 1 for each in shown))
    rest = len(lines) - len(shown)
    more = [f"… and {rest:,} more lines: `--patch FILE` writes all"] if rest else []
    return [f"{fence}{language}", *shown, fence, *more]
