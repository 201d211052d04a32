"""A search near a scenario, for people: what was found with the smallest differences, and what was covered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from rich.table import Table

from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.blocks import section
from kubeinfer_sim.report.paragraph import Part, figure_table
from kubeinfer_sim.report.printed import printed, within
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.testing.fuzz.counterexample import Counterexample
from kubeinfer_sim.testing.fuzz.screen import replay
from kubeinfer_sim.testing.fuzz.search_result import Covered, Search, search_sentence
from kubeinfer_sim.testing.strategies.actions import ACTIONS

_LEVELS = ("instance", "role", "pod")
_ANSWERS = ("evicted", "refused", "held")
#: Phases of the life of the pod that a fault strikes, as a head has them.
PHASE_WORDS = {
    "setUp": "set up",
    "starting": "starting",
    "ready": "ready",
    "notReady": "unready",
    "stopping": "stopping",
    "none": "no pod",
}
_MOST_BUDGETS = 5
_STOPPED = {"time": "the time of --for was over", "interrupted": "interrupted"}


def render_search(
    search: Search,
    kept: Counterexample | None,
    *,
    width: int = 80,
    colour: bool = False,
    unicode: bool = True,
) -> str:
    """The report as text, lines at most `width` columns wide (60 to 160)."""
    return printed(_parts(search, kept), width=within(width), colour=colour, unicode=unicode)


def _parts(search: Search, kept: Counterexample | None) -> Iterator[Part]:
    found = search.found
    mark, style = (
        ("✘", "bold red") if found else ("?", "bold yellow") if search.undecided else ("✔", "bold green")
    )
    yield Text(printable(f"{mark} {search_sentence(search)}"), style=style)
    yield Text(printable(search_subtitle(search)), style="dim")
    if found is not None:
        differences = found.differences or ("none: it breaks as it was given",)
        yield from section("Smallest differences", [Text(printable(each)) for each in differences])
        broken = [*filter(None, (found.invariant,)), *found.cost.breaks]
        yield from section("Broken", [Text(printable(each)) for each in broken])
    if search.covered.faults:
        title = "Covered: faults by the phase of the pod struck, and what was rebuilt for them"
        yield from section(title, [_matrix(search.covered)])
    yield Text()
    rows = [*search_notes(search), *replay(kept)]
    yield from figure_table([(name, printable(text)) for name, text in rows])


def search_subtitle(search: Search) -> str:
    """What was played: `x · 200 examples: corners 60 · … · edits of faults`."""
    played = " · ".join(f"{phase} {number:,}" for phase, number in search.examples.items())
    examples = count(sum(search.examples.values()), "example")
    parts = [search.scenario.name, f"{examples}: {played}" if played else examples]
    parts += [_STOPPED[search.stopped]] if search.stopped else []
    return " · ".join([*parts, f"edits of {', '.join(search.vary)}"])


def search_notes(search: Search) -> Iterator[tuple[str, str]]:
    """What came to pass in the examples besides faults, and what became of earlier finds: a name and a text each."""
    covered = search.covered
    kinds = {kind for kind, _ in covered.faults}
    if "faults" not in search.vary:  # none is added, so that of no kind it says anything that it was not met
        yield "Faults", "none were added: --vary leaves them out"
    elif missing := [kind for kind in KINDS if kind not in kinds]:
        yield "Faults", f"not met: {', '.join(missing)}"
    yield "Recovery", _counted(covered.levels, _LEVELS)
    common = Counter(dict(covered.budgets.most_common(_MOST_BUDGETS)))
    more = len(covered.budgets) - len(common)
    yield "Budgets", _counted(common, ()) + (f" · and {more} more" if more else "")
    yield "Evictions", _counted(covered.evictions, _ANSWERS)
    yield "Actions", _counted(covered.actions, ACTIONS)
    differences = [f"{number} in {times:,}" for number, times in sorted(covered.edits.items())]
    yield "Edits", f"{' · '.join(differences)} examples" if differences else "none"
    if search.mended:
        yield "Mended", ", ".join(search.mended)
    if search.left_out:
        told = [f"{path} (edits {', '.join(names)})" for path, names in search.left_out.items()]
        yield "Not played", f"{'; '.join(told)}: --vary leaves that out"


def _matrix(covered: Covered) -> Table:
    """A line for each kind of fault that struck; `-`: never in that phase."""
    table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False)
    table.add_column("fault", no_wrap=True)
    for heading in PHASE_WORDS.values():
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("rebuilt", overflow="fold")
    for kind in (each for each in KINDS if any(each == struck for struck, _ in covered.faults)):
        numbers = (covered.faults[kind, phase] for phase in PHASE_WORDS)
        levels = [
            each for each in _LEVELS if any(covered.recovery[kind, phase, each] for phase in PHASE_WORDS)
        ]
        table.add_row(kind, *(f"{each:,}" if each else "-" for each in numbers), ", ".join(levels) or "-")
    return table


def _counted(numbers: Counter[str], all_: Iterable[str]) -> str:
    """Those there are, the most frequent first, and those there are not."""
    there = " · ".join(f"{name} {number:,}" for name, number in numbers.most_common())
    missing = [name for name in all_ if name not in numbers]
    return "; ".join(filter(None, (there, f"not met: {', '.join(missing)}" if missing else "")))
