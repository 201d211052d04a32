"""Plays a case of `golden_prober` (or one of the same form) against a prober: the runtime and pod worker around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubeinfer_sim.cluster.prober import PROBE_KINDS, Circumstances, Health, Outcome, Probes, Segment
from kubeinfer_sim.manifest.model import Probe

Rows = list[list[Any]]


@dataclass
class Trace:
    """What could be seen from outside, as the golden traces write it."""

    container: Rows = field(default_factory=list)
    status: Rows = field(default_factory=list)
    #: Of each kill: how many calls failed, when the first of them began, and how far apart they were.
    failures: Rows = field(default_factory=list)


def probe_of(spec: Mapping[str, int] | None) -> Probe | None:
    if spec is None:
        return None
    return Probe(
        initial_delay_seconds=spec["initialDelaySeconds"],
        timeout_seconds=spec["timeoutSeconds"],
        period_seconds=spec["periodSeconds"],
        success_threshold=spec["successThreshold"],
        failure_threshold=spec["failureThreshold"],
    )


def health_of(case: Mapping[str, Any], incarnation: int, start: int) -> Health:
    histories = []
    for kind in PROBE_KINDS:
        rows = case["scripts"].get(kind) or [[[0, "fail", 0]]]
        histories.append([segment(start, *row) for row in rows[min(incarnation, len(rows) - 1)]])
    return Health(*histories)


def segment(
    start: int,
    from_ms: int,
    outcome: str,
    latency_ms: int,
    flap: float = 0.0,
    flap_outcome: str = "fail",
    flap_latency_ms: int = 0,
) -> Segment:
    return Segment(
        start + from_ms, Outcome(outcome), latency_ms, flap, Outcome(flap_outcome), flap_latency_ms
    )


def prober_of(kind: type, case: Mapping[str, Any], **options: Any) -> Any:
    """A prober of the case's probes, in the case's circumstances."""
    probes, first_wake_ms = case["probes"], None
    if (case.get("first_wake_ms") or 0) > 0:
        first_wake_ms = {only: int(case["first_wake_ms"]) for only in probes}
    circumstances = Circumstances(
        case["addpod_wall_ms"], first_wake_ms, options.pop("tie", "trigger"), case["trigger_sees"]
    )
    return kind(
        Probes(*(probe_of(probes.get(name)) for name in PROBE_KINDS)),
        added_at=0,
        circumstances=circumstances,
        **options,
    )


def play(case: Mapping[str, Any], prober: Any, *, look_every: int | None = None) -> Trace:
    """Runs the case to its horizon.

    Beside what the golden cases have, a case may have `adopted` (the first container is `age_ms` old already, and this
    kubelet new), `health_ms` (from these times on the container answers as the
    next incarnation will), `terminate_ms` (the pod is deleted) and rows of scripts with a fourth number, the
    probability that a call gets another answer instead: the fifth and sixth entry, or a failure at once.

    `look_every`: also ask the prober what is next at these intervals, which must change nothing.
    """
    trace = Trace()
    horizon = case["horizon_ms"]
    #: (time, order among coincident ones, what)
    todo: list[tuple[int, int, str]] = [(case["container_start_ms"], 1, "start")]
    todo += [(at, 0, "sync") for at in case.get("extra_sync_ms") or ()]
    todo += [(at, 2, "health") for at in case.get("health_ms") or ()]
    todo += [(at, 3, "terminate") for at in case.get("terminate_ms") or ()]
    incarnation = -1
    alive = terminating = False

    def starts(at: int) -> Health:
        nonlocal incarnation, alive
        incarnation += 1
        alive = True
        trace.container.append([at, "start", incarnation])
        exits = case.get("exit_ms") or [-1]
        lives = exits[min(incarnation, len(exits) - 1)]
        if lives >= 0:
            todo.append((at + lives, 0, "exited"))
        return health_of(case, incarnation, at)

    def take(to: int) -> None:
        for transition in prober.advance(to):
            if transition.kind == "kill":
                trace.container.append([transition.at, "kill", incarnation, transition.probe])
                trace.failures.append([transition.calls, transition.first_call_at, transition.spacing])
                todo.append((transition.at + case["kill_ms"], 0, "killed"))
            else:
                trace.status.append([transition.at, transition.kind, transition.value])

    looks = iter(range(look_every, horizon, look_every)) if look_every else iter(())
    look = next(looks, horizon)
    while True:
        due = prober.next_at()
        scheduled = min(todo)[0] if todo else horizon
        at = min(horizon if due is None else due, scheduled)
        if at >= horizon and look >= horizon:
            return trace
        if look < at:
            take(look)
            look = next(looks, horizon)
            continue
        if due is None or scheduled < due:
            what = min(todo)
            todo.remove(what)
            if what[2] == "start":
                if incarnation < 0 and "adopted" in case and not terminating:
                    known = {key: value for key, value in case["adopted"].items() if key != "age_ms"}
                    prober.container_adopted(at, starts(at), since=at - case["adopted"]["age_ms"], **known)
                elif not terminating:
                    prober.container_started(at, starts(at))
            elif what[2] == "sync":
                prober.sync(at)
            elif what[2] == "health":
                prober.health_changed(at, health_of(case, incarnation + 1, at))
            elif what[2] == "terminate":
                prober.pod_terminating(at)
                terminating = True
                if alive:
                    todo.append((at + case["kill_ms"], 0, "killed"))
            else:
                alive = False
                todo[:] = [other for other in todo if other[2] not in ("exited", "killed")]
                trace.container.append([at, "end", incarnation, what[2]])
                if what[2] == "exited" or case["restart_delay_ms"] or terminating:
                    prober.container_died(at)
                    todo.append((at + case["restart_delay_ms"], 1, "start"))
                else:
                    prober.container_replaced(at, starts(at))
        take(at)


def call_rows(calls: list[Any], horizon: int) -> Rows:
    """Calls as the traces write them, uncompressed."""
    return [
        [c.start, c.end if c.end < horizon else None, c.outcome.value[0], c.incarnation]
        for c in calls
        if c.start < horizon
    ]


def compressed(rows: Rows) -> Rows:
    """Kinds with more than 100 calls: only those that differ from the one before, and that one; first 5 and last."""

    def shape(index: int) -> tuple[Any, ...]:
        start, end, outcome, incarnation = rows[index]
        distance = start - rows[index - 1][0] if index else None
        return (outcome, incarnation, None if end is None else end - start, distance)

    keep = {0, 1, 2, 3, 4, len(rows) - 1}
    for index in range(1, len(rows) - 1):
        if shape(index) != shape(index - 1):
            keep |= {index - 1, index}
    return [[*rows[index], index] for index in sorted(keep)]
