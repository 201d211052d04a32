"""The tables of docs/faults.md, made from the rows of the program: `python tests/docs/fault_tables.py --write`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.faults.levels import ASCEND_LEVELS
from kubeinfer_sim.scenario.units import format_duration

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"


def kinds() -> str:
    lines = [
        "| kind | what happens | strikes | level | shows as | ends by itself after |",
        "|---|---|---|---|---|---|",
    ]
    for name, kind in KINDS.items():
        level = f"`{kind.level}`" if kind.level else ""
        lasts = "" if kind.lasts is None else format_duration(kind.lasts)
        lines.append(f"| `{name}` | {kind.what} | {kind.strikes} | {level} | {kind.symptom} | {lasts} |")
    return "\n".join(lines) + "\n"


def levels() -> str:
    lines = ["| level | what follows |", "|---|---|"]
    lines += [f"| `{name}` | {level.what} |" for name, level in ASCEND_LEVELS.items()]
    return "\n".join(lines) + "\n"


def page() -> str:
    """The page as it should be: each table under its heading anew."""
    text = PAGE.read_text(encoding="utf-8")
    for table in (kinds(), levels()):
        head = re.escape(table.split("\n", 1)[0])
        text, number = re.subn(rf"^{head}\n(\|.*\n)+", lambda _, table=table: table, text, flags=re.M)
        assert number == 1, head
    return text


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page())
