"""A comparison for people: a table, and in words what is better and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import ceil, log10

from msgspec import Struct
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from kubeinfer_sim.experiment.columns import Column
from kubeinfer_sim.experiment.compare import Comparison, Outcome
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.statistics.means import FEWEST_FOR_SIGNS
from kubeinfer_sim.experiment.statistics.percentiles import PARTS
from kubeinfer_sim.manifest.accelerators import Family
from kubeinfer_sim.report.estimates import TIMES, amount, between
from kubeinfer_sim.report.printed import printed
from kubeinfer_sim.report.words import configured, count, rounded, share_between

MINUS = "−"
#: Kinds of faults the table has rows for, dearest first; the JSON has all.
_MOST_KINDS = 5
#: Failed runs that are told; the JSON has all.
_MOST_FAILED = 6
#: More variants than these stand one in a line.
MOST_SIDE_BY_SIDE = 6
#: Percentiles say something from so many seeds on.
_ENOUGH_FOR_PERCENTILES = 10
#: What the stages of lost time mean in a sentence, "spends 2h …".
_SPENDING = {
    "detect": "until somebody acts",
    "decide": "backing off",
    "terminate": "stopping",
    "waitForNpu": "waiting for free NPUs",
    "image": "pulling and creating",
    "gang": "waiting for the rest of the gang",
    "engine": "loading",
    "weights": "loading",
    "graph": "loading",
    "warmUp": "loading",
    "probe": "until its probes pass",
    "restart": "restarting containers",
}


def render_comparison(
    comparison: Comparison, *, width: int = 80, colour: bool = False, unicode: bool = True
) -> str:
    """The comparison as text, lines at most `width` columns wide."""
    return printed(_parts(comparison, width), width=width, colour=colour, unicode=unicode)


def _parts(comparison: Comparison, width: int) -> Iterator[RenderableType]:
    many = len(comparison.outcomes) > MOST_SIDE_BY_SIDE
    yield from map(Text, [headline(comparison)] if many else sentences(comparison))
    yield Text(subtitle(comparison), style="dim")
    for table in [_lines(comparison)] if many else _tables(comparison, width):
        yield Text()
        yield table
    for line in failed_lines(comparison):
        yield Text(line, "red")


# -- in words ----------------------------------------------------------------------------------------------


def sentences(comparison: Comparison) -> list[str]:
    """What is better, by how much, and why."""
    best = comparison.best
    others = [outcome for outcome in comparison.outcomes if outcome is not best]
    if not others:
        return [f"{best.variant.name} is the only variant: there is nothing to compare it with."]
    return [_sentence(comparison, best, other) for other in others]


def _sentence(comparison: Comparison, best: Outcome, other: Outcome) -> str:
    column = comparison.better(best, other)
    if column is None:
        return _undecided(comparison, best, other)
    opening = f"{best.variant.name} is better than {other.variant.name}"
    if column.unit == "held":
        if len(comparison.seeds) == 1:
            return f"{opening}: with {other.variant.name} the last change does not complete."
        times = [_times(outcome.values[column.name]) for outcome in (best, other)]
        return f"{opening}: the last change completes in {times[0]}, with {other.variant.name} in {times[1]}."
    difference = best.against(other, column)
    assert difference is not None
    told = column.gain.format(_with_half(column, difference))
    return f"{opening}: {comparison.family.say(told)}{_why(comparison.family, best, other)}."


def _undecided(comparison: Comparison, best: Outcome, other: Outcome) -> str:
    names, seeds = f"{best.variant.name} and {other.variant.name}", len(comparison.seeds)
    if comparison.same(best, other):
        return f"{names} come out the same."
    if seeds < FEWEST_FOR_SIGNS:
        return f"{names} differ, but {count(seeds, 'seed')} cannot tell which is better: that takes {FEWEST_FOR_SIGNS}."
    return f"{names} cannot be told apart by {count(seeds, 'seed')}."


def _times(values: list[float | None]) -> str:
    """`3 of 10 runs`."""
    return f"{sum(value == 1 for value in values)} of {count(len(values), 'run')}"


def _why(family: Family, best: Outcome, other: Outcome) -> str:
    """The largest saving by what the lost time was spent on."""
    mine, theirs = _spending(best), _spending(other)
    saved = {what: length - mine[what] for what, length in theirs.items() if length > mine[what]}
    dearest = sorted(saved, key=lambda what: -saved[what])[:2]
    parts = [
        f"{rounded(round(theirs[what]))} {family.say(what)} where {best.variant.name} spends "
        f"{rounded(round(mine[what]))}"
        for what in dearest
        if saved[what] >= 1000
    ]
    return f"; {other.variant.name} spends {', and '.join(parts)}" if parts else ""


def _spending(outcome: Outcome) -> Counter[str]:
    spent: Counter[str] = Counter()
    for stage, length in outcome.spent.items():
        spent[_SPENDING[stage]] += length  # type: ignore[assignment]  # a Counter of floats
    return spent


def subtitle(comparison: Comparison) -> str:
    """What is compared, under which seeds, what the numbers are, and what a configuration file gave."""
    told = configured(comparison.outcomes[0].variant.scenario.configuration)
    return f"{_about(comparison)} · {told}" if told else _about(comparison)


def _about(comparison: Comparison) -> str:
    seeds = comparison.seeds
    text = f"{comparison.scenario}{_faults(comparison)}{' · interrupted' if comparison.interrupted else ''}"
    if not seeds:
        return text
    if len(seeds) == 1:
        return f"{text} · seed {seeds[0]}"
    return (
        f"{text} · {count(len(seeds), 'seed')} ({seeds[0]}-{seeds[-1]}) · means, ± half of the 95 % interval "
        "where there are enough seeds to say"
    )


def _faults(comparison: Comparison) -> str:
    """What the variants had of faults; nothing where the scenario has none."""
    struck = comparison.faults_struck
    runs = len(comparison.seeds) * len(comparison.outcomes)
    if struck is None:
        return ""
    if not struck:
        return " · no fault struck in any run: that nothing differs says nothing of faults"
    return " · the same faults for all" + (
        f", which struck in {struck} of {runs} runs" if struck < runs else ""
    )


# -- the table ---------------------------------------------------------------------------------------------


def _tables(comparison: Comparison, width: int) -> Iterator[Table]:
    """One table, or several with as many variants each as fit beside the names of the numbers."""
    rows = list(_rows(comparison))
    names = [outcome.variant.name for outcome in comparison.outcomes]
    first = max((len(title) for title, _ in rows), default=0)
    widths = [
        max(len(name), *(len(cells[index]) for _, cells in rows if cells), 0)
        for index, name in enumerate(names)
    ]
    groups: list[list[int]] = [[]]
    for index in range(len(names)):
        taken = first + sum(2 + widths[each] for each in (*groups[-1], index))
        if groups[-1] and taken > width:
            groups.append([])
        groups[-1].append(index)
    for group in groups:
        table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
        table.add_column("", overflow="fold")
        for index in group:
            table.add_column(names[index], justify="right", overflow="fold")
        for title, cells in rows:
            if not cells:
                table.add_row(Text(title, style="bold"))
            elif any(cells[index] for index in group):
                table.add_row(title, *(cells[index] for index in group), style="" if title else "dim")
        yield table


def _rows(comparison: Comparison) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Title and cells: of each number, below it of its difference to the first variant; headings have no cells."""
    about = ""
    shown = _kinds_shown(comparison)
    added = False
    for column in comparison.columns:
        if column.about and not added:
            added = True
            yield from ((row.title, row.values) for row in percentile_rows(comparison))
        if column.about not in ("", "objective", *shown) or (row := row_of(comparison, column)) is None:
            continue
        if column.about not in ("", "objective", about):
            yield column.about, ()
            about = column.about
        inset = "  " if column.about not in ("", "objective") else ""
        yield inset + row.title, row.values
        if row.differences:
            yield "", ("", *row.differences)
    if not added:
        yield from ((row.title, row.values) for row in percentile_rows(comparison))
    hidden = len({column.about for column in comparison.columns} - {"", "objective"}) - len(shown)
    if hidden > 0:
        yield f"… {count(hidden, 'more kind')}", ()


