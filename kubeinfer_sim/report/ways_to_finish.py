"""With what a run would finish that does not, each change played: `with 8 more nodes (1 of 1 stays ready, 26m33s)`."""

from __future__ import annotations

from kubeinfer_sim.experiment.ways_to_finish import WaysToFinish, WayToFinish
from kubeinfer_sim.report.words import count, point, rounded


def way_lines(tried: WaysToFinish, *, several: bool) -> list[str]:
    """A line for each change that lets it finish, or one that says what does not; none where nothing was tried.

    `several`: workloads are named.
    """
    lines = [_way(each, several=several) for each in tried.ways]
    if not lines and tried.tried:
        lines = [f"with none of what was tried: {', '.join(map(_tried, tried.tried))}"]
    if tried.cut:
        lines.append(f"more was not tried, to spare time: {count(tried.runs, 'run')}")
    return lines


def _way(way: WayToFinish, *, several: bool) -> str:
    knob, _, pool = way.knob.partition(".")
    of = f" of {way.owner}" if several and way.owner else ""
    match knob:
        case "spareNodes":
            text = f"with {count(way.more or 0, 'more node')}{f' of {pool}' if pool else ''}"
        case "replicas":
            text = f"with {count(int(way.value), 'replica')}{of}, {-(way.more or 0):,} fewer"
        case "wait":
            text = f"after the {way.value}" + ("" if way.until is None else f" at {point(way.until)}")
        case _:
            text = f"with {way.knob} {way.value}{of}"
    told = []
    if way.ready is not None and way.wanted is not None:
        told.append(f"{way.ready:,} of {way.wanted:,} {'stays' if way.ready == 1 else 'stay'} ready")
    if way.took is not None:
        told.append(f"in {rounded(way.took)}")
    return f"{text} ({', '.join(told)})" if told else text


def _tried(text: str) -> str:
    knob, _, most = text.rpartition(" ")
    if knob.startswith("spareNodes"):
        return f"up to {most} more nodes"
    return f"up to {most} replicas fewer" if knob == "replicas -" else f"{knob} up to {most}"
