"""What moves the answer, for people: a tornado in characters, and what to measure before trusting it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isinf

from kubeinfer_sim.experiment.sensitivity import Effect, Moved, Sensitivity
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.manifest.wrapping import wrap
from kubeinfer_sim.report.comparison_sentences import failed_lines
from kubeinfer_sim.report.estimates import amount, between
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.printed import printed, within
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, ordinals

#: Inputs that have a bar; the JSON has all.
MOST_ROWS = 20
#: So many things are to be measured first.
TO_MEASURE = 3
_UNPUBLISHED = "*"
#: Before what cannot be told from nothing.
UNSURE_MARK = "~ "
_NARROWEST_BAR, _WIDEST_BAR = 8, 30
#: What is said of an infinite figure.
ENDLESS = "never finishes"
#: Units of parts of a whole, whose differences are percentage points.
PARTS = ("fraction", "held")


def render_sensitivity(
    found: Sensitivity, file: str, *, width: int = 80, colour: bool = False, unicode: bool = True
) -> str:
    """The tornado as text, lines at most `width` columns wide; `file`: of the scenario."""
    return printed(_parts(found, file, within(width)), width=width, colour=colour, unicode=unicode)


def _parts(found: Sensitivity, file: str, width: int) -> Iterator[Part]:
    yield from map(Text, headline(found))
    yield Text(subtitle(found), style="dim")
    told = [each for each in found.moved if each.told]
    if found.moved:
        yield Text()
        yield from _tornado(found, found.moved[:MOST_ROWS], width)
        if any(each.input.about == "assumption" for each in found.moved[:MOST_ROWS]):
            yield Text(f"{_UNPUBLISHED} an assumption: nobody has published how it is", style="dim")
    for line in rests(found):
        yield Text(line)
    if found.indices:
        yield Text()
        yield from map(Text, index_lines(found))
    if told:
        yield Text()
        yield Text("Measure on the real cluster before trusting this:", style="bold")
        for number, line in enumerate(to_measure(found, file), 1):
            for place, each in enumerate(wrap(line, width - 3)):
                yield Text(f"{number}. {each}" if not place else f"   {each}")
    for line in failed_lines(found.comparison.failures):
        yield Text(line, "red")


def headline(found: Sensitivity) -> list[str]:
    """What moves it most, and by how much."""
    base = between("", found.base, found.unit, ENDLESS).strip()
    what = f"{found.title[0].upper()}{found.title[1:]}: {base}."
    told = [each for each in found.moved if each.told]
    if not told:
        return [what, "Nothing that was turned surely moves it."]
    first = told[0]
    ways = " and ".join(
        f"{more_text(found, each.more)} at {each.value}" for each in first.effects if each.told
    )
    return [what, f"What moves it most is {printable(first.input.name)}: {ways}."]


def subtitle(found: Sensitivity) -> str:
    """`name · 62 inputs, one at a time · 10 seeds (0-9)`, and of how much one of them is enough."""
    seeds = found.comparison.seeds
    told = f"seed {seeds[0]}" if len(seeds) == 1 else f"{count(len(seeds), 'seed')} ({ordinals(seeds)})"
    exact = sum(not each.by_chance for each in found.comparison.outcomes[1:])
    if not found.drawn:
        told += ": nothing is drawn, so one run of each is exact"
    elif exact and len(seeds) > 1:
        told += f", one of {count(exact, 'value')} with which nothing is drawn"
    stopped = " · interrupted" if found.comparison.interrupted else ""
    number = len(found.moved) + len(found.idle)
    return f"{found.comparison.scenario} · {count(number, 'input')}, one at a time · {told}{stopped}"


def rests(found: Sensitivity) -> list[str]:
    """What has no bar, as counts."""
    said = []
    if rest := len(found.moved) - MOST_ROWS:
        said += [f"{count(rest, 'more input')} with less effect: --json FILE has all"] if rest > 0 else []
    unsure = sum(not each.told for each in found.moved)
    if unsure:
        said.append(f"{count(unsure, 'input')} of these (~) cannot be told from nothing: more seeds may, -n")
    if found.idle:
        verb = "moves" if len(found.idle) == 1 else "move"
        said.append(f"{count(len(found.idle), 'input')} {verb} nothing in any run")
    if found.left_out:
        said.append(f"{count(len(found.left_out), 'value')} cannot be here: --json FILE says why")
    return said


def index_lines(found: Sensitivity) -> list[str]:
    """The indices of all inputs turned together, a line each, with their intervals."""
    sobol = found.method == "sobol"
    what = "Sobol, of the variance: in all (alone)" if sobol else "Morris, the mean effect (its spread)"
    lines = [f"All turned together but what never finishes ({what}):"]
    for each in found.indices[:MOST_ROWS]:
        unit = "fraction" if sobol else found.unit
        told = between("", each.total, unit).strip()
        aside = "" if each.first is None else f", alone {between('', each.first, unit).strip()}"
        aside += "" if each.spread is None else f", spread {amount(each.spread, unit)}"
        lines += wrap(f"  {printable(each.name)}: {told}{aside}", 80, later="    ")
    return lines


def to_measure(found: Sensitivity, file: str) -> list[str]:
    """The first things that surely move it, each with how to find out."""
    told = [each for each in found.moved if each.told]
    return [_how(each, file) for each in told[:TO_MEASURE]]


def _how(moved: Moved, file: str) -> str:
    name = printable(moved.input.name)
    if moved.input.about == "timing":
        return (
            f"{name}: start pods there, `kubectl get pods -A -o json > pods.json; kubectl get events -A -o json > "
            "events.json`, then `kubeinfer-sim calibrate pods.json events.json --output timings.yaml` and timings: "
            "{file: timings.yaml} in the scenario; what events do not tell, the engine's log does"
        )
    if moved.input.about == "assumption":
        short = name.rpartition(".")[2]
        values = ",".join(dict.fromkeys(each.value for each in moved.effects))
        return (
            f"{name}: watch the controller do it once; where they differ shows `kubeinfer-sim compare {file} --assume "
            f"{short}={values}`; then write {short} under assumptions of the scenario (docs/semantics.md, section 6)"
        )
    if moved.input.about == "faults":
        return f"{name}: count these faults there over weeks, and write how often they come under spec.faults"
    return f"{name}: count the nodes that pods of this kind may use: `kubectl get nodes -o json > nodes.json`"


# -- the tornado -------------------------------------------------------------------------------------------


def _tornado(found: Sensitivity, rows: Sequence[Moved], width: int) -> Iterator[Text]:
    names = [name_of(each) for each in rows]
    named = min(max(map(len, names)), width // 2)
    half = max(_NARROWEST_BAR, min(_WIDEST_BAR, (width - named - 3) // 2))
    largest = max(
        (abs(each.more.mean) for row in rows for each in row.effects if not isinf(each.more.mean)),
        default=0.0,
    )
    if largest:
        low, high = f"-{amount(largest, found.unit)}", f"+{amount(largest, found.unit)}"
        yield Text(f"{'':{named}}  {low:<{half}}|{high:>{half}}", style="dim")
    for row, name in zip(rows, names, strict=True):
        left = max((_cells(-each.more.mean, largest, half) for each in row.effects), default=0)
        right = max((_cells(each.more.mean, largest, half) for each in row.effects), default=0)
        fill = "█" if row.told else "░"
        line = f"{name[:named]:{named}}  {fill * left:>{half}}|{fill * right:<{half}}".rstrip()
        yield Text(line, style="bold" if row.told else "")
        detail = " · ".join(effect_text(found, each) for each in row.effects if not each.same)
        for each in wrap(f"{row.input.base}; {printable(detail)}", width - 4):
            yield Text(f"    {each}", style="dim")


def name_of(moved: Moved) -> str:
    """An input with what is to be known of it: `~` it may move nothing, `*` an assumption."""
    mark = _UNPUBLISHED if moved.input.about == "assumption" else ""
    return f"{'' if moved.told else UNSURE_MARK}{printable(moved.input.name)}{mark}"


def _cells(value: float, largest: float, half: int) -> int:
    if value <= 0:
        return 0
    return half if isinf(value) or not largest else max(1, round(half * value / largest))


def effect_text(found: Sensitivity, effect: Effect) -> str:
    """`5m: 12m more (10m–14m)`."""
    return f"{effect.value}: {more_text(found, effect.more, interval=True)}"


def more_text(found: Sensitivity, more: Estimate, *, interval: bool = False) -> str:
    """`12m more (10m–14m)`; what never finishes is said."""
    if isinf(more.mean):
        return ENDLESS if more.mean > 0 else "finishes"
    if found.unit in PARTS:  # no part of the runs is below none of them, or above all
        base = found.base.mean
        low, high = (
            None if each is None else min(max(each, -base), 1 - base) for each in (more.low, more.high)
        )
        more = Estimate(more.mean, low, high)
    if more.low is not None and more.high is not None and more.low < 0 < more.high:
        least, most = (_difference(each, found.unit) for each in (-more.low, more.high))
        anything = f"anything from {least} less to {most} more"
        if not more.mean:
            return anything
        return f"{_difference(abs(more.mean), found.unit)} {'less' if more.mean < 0 else 'more'}, {anything}"
    sign = -1 if more.mean < 0 else 1
    low, high = (None if each is None else sign * each for each in (more.low, more.high))
    turned = Estimate(sign * more.mean, *((low, high) if sign > 0 else (high, low)))
    told = between("", turned, found.unit, ENDLESS).strip() if interval else amount(turned.mean, found.unit)
    if found.unit in PARTS:
        told = told.replace(" %", " points")
    return f"{told} {'less' if sign < 0 else 'more'}"


def _difference(value: float, unit: str) -> str:
    """Between two figures; of two parts of the runs in percentage points."""
    told = amount(value, unit, endless=ENDLESS)
    return told.replace(" %", " points") if unit in PARTS else told
