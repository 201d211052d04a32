"""A recommendation for people: what to change, what that does, the patch, and what else was played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.recommending.changes import Change
from kubeinfer_sim.experiment.recommending.recommend import Effect, Looked, Recommendation
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.estimates import amount
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.printed import printed, within
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count

#: Of each figure how it is called, and in what it is counted.
FIGURES = {
    "held": ("holds in", "fraction"),
    "duration": ("takes", "ms"),
    "lostInstanceMs": ("instance time lost", "ms"),
    "lostPodMs": ("pod time lost", "ms"),
    "minReady": ("fewest ready", "count"),
    "minAvailable": ("fewest available", "count"),
}
#: What is said of a set.
DECIDED = {
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
    yield Text(subtitle(made), "dim")
    for step in made.steps:
        yield Text()
        yield Text(printable(change_name(step.change)), "bold")
        for effect in step.effects:
            if effect.difference.differs:
                yield Text(f"  {effect_text(effect)}")
    if made.edits:
        yield Text()
        for line in patch_lines(made):
            yield Text(printable(line), no_wrap=True)
    if made.recovery:
        yield Text()
        for line in made.recovery.splitlines():
            yield Text(printable(line), no_wrap=True)
    others = others_played(made)
    if others:
        yield Text()
        yield Text("Also played" if made.steps else "Played", "bold")
        for each in others[:_MOST]:
            yield Text(f"  {printable(looked_text(each))}")
        if len(others) > _MOST:
            yield Text(f"  … and {len(others) - _MOST:,} more: --json FILE has all", "dim")


def others_played(made: Recommendation) -> list[Looked]:
    """The sets that are not the recommended one: first those that hold, of these the vendor's advice."""
    chosen = tuple(step.change for step in made.steps)
    others = [each for each in made.looked if each.changes and each.changes != chosen]
    return sorted(others, key=lambda each: (each.decision is not Decision.HELD, not _advised(each)))


def subtitle(made: Recommendation) -> str:
    """`KubeInfer/chat · 20 seeds · 340 runs`."""
    return f"{made.workload} · {count(len(made.seeds), 'seed')} · {count(made.runs, 'run')}"


def change_name(change: Change) -> str:
    """`maxUnavailable 1 (the vendor's advice)`."""
    return f"{change.name}{_advice(change.advised)}"


def set_name(looked: Looked) -> str:
    """The changes of a set in one line."""
    names = "; ".join(each.name for each in looked.changes)
    return f"{names}{_advice(_advised(looked))}"


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
    name, unit = FIGURES[effect.figure]
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


def looked_text(looked: Looked) -> str:
    """`maxSurge 2: misses, takes 1h6m`."""
    told = [DECIDED[looked.decision]]
    for effect in looked.effects:
        if effect.figure != "held" and effect.after is not None:
            name, unit = FIGURES[effect.figure]
            told.append(f"{name} {amount(effect.after, unit)}")
    return f"{set_name(looked)}: {', '.join(told)}"


def patch_lines(made: Recommendation) -> Sequence[str]:
    """For `git apply`; where anchors share the text of the fields for `kubectl patch`."""
    try:
        return made.patch().splitlines()
    except UsageError:
        return made.patch("kubectl").splitlines()
