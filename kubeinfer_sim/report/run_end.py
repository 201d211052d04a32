"""How a run ended, in words: nothing more could happen, its horizon came, it was given up, or time stood still."""

from __future__ import annotations

from kubeinfer_sim.report.sentences import sentence
from kubeinfer_sim.report.words import point, rounded
from kubeinfer_sim.scenario.units import format_duration
from kubeinfer_sim.simulation.run import Run

#: How many of the things that were still due, or of the steps of a loop, are named.
_NAMED = 3


def ending(run: Run) -> str:
    """Why it ended: `the last event; given up after 1d without progress; still due: the repair of node-0 at 2d`."""
    text = "the scenario's horizon" if run.end == "horizon" else why_it_ended(run)
    if run.end == "quiet" and not run.endlessly:  # its end comes so long after the last event
        text = f"the last event; given up after {_idle(run)} without progress"
        if run.scenario.horizon is not None:
            text += (
                f", before the horizon of {format_duration(run.scenario.horizon)}: it goes round without end"
            )
    return f"{text}; still due: {due(run)}" if run.end == "quiet" and run.due else text


def why_it_ended(run: Run) -> str:
    """The same in short, with the horizon it came to: `the horizon, 3h`."""
    return {
        "settled": f"nothing more happens but {due(run)}" if run.due else "nothing more can happen",
        "horizon": f"the horizon, {format_duration(run.ended_at)}",
        "quiet": given_up_since(run),
        "loop": "time stands still",
    }[run.end]


def never(run: Run) -> str:
    """Why nothing comes any more, of a run that did not end at its horizon, as a sentence."""
    after = format_duration(run.ended_at)
    if run.end == "loop":
        return f"{standstill(run)}."
    if run.end == "quiet":
        still = f"; still due: {due(run)}" if run.due else ""
        if not run.endlessly:
            return f"the run was given up after {_idle(run)} without progress{still}."
        return f"the run was given up at {after}: {given_up_since(run)}{still}."
    if run.due:
        return f"nothing happens any more after {after} but {due(run)}."
    return f"nothing can happen any more after {after}."


def given_up_since(run: Run) -> str:
    """Why a run was given up: `no progress for 1d`."""
    if run.endlessly:
        return f"pods are {run.endlessly} as fast as they come"
    return f"no progress for {_idle(run)}"


def _idle(run: Run) -> str:
    return rounded(run.idle) if run.idle else format_duration(run.scenario.quiet_after)


def due(run: Run) -> str:
    """What was still due when it was given up or came to its horizon: `the repair of node-0/npu1 at 2d`."""
    words = {
        "repair": "the repair of",
        "isolation": "the end of the isolation of",
        "return": "the return of",
    }
    named = [
        f"{words[each.kind]} {each.what}" + ("" if each.at is None else f" at {point(each.at)}")
        for each in run.due[:_NAMED]
    ]
    more = len(run.due) - len(named)
    return ", ".join([*named, *([f"{more:,} more"] if more else [])])


def standstill(run: Run) -> str:
    """Where time stands still in a run that came to an instant without end, and what happens there again and again."""
    steps = list(dict.fromkeys(sentence(record, run.scenario.accelerator_family) for record in run.cycle))
    named = steps[:_NAMED] if len(steps) <= _NAMED else [*steps[: _NAMED - 1], "…", steps[-1]]
    round_ = f": {', '.join(named)}, and so on" if named else ""
    still = not run.cycle or run.cycle[0].at == run.ended_at
    what = "stands still" if still else "hardly passes"
    how = "without taking any" if still else "and take next to none"
    return (
        f"Time {what} at {point(run.ended_at)}, since things cause one another {how}{round_}; "
        "give one of them a length (a back-off, a stage)"
    )
