"""The pages of what single faults, two faults, or a search did to a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from kubeinfer_sim.report.html.origin import Origin, end_of_page
from kubeinfer_sim.report.html.page import (
    Block,
    Cell,
    Number,
    Page,
    Picture,
    Section,
    Table,
    Text,
    Tone,
    Verbatim,
)
from kubeinfer_sim.report.plots.moments import moments_plot
from kubeinfer_sim.report.series.moments import MOST_TRIED, Tried, moments
from kubeinfer_sim.report.words import count, point, rounded
from kubeinfer_sim.testing.fuzz.cases import Cost
from kubeinfer_sim.testing.fuzz.counterexample import Counterexample
from kubeinfer_sim.testing.fuzz.exhaustive import Case, SingleFaults
from kubeinfer_sim.testing.fuzz.fault_pairs import FaultPairs
from kubeinfer_sim.testing.fuzz.pairs_screen import pair_sentence, pairs_notes, pairs_sentence
from kubeinfer_sim.testing.fuzz.screen import (
    case_sentence,
    sentence,
    single_faults_notes,
    single_faults_subtitle,
    strikes,
    when,
    worst_of_each,
)
from kubeinfer_sim.testing.fuzz.search_result import Covered, Search, search_sentence
from kubeinfer_sim.testing.fuzz.search_screen import PHASE_WORDS, search_notes, search_subtitle

#: Rows of a table.
MOST_ROWS = 500
_MARKS: dict[Tone, str] = {"good": "✔", "bad": "✘", "open": "?", "plain": ""}


def single_faults_page(faults: SingleFaults, kept: Counterexample | None, origin: Origin) -> Page:
    """Each single fault as a mark at its moment, and the worst of each kind."""
    broken, safe = faults.broken, not faults.stopped and not faults.failed
    tone: Tone = "bad" if broken else "good" if safe else "open"
    kinds = {case.fault.kind for case in broken}
    numbers = [
        Number("Single faults that break it", f"{len(broken):,} of {len(faults.cases):,}", _not_all(faults)),
        Number(
            "Kinds of fault that do",
            f"{len(kinds):,} of {len({case.fault.kind for case in faults.cases}):,}",
            ", ".join(sorted(kinds)[:4]),
        ),
        _worst(faults.cases),
    ]
    sections = [
        Section("Replay the worst", _replay(kept)),
        Section("When each fault strikes", _moments(faults)),
        Section("The worst of each kind", _cases(worst_of_each(broken))),
        Section("What it rests on", [Table(("", ""), list(single_faults_notes(faults)))]),
        Section("All that break it", _cases(broken)),
        Section("Failed", _failed(faults)),
    ]
    return _page(
        faults,
        f"{_MARKS[tone]} {sentence(faults)}",
        single_faults_subtitle(faults),
        tone,
        numbers,
        sections,
        origin,
    )


def fault_pairs_page(pairs: FaultPairs, kept: Counterexample | None, origin: Origin) -> Page:
    """The pairs of faults that break it though neither does alone, and what each fault does alone."""
    singles, broken = pairs.singles, pairs.broken
    either = bool(broken or singles.broken)
    held = pairs.all_played and not pairs.failed and not singles.failed
    tone: Tone = "bad" if either else "good" if held else "open"
    rows: list[tuple[str | Cell, ...]] = [
        (
            *(
                f"{each.kind} {when(each.moment)} on {strikes(each.where)}"
                for each in (case.first, case.second)
            ),
            *_cost(case.cost),
            "; ".join(case.cost.breaks),
        )
        for case in broken
    ]
    numbers = [
        Number(
            "Pairs that break it", f"{len(broken):,} of {len(pairs.cases):,}", f"there are {pairs.total:,}"
        ),
        Number(
            "Single faults that do", f"{len(singles.broken):,} of {len(singles.cases):,}", _not_all(singles)
        ),
        _worst(singles.cases),
    ]
    head = ("first", "then", "lost besides", "later by", "breaks")
    sections = [
        Section("Replay the worst", _replay(kept)),
        Section(
            "Pairs that break it only together",
            [Table(head, rows[:MOST_ROWS], left_out=max(0, len(rows) - MOST_ROWS))] if rows else [],
        ),
        Section("When each fault strikes alone", _moments(singles)),
        Section("Alone, the worst of each kind", _cases(worst_of_each(singles.broken))),
        Section("What it rests on", [Table(("", ""), list(pairs_notes(pairs)))]),
        Section(
            "Failed",
            [
                *_failed(singles),
                *([Text([pair_sentence(each) for each in pairs.failed])] if pairs.failed else []),
            ],
        ),
    ]
    scenario = singles.scenario
    subtitle = (
        f"{scenario.name} · seed {scenario.seed} · {count(len(singles.cases) + len(pairs.cases), 'run')}"
    )
    return _page(
        singles, f"{_MARKS[tone]} {pairs_sentence(pairs)}", subtitle, tone, numbers, sections, origin
    )


def search_page(search: Search, kept: Counterexample | None, origin: Origin) -> Page:
    """What was found with the smallest differences, and what came to pass in the examples."""
    found = search.found
    tone: Tone = "open" if found is None else "bad"
    examples = sum(search.examples.values())
    covered = search.covered
    met = len({kind for kind, _ in covered.faults})
    numbers = [
        Number(
            "Examples", f"{examples:,}", " · ".join(f"{phase} {n:,}" for phase, n in search.examples.items())
        ),
        Number(
            "Found",
            "nothing" if found is None else found.phase,
            "which is no proof" if found is None else "phase",
        ),
        Number("Kinds of fault met", f"{met:,}", f"edits of {', '.join(search.vary)}"),
    ]
    broken = [] if found is None else [*filter(None, (found.invariant,)), *found.cost.breaks]
    differences = () if found is None else found.differences or ("none: it breaks as it was given",)
    sections = [
        Section("Smallest differences", [Text(differences, as_list=True)] if differences else []),
        Section("Broken", [Text(broken, as_list=True)] if broken else []),
        Section("Replay it", _replay(kept)),
        Section(
            "What came to pass in the examples",
            [*_faults_met(covered), Table(("", ""), list(search_notes(search)))],
        ),
    ]
    mark = "✘" if found else "?" if search.undecided else "✔"
    return _page(
        search, f"{mark} {search_sentence(search)}", search_subtitle(search), tone, numbers, sections, origin
    )


def _page(
    of: SingleFaults | Search,
    verdict: str,
    subtitle: str,
    tone: Tone,
    numbers: Sequence[Number],
    sections: Sequence[Section],
    origin: Origin,
) -> Page:
    scenario = of.scenario
    title = f"{scenario.name}, fuzz: kubeinfer-sim"
    return Page(
        title,
        subtitle,
        verdict,
        tone,
        numbers,
        sections,
        end_of_page(scenario, origin, f"seed {scenario.seed}"),
    )


def _not_all(faults: SingleFaults) -> str:
    return f"there are {faults.total:,}" if faults.stopped else "all there are"


def _worst(cases: Sequence[Case]) -> Number:
    if not cases:
        return Number("The worst", "none")
    worst = max(cases, key=lambda case: case.cost.key)
    return Number(
        "The worst",
        str(worst.cost),
        f"{worst.fault.kind} {when(worst.fault.moment)} on {strikes(worst.fault.where)}",
    )


def _replay(kept: Counterexample | None) -> list[Block]:
    return [] if kept is None else [Text([kept.sentence]), Verbatim(kept.replay)]


def _moments(faults: SingleFaults) -> list[Block]:
    if not faults.cases:
        return []
    tried = [
        Tried(
            case.fault.kind,
            case.fault.moment.at,
            "breaks it"
            if case.cost.breaks
            else "costs something"
            if case.cost.lost > 0 or case.cost.later
            else "harmless",
            "; ".join((case_sentence(case), *case.cost.breaks)),
        )
        for case in faults.cases
    ]
    series = moments(tried)
    caption = (
        f"Of {count(len(tried), 'fault')} those that cost most, {MOST_TRIED:,} at most."
        if series.left_out
        else ""
    )
    return [Picture(moments_plot(series, "Each single fault at its moment, by kind"), caption)]


def _cases(cases: Sequence[Case]) -> list[Block]:
    rows: list[tuple[str | Cell, ...]] = [
        (
            case.fault.kind,
            Cell(when(case.fault.moment).removeprefix("just "), case.fault.moment.at),
            strikes(case.fault.where),
            *_cost(case.cost),
            "; ".join(case.cost.breaks),
        )
        for case in cases
    ]
    head = ("fault", "when", "on", "lost besides", "later by", "breaks")
    return [Table(head, rows[:MOST_ROWS], left_out=max(0, len(rows) - MOST_ROWS))] if rows else []


def _cost(cost: Cost) -> Iterator[Cell]:
    yield Cell(rounded(cost.lost) if cost.lost > 0 else "", cost.lost)
    later = inf if cost.never else cost.later or 0
    yield Cell(
        "never finishes" if cost.never else rounded(cost.later) if cost.later and cost.later > 0 else "",
        later,
    )


def _failed(faults: SingleFaults) -> list[Block]:
    told = [
        f"{each.fault.kind} at {point(each.fault.moment.at)}: {each.cost.fault}" for each in faults.failed
    ]
    return [Text(told[:MOST_ROWS], as_list=True)] if told else []


def _faults_met(covered: Covered) -> list[Block]:
    """How often each kind of fault struck a pod in which phase of its life."""
    phases = [phase for phase in PHASE_WORDS if any(phase == struck for _, struck in covered.faults)]
    rows: list[list[str | Cell]] = []
    for kind in dict.fromkeys(kind for kind, _ in covered.faults):
        numbers = [covered.faults[kind, phase] for phase in phases]
        rows.append([kind, *(Cell(f"{number:,}" if number else "", number) for number in numbers)])
    return [Table(("fault", *(PHASE_WORDS[phase] for phase in phases)), rows)] if rows else []
