"""Warnings about the files that a prediction comes from, as reports of one run and of several tell them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.report.words import listed

if TYPE_CHECKING:
    from kubeinfer_sim.experiment.replication import Variant


def by_what_they_say(warnings: Iterable[Diagnostic], most: int | None = None) -> list[str]:
    """A line for each thing that is said, with all the places it is said of: `…; likewise sp-block (a.yaml:29:15)`.

    Beyond so many lines the last one gives the places alone.
    """
    places: dict[tuple[str, str, str], list[Diagnostic]] = {}
    for each in dict.fromkeys(warnings):
        places.setdefault((each.file, each.code, each.message), []).append(each)
    told = list(places.values())
    if most is None or len(told) <= most:
        return [_line(*same) for same in told]
    rest = [_short(each) for same in told[most - 1 :] for each in same]
    return [*(_line(*same) for same in told[: most - 1]), f"not simulated, too: {', '.join(rest)}"]


def _line(first: Diagnostic, *others: Diagnostic) -> str:
    if not others:
        return first.one_line()
    return f"{first.one_line()}; likewise {', '.join(map(_short, others))}"


def _short(warning: Diagnostic) -> str:
    """What a warning is about, and where: `sp-block (a.yaml:29:15)`, `Job x (a.yaml:40:7)`."""
    name = warning.path[-1] if warning.path else ""
    if name == "kind":  # of the object as a whole, which the message names
        name = warning.message.partition(" is not simulated")[0]
    return f"{name} ({warning.where})".lstrip()


def of_variants(variants: Sequence[Variant]) -> list[Diagnostic]:
    """What `run` would warn of, each once; where it is not of all variants with the names of those it is of."""
    told: dict[tuple[str, str], Diagnostic] = {}
    whose: dict[tuple[str, str], list[str]] = {}
    for variant in variants:
        for each in dict.fromkeys(variant.scenario.warnings):
            key = each.where, each.sentence
            told.setdefault(key, each)
            whose.setdefault(key, []).append(variant.name)
    return [
        each
        if len(whose[key]) >= len(variants)
        else replace(each, message=f"{each.message} ({listed(whose[key], 3)})")
        for key, each in told.items()
    ]
