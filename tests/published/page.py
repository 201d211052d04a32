"""Writes the tables of docs/published.md from what the tests compute: `python tests/published/page.py`.

Every number of the column "here" comes out of a simulation with fixed seeds, so the page is the same wherever it is
written; `test_page.py` holds it to that.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from published.airesim import Parameters
from published.airesim_report import MEASURES, REPORTS, Escalation, replications
from published.comparing import Published

from kubeinfer_sim.experiment.statistics import estimate

PAGE = Path(__file__).parents[2] / "docs" / "published.md"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def number(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def mean(values: Sequence[float], digits: int) -> str:
    """Mean and 95 % interval."""
    found = estimate(values)
    half = "" if found.half is None else f" ± {number(found.half, digits)}"
    return f"{number(found.mean, digits)}{half}"


def airesim(escalation: Escalation) -> str:
    jobs = replications(escalation, 30)

    def rows() -> Iterable[Sequence[str]]:
        for name, published in REPORTS[escalation].items():
            values = [MEASURES[name](job) for job in jobs]
            digits = 4 if "ratio" in name else 1
            z = f"{published.z(values):.1f}" if published.deviation else "-"
            yield name, told(published, digits), mean(values, digits), z

    return table(("mean of 30 runs", "published", "here", "z"), rows())


def told(published: Published, digits: int) -> str:
    """A published mean with the 95 % interval of its replications, as ours."""
    from scipy.special import stdtrit

    half = float(stdtrit(published.count - 1, 0.975)) * published.deviation / published.count**0.5
    return f"{number(published.mean, digits)} ± {number(half, digits)}"


def airesim_closed_form() -> str:
    p, corrected = Parameters(), Parameters(escalation="failed")
    rows = [
        ("with the failures AIReSim counted", "0.6232", number(p.training_ratio(11_145.6), 4)),
        ("with the failures to be expected", "", number(p.training_ratio(p.expected_failures), 4)),
        (
            "the same, for the corrected report",
            "",
            number(corrected.training_ratio(corrected.expected_failures), 4),
        ),
    ]
    return table(("effective training ratio, closed form", "published", "here"), rows)


SECTIONS: Mapping[str, Callable[[], str]] = {
    "airesim": lambda: airesim("any"),
    "airesim-corrected": lambda: airesim("failed"),
    "airesim-closed-form": airesim_closed_form,
}
#: Those that take long.
LONG = {"airesim-corrected"}


def section(name: str) -> re.Pattern[str]:
    """Where the page holds a table."""
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=\n<!-- /{name} -->)", re.S)


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, made in SECTIONS.items():
        content = made()
        assert f"<!-- {name} -->\n" in text, name
        text = section(name).sub(lambda _: content, text)  # noqa: B023 - used at once
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
