"""The end of every page: what it rests on, and how to get it again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from kubeinfer_sim._version import __version__
from kubeinfer_sim.report.assumptions import assumptions
from kubeinfer_sim.report.html.page import Cell, Section, Table, Text, Verbatim
from kubeinfer_sim.report.rests_on import IMPORTANT, WHOLE
from kubeinfer_sim.report.words import configured
from kubeinfer_sim.scenario.model import Scenario

#: Characters of a scenario that stand on a page at most.
_MOST_TEXT = 200_000
#: What follows the value of a default: why it is that, or where it is from.
_SOURCE = re.compile(r" \((.*)\)$")


class Origin(Struct, frozen=True):
    """Where a page came from.

    Attributes:
        command: the line that makes the same again.
        scenario: makes the scenario with all that it is made of; None where there is no single one.
    """

    command: str
    scenario: Callable[[], dict[str, Any]] | None = None


def about(scenario: Scenario) -> Section:
    """What its file says of it."""
    return Section("About", [Text([" ".join(scenario.description.split())])] if scenario.description else [])


def seeds_text(seeds: Sequence[int]) -> str:
    """`seeds 3 to 6`; ascending."""
    if not seeds:
        return "no run"
    return f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"


def end_of_page(scenario: Scenario, origin: Origin, seeds: str, *others: Scenario) -> list[Section]:
    """Assumptions and defaults with their sources; version, seeds, command, and the scenario as it was played.

    What `others` rest on besides is told, too.
    """
    every = (scenario, *others)
    assumed = dict.fromkeys(row for each in every for row in _assumed(each))
    notes = dict.fromkeys(note for each in every for note in _notes(each))
    return [
        Section(
            "What this rests on",
            [Table(("what", "value", "how", "source, or why"), list(assumed)), Text(list(notes))],
        ),
        Section("How to get it again", [*_again(scenario, origin, seeds)]),
    ]


def _assumed(scenario: Scenario) -> list[tuple[str | Cell, ...]]:
    rows: list[tuple[str | Cell, ...]] = [
        (
            each.name,
            each.value,
            Cell("assumed") if each.default else Cell("set", tone="open"),
            "docs/semantics.md, section 6",
        )
        for each in assumptions(scenario.assumptions)
    ]
    for line in scenario.defaults:
        name, _, rest = line.partition(": ")
        source = _SOURCE.search(rest)
        value = rest[: source.start()] if source else rest
        rows.append((name, value, Cell("default"), source[1] if source else ""))
    return rows


def _notes(scenario: Scenario) -> list[str]:
    told = [f"Kubernetes {scenario.kubernetes_version}, placed by {' and '.join(scenario.placed_by)}."]
    if scenario.gangs_by_kube_scheduler:
        told.append(f"{WHOLE}.")
    if scenario.important_groups:
        told.append(f"{IMPORTANT}.")
    if from_file := configured(scenario.configuration):
        told.append(from_file)
    if scenario.drawn:
        told.append(f"Drawn at random from the seed: {' and '.join(scenario.drawn)}.")
    return told


def _again(scenario: Scenario, origin: Origin, seeds: str) -> Iterator[Text | Verbatim]:
    yield Text([f"kubeinfer-sim {__version__}, {seeds}. Same inputs, same bytes:"])
    yield Verbatim(origin.command)
    if origin.scenario is not None:
        yield Verbatim(
            _in_full(origin.scenario()), title=f"The scenario {scenario.name} with all that it is made of"
        )


def _in_full(document: dict[str, Any]) -> str:
    """As YAML that can be played alone; of a very long one the beginning."""
    from yaml import safe_dump

    try:
        from yaml import CSafeDumper as Dumper
    except ImportError:
        text = safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    else:
        from yaml import dump

        text = dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
    if len(text) <= _MOST_TEXT:
        return text
    left_out = text.count("\n", _MOST_TEXT)
    return f"{text[:_MOST_TEXT]}\n# … and {left_out:,} more lines: the command above makes all of it again"
