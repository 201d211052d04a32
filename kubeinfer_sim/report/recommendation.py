"""A recommendation for people: what to change, what that does, the patch, and what else was played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.recommending.recommend import Effect, Looked, Recommendation
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.estimates import amount
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.printed import printed, within
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count

#: Of each figure how it is called, and in what it is counted.
_FIGURES = {
    "held": ("holds in", "fraction"),
    "duration": ("takes", "ms"),
    "lostInstanceMs": ("instance time lost", "ms"),
    "lostPodMs": ("pod time lost", "ms"),
    "minReady": ("fewest ready", "count"),
    "minAvailable": ("fewest available", "count"),
}
_DECIDED = {
    Decision.HELD: "holds",
    Decision.MISSED: "misses",
    Decision.UNDECIDED: "undecided",
    Decision.OPEN: "not judged",
}
#: Other sets that are told, those that hold first.
_MOST = 12


def render_recommendation(
    made: Recommendation, *, width: int = 80, colour: bool = False, unicode: bool = True
) -> str:
    """The recommendation as text, lines at most `width` columns wide."""
    return printed(_parts(made), width=within(width), colour=colour, unicode=unicode)


def _parts(made: Recommendation) -> Iterator[Part]:
    yield Text(printable(sentence(made)), "bold green" if made.decision is Decision.HELD else "bold red")
    seeds = count(len(made.seeds), "seed")
    yield Text(f"{made.workload} · {seeds} · {count(made.runs, 'run')}", "dim")
    for step in made.steps:
        yield Text()
        yield Text(printable(f"{step.change.name}{_advice(step.change.advised)}"), "bold")
        for effect in step.effects:
            if effect.difference.differs:
                yield Text(f"  {effect_text(effect)}")
    if made.edits:
        yield Text()
        for line in _patch(made):
            yield Text(printable(line), no_wrap=True)
    if made.recovery:
        yield Text()
        for line in made.recovery.splitlines():
            yield Text(printable(line), no_wrap=True)
    others = [each for each in made.looked if each.changes]
    if others:
        yield Text()
        yield Text("Also played" if made.steps else "Played", "bold")
        chosen = tuple(step.change for step in made.steps)
        ranked = sorted(others, key=lambda each: (each.decision is not Decision.HELD, not _advised(each)))
        for each in [one for one in ranked if one.changes != chosen][:_MOST]:
            yield Text(f"  {printable(_looked(each))}")
        if len(ranked) > _MOST:
            yield Text(f"  … and {len(ranked) - _MOST:,} more: --json FILE has all", "dim")


def sentence(made: Recommendation) -> str:
    """What it comes to, in one sentence."""
    if made.decision is Decision.HELD and not made.steps:
        return "✔ Nothing to change: the objectives hold as it is."
    if made.decision is Decision.HELD:
        changes = "; ".join(step.change.name for step in made.steps)
        return f"✔ With {changes} the objectives hold{_confirmed(made)}."
    if made.decision is Decision.MISSED:
        return f"✘ No set of changes meets the objectives, of {len(made.looked) - 1:,} that were played."
    return (
        f"? Undecided: none of {len(made.looked) - 1:,} sets of changes is known to meet the objectives; more runs may "
        "tell: -n"
    )


def _confirmed(made: Recommendation) -> str:
    runs = made.confirmed
    if runs is None or runs.together is None:
        return ""
    share = runs.together
    return f", in {share.held:,} of {count(share.runs, 'run')} under seeds that have not chosen it"


def effect_text(effect: Effect) -> str:
    """`takes 1h6m, 12m less (10m–14m less)`."""
    name, unit = _FIGURES[effect.figure]
    after = "" if effect.after is None else f" {amount(effect.after, unit)}"
    before = "" if effect.before is None else f", before {amount(effect.before, unit)}"
    low, high = effect.difference.low, effect.difference.high
    bounds = ""
    if low is not None and high is not None:
        bounds = f" ({_more(low, unit)} to {_more(high, unit)})"
    return f"{name}{after}{before}: {_more(effect.difference.mean, unit)}{bounds}"


def _more(value: float, unit: str) -> str:
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    return f"{sign}{amount(abs(value), unit)}"


def _advice(advised: bool) -> str:
    return " (the vendor's advice)" if advised else ""


def _advised(looked: Looked) -> bool:
    return any(each.advised for each in looked.changes)


def _looked(looked: Looked) -> str:
    names = "; ".join(each.name for each in looked.changes)
    told = [_DECIDED[looked.decision]]
    for effect in looked.effects:
        if effect.figure != "held" and effect.after is not None:
            name, unit = _FIGURES[effect.figure]
            told.append(f"{name} {amount(effect.after, unit)}")
    return f"{names}{_advice(_advised(looked))}: {', '.join(told)}"


def _patch(made: Recommendation) -> Sequence[str]:
    try:
        return made.patch().splitlines()
    except UsageError:
        return made.patch("kubectl").splitlines()