def _kinds_shown(comparison: Comparison) -> list[str]:
    """The kinds of faults that cost most, under all variants together."""
    cost = {
        column.about: sum(each.mean for outcome in comparison.outcomes if (each := outcome.mean(column)))
        for column in comparison.columns
        if column.name.endswith("/lostInstanceMs")
    }
    dearest = set(sorted(cost, key=lambda kind: -cost[kind])[:_MOST_KINDS])
    return [kind for kind in cost if kind in dearest]


def headline(comparison: Comparison) -> str:
    """Which of many variants is the best, and how many come out like it."""
    best = comparison.best
    others = [other for other in comparison.outcomes if other is not best]
    alike = sum(comparison.same(best, other) for other in others)
    number = len(comparison.outcomes)
    if alike == number - 1:
        return f"All {number:,} variants come out the same but for what is held."
    open_ = sum(
        not comparison.same(best, other) and comparison.better(best, other) is None for other in others
    )
    if open_:
        told = f"{count(len(comparison.seeds), 'seed')} cannot tell which of {number:,} variants is the best"
        return f"{told}: {open_:,} may be as good as {best.variant.name}."
    like = f"; {count(alike, 'more variant')} come out the same" if alike else ""
    return f"{best.variant.name} is the best of {number:,} variants{like}."


