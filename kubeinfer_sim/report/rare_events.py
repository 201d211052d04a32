"""Rare events for people: verdict, and of each objective how rarely it is missed, with its interval."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from math import floor, log10

from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.rare_events import RareEvent, RareEvents
from kubeinfer_sim.experiment.statistics.estimate import TOO_FEW, Estimate
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.blocks import section
from kubeinfer_sim.report.paragraph import Part, figure_table
from kubeinfer_sim.report.printed import printed, within
from kubeinfer_sim.report.rests_on import rests_on, rests_on_in_short
from kubeinfer_sim.report.run_verdict import MARKS
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, rounded, share
from kubeinfer_sim.scenario.units import format_duration

_YEAR = 365 * 86_400_000
_STYLES = {Decision.HELD: "bold green", Decision.MISSED: "bold red"}
_FEWEST_UNDISTURBED = 0.5
_METHOD = (
    "failure biasing with likelihood ratios: a fault is forced, more are added while it is not mended, and each run "
    "counts by how likely it is; means by Student's t corrected for skewness, of at least 100 runs with anything in "
    "them that weigh as much as 25"
)


def render_rare_events(
    events: RareEvents,
    *,
    width: int = 80,
    colour: bool = False,
    unicode: bool = True,
    assumptions: bool = False,
) -> str:
    """The report as text, lines at most `width` columns wide (60 to 160); the arguments are those of one run's."""
    parts = _parts(events, assumptions=assumptions)
    return printed(parts, width=within(width), colour=colour, unicode=unicode)


def sentence(events: RareEvents) -> str:
    """`Fewer than 3 are ready for 2.1e-07 of the time (1.6e-07–2.7e-07), 6.6s a year: 99.999979 % available.`."""
    if not events.events:
        return "No run came to an end."
    told = [_in_short(events, each) for each in events.events]
    text = "; ".join(told)
    return f"{text[:1].upper()}{text[1:]}."


def _parts(events: RareEvents, *, assumptions: bool) -> Iterable[Part]:
    mark = MARKS[events.decision].partition(" ")[0]
    yield Text(printable(f"{mark} {sentence(events)}"), style=_STYLES.get(events.decision, "bold yellow"))
    yield Text(printable(_subtitle(events)), style="dim")
    for each in events.events:
        yield from section(printable(goal(events, each)), figure_table(_rows(events, each)))
    yield from section("Failed", [Text(f"seed {each.seed}: {each.message}") for each in events.failures[:6]])
    if assumptions:
        yield from section("Rests on", rests_on(events.scenario))
    yield Text()
    rows = [("Method", _METHOD), ("Mended in", _mended(events))]
    if events.runs and events.undisturbed < _FEWEST_UNDISTURBED * len(events.runs):
        met = f"only {events.undisturbed:,} of {len(events.runs):,} forced faults met an undisturbed system"
        rows.append(
            ("Not rare", f"{met}: faults overlap most of the time, plain runs (without --rare) tell more")
        )
    if not assumptions:
        rows.append(("Rests on", rests_on_in_short(events.scenario, many=True)))
    yield from figure_table(rows)


def _subtitle(events: RareEvents) -> str:
    seeds = sorted([*(run.seed for run in events.runs), *(each.seed for each in events.failures)])
    parts = [events.scenario.name, f"{count(len(seeds), 'forced run')} of {_horizon(events)}"]
    if seeds:
        parts.append(f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}-{seeds[-1]}")
    if events.interrupted:
        parts.append(f"interrupted: {events.asked:,} were asked for")
    return " · ".join([*parts, f"intervals of {share(events.confidence)} %"])


def _horizon(events: RareEvents) -> str:
    assert events.scenario.horizon is not None
    return format_duration(events.scenario.horizon)


def _mended(events: RareEvents) -> str:
    told = [f"{name} {rounded(length)}" for name, length in events.mended_in.items()]
    return f"{' · '.join(told)}, on average, alone"


def ready(events: RareEvents, event: RareEvent) -> str:
    """`3`, `all`, `what the budget keeps`; of several workloads after the name of its own."""
    named = {"one": "at least one", "all": "all", "budget": "what the budget keeps"}
    target = event.target
    level = named.get(target.level.name, f"at least {target.level.name}")
    several = len({(each.target.kind, each.target.name) for each in events.events}) > 1
    return f"{target.kind}/{target.name}: {level}" if several else level


