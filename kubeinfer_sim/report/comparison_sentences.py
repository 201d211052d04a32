"""A comparison in sentences: what is better, by how much and why; what is compared, and which runs failed."""

from __future__ import annotations

from collections import Counter

from kubeinfer_sim.experiment.compare import Comparison, Outcome
from kubeinfer_sim.experiment.statistics.means import FEWEST_FOR_SIGNS
from kubeinfer_sim.manifest.accelerators import Family
from kubeinfer_sim.report.comparison_rows import with_half
from kubeinfer_sim.report.words import configured, count, rounded

#: Failed runs that are told; the JSON has all.
_MOST_FAILED = 6
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
    told = column.gain.format(with_half(column, difference))
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


def failed_lines(comparison: Comparison) -> list[str]:
    """The runs that came to no end, each with its variant and seed."""
    told = [f"{variant}, seed {each.seed}: {each.message}" for variant, each in comparison.failures]
    more = [f"… and {count(len(told) - _MOST_FAILED, 'more failed run')}"]
    return told[:_MOST_FAILED] + (more if len(told) > _MOST_FAILED else [])
