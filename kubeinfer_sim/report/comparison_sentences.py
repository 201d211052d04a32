"""A comparison in sentences: what is better, by how much and why; what is compared, and which runs failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from kubeinfer_sim.experiment.columns import Column
from kubeinfer_sim.experiment.compare import Comparison, Outcome, seeds_to_tell
from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.replication import Failure
from kubeinfer_sim.experiment.standing import Standing
from kubeinfer_sim.manifest.accelerators import Family
from kubeinfer_sim.report.comparison_rows import with_half
from kubeinfer_sim.report.estimates import amount
from kubeinfer_sim.report.objectives import objective_goal
from kubeinfer_sim.report.words import configured, count, rounded, together

#: Failed runs that are told; the JSON has all.
_MOST_FAILED = 6
#: So many seeds tell how often.
_SEVERAL = 2
#: Numbers that differ and decide nothing, by name; the rows have all.
_MOST_DIFFERENT = 3
#: What the stages of lost time mean in a sentence, "spends 2h …".
_SPENDING = {
    "detect": "until somebody acts",
    "decide": "waiting for another start",
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
    return [*(_sentence(comparison, best, other) for other in others), *besides(comparison)]


def besides(comparison: Comparison) -> list[str]:
    """What is so whichever is the best: that no variant gets there, or holds, and that another one holds more often."""
    nowhere = [*_nowhere(comparison), *filter(None, [hold_nowhere(comparison.outcomes, "variant")])]
    return [*nowhere, *held_more_often(comparison)]


def hold_nowhere(outcomes: Sequence[Outcome], noun: str) -> str:
    """That the objectives hold with none of several, so that the best is not taken for good; "" where they may."""
    every = [each.together for each in outcomes]
    if len(every) < _SEVERAL or any(each is None or each.decision is not Decision.MISSED for each in every):
        return ""
    judged = [each.runs.objectives for each in outcomes if each.runs is not None]
    missed = [
        objective_goal(own[0].objective)
        for own in zip(*judged, strict=True)
        if own[0].objective is not None and all(each.decision is Decision.MISSED for each in own)
    ]
    which = f"; missed with each: {together(missed)}" if missed else ""
    return f"The objectives hold with none of the {count(len(every), noun)}{which}."


def _nowhere(comparison: Comparison) -> list[str]:
    """That what was asked for comes about in no run, so that "the same" is not taken for success."""
    for column in comparison.columns:
        values = [each for outcome in comparison.outcomes for each in outcome.values[column.name]]
        if column.lack and values and all(value is not None and not value for value in values):
            return [f"In all runs of all variants {column.lack}."]
    return []


def held_more_often(comparison: Comparison) -> list[str]:
    """That another variant holds all objectives more often than the best one, which is so by other numbers.

    Nothing of a single seed: how often cannot be told.
    """
    known = [
        (each, one.share.mean)
        for each in comparison.outcomes
        if (one := each.together) is not None and one.held + one.missed
    ]
    best = next((share for each, share in known if each is comparison.best), None)
    if best is None or len(comparison.seeds) < _SEVERAL:
        return []
    other, most = max(known, key=lambda each: each[1])
    if most <= best:
        return []
    shares = f"in {amount(best, 'fraction')} of runs, {other.variant.name} in {amount(most, 'fraction')}"
    return [f"{comparison.best.variant.name} holds all objectives {shares}."]


def _sentence(comparison: Comparison, best: Outcome, other: Outcome) -> str:
    standing = comparison.stand(best, other)
    column = standing.column
    if standing.winner < 0:  # several variants may beat each other in turn
        return _sentence(comparison, other, best)
    if column is None or not standing.winner:
        return _undecided(comparison, best, other, standing)
    opening = f"{best.variant.name} is better than {other.variant.name}"
    failed = f" ({count(standing.unknown, 'seed')} failed)" if standing.unknown else ""
    if column.unit == "held":
        return f"{opening}: {_held(best, other, column)}{failed}."
    told = f"{_gain(comparison, best, other, column)}{_agreed(standing)}{_why(comparison.waited_for, best, other)}"
    return f"{opening}: {told}{failed}."


def _agreed(standing: Standing) -> str:
    """Under how many seeds, where they are so few that this is what tells."""
    few = standing.by_signs
    return f" (under {standing.better:,} of {count(standing.known, 'seed')})" if few else ""


def _held(best: Outcome, other: Outcome, column: Column) -> str:
    """`with b the last change does not complete`; where it does now and then, in how many runs."""
    has, lacks = (
        [value for value in each.values[column.name] if value is not None] for each in (best, other)
    )
    if all(has) and not any(lacks):
        return f"with {other.variant.name} {column.lack}"
    times = [f"{sum(map(bool, each))} of {count(len(each), 'run')}" for each in (has, lacks)]
    return f"{column.gain} in {times[0]}, with {other.variant.name} in {times[1]}"


def _undecided(comparison: Comparison, best: Outcome, other: Outcome, standing: Standing) -> str:
    names = f"{best.variant.name} and {other.variant.name}"
    failed = standing.unknown
    if not standing.known:
        return f"Of {names} nothing can be said: under no seed did the runs of both come to an end."
    under = f" under the {count(standing.known, 'seed')} with which both came to an end" if failed else ""
    if standing.column is None:
        return f"{names} come out the same{under}{_but_for(comparison, (best, other))}."
    column = standing.column
    fewest = seeds_to_tell(len(comparison.outcomes), comparison.outcomes[0].confidence)
    if standing.known == 1:
        first, second = (best, other) if standing.better else (other, best)
        told = (
            _held(first, second, column)
            if column.unit == "held"
            else _gain(comparison, first, second, column)
        )
        ended = zip(comparison.seeds, first.ended, second.ended, strict=True)
        seed = next(seed for seed, *both in ended if all(both))
        return (
            f"Under seed {seed} {first.variant.name} is better than {second.variant.name} ({told}), but 1 seed cannot "
            f"tell: that takes {fewest} that agree."
        )
    seeds = count(standing.known, "seed")
    speaks = " and ".join(
        f"for {name} under {number or 'none':}"
        for name, number in ((best.variant.name, standing.better), (other.variant.name, standing.worse))
    )
    told = f"{comparison.family.say(column.title)} speaks {speaks}{f'; {failed:,} failed' if failed else ''}"
    more = f" ({fewest} that agree would)" if standing.known < fewest else ""
    return f"{names} cannot be told apart by {seeds}{more}: {told}."


def _but_for(comparison: Comparison, outcomes: Sequence[Outcome]) -> str:
    """In what they differ though it decides nothing: `, but for availability`; "" where in nothing."""
    family = comparison.family
    differs = [
        family.say(column.title)
        for column in comparison.columns
        if any(each.differs(outcomes[0], column) for each in outcomes)
    ]
    more = [f"{len(differs) - _MOST_DIFFERENT:,} more"] if len(differs) > _MOST_DIFFERENT else []
    shown = together([*differs[:_MOST_DIFFERENT], *more])
    return f" but for what decides nothing: {shown}" if differs else ""


def _gain(comparison: Comparison, best: Outcome, other: Outcome, column: Column) -> str:
    """`30m less instance time lost`."""
    difference = best.against(other, column)
    assert difference is not None
    return comparison.family.say(column.gain.format(with_half(column, difference)))


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
    text += (
        f" · seed {seeds[0]}"
        if len(seeds) == 1
        else f" · {count(len(seeds), 'seed')} ({seeds[0]}-{seeds[-1]})"
    )
    if not any(outcome.by_chance for outcome in comparison.outcomes) and comparison.until:
        text += ", nothing is drawn"
    return text + _until(comparison)


def _until(comparison: Comparison) -> str:
    """Until when times are counted, and what for that reason is not compared."""
    if not comparison.until:
        return ""
    horizon = comparison.outcomes[0].variant.scenario.horizon is not None
    text = f" · counted until {rounded(comparison.until)}, {'the horizon' if horizon else 'when the last run ends'}"
    if comparison.not_compared:
        titles = together([column.title for column in comparison.not_compared])
        text += f" ({titles}: not compared, as runs end at different times; --horizon gives them one)"
    return text


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


def spans_note(comparison: Comparison) -> str:
    """That lost times are not of one span under all variants, where they are not; "" where they are."""
    columns = {column.name: column for column in comparison.columns}
    starts = [
        column for name in ("firstReadyMs", "firstAvailableMs") if (column := columns.get(name)) is not None
    ]
    first = next((one for one in starts if any(each.known(one) for each in comparison.outcomes)), None)
    # What never comes up has as long a start as what does with the last event.
    tells = [column for column in (first, columns.get("finishes")) if column is not None]
    base = comparison.outcomes[0]
    if first is None or not any(each.differs(base, one) for each in comparison.outcomes for one in tells):
        return ""
    word = "ready" if first.name == "firstReadyMs" else "available"
    return (
        f"Time lost, availability, outages and the fewest {word} count from when all were {word} for the first time, "
        "and where that never comes about from the start on: not from one time under all variants."
    )


def headline(comparison: Comparison) -> str:
    """Which of many variants is the best, and how many come out like it."""
    best = comparison.best
    standings = [comparison.stand(best, other) for other in comparison.outcomes if other is not best]
    number = len(comparison.outcomes)
    if unknown := sum(not each.known for each in standings):
        return (
            f"Nothing can be said of {unknown:,} of {number:,} variants: under no seed did their runs and those of "
            f"{best.variant.name} come to an end."
        )
    alike = sum(each.column is None for each in standings)
    if alike == number - 1:
        return f"All {number:,} variants come out the same{_but_for(comparison, comparison.outcomes)}."
    open_ = sum(each.column is not None and each.winner < 1 for each in standings)
    if open_:
        told = f"{count(len(comparison.seeds), 'seed')} cannot tell which of {number:,} variants is the best"
        return f"{told}: {open_:,} may be as good as {best.variant.name}."
    like = (
        f"; {count(alike, 'more variant')} {'comes' if alike == 1 else 'come'} out the same" if alike else ""
    )
    return f"{best.variant.name} is the best of {number:,} variants{like}."


def failed_lines(failures: Iterable[tuple[str, Failure]]) -> list[str]:
    """The runs that came to no end, each with its variant and seed."""
    told = [f"{variant}, seed {each.seed}: {each.message}" for variant, each in failures]
    more = [f"… and {count(len(told) - _MOST_FAILED, 'more failed run')}"]
    return told[:_MOST_FAILED] + (more if len(told) > _MOST_FAILED else [])