def goal(events: RareEvents, event: RareEvent) -> str:
    """`At least 3 ready: ✔ held, at least 99.9999 % of the time`."""
    target = event.target
    text = f"{ready(events, event)} ready: {MARKS[event.decision]}"
    if target.at_least is not None:
        text += f", at least {float(target.at_least * 100):.12g} % of the time"
    elif target.probability is not None:
        text += f", at all times, P ≥ {float(target.probability * 100):.12g} %"
    else:
        text += " (say with what probability: {value: …, probability: 99.9999%})"
    return text[:1].upper() + text[1:]


def _in_short(events: RareEvents, event: RareEvent) -> str:
    if not event.unavailability.mean:
        return f"{ready(events, event)} ready in every forced run: {TOO_FEW}"
    if not told(event.unavailability):
        seen = f"fewer in {event.missed:,} of {count(len(events.runs), 'forced run')}"
        return f"{ready(events, event)} ready: {TOO_FEW} ({seen})"
    lost = between(event.unavailability)
    return f"{ready(events, event)} ready but for {lost} of the time, {_a_year(event.unavailability)}"


def _rows(events: RareEvents, event: RareEvent) -> list[tuple[str, str]]:
    number = event.unavailability
    seen = f"in {event.missed:,} of {count(len(events.runs), 'forced run')}"
    if event.missed:
        seen += f", which weigh as much as {event.effective:,.0f}"
    rows = [("missed", seen)]
    if (low := number.low) is None or (high := number.high) is None:
        return [*rows, ("unavailable", TOO_FEW)]
    available = _percent(number.mean, ROUND_HALF_EVEN)
    available += f" ({_percent(high, ROUND_FLOOR)}–{_percent(low, ROUND_CEILING)}) %"
    rows += [("unavailable", f"{between(number)} of the time, {_a_year(number)}"), ("available", available)]
    outages, any_outage = event.outages, event.any_outage
    often = f"{between(outages)} in {_horizon(events)}, {_every(events, outages)}"
    rows.append(("outages", often if told(outages) else TOO_FEW))
    probability = f"P = {between(any_outage)} in {_horizon(events)}"
    rows.append(("any outage", probability if told(any_outage) else TOO_FEW))
    return rows


def told(number: Estimate) -> bool:
    """Whether enough runs have anything in them for an interval; a number without one is not shown."""
    return number.low is not None and number.high is not None


def between(number: Estimate) -> str:
    """`2.1e-07 (1.6e-07–2.7e-07)`; bounds are rounded away from the estimate, too few are said instead."""
    if number.low is None or number.high is None:
        return TOO_FEW
    return f"{number.mean:.2g} ({_digits(number.low, ROUND_FLOOR)}–{_digits(number.high, ROUND_CEILING)})"


def _digits(value: float, rounding: str) -> str:
    """To two digits."""
    if value <= 0:
        return "0"
    step = Decimal(1).scaleb(floor(log10(value)) - 1)
    return f"{float((Decimal(value) / step).quantize(Decimal(1), rounding) * step):.2g}"


def _percent(unavailable: float, rounding: str) -> str:
    """What is left of 100 %, to so many places that it is not all of it."""
    lost = Decimal(unavailable) * 100
    if not lost:
        return "100"
    places = max(2, 1 - lost.adjusted())
    return f"{(100 - lost).quantize(Decimal(1).scaleb(-places), rounding).normalize():f}"


def _a_year(unavailable: Estimate) -> str:
    """`14s (9.1s–21s) a year`."""
    mean, low, high = (_millis(part) for part in (unavailable.mean, unavailable.low, unavailable.high))
    return f"{mean} ({low}–{high}) a year"


def _millis(part: float | None) -> str:
    millis = (part or 0.0) * _YEAR
    return rounded(round(millis)) if millis >= 1 else "less than 1ms"


def _every(events: RareEvents, outages: Estimate) -> str:
    """How long it is from one outage to the next: `one in 3,360 (2,400–4,700) years`."""
    assert events.scenario.horizon is not None
    horizon = events.scenario.horizon
    often, least, rare = (outages.mean, outages.high or outages.mean, outages.low)
    if horizon / often >= _YEAR:
        longest = _years(horizon / rare) if rare else "…"
        return f"one in {_years(horizon / often)} ({_years(horizon / least)}–{longest}) years"
    longest = rounded(round(horizon / rare)) if rare else "…"
    return f"one in {rounded(round(horizon / often))} ({rounded(round(horizon / least))}–{longest})"


def _years(millis: float) -> str:
    """To three digits."""
    years = float(f"{millis / _YEAR:.3g}")
    return f"{years:,.0f}" if years >= 100 else f"{years:g}"
