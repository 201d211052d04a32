"""A recommendation for people: what to change, what that does, the patch, and what else was played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_FLOOR

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.recommending.changes import Change
from kubeinfer_sim.experiment.recommending.effects import Effect
from kubeinfer_sim.experiment.recommending.recommend import Looked, Recommendation
from kubeinfer_sim.experiment.recommending.search import Unplayed
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.estimates import amount
from kubeinfer_sim.report.objectives import objective_text
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.printed import printed, within
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, listed, share

#: Of each figure how it is called, and in what it is counted.
FIGURES = {
    "held": ("holds in", "fraction"),
    "inPlace": ("comes into place in", "fraction"),
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
            if effect.tells:
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
    for line in notes(made):
        yield Text()
        yield Text(line)


def others_played(made: Recommendation) -> list[Looked]:
    """The sets that are not the recommended one: those that hold first, then the smallest, then the vendor's advice."""
    chosen = tuple(step.change for step in made.steps)
    others = [each for each in made.looked if each.changes and each.changes != chosen]
    return sorted(
        others, key=lambda each: (each.decision is not Decision.HELD, len(each.changes), not _advised(each))
    )


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


def notes(made: Recommendation) -> list[str]:
    """What a reader should know of it: what was not looked at, and what the runs leave out."""
    lines = []
    if made.others:
        which = f"What is changed is {made.workload}, of {1 + len(made.others)} workloads"
        lines.append(printable(f"{which}; --name {made.others[0]} takes another."))
    if made.also and made.edits:
        verb = "is" if len(made.also) == 1 else "are"
        lines.append(
            printable(
                f"{listed(list(made.also))} {verb} applied in the runs, and changed in them likewise: the patch is of "
                f"{made.path} alone."
            )
        )
    if made.decision is Decision.MISSED:
        lines.append(
            "What --vary gives was tried alone; without it the usual values are."
            if made.given
            else "The usual values were tried; --vary NAME=LIST tries others, and other fields: --vary replicas=5,6."
        )
    if made.unplayed:
        lines.append(f"Not looked at: {'; '.join(map(_unplayed, made.unplayed))}.")
    starts = made.starts
    if starts.number and starts.number == starts.warm:
        lines.append(
            "No image is pulled in these runs: nodes have those of the manifest already. A new one is pulled first, "
            "which takes longer; a scenario with the new manifest has that in it."
        )
    elif starts.warm:
        lines.append(
            f"{starts.warm:,} of {count(starts.number, 'start')} pull no image, for their nodes have it already. A new "
            "one is pulled first, which takes longer; a scenario with the new manifest has that in it."
        )
    return lines


def _unplayed(each: Unplayed) -> str:
    return each.what if each.number is None else f"{each.number:,} {each.what}"


def sentence(made: Recommendation) -> str:
    """What it comes to, in one sentence."""
    if made.decision is Decision.HELD and not made.steps:
        return "✔ Nothing to change: the objectives hold as it is."
    if made.decision is Decision.HELD:
        changes = "; ".join(step.change.name for step in made.steps)
        return f"✔ With {changes} the objectives hold{_confirmed(made)}."
    if made.decision is Decision.MISSED:
        return f"✘ No set of changes meets the objectives, of {made.sets:,} that were played."
    return (
        f"? Undecided: none of {made.sets:,} sets of changes is known to meet the objectives; more runs may "
        "tell: -n"
    )


def _confirmed(made: Recommendation) -> str:
    chosen = made.chosen
    if chosen is None or not made.drawn:
        return ""
    return f", in {chosen.held:,} of {count(chosen.runs, 'run')}"


def effect_text(effect: Effect) -> str:
    """`takes 1h6m, before 1h18m: −12m (−14m to −10m)`, or how often it is so where there is no interval of the mean."""
    name, unit = FIGURES[effect.figure]
    text = f"{name} {amount(effect.after, unit)}, before {amount(effect.before, unit)}"
    text += f": {_more(effect.difference.mean, unit)}"
    low, high = effect.difference.low, effect.difference.high
    if low is not None and high is not None:
        return text if low == high else f"{text} ({_more(low, unit)} to {_more(high, unit)})"
    least = f" ({share(effect.oftener.low or 0.0, ROUND_FLOOR)} % at least)"
    if effect.always:
        return f"{text}, in {effect.runs:,} of {count(effect.runs, 'run')}{least}"
    if effect.more and effect.less:
        return f"{text}; more in {effect.more:,} of {count(effect.runs, 'run')}, less in {effect.less:,}"
    which = "more" if effect.more else "less"
    known = f"{max(effect.more, effect.less):,} of {count(effect.runs, 'run')}"
    return f"{text}; {which} in {known}{least}"


def _more(value: float, unit: str) -> str:
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    return f"{sign}{amount(abs(value), unit)}"


def _advice(advised: bool) -> str:
    return " (the vendor's advice)" if advised else ""


def _advised(looked: Looked) -> bool:
    return any(each.advised for each in looked.changes)


def looked_text(looked: Looked) -> str:
    """`maxSurge 2: misses (3 of 20 runs): completes within 1h (measured: 1h6m) under seed 4; takes 1h6m`."""
    judged = DECIDED[looked.decision]
    if looked.runs > 1:
        judged += f" ({looked.held:,} of {count(looked.runs, 'run')})"
    figures = []
    for effect in looked.effects:
        if effect.figure not in ("held", "inPlace"):
            name, unit = FIGURES[effect.figure]
            figures.append(f"{name} {amount(effect.after, unit)}")
    why = "; ".join(_missed(looked))
    told = [f"{judged}: {why}", ", ".join(figures)] if why else [", ".join([judged, *figures])]
    return f"{set_name(looked)}: {'; '.join(filter(None, told))}"


def _missed(looked: Looked) -> Iterator[str]:
    """What is missed, and with what."""
    for each in looked.missed:
        yield f"{objective_text(each.judged)}{f' under seed {each.seed}' if looked.runs > 1 else ''}"
    if not looked.comes_about and not looked.missed:
        yield "what is asked for does not come about"


def patch_lines(made: Recommendation) -> Sequence[str]:
    """For `git apply`; where anchors share the text of the fields for `kubectl patch`."""
    try:
        return made.patch().splitlines()
    except UsageError:
        return made.patch("kubectl").splitlines()
