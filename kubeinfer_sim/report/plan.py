"""A plan for people: which combination is the cheapest whose objectives hold, and everything that was looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Literal

from rich.table import Table

from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.knobs import short_names
from kubeinfer_sim.experiment.planning.plan import Neighbour, Option, Plan, Requirement
from kubeinfer_sim.experiment.planning.playing import COMES_ABOUT
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.estimates import amount
from kubeinfer_sim.report.objectives import objective_goal
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.printed import printed, within
from kubeinfer_sim.report.sweep import left_out_lines
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, share, share_between, together

#: Combinations that stand in the table at most: those nearest the boundary.
MOST_ROWS = 40
#: The mark of each, and its colour.
MARKS = {
    Decision.HELD: ("✔", "green"),
    Decision.MISSED: ("✘", ""),
    Decision.UNDECIDED: ("?", "yellow"),
    Decision.OPEN: ("?", "yellow"),
}


def render_plan(plan: Plan, *, width: int = 80, colour: bool = False, unicode: bool = True) -> str:
    """The plan as text, lines at most `width` columns wide."""
    return printed(_parts(plan, within(width)), width=width, colour=colour, unicode=unicode)


def _parts(plan: Plan, width: int) -> Iterator[Part]:
    mark, style = MARKS[plan.decision]
    yield Text(f"{mark} {headline(plan)}", style)
    yield from map(Text, further(plan))
    yield Text(subtitle(plan), style="dim")
    if plan.options:
        yield Text()
        yield _table(plan, width)
    if plan.neighbours:
        yield Text()
        yield from (Text(neighbour_line(each, plan)) for each in plan.neighbours)
    for line in left_out_lines(plan.left_out):
        yield Text(line, "yellow")
    for name, failure in plan.failures[:3]:
        yield Text(printable(f"{name}, seed {failure.seed}: {failure.message}"), "red")


def headline(plan: Plan) -> str:
    """The answer in one sentence."""
    best = plan.best
    if plan.interrupted and plan.decision is not Decision.HELD:
        return "Interrupted before it could be told; with --store the same command goes on from there."
    if best is not None and plan.decision is Decision.HELD:
        which = (
            f"the cheapest of {count(plan.number, 'combination')}"
            if plan.number > 1
            else "the only combination, and"
        )
        verb = "whose objectives hold" if plan.number > 1 else "its objectives hold"
        return f"{name_of(best)} is {which} {verb}: {money(plan, best.cost)}, {held_in(best)}."
    if best is not None:
        told = "; ".join(_undecided(each) for each in plan.cheaper[:2])
        known = f"{name_of(best)} holds ({money(plan, best.cost)}, {held_in(best)})"
        return f"{known}, but it is undecided whether it is the cheapest: {told}."
    if plan.decision is Decision.MISSED:
        if plan.number == 1:
            return f"{name_of(plan.options[0])} does not hold: {_why_not(plan.options[0])}."
        return f"No combination holds: {_why_none(plan)}."
    if plan.decision is Decision.OPEN:
        return f"No run can judge it: {_unjudged(plan)}."
    return f"Undecided: {'; '.join(_undecided(each) for each in plan.cheaper[:2])}."


def further(plan: Plan) -> list[str]:
    """What else is to be known of the answer."""
    told = []
    if plan.best is not None and plan.dominates is not None:
        loss = plan.dominates
        told.append(f"{share(loss.part)} % of the time lost at it goes to {loss.kind} ({loss.stage}).")
    if plan.best is not None and (cost := plan.best.change_cost) is not None:
        assert plan.best.duration is not None
        takes = f"{amount(plan.best.duration.mean, 'ms')} (p50) that the change takes at it"
        unit = "" if plan.cost.basis == "price" else f" {plan.cost.unit}"
        told.append(f"Its nodes cost {cost:,.3g}{unit} for the {takes}.")
    if plan.idle_knobs:
        verb = "changes" if len(plan.idle_knobs) == 1 else "change"
        told.append(f"{together(list(plan.idle_knobs))} {verb} nothing in the runs that were compared.")
    for each in plan.monotony:
        looked = f"{count(each.checked, 'value')} below the boundary {'fail' if each.checked != 1 else 'fails'}, too"
        if not each.holds:
            told.append(
                f"{each.knob} is not monotone: a cheaper value holds beside one that fails, so all were played."
            )
        elif each.skipped:
            told.append(
                f"Bisected along {each.knob}: {looked}; {count(each.skipped, 'cheaper one')} between those "
                f"{'were' if each.skipped != 1 else 'was'} not played."
            )
    return told


def subtitle(plan: Plan) -> str:
    """`name · 16 of 21 combinations played · 2,442 runs · right with 95 % confidence`."""
    return (
        f"{plan.scenario.name} · {len(plan.options):,} of {count(plan.number, 'combination')} played · "
        f"{count(plan.runs, 'run')} · seeds from {plan.scenario.seed} · {share(plan.confidence)} % confidence in all"
    )


def name_of(option: Option) -> str:
    """`nodes=8, maxSurge=4`."""
    return ", ".join(f"{knob}={value}" for knob, value in option.settings.items())


def money(plan: Plan, cost: float) -> str:
    """`320/h`, `8 nodes`."""
    if plan.cost.basis == "price":
        return f"{cost:,.6g}/h"
    return count(round(cost), plan.cost.basis.removesuffix("s"))


def held_in(option: Option) -> str:
    """`all held in 99.87 % of runs (99.2–99.99)`."""
    number = option.together
    if number.low is None or number.high is None:
        return "held in the one run there is, since nothing is drawn"
    return f"all held in {share_between(number.mean, number.low, number.high)} of {count(option.runs, 'run')}"


def goal(requirement: Requirement) -> str:
    """`completes within 45m, P ≥ 99 %`."""
    if requirement.name == COMES_ABOUT:
        text = "what is asked for comes about"
    elif requirement.objective is None:
        text = "all objectives in one run"
    else:
        text = objective_goal(requirement.objective)
    return text if requirement.wanted is None else f"{text}, P ≥ {share(requirement.wanted)} %"


def measured(requirement: Requirement) -> str:
    """`in 99.9 % (99.2–99.998) of 2,304 runs`."""
    number = requirement.share
    if number.low is None or number.high is None:
        return "not in the one run there is"
    runs = requirement.held + requirement.missed + requirement.open
    return f"in {share_between(number.mean, number.low, number.high)} of {count(runs, 'run')}"


def _undecided(option: Option) -> str:
    if option.decision is Decision.OPEN:
        open_ = next(each for each in option.requirements if each.decision is Decision.OPEN)
        return f"no run of {name_of(option)} can judge whether {goal(open_)}: {open_.reason or 'all of them failed'}"
    close = next(each for each in option.requirements if each.decision is Decision.UNDECIDED)
    more = option.more_runs
    runs = (
        "no number of runs would tell, as it stands"
        if more is None
        else f"about {more:,} more runs would tell (-n)"
    )
    return f"{name_of(option)} may hold: {goal(close)} {measured(close)}; {runs}"


def _why_not(option: Option) -> str:
    """The objectives that fail, each with how often it held."""
    return "; ".join(f"{goal(each)} fails ({measured(each)})" for each in option.requirements if _fails(each))


def _why_none(plan: Plan) -> str:
    """The objectives that fail everywhere and what comes closest, or that no combination holds all of them at once."""
    places = range(len(plan.options[0].requirements))
    failing = [place for place in places if any(_fails(each.requirements[place]) for each in plan.options)]
    everywhere = [
        place for place in failing if all(_fails(each.requirements[place]) for each in plan.options)
    ]
    if not everywhere:
        goals = together([goal(plan.options[0].requirements[place]) for place in failing])
        return f"{goals} each hold somewhere, but nowhere together: in this space they exclude each other"
    told = []
    for place in everywhere[:2]:
        closest = max(plan.options, key=lambda each: (each.requirements[place].share.mean, -took(each)))
        own = closest.requirements[place]
        told.append(f"{goal(own)} fails everywhere, closest {name_of(closest)} ({measured(own)})")
    return "; ".join(told)


def took(option: Option) -> float:
    """The median of how long the change takes, ms, for those that hold alike; infinite where there is none."""
    return inf if option.duration is None else option.duration.mean


def _fails(requirement: Requirement) -> bool:
    """Whether it fails, or has failed too often in the runs there were before something else decided."""
    if requirement.decision is Decision.UNDECIDED:
        return requirement.share.mean < (1.0 if requirement.wanted is None else requirement.wanted)
    return requirement.decision is Decision.MISSED


def _unjudged(plan: Plan) -> str:
    return _undecided(plan.cheaper[0])


def neighbour_line(neighbour: Neighbour, plan: Plan) -> str:
    """`nodes=7: costs 40/h less, and fails: completes within 45m, P ≥ 99 % in 50 % (4.2–95.8) of 4 runs`."""
    option, best = neighbour.option, plan.best
    assert best is not None
    more = option.cost - best.cost
    cost = (
        "costs the same" if not more else f"costs {money(plan, abs(more))} {'more' if more > 0 else 'less'}"
    )
    what = f"{neighbour.knob}={option.settings[neighbour.knob]}: {cost}"
    if option.decision is Decision.MISSED:
        failing = "; ".join(f"{goal(each)} {measured(each)}" for each in option.missed[:2])
        return f"{what}, and fails: {failing}"
    if option.decision is Decision.HELD:
        return f"{what}, and holds: {held_in(option)}"
    return f"{what}: {held_in(option)}, which decides nothing yet"


def _table(plan: Plan, width: int) -> Table:
    shown = options_shown(plan)
    for interval in (True, False):
        heads, rows = lines_of(plan, shown, interval=interval)
        if sum(2 + max(map(len, column)) for column in zip(heads, *rows, strict=True)) - 2 <= width:
            break
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    for place, head in enumerate(heads):
        justify: Literal["left", "right"] = "left" if place in range(len(plan.knobs) + 1) else "right"
        table.add_column(head, justify="left" if head == "fails" else justify, overflow="fold")
    for option, row in zip(shown, rows, strict=True):
        table.add_row(*row, style="bold" if option is plan.best else "")
    if len(shown) < len(plan.options):
        table.add_row("", f"… and {len(plan.options) - len(shown):,} more", style="dim")
    return table


def options_shown(plan: Plan, most: int = MOST_ROWS) -> list[Option]:
    """All that were looked at, or those around the best."""
    if len(plan.options) <= most:
        return list(plan.options)
    best = plan.options.index(plan.best) if plan.best is not None else len(plan.options) - 1
    first = max(0, min(best - most // 2, len(plan.options) - most))
    return list(plan.options[first : first + most])


def lines_of(plan: Plan, shown: Sequence[Option], *, interval: bool) -> tuple[list[str], list[list[str]]]:
    """Heads and cells of the table; `interval`: with that of how often all is held."""
    told = plan.cost.basis not in plan.knobs  # else it is the knob itself
    cost = ["price/h" if plan.cost.basis == "price" else plan.cost.basis] if told else []
    knobs = short_names(plan.knobs)
    heads = ["", *knobs, *cost, "runs", "all held", "takes p50", "fails"]
    rows = []
    for option in shown:
        number = option.together
        bounds = number.low is not None and number.high is not None and interval
        held = (
            share_between(number.mean, number.low or 0.0, number.high or 0.0)
            if bounds
            else f"{share(number.mean)} %"
        )
        rows.append(
            [
                MARKS[option.decision][0],
                *(option.settings[knob] for knob in plan.knobs),
                *([f"{option.cost:,.6g}"] if told else []),
                f"{option.runs:,}",
                held,
                "" if option.duration is None else amount(option.duration.mean, "ms"),
                _first(list(dict.fromkeys(map(_missed_in_short, option.missed)))),
            ]
        )
    return heads, rows


def _missed_in_short(requirement: Requirement) -> str:
    """An objective by its name; the others, which a scenario has no field of, in words."""
    if requirement.name == COMES_ABOUT:
        return "to come about"
    return requirement.name if requirement.objective is not None else "all at once"


def _first(names: Sequence[str]) -> str:
    return "" if not names else names[0] + (f" +{len(names) - 1}" if len(names) > 1 else "")
