"""Texts and tables as GitHub and GitLab read Markdown; nothing in a name can act as markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from kubeinfer_sim._version import __version__
from kubeinfer_sim.manifest.file_kinds import COMMENT_ENDS
from kubeinfer_sim.manifest.render import printable

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.model import Scenario

#: Lines of a report at most.
MOST_LINES = 30
_ACTS = re.compile(r"([\\`*_{}\[\]<>|~#$&@])")


def escaped(text: str) -> str:
    """A text as it is to be read."""
    return _ACTS.sub(r"\\\1", printable(text))


def code(text: str) -> str:
    """A text in the letters of code, on one line."""
    plain = printable(text).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", plain)), default=0))
    blank = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{blank}{plain}{blank}{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; cells are Markdown already."""
    return [_row(head), _row(["---"] * len(head)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def capped(lines: Sequence[str], most: int, what: str) -> list[str]:
    """The first lines, and how many more there are."""
    if len(lines) <= most:
        return list(lines)
    return [*lines[: most - 1], f"- … and {len(lines) - most + 1:,} more {what}"]


def comment(lines: Sequence[str]) -> str:
    """The whole text; the end of its first line, which nobody sees, tells that we wrote it."""
    first, *rest = lines
    return "\n".join((f"{first} {COMMENT_ENDS}", *rest)) + "\n"


def footer(scenario: Scenario | None = None, command: str = "", *, many: bool = True) -> str:
    """Who says so: the version, the command that makes it again, and what it rests on; `many`: of several runs."""
    rests: list[str] = []
    if scenario is not None:
        from kubeinfer_sim.report.rests_on import rests_on_in_short

        rests = rests_on_in_short(scenario, many=many).splitlines()
    told = [f"kubeinfer-sim {__version__}", *([code(command)] if command else []), *map(escaped, rests)]
    return f"<sub>{' · '.join(told)}</sub>"
