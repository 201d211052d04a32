"""With what a run would finish that does not, each change played: `with 8 more nodes (1 of 1 stays ready, 26m33s)`."""

from __future__ import annotations

from kubeinfer_sim.experiment.knobs_to_finish import Turned
from kubeinfer_sim.experiment.ways_to_finish import WaysToFinish, WayToFinish
from kubeinfer_sim.report.words import count, point, rounded


def way_lines(tried: WaysToFinish, *, several: bool) -> list[str]:
    """A line for each change that lets it finish, or one that says what does not; none where nothing was tried.

    `several`: workloads are named.
    """
    lines = [_way(each, several=several) for each in tried.ways]
    if not lines and tried.tried:
        pairs = f", nor with two together ({count(tried.pairs, 'pair')})" if tried.pairs else ""
        lines = [f"with none of what was tried: {', '.join(map(_tried, tried.tried))}{pairs}"]
    if tried.untried:
        rest = ", ".join(map(_tried, tried.untried))
        lines.append(f"not tried, since it would take too long: {rest} ({_played(tried)})")
    elif tried.cut:
        lines.append(f"more was not tried, to spare time: {_played(tried)}")
    return lines


def _way(way: WayToFinish, *, several: bool) -> str:
    text = " and ".join(_turned(each, several=several) for each in way.changes)
    text = f"with {text}" if way.until is None else f"after the {text} at {point(way.until)}"
    told = []
    if way.ready is not None and way.wanted is not None:
        told.append(f"{way.ready:,} of {way.wanted:,} {'stays' if way.ready == 1 else 'stay'} ready")
    if way.took is not None:
        told.append(f"in {rounded(way.took)}")
    if way.killed:
        told.append(f"probes kill {count(way.killed, 'start')} on the way{_since(way.late)}")
    return f"{text} ({', '.join(told)})" if told else text


def _since(late: int | None) -> str:
    """Why it comes up all the same, where that is an assumption, and by how much."""
    if late is None:
        return ""
    return (
        ": it comes up since a killed engine is taken to go on loading after SIGTERM (loadsAfterSigterm), with "
        f"{rounded(late)} left"
    )


def _turned(change: Turned, *, several: bool) -> str:
    knob, _, pool = change.knob.partition(".")
    of = f" of {change.owner}" if several and change.owner else ""
    match knob:
        case "spareNodes":
            return f"{count(change.more or 0, 'more node')}{f' of {pool}' if pool else ''}"
        case "replicas":
            # The knob turns every version, the one that runs at the start as well.
            return f"{count(int(change.value), 'replica')}{of} from the start, {-(change.more or 0):,} fewer"
        case "wait":
            return change.value
        case _:
            return f"{change.knob} {change.value}{of}"


def _played(tried: WaysToFinish) -> str:
    return f"{count(tried.runs, 'run')} {'was' if tried.runs == 1 else 'were'} played"


def _tried(text: str) -> str:
    knob, _, most = text.rpartition(" ")
    if knob.startswith("spareNodes"):
        return f"up to {most} more nodes"
    return f"up to {most} replicas fewer" if knob == "replicas -" else f"{knob} up to {most}"
