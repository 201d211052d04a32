"""What plans, sweeps and cliffs have looked at, in a plane of two numbers: each a spot of a kind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import isinf

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.experiment.cliffs import Cliffs, Looked
from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.planning.plan import Option, Plan
from kubeinfer_sim.experiment.sweep import Sweep, is_finite
from kubeinfer_sim.report.cliffs import figure_title, outcome_text
from kubeinfer_sim.report.estimates import amounts
from kubeinfer_sim.report.plan import held_in, money, name_of
from kubeinfer_sim.report.sweep import along_knob, axes_of, cells, figures_shown
from kubeinfer_sim.report.words import count

#: Spots of a picture at most, those of the front first; combinations that are named at one spot.
MOST_SPOTS, _MOST_NAMED = 2_000, 4
CHOSEN, HOLDS, FAILS, UNDECIDED = "chosen", "holds", "fails", "undecided"
ON_FRONT, OTHERS = "on the front", "others"
_KINDS = {Decision.HELD: HOLDS, Decision.MISSED: FAILS}
#: How far above the highest number lies what never finishes.
_ABOVE = 1.15
#: Values whose ends are so many times apart are looked at as many times apart, and drawn so.
_WIDE = 20


class Spot(Struct, frozen=True):
    """What was looked at, there.

    Attributes:
        kind: which mark it has.
        text: what is said of it, line by line.
        low, high: the interval of `y`; None where there is none.
    """

    x: float
    y: float
    kind: str
    text: tuple[str, ...]
    low: float | None = None
    high: float | None = None


class Side(Struct, frozen=True):
    """What is along an axis.

    Attributes:
        unit: as that of a column.
        by_factor: as far apart as numbers are times apart; all of them are above 0.
    """

    title: str
    unit: str
    by_factor: bool = False


class Plane(Struct, frozen=True):
    """A plane with spots.

    Attributes:
        label: what it shows, in a few words.
        kinds: of its spots, those that lie on top first.
        line: corners of a line through it; none of fewer than two.
        in_steps: whether the line goes on level from corner to corner.
        not_drawn: so many have no such number, or never finish.
        left_out: so many were too many.
    """

    label: str
    x: Side
    y: Side
    kinds: tuple[str, ...]
    spots: tuple[Spot, ...]
    line: tuple[tuple[float, float], ...] = ()
    line_name: str = ""
    in_steps: bool = False
    not_drawn: int = 0
    left_out: int = 0


def frontier(plan: Plan) -> Plane:
    """What each combination costs, and in which part of its runs all is held; the most that a cost buys as a line."""
    cost = "price of an hour" if plan.cost.basis == "price" else plan.cost.basis
    spots = _gathered([_option(plan, each) for each in plan.options])
    best = accumulate(
        sorted((each.x, each.y) for each in spots), lambda one, two: (two[0], max(one[1], two[1]))
    )
    return Plane(
        "What combinations cost, and in which part of the runs all is held",
        Side(cost, "count"),
        Side("runs in which all is held", "fraction"),
        (CHOSEN, HOLDS, UNDECIDED, FAILS),
        tuple(spots[:MOST_SPOTS]),
        tuple(dict(best).items()),
        "the most that a cost buys",
        in_steps=True,
        left_out=max(0, len(spots) - MOST_SPOTS),
    )


def _option(plan: Plan, option: Option) -> Spot:
    kind = CHOSEN if option is plan.best else _KINDS.get(option.decision, UNDECIDED)
    number = option.together
    text = (f"{name_of(option)}: {money(plan, option.cost)}, {held_in(option)}",)
    return Spot(option.cost, number.mean, kind, text, number.low, number.high)


def sweep_plane(sweep: Sweep) -> Plane | None:
    """The points by two figures of the front, or by the one knob and a figure; None where there are no such two."""
    axes = axes_of(sweep)
    if axes is None:
        return None
    x, y = axes
    front = set(sweep.front)
    found = []
    columns = {each.title: cells(sweep, each, interval=False) for each in figures_shown(sweep)}
    for place, (one, other) in enumerate(zip(x.values, y.values, strict=True)):
        if one is not None and other is not None and not isinf(one) and not isinf(other):
            kind = ON_FRONT if place in front else OTHERS
            told = ", ".join(f"{title} {own[place]}" for title, own in columns.items() if own[place])
            found.append(Spot(one, other, kind, (f"{sweep.points[place].variant.name}: {told}",)))
    spots = sorted(_gathered(found), key=lambda each: each.kind != ON_FRONT)
    corners = sorted({(each.x, each.y) for each in spots if each.kind == ON_FRONT or x.of_knob})
    # Of more than two figures the front is no line in the plane of two of them.
    joined = x.of_knob or len(sweep.front_of) == 2
    pairs = zip(x.values, y.values, strict=True)
    return Plane(
        f"Combinations by {x.title} and {y.title}",
        Side(x.title, x.unit),
        Side(y.title, y.unit),
        (ON_FRONT, OTHERS),
        tuple(spots[:MOST_SPOTS]),
        tuple(corners) if joined else (),
        "from value to value" if x.of_knob else "the front",
        not_drawn=sum(not (is_finite(one) and is_finite(other)) for one, other in pairs),
        left_out=max(0, len(spots) - MOST_SPOTS),
    )


def _gathered(spots: Sequence[Spot]) -> list[Spot]:
    """Those that lie in one place with one mark as one, which says what all of them are."""
    there: dict[Spot, list[str]] = {}
    for each in spots:
        there.setdefault(replace(each, text=()), []).extend(each.text)
    return [replace(one, text=_said(names)) for one, names in there.items()]


def _said(names: Sequence[str]) -> tuple[str, ...]:
    more = len(names) - _MOST_NAMED
    return (
        *names[:_MOST_NAMED],
        *([f"… and {count(more, 'more combination')} there"] if more > 0 else ()),
    )


def cliff_plane(cliffs: Cliffs) -> Plane | None:
    """What each value that was looked at comes to, by its outcome; None of a knob whose values are no numbers."""
    along = along_knob(cliffs.knob, [each.variant.settings[cliffs.knob] for each in cliffs.looked])
    if along is None:
        return None
    title = figure_title(cliffs)
    values = [each for each in along.values if each is not None]
    top = max((each.figure for each in cliffs.looked if not isinf(each.figure)), default=0.0) or 1.0

    figures = amounts([each.figure for each in cliffs.looked], "ms", endless="never finishes")

    def spot(looked: Looked, at: float | None, value: str) -> Spot:
        told = f"{cliffs.knob}={looked.variant.settings[cliffs.knob]}: {title} {value}"
        return Spot(
            at or 0.0, min(looked.figure, top * _ABOVE), outcome_text(looked), (told, outcome_text(looked))
        )

    spots = tuple(map(spot, cliffs.looked, along.values, figures))
    return Plane(
        f"{title} along {cliffs.knob}",
        Side(cliffs.knob, along.unit, by_factor=min(values) * _WIDE < max(values) and min(values) > 0),
        Side(title, "ms"),
        tuple(dict.fromkeys(each.kind for each in spots)),
        spots,
        tuple((each.x, each.y) for each in spots),
        "from value to value",
    )
