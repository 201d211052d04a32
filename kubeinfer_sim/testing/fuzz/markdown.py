"""What faults, or a search, did to a scenario, as Markdown: for a comment on a change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubeinfer_sim.report.markdown.text import capped, code, comment, escaped, footer, table
from kubeinfer_sim.testing.fuzz.counterexample import Counterexample
from kubeinfer_sim.testing.fuzz.exhaustive import SingleFaults
from kubeinfer_sim.testing.fuzz.fault_pairs import FaultPairs
from kubeinfer_sim.testing.fuzz.pairs_screen import pair_sentence, pairs_notes, pairs_sentence, worst_pairs
from kubeinfer_sim.testing.fuzz.screen import case_sentence, sentence, single_faults_notes, worst_of_each
from kubeinfer_sim.testing.fuzz.search_result import Search, search_sentence
from kubeinfer_sim.testing.fuzz.search_screen import search_notes

#: Lines of what breaks it, of what is missed, rows of notes.
_MOST, _MOST_BREAKS = 6, 4


def single_faults_markdown(faults: SingleFaults, kept: Counterexample | None) -> str:
    """The verdict, the worst of each kind, what it misses, how it was looked for."""
    worst = worst_of_each(faults.broken)
    breaks = worst[0].cost.breaks if worst else ()
    return _comment(sentence(faults), map(case_sentence, worst), breaks, single_faults_notes(faults), kept)


def fault_pairs_markdown(pairs: FaultPairs, kept: Counterexample | None) -> str:
    """The same of two faults."""
    worst = [*worst_pairs(pairs).values()]
    breaks = worst[0].cost.breaks if worst else ()
    told = [*map(pair_sentence, worst), *map(case_sentence, worst_of_each(pairs.singles.broken))]
    return _comment(pairs_sentence(pairs), told, breaks, pairs_notes(pairs), kept)


def search_markdown(search: Search, kept: Counterexample | None) -> str:
    """The verdict, the smallest differences that break it, what it misses, what was covered."""
    found = search.found
    breaks = () if found is None else (*filter(None, (found.invariant,)), *found.cost.breaks)
    differences = () if found is None else found.differences
    return _comment(search_sentence(search), differences, breaks, search_notes(search), kept)


def _comment(
    verdict: str,
    worst: Iterable[str],
    breaks: Sequence[str],
    notes: Iterable[tuple[str, str]],
    kept: Counterexample | None,
) -> str:
    lines = [f"**{escaped(verdict)}**", ""]
    told = [f"- {escaped(each)}" for each in worst]
    missed = [f"- ✘ {escaped(each)}" for each in breaks]
    for part in (capped(told, _MOST, "kinds"), capped(missed, _MOST_BREAKS, "objectives")):
        lines += [*part, ""] if part else []
    lines += table(("", ""), [(escaped(name), escaped(text)) for name, text in notes])
    lines += ["", f"Replay: {code(kept.replay)}"] if kept is not None else []
    return comment([*lines, "", footer()])
