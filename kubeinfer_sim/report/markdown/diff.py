"""What a change of manifests does, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kubeinfer_sim.diagnostics import format_path, shown_value
from kubeinfer_sim.manifest.diff import Diff, changed_place
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.manifest.object_diff import ObjectDiff
from kubeinfer_sim.manifest.refusals import Refusal
from kubeinfer_sim.report.diff import refusal_sentence
from kubeinfer_sim.report.markdown.text import MOST_LINES, capped, code, comment, escaped, footer

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.model import Scenario

_MOST_OBJECTS, _MOST_BESIDE = 8, 4


def diff_markdown(
    differences: Sequence[Diff],
    others: Sequence[ObjectDiff] = (),
    refused: Sequence[Refusal] = (),
    predicted: Sequence[str] = (),
    scenario: Scenario | None = None,
    command: str = "",
) -> str:
    """A line for each object, and below it one for each change, those with the widest effect first.

    `predicted`: lines of what becomes of it, simulated as `scenario` says.
    """
    told = differences[:_MOST_OBJECTS]
    heads = 2 * len(told) + (len(differences) > len(told)) + min(len(others), _MOST_BESIDE) + 2
    heads += len(predicted)
    room = max(1, (MOST_LINES - heads) // max(1, sum(bool(each.changes) for each in told)))
    lines: list[str] = []
    for each in told:
        kind = "" if isinstance(each.object, KubeInfer) else f"{each.object.kind} "
        name = f"{kind}{each.object.namespace}/{each.object.name}"
        lines.append(f"**{escaped(name)}**: {escaped(each.summary())}")
        lines += capped(_changes(each), room, "changes")
        lines.append("")
    if len(differences) > len(told):
        lines.append(f"… and {len(differences) - len(told):,} more objects")
    lines += capped([_object_line(each) for each in others], _MOST_BESIDE, "objects")
    lines += capped([f"- {escaped(refusal_sentence(each))}" for each in refused], _MOST_OBJECTS, "objects")
    lines += predicted
    lines.append(footer(scenario, command))
    return comment(lines)


def _object_line(difference: ObjectDiff) -> str:
    """An object beside workloads on one line, its changes after what follows from them."""
    changes = (
        f"{code(format_path(each.path))}: {code(shown_value(each.old))} → {code(shown_value(each.new))}"
        for each in difference.changes
    )
    head = f"- **{escaped(str(difference.key))}**: {escaped(difference.summary)}"
    return ": ".join(filter(None, (head, ", ".join(changes))))


def _changes(difference: Diff) -> list[str]:
    lines = []
    for each in difference.by_effect:
        place, old, new = changed_place(each, difference), shown_value(each.old), shown_value(each.new)
        lines.append(f"- {code(place)}: {code(old)} → {code(new)} ({escaped(each.words)})")
    return lines
