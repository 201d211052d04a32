"""One simulation: a scenario and a seed in, the history out."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

from kubeinfer_sim.controllers.kubeinfer.policies import RecoveryPlugin
from kubeinfer_sim.engine.history import History, Listener, Record
from kubeinfer_sim.engine.meter import End
from kubeinfer_sim.engine.playing import PLAYING
from kubeinfer_sim.errors import expect
from kubeinfer_sim.scenario.actions.model import ends_at
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.assembly import Simulation, assemble
from kubeinfer_sim.simulation.rounds import Rounds
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.standstill import PAUSE, WINDOW, Standstill

if TYPE_CHECKING:
    from kubeinfer_sim.cluster.devices.repair import Due

#: New objects between two collections while a simulation runs that keeps its history, or that does not.
GARBAGE_THRESHOLD, GARBAGE_THRESHOLD_NOT_KEPT = 200_000, 20_000
#: Is told how far a run is: the time, in ms, and how many timers have fired.
OnLook = Callable[[int, int], None]


def simulate(
    scenario: Scenario,
    *,
    seed: int | None = None,
    recovery: RecoveryPlugin | None = None,
    listeners: Iterable[Listener] = (),
    keep: bool = True,
    pods: bool = True,
    ways: bool = True,
    explain_at: int | None = None,
    on_look: OnLook | None = None,
) -> Run:
    """Play the scenario; a function of its arguments alone.

    Args:
        scenario: what happens.
        seed: instead of the scenario's.
        recovery: decides about every failure of a pod whose role has Custom recovery, in place of the
            scenario's rules; see `controllers.policies`. It must depend on nothing but what it is given.
        listeners: called with each record as it is appended to the history, one after the other in this order, before
            anything else happens. They must not change the run: it would not be the same without them.
        keep: keep the history in the run. Without it memory stays flat, however long the run; what is to be known of it
            must be measured by listeners.
        pods: read the pods' objects at the end. A run of which nobody wants to see them is cheaper without.
        ways: play at the end what would give a place to those that wait, and record it; cheaper without, too.
        explain_at: record also at this time, in ms, why gangs wait, as the cluster is then; else that is recorded when
            they come to wait, when an object or a node has changed, and at the end.
        on_look: told of a long run now and then, by the time it has come to, in ms, and how many timers have fired.

    Raises:
        SimulatorFault: the simulator broke one of its own rules.
        UsageError: `recovery` failed, or decided something that cannot be done; or what goes on has no end.
    """
    expect(scenario, (Scenario,), "simulate", "simulate(load_scenario('scenario.yaml'))")
    history = History(keep=keep)
    simulation = assemble(scenario, scenario.seed if seed is None else seed, recovery, history, pods=pods)
    for listener in listeners:
        history.subscribe(listener)
    return play(simulation, ways=ways, explain_at=explain_at, on_look=on_look)


def play(
    simulation: Simulation,
    *,
    until: int | None = None,
    ways: bool = True,
    explain_at: int | None = None,
    on_look: OnLook | None = None,
) -> Run:
    """Play everything until the horizon, or until it is settled; no further than `until` ms. The others: see above.

    Raises:
        SimulatorFault: the simulator broke one of its own rules.
        UsageError: what goes on has no end.
    """
    scenario, env = simulation.scenario, simulation.env
    threshold = GARBAGE_THRESHOLD if env.history.keep else GARBAGE_THRESHOLD_NOT_KEPT
    with PLAYING.run(env.clock, env.history, scenario.horizon), _patient_collector(threshold):
        for workload in simulation.workloads:
            workload.start(running=scenario.initial == "running")
        if simulation.faults is not None:
            simulation.faults.start()
        simulation.time_line.start()
        looks = _Looks(Standstill(env.history, len(scenario.actions)), Rounds(scenario, env.history), on_look)
        ended = None if explain_at is None else _run_to(simulation, explain_at, looks)
        end, cycle, endlessly, idle = ended or _run_clock(simulation, until, looks)
        ended_at = env.clock.now if end == "horizon" else env.history.last_at
        over = end == "settled" and env.clock.next_at() is None
        due = () if over or end == "loop" else _due(simulation)
        if over or end == "quiet" or (end == "horizon" and not _frees_room(simulation)):
            simulation.cluster.scheduling.explain_waiting(ended_at)
        simulation.cluster.scheduling.explain_again(ended_at, ways=ways)
        if until is None and end != "loop":
            ended_at = _tell_missed(simulation, ended_at)
        env.history.close()
        pods = None if simulation.objects is None else tuple(simulation.objects.at(ended_at))
    return Run(
        scenario,
        env.history,
        ended_at,
        end,
        env.clock.fired,
        env.streams.seed,
        pods,
        due,
        cycle,
        endlessly,
        simulation.cluster.scheduling.stats.drawn,
        env.streams.drawn,
        over,
        idle,
    )


class _Looks(Struct, frozen=True):
    """Who looks at a run as it goes on."""

    standstill: Standstill
    rounds: Rounds
    on_look: OnLook | None


class _Ended(NamedTuple):
    """Why it ended; of a loop in which time stands still also one round of it."""

    end: End
    cycle: tuple[Record, ...] = ()
    endlessly: Literal["", "evicted", "rejected"] = ""
    idle: int = 0


def _run_to(simulation: Simulation, at: int, looks: _Looks) -> _Ended | None:
    """Play up to `at` ms and record why gangs wait then; how it ended where something goes round without end."""
    ended = _run_clock(simulation, at, looks)
    if ended.cycle or ended.endlessly:
        return ended
    # With nothing to come it has been like that since the last thing happened.
    clock = simulation.env.clock
    at = clock.now if clock.next_at() is not None else simulation.env.history.last_at
    simulation.cluster.scheduling.explain_again(at)
    simulation.cluster.scheduling.explain_waiting(at)
    return None


def _run_clock(simulation: Simulation, until: int | None, looks: _Looks) -> _Ended:
    scenario, clock = simulation.scenario, simulation.env.clock
    if scenario.horizon is not None:
        end = scenario.horizon if until is None else min(scenario.horizon, until)
        return _advance(simulation, end, looks) or _Ended("horizon")
    while (due := clock.next_at()) is not None and (until is None or due <= until):
        limit = _last_step(simulation) + scenario.quiet_after
        if due > limit:
            return _Ended("settled" if _at_rest(simulation, limit) else "quiet")
        if ended := _advance(simulation, limit if until is None else min(limit, until), looks):
            return ended
    # Pods that are rejected without a pause are not played: nothing will change that.
    if simulation.cluster.kubelet.rejects_without_pause:
        return _Ended("quiet", endlessly="rejected")
    return _Ended("settled")


def _due(simulation: Simulation) -> tuple[Due, ...]:
    """What is still to be mended, or to come back, soonest first."""
    due = [] if simulation.faults is None else [*simulation.faults.due()]
    if simulation.failures is not None:
        due += simulation.failures.due()
    return tuple(sorted(due, key=lambda each: (each.at is None, each.at or 0)))


def _tell_missed(simulation: Simulation, ended_at: int) -> int:
    """Tell of the actions that have come to nothing to the end; when the run has ended then, ms."""
    at = max((action.at for action in simulation.scenario.actions), default=0)
    missed = [*simulation.missed(max(ended_at, at))]
    for record in missed:
        simulation.env.history.append(record)
    return max(ended_at, at) if missed else ended_at


def _last_step(simulation: Simulation) -> int:
    """When anything last came nearer to its end, or what somebody does happens or ends for the last time (ms)."""
    last_action = max(map(ends_at, simulation.scenario.actions), default=0)
    return max(simulation.workloads.last_progress, last_action)


def _at_rest(simulation: Simulation, until: int) -> bool:
    """Whether all pods are ready and nothing has happened for long: what is due some day (a repair) is for others."""
    waited = until - simulation.env.history.last_at
    return 2 * waited > simulation.scenario.quiet_after and all(
        pod.ready or pod.final_phase is not None for pod in simulation.workloads.pods()
    )


def _frees_room(simulation: Simulation) -> bool:
    """Whether a pod that has been deleted will give up its place: what waits may have it then."""
    return any(
        pod.terminating and pod.holds_place and pod.node is not None and pod.node.reachable
        for pod in simulation.workloads.pods()
    )


def _advance(simulation: Simulation, until: int, looks: _Looks) -> _Ended | None:
    """Let the clock run; why it ended, where something goes round without end."""
    clock, evictions, rounds = simulation.env.clock, simulation.evictions, looks.rounds
    while not clock.run(until, pause=PAUSE, within=WINDOW, most=rounds.next):
        if clock.fired >= rounds.next:
            if idle := _idle(simulation, looks):
                return _Ended("quiet", idle=idle)
        elif evictions is not None and evictions.many():
            from kubeinfer_sim.simulation.endless_evictions import evicts_endlessly

            pods = simulation.workloads.pods()
            if evicts_endlessly(evictions, _last_step(simulation), clock.now, pods):
                return _Ended("quiet", endlessly="evicted")
        elif cycle := looks.standstill.look(clock.now, clock.fired):
            return _Ended("loop", cycle)
    return None


def _idle(simulation: Simulation, looks: _Looks) -> int:
    """For how long nothing has come of what goes on without end, in ms; 0: the run goes on."""
    clock, faults = simulation.env.clock, simulation.faults
    if looks.on_look is not None:
        looks.on_look(clock.now, clock.fired)
    return looks.rounds.look(
        clock.now,
        clock.fired,
        last_step=_last_step(simulation),
        became_ready=simulation.env.api.became_ready,
        pods=sum(1 for _ in simulation.workloads.pods()),
        faults=0 if faults is None else faults.struck,
        awaits_more=bool(faults is not None and faults.processes) or bool(_due(simulation)),
    )


@contextmanager
def _patient_collector(threshold: int) -> Iterator[None]:
    """A history that is kept only grows: looking through it for garbage every few hundred records doubles the time."""
    before = gc.get_threshold()
    gc.set_threshold(threshold, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