def _lines(comparison: Comparison) -> Table:
    """A line for each variant: its knobs, and the numbers that say most."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    knobs = varied(comparison)
    for knob in knobs or [""]:
        table.add_column(knob.rpartition(".")[2], overflow="fold")
    titles, cells = variant_lines(comparison)
    for title in titles:
        table.add_column(title, justify="right", overflow="fold")
    for outcome, own in zip(comparison.outcomes, cells, strict=True):
        variant = outcome.variant
        names = [variant.settings[knob] for knob in knobs] or [variant.name]
        table.add_row(*names, *own, style="bold" if outcome is comparison.best else "")
    return table


def varied(comparison: Comparison) -> list[str]:
    """The knobs that have several values; none where the variants were made otherwise."""
    settings = [outcome.variant.settings for outcome in comparison.outcomes]
    shared = [knob for knob in settings[0] if all(knob in each for each in settings)]
    return [knob for knob in shared if len({each[knob] for each in settings}) > 1]


def variant_lines(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """Titles of the numbers that say most, and these of each variant; what none has is left out."""
    several = len(comparison.seeds) > 1
    shown: list[tuple[str, list[str]]] = []
    outcomes = comparison.outcomes
    held = [_held_share(each, several) for each in outcomes]
    shown.append(("all held", held))
    parts = (0.5, 0.99) if len(comparison.seeds) >= _ENOUGH_FOR_PERCENTILES else (0.5,)
    for part in parts:
        title = f"takes p{part * 100:g}" if several else "takes"
        took = [each.quantile("duration", part) for each in outcomes]
        shown.append((title, ["" if one is None else amount(one.mean, "ms") for one in took]))
    for name, title in _SHOWN:
        column = next((each for each in comparison.columns if each.name == name), None)
        if column is not None:
            shown.append((title, [_short(each, column) for each in outcomes]))
    kept = [(title, cells) for title, cells in shown if any(cells) and set(cells) not in _NOTHING]
    lines = [[cells[place] for _, cells in kept] for place in range(len(outcomes))]
    return [title for title, _ in kept], lines


#: The numbers of a line, with their titles.
_SHOWN = (
    ("minReady", "ready ≥"),
    ("lostInstanceMs", "lost"),
    ("availability", "ready"),
    ("minAvailable", "available ≥"),
    ("lostPodMs", "pods lost"),
    ("podAvailability", "available"),
)
#: Of a number that says nothing: no time lost, all of the time available.
_NOTHING = ({"0s"}, {"100 %"})


def _held_share(outcome: Outcome, several: bool) -> str:
    share = outcome.together
    if share is None:
        return ""
    if not several:
        return "yes" if share.mean else "no"
    return share_between(share.mean, share.low or 0.0, share.high or 0.0)


def _short(outcome: Outcome, column: Column) -> str:
    """The mean; of the fewest ready the fewest under any seed."""
    values = [value for value in outcome.values[column.name] if value is not None]
    if not values:
        return ""
    if column.name in ("minReady", "minAvailable"):
        return f"{min(values):,.0f}"
    mean = outcome.mean(column)
    return "" if mean is None else amount(mean.mean, column.unit)


def failed_lines(comparison: Comparison) -> list[str]:
    """The runs that came to no end, each with its variant and seed."""
    told = [f"{variant}, seed {each.seed}: {each.message}" for variant, each in comparison.failures]
    more = [f"… and {count(len(told) - _MOST_FAILED, 'more failed run')}"]
    return told[:_MOST_FAILED] + (more if len(told) > _MOST_FAILED else [])


def percentile_rows(comparison: Comparison) -> list[Row]:
    """Probability of all objectives together, and percentiles of how long it takes; nothing of few seeds."""
    rows: list[Row] = []
    outcomes = comparison.outcomes
    if (
        len(comparison.seeds) > 1
        and any(len(each.all_held) > 0 for each in outcomes)
        and _several(comparison)
    ):
        rows.append(Row("all objectives held", tuple(_held_share(each, True) for each in outcomes)))
    if len(comparison.seeds) < _ENOUGH_FOR_PERCENTILES:
        return rows
    for part in PARTS:
        numbers = [each.quantile("duration", part) for each in outcomes]
        if any(number is not None and number.mean for number in numbers):
            shown = tuple("-" if each is None else between("", each, "ms").strip() for each in numbers)
            rows.append(Row(f"takes p{part * 100:g}", shown))
    return rows


def _several(comparison: Comparison) -> bool:
    """Whether there is more than one objective."""
    return sum(column.about == "objective" for column in comparison.columns) > 1


class Row(Struct, frozen=True):
    """A number under every variant, and how far it is from that under the first; no differences where there is none."""

    title: str
    values: tuple[str, ...]
    differences: tuple[str, ...] = ()


def row_of(comparison: Comparison, column: Column) -> Row | None:
    """The row of a column; None where it says nothing under any variant."""
    base = comparison.outcomes[0]
    means = [outcome.mean(column) for outcome in comparison.outcomes]
    known = [mean for mean in means if mean is not None]
    of_kind = column.about not in ("", "objective")
    if not known and column.about == "objective":  # no run came far enough to tell
        return Row(column.title, tuple("open" for _ in means))
    if not known or (not of_kind and column.unit != "held" and not any(mean.mean for mean in known)):
        return None
    title = comparison.family.say(column.title)
    values = tuple(
        _value(column, mean) + _over(comparison, outcome, column)
        for outcome, mean in zip(comparison.outcomes, means, strict=True)
    )
    if column.unit == "held" and len(comparison.seeds) == 1:
        return Row(title, values)
    differences = [outcome.against(base, column) for outcome in comparison.outcomes[1:]]
    if not any(difference is not None and difference.mean for difference in differences):
        return Row(title, values)
    return Row(title, values, tuple(_signed(column, each) for each in differences))


def _over(comparison: Comparison, outcome: Outcome, column: Column) -> str:
    """Of how many runs a mean is, where it is not of all."""
    known = outcome.known(column)
    return f" (of {known})" if 0 < known < len(comparison.seeds) else ""


def _value(column: Column, number: Estimate | None) -> str:
    if number is None:
        return "open" if column.about == "objective" else "-"
    if column.unit == "held":
        if number.low is None or number.high is None:
            return "yes" if number.mean else "no"
        return share_between(number.mean, number.low, number.high)
    return _with_half(column, number)


def _signed(column: Column, number: Estimate | None) -> str:
    if number is None:
        return "-"
    if not number.mean and not number.half:
        return "="
    sign = MINUS if number.mean < 0 else "+"
    return sign + _with_half(column, number)


def _with_half(column: Column, number: Estimate) -> str:
    """The size of a number ± half of its interval, as exact as that asks for."""
    mean, half = abs(number.mean), number.half
    if column.unit in TIMES:
        text = rounded(round(mean))
        return f"{text} ± {rounded(round(half))}" if half else text
    unit = ""
    if column.unit in ("fraction", "held"):
        mean, half, unit = mean * 100, half and half * 100, " %"
    least = 2 if unit else 0 if column.unit == "count" and mean.is_integer() else 1
    places = _places(half or mean, least=least)
    if unit and mean < 100:  # 100 % is all of it
        mean = min(mean, 100 - 10**-places)
    return f"{mean:,.{places}f}{f' ± {half:,.{places}f}' if half else ''}{unit}"


def _places(number: float, *, least: int) -> int:
    """Decimals that show the first digit of a number, at most four."""
    return least if not number else min(4, max(least, ceil(-log10(number))))
