"""What came of a sample of mutants, as a section of a page."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mutation.edits import ROOT
from mutation.operators import ROOMS

from kubeinfer_sim.experiment.statistics.proportions import proportion

PAGE = ROOT / "docs" / "fidelity.md"
SECTION = re.compile(
    r"(?<=<!-- mutants: written by tests/mutation/run.py -->\n).*?(?=<!-- /mutants -->)", re.S
)
#: By the names of mutants that survived why they are no other behaviour, or what is missed.
JUDGED = Path(__file__).parent / "judged.toml"
#: How a verdict begins that says that nothing anybody can see changes.
EQUIVALENT = "equivalent"

Line = dict[str, Any]


def judged() -> dict[str, str]:
    """The verdict on each survivor that somebody has looked at."""
    return dict(tomllib.loads(JUDGED.read_text(encoding="utf-8")))


def share(part: int, whole: int) -> str:
    """`91.2 % (89.3 to 92.9 %)`, with the exact interval of 95 %."""
    told = proportion(part, whole)
    return f"{part / whole:.1%} ({told.low:.1%} to {told.high:.1%})".replace("%", " %")


def caught(line: Line) -> bool:
    return line["outcome"] in ("killed", "hangs")


def section(lines: Sequence[Line], verdicts: dict[str, str], of: int) -> str:
    """The table and what it says."""
    rows = [
        ("all", lines),
        *((room, [each for each in lines if f"/{room}/" in each["name"]]) for room in ROOMS),
    ]
    again = [each for each in lines if each.get("again")]
    survivors = [each for each in lines if not caught(each)]
    known = [verdicts[each["name"]] for each in survivors if each["name"] in verdicts]
    same = sum(each.startswith(EQUIVALENT) for each in known)
    text = [
        f"{datetime.now(UTC):%Y-%m-%d}: {len(lines):,} of {of:,} mutants, drawn at random. Intervals are exact ones of 95 %",
        "(Clopper and Pearson); a test that hangs for a mutant has caught it.",
        "",
        "| room | mutants | caught | by the room's own tests | no test reaches it |",
        "|---|---:|---|---|---:|",
        *(_row(name, each) for name, each in rows),
        "",
    ]
    if again:
        more = sum(map(caught, again))
        text.append(
            f"Of {len(again)} that had survived, {more} were caught when they were played again, with more tests or new ones."
        )
    if known:
        left = len(survivors) * (len(known) - same) / len(known)
        killed = len(lines) - len(survivors)
        text += [
            f"Of the {len(survivors)} survivors {len(known)} were looked at: {same} change nothing that anybody can see, {len(known) - same} do"
            " (`tests/mutation/judged.toml`).",
            f"At that rate {killed / (killed + left):.0%} of those that change something are caught.".replace(
                "%", " %"
            ),
        ]
    return "\n".join(text) + "\n"


def _row(name: str, lines: Sequence[Line]) -> str:
    killed = [each for each in lines if caught(each)]
    own = sum(each["by_room"] for each in killed)
    unreached = sum(each["outcome"] == "not reached" for each in lines)
    return f"| {name} | {len(lines):,} | {share(len(killed), len(lines))} | {share(own, len(lines))} | {unreached} |"


def write(lines: Iterable[Line], of: int) -> None:
    """Put it where the page has it."""
    text = section([*lines], judged(), of)
    PAGE.write_text(SECTION.sub(lambda _: text, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def by_operator(lines: Iterable[Line]) -> Counter[str]:
    return Counter(each["operator"] for each in lines if not caught(each))
