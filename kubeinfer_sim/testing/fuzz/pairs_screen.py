"""Two faults for people: the worst pairs that break something though neither does alone, and what was covered."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.blocks import section
from kubeinfer_sim.report.paragraph import Part, figure_table
from kubeinfer_sim.report.printed import printed, within
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, together
from kubeinfer_sim.testing.fuzz.counterexample import Counterexample
from kubeinfer_sim.testing.fuzz.fault_pairs import FaultPairs, PairCase
from kubeinfer_sim.testing.fuzz.screen import (
    MOST_FAILED,
    WHY_NOT_ALL,
    broken_of,
    case_sentence,
    replay,
    strikes,
    when,
    worst_of_each,
)
from kubeinfer_sim.testing.fuzz.single_faults import SingleFault

_WHY_NOT_ALL = {**WHY_NOT_ALL, "limit": "as many as there were to be (--max-examples, --for)"}
#: Pairs that are told, and kinds of faults that break it alone.
_MOST, _MOST_ALONE = 10, 5


def render_fault_pairs(
    pairs: FaultPairs,
    kept: Counterexample | None = None,
    *,
    width: int = 80,
    colour: bool = False,
    unicode: bool = True,
) -> str:
    """The report as text, lines at most `width` columns wide (60 to 160)."""
    return printed(_parts(pairs, kept), width=within(width), colour=colour, unicode=unicode)


def pairs_sentence(pairs: FaultPairs) -> str:
    """`3 of 1,000 pairs of faults break it though neither does alone; the worst: …`, and what one fault breaks."""
    alone, broken = pairs.singles.broken, pairs.broken
    played = f"{count(len(pairs.cases), 'pair')} of faults"
    if alone:
        told = f"{broken_of(len(alone), count(len(pairs.singles.cases), 'single fault'))}; "
        do = "does" if len(broken) == 1 else "do"
        others = f"{len(broken):,} of {count(len(pairs.cases), 'pair')} of others {do}"
        told += f"{others if pairs.cases else 'no pair of others was played'}; the worst"
        return f"{told}: {pair_sentence(broken[0]) if broken else case_sentence(alone[0])}."
    if broken:
        told = f"{broken_of(len(broken), played)} though no single one does; the worst"
        return f"{told}: {pair_sentence(broken[0])}."
    if pairs.all_played:
        return f"No two faults break it: all {pairs.total:,} pairs were played."
    if not pairs.cases:
        return "No pair of faults was played."
    return f"No single fault and none of {played} breaks it that were played; there are {pairs.total:,}."


def pair_sentence(case: PairCase) -> str:
    """`CardDrop just before 10s on node-0/npu0 (chat-0) and NodeDeath just after 4m on node-1: never finishes`."""
    return f"{_fault(case.first)} and {_fault(case.second)}: {case.cost}"


def worst_pairs(pairs: FaultPairs) -> dict[tuple[str, str], PairCase]:
    """Of each two kinds the worst pair that breaks something, the worst first."""
    worst: dict[tuple[str, str], PairCase] = {}
    for case in pairs.broken:
        worst.setdefault((case.first.kind, case.second.kind), case)
    return worst


def _fault(fault: SingleFault) -> str:
    return f"{fault.kind} {when(fault.moment)} on {strikes(fault.where)}"


def _parts(pairs: FaultPairs, kept: Counterexample | None) -> Iterator[Part]:
    broken = pairs.broken or pairs.singles.broken
    held = not broken and pairs.all_played and not pairs.failed and not pairs.singles.failed
    mark, style = ("✘", "bold red") if broken else ("✔", "bold green") if held else ("?", "bold yellow")
    yield Text(printable(f"{mark} {pairs_sentence(pairs)}"), style=style)
    scenario = pairs.singles.scenario
    runs = count(len(pairs.singles.cases) + len(pairs.cases), "run")
    yield Text(printable(f"{scenario.name} · seed {scenario.seed} · {runs}"), style="dim")
    worst = list(worst_pairs(pairs).values())[:_MOST]
    if worst:
        yield from section(
            "Critical: the worst of each two kinds that break it only together", [_table(worst)]
        )
        yield from section("Broken by the worst", [Text(printable(each)) for each in worst[0].cost.breaks])
    alone = [printable(case_sentence(each)) for each in worst_of_each(pairs.singles.broken)]
    more = [f"and {count(len(alone) - _MOST_ALONE, 'kind')} more"] if len(alone) > _MOST_ALONE else []
    yield from section("Alone, the worst of each kind", [Text(each) for each in alone[:_MOST_ALONE] + more])
    failed = [f"{pair_sentence(each)} {each.cost.fault}" for each in pairs.failed]
    failed += [f"{case_sentence(each)} {each.cost.fault}" for each in pairs.singles.failed]
    yield from section("Failed", [Text(printable(each), "red") for each in failed[:MOST_FAILED]])
    yield Text()
    yield from figure_table([(name, printable(text)) for name, text in (*pairs_notes(pairs), *replay(kept))])


def _table(worst: list[PairCase]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    table.add_column("first", overflow="fold")
    table.add_column("then", overflow="fold")
    table.add_column("costs", overflow="fold")
    for case in worst:
        cells = (
            *(
                f"{each.kind} {when(each.moment).removeprefix('just ')}\non {strikes(each.where)}"
                for each in (case.first, case.second)
            ),
            str(case.cost),
        )
        table.add_row(*("\n".join(map(printable, each.split("\n"))) for each in cells))
    return table


def pairs_notes(pairs: FaultPairs) -> Iterator[tuple[str, str]]:
    """What was played, and which pairs: a name and a text each."""
    singles = pairs.singles
    alone = (
        f"{len(singles.cases):,} of {singles.total:,} single faults"
        if singles.stopped
        else "all single faults"
    )
    part = f"{len(pairs.cases):,} of {pairs.total:,} pairs"
    if pairs.known:
        part += f", of which {pairs.known:,} hold a fault that breaks it alone and need no run"
    yield "Played", f"{alone}, then {part}"
    if why := dict.fromkeys(each for each in (singles.stopped, pairs.stopped) if each):
        yield "Not all", together([_WHY_NOT_ALL[each] for each in why])
    if chosen := sum(each.chosen for each in pairs.cases):
        drawn = len(pairs.cases) - chosen
        yield (
            "Which",
            f"{chosen:,} of those that lose most alone, the worst of each kind first; {drawn:,} drawn evenly",
        )
    if missed := sum(not case.cost.struck and not case.cost.fault for case in pairs.cases):
        yield "Missed", f"{count(missed, 'pair')} of which one or both find nothing to strike then"
    yield "Moments", "of the run without faults: what only the first fault begins is not looked for"
    if singles.scenario.drawn:
        drawn_things = together(singles.scenario.drawn)
        yield "Drawn", f"{drawn_things}, with one seed: another one may come to other numbers"
