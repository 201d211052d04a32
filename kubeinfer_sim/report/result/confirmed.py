"""What lint warns of and the run has shown."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.report.confirmed import Confirmed
from kubeinfer_sim.report.result_part import Part


class ConfirmedPart(Part):
    """A finding of lint, and what the run shows of it."""

    owner: str
    """What owns the pods it is about, by name."""
    code: str
    """Of the rule, as `kubeinfer-sim explain` has it."""
    file: str
    line: int
    """0: the file as a whole."""
    message: str
    shown: str


def confirmed_parts(confirmed: Iterable[Confirmed]) -> list[ConfirmedPart]:
    """One for each finding."""
    return [
        ConfirmedPart(
            owner=each.owner,
            code=each.finding.code,
            file=each.finding.file,
            line=each.finding.line,
            message=each.finding.message,
            shown=each.shown,
        )
        for each in confirmed
    ]
