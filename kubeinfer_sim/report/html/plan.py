"""The page of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.planning.plan import Option, Plan
from kubeinfer_sim.report.html.origin import Origin, about, end_of_page
from kubeinfer_sim.report.html.page import Block, Cell, Number, Page, Picture, Section, Table, Text, Tone
from kubeinfer_sim.report.plan import (
    MARKS,
    further,
    goal,
    headline,
    held_in,
    lines_of,
    measured,
    money,
    name_of,
    neighbour_line,
    subtitle,
    took,
)
from kubeinfer_sim.report.plots.planes import plane_plot
from kubeinfer_sim.report.series.planes import MOST_SPOTS, frontier
from kubeinfer_sim.report.sweep import left_out_lines
from kubeinfer_sim.report.words import count, share

#: Rows of the table of combinations.
MOST_ROWS = 500
_TONES: dict[Decision, Tone] = {Decision.HELD: "good", Decision.MISSED: "bad"}
_WORDS = {
    Decision.HELD: "holds",
    Decision.MISSED: "fails",
    Decision.UNDECIDED: "undecided",
    Decision.OPEN: "not judged",
}


def plan_page(plan: Plan, origin: Origin) -> Page:
    """Which combination is the cheapest whose objectives hold, and all that was looked at, in pictures."""
    mark, _ = MARKS[plan.decision]
    return Page(
        title=f"{plan.scenario.name}, plan: kubeinfer-sim",
        subtitle=subtitle(plan),
        verdict=f"{mark} {headline(plan)}",
        tone=_TONES.get(plan.decision, "open"),
        numbers=list(_numbers(plan)),
        sections=list(_sections(plan)),
        end=end_of_page(plan.scenario, origin, f"seeds from {plan.scenario.seed}"),
    )


def _numbers(plan: Plan) -> Iterator[Number]:
    best = plan.best
    if best is not None:
        name = (
            "The cheapest that holds" if plan.decision is Decision.HELD else "Holds, perhaps not the cheapest"
        )
        yield Number(name, money(plan, best.cost), name_of(best))
        yield Number("All held", f"{share(best.together.mean)} %", held_in(best))
    elif plan.options:
        closest = max(plan.options, key=lambda each: (each.together.mean, -took(each)))
        yield Number("The cheapest that holds", "none" if plan.decision is Decision.MISSED else "not known")
        note = f"{name_of(closest)}: {held_in(closest)}"
        yield Number("All held, at most", f"{share(closest.together.mean)} %", note)
    of = f"{len(plan.options):,} of {plan.number:,}"
    yield Number("Combinations played", of, f"{count(plan.runs, 'run')} in all, most where it is close")


def _sections(plan: Plan) -> Iterator[Section]:
    yield about(plan.scenario)
    if told := further(plan):
        yield Section("To know", [Text(told, as_list=True)])
    yield Section("What it costs, and how often it holds", _picture(plan))
    beside = [neighbour_line(each, plan) for each in plan.neighbours]
    yield Section("One step from the chosen one", [Text(beside, as_list=True)] if beside else [])
    yield Section("What has to hold", _requirements(plan))
    yield Section("Combinations", [_table(plan)] if plan.options else [])
    left_out = left_out_lines(plan.left_out)
    yield Section("Left out", [Text(left_out, as_list=True)] if left_out else [])
    failed = [f"{name}, seed {each.seed}: {each.message}" for name, each in plan.failures[:MOST_ROWS]]
    yield Section("Failed", [Text(failed, as_list=True)] if failed else [])


def _picture(plan: Plan) -> list[Block]:
    if not plan.options:
        return []
    plane = frontier(plan)
    caption = (
        "Bars are intervals: wide where few runs decided. What is dearer than the chosen one was played only where it "
        "is one step from it."
    )
    if plane.left_out:
        caption += f" Of {count(len(plan.options), 'combination')} the cheapest {MOST_SPOTS:,}."
    return [Picture(plane_plot(plane), caption)]


def _requirements(plan: Plan) -> list[Block]:
    """What the chosen one was judged by; where there is none, what comes closest."""
    if not plan.options:
        return []
    shown = plan.best or max(plan.options, key=lambda each: each.together.mean)
    rows = [
        (Cell(_WORDS[each.decision], tone=_TONES.get(each.decision, "open")), goal(each), measured(each))
        for each in shown.requirements
    ]
    return [Table(("judged", "objective", f"with {name_of(shown)}"), rows)]


def _table(plan: Plan) -> Table:
    shown = plan.options[:MOST_ROWS]
    heads, rows = lines_of(plan, shown, interval=True)
    cells = [_cells(plan, option, heads, row) for option, row in zip(shown, rows, strict=True)]
    caption = "Runs end where it is decided; percentages are of the runs of each, with their intervals."
    return Table(["judged", *heads[1:]], cells, caption, left_out=len(plan.options) - len(shown))


def _cells(plan: Plan, option: Option, heads: Sequence[str], row: Sequence[str]) -> list[str | Cell]:
    """A row of the table as text has it, sorted by the numbers behind it."""
    cost = "price/h" if plan.cost.basis == "price" else plan.cost.basis
    numbers = {"runs": option.runs, "all held": option.together.mean, cost: option.cost}
    if option.duration is not None:
        numbers["takes p50"] = option.duration.mean
    judged = "chosen" if option is plan.best else _WORDS[option.decision]
    first = Cell(f"{row[0]} {judged}", tone=_TONES.get(option.decision, "open"))
    return [
        first,
        *(
            Cell(text, numbers[head]) if head in numbers else text
            for head, text in zip(heads[1:], row[1:], strict=True)
        ),
    ]
