"""The semantics page has what the code cites, every assumption, and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from kubeinfer_sim.report.assumptions import assumptions
from kubeinfer_sim.scenario.model import Assumptions

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")
#: `rule 4`, `rules 7 and 8`, `rules 1, 2 and 3`.
RULES = re.compile(r"\brules? (\d+(?:(?:, | and )\d+)*)", re.I)
#: `section 2 of the semantics page`, whatever the line break.
SECTIONS = re.compile(r"\bsection\s+(\d+(?:\.\d+)?)\s+of\s+(?:#\s*)?the\s+semantics\s+page", re.I)
#: `(E14)`: a rule learnt from whole runs.
RUNS = re.compile(r"\bE(\d+)\b")
TESTS = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def part(number: int) -> str:
    """A section of the page."""
    return re.split(r"^## \d+\. .*$", PAGE, flags=re.M)[number]


def rows(number: int) -> list[list[str]]:
    """The rows of the last table of a section, without its head."""
    table = re.findall(r"(?:^\|.*\n)+", part(number), re.M)[-1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def sources() -> dict[str, str]:
    """Everything that may cite the page."""
    files = [path for folder in ("kubeinfer_sim", "tests") for path in (ROOT / folder).rglob("*.py")]
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in files
        if path != Path(__file__)
    }


def numbered(number: int) -> set[int]:
    """The numbers of the rules that a section lists."""
    return {int(each) for each in re.findall(r"^(\d+)\. \*\*", part(number), re.M)}


def test_every_rule_the_code_cites_is_on_the_page() -> None:
    cited = {
        (name, int(number))
        for name, text in sources().items()
        for listed in RULES.findall(text)
        for number in re.findall(r"\d+", listed)
    }
    assert len(cited) > 10
    assert not [each for each in cited if each[1] not in numbered(2)]


def test_every_section_the_code_cites_is_on_the_page() -> None:
    headings = set(re.findall(r"^##+ (\d+(?:\.\d+)?)\.? ", PAGE, re.M))
    cited = {(name, number) for name, text in sources().items() for number in SECTIONS.findall(text)}
    assert len(cited) > 5
    assert not [each for each in cited if each[1] not in headings]


def test_every_switch_is_listed_with_its_default_in_the_order_of_reports() -> None:
    listed = [(row[0].strip("`"), row[1]) for row in rows(6)]
    assert listed == [(each.name, each.value) for each in assumptions(Assumptions())]
    assert all(len(row) == 5 and all(row) for row in rows(6))


def test_every_test_the_page_names_exists() -> None:
    named = TESTS.findall(PAGE)
    assert len(named) > 50
    files = {file: (ROOT / file).read_text(encoding="utf-8") for file, _ in named}
    assert not [f"{file}::{test}" for file, test in named if test and f"\ndef {test}(" not in files[file]]


def test_every_switch_is_held_by_a_test() -> None:
    assert not [row[0] for row in rows(6) if not TESTS.search(row[4])]


def test_a_rule_of_whole_runs_names_its_test_or_stands_among_those_not_followed() -> None:
    told = {int(n): text for n, text in re.findall(r"^- E(\d+)\. ((?:.*\n)(?:  .*\n)*)", part(8), re.M)}
    assert sorted(told) == list(range(1, 30))
    open_ones = {int(each) for row in rows(9) for each in RUNS.findall(row[0])}
    silent = {number for number, text in told.items() if not TESTS.search(text)}
    assert silent <= open_ones <= set(told)


def test_every_path_the_page_names_exists() -> None:
    assert not [each for each in re.findall(r"`(kubeinfer_sim/[\w/.]+)`", PAGE) if not (ROOT / each).exists()]
