"""Checks that people make fail or answer again: the `health` actions of the time line.

What they make checks answer is one of the things that may be wrong with a pod (`probe_answers.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from kubeinfer_sim.cluster.fault_records import ChangedNothing, StruckNothing
from kubeinfer_sim.cluster.kubelet.check_faults import CheckFault, CheckFaults
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.prober import Checks, Outcome, Segment
from kubeinfer_sim.engine.clock import Clock, Phase
from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.scenario.actions.model import CANNOT_BE_RUN, Action, Health
from kubeinfer_sim.simulation.actions.targets import matches, unmatched
from kubeinfer_sim.simulation.faults.health_strikes import HealthStrikes
from kubeinfer_sim.simulation.faults.probe_answers import ProbeAnswers

FAILING = Segment(0, Outcome.FAIL)


def answer_of(action: Health) -> Segment | None:
    """What a health action makes the checks answer; None: what the container's state has them answer."""
    if action.healthy:
        return None
    if action.answer == CANNOT_BE_RUN:
        return Segment(0, Outcome.ERROR)
    if action.hang:
        return Segment(0, Outcome.HANG)
    if action.flapping is None and action.latency is None:
        return FAILING
    return Segment(0, Outcome.SUCCESS, action.latency or 0, action.flapping or 0.0)


def check_faults(actions: Iterable[Action]) -> CheckFaults | None:
    """The checks that go wrong some time after each start of their container; None where none do."""
    faults = [
        CheckFault(
            partial(matches, each.target),
            answer_of(each) or FAILING,
            each.probes,
            each.after,
            each.at,
            each.until,
            each.lasts,
            each.times,
            each.container,
        )
        for each in actions
        if isinstance(each, Health) and each.after is not None
    ]
    return CheckFaults(faults) if faults else None


class HealthActions:
    """Does what they say; `actions` are those of the whole time line.

    Attributes:
        of_new_pods: those that are about pods to come, too.
    """

    def __init__(
        self, clock: Clock, history: History, answers: ProbeAnswers, actions: Iterable[Action]
    ) -> None:
        self._clock = clock
        self._history = history
        self._answers = answers
        self._strikes: HealthStrikes
        self.of_new_pods: Sequence[Health] = [
            each for each in actions if isinstance(each, Health) and each.new_pods and each.after is None
        ]

    def watch(self, strikes: HealthStrikes) -> None:
        """Who is told what they are about."""
        self._strikes = strikes

    def act(self, action: Health, pods: Callable[[], Iterable[Pod]]) -> None:
        """It happens now, and ends by itself if it says when; `pods` gives all that exist."""
        if action.after is not None:
            return  # The kubelets know of it from the beginning.
        meant = [pod for pod in pods() if matches(action.target, pod)]
        if not action.new_pods and not meant:
            there = unmatched(action.target, pods())
            self._history.append(StruckNothing(self._clock.now, NO_CAUSE, action, there))
        elif not action.healthy:
            self._strikes.begins(action, meant)
        elif not action.new_pods and not any(map(self._answers.ordered, meant)):
            why = "no check was made to fail before"
            self._history.append(ChangedNothing(self._clock.now, NO_CAUSE, action, why))
        self._set(action, answer_of(action), pods)
        if action.until is not None:
            after = FAILING if action.healthy else None
            self._clock.at(action.until, self._set, action, after, pods, phase=Phase.ACTION)

    def _set(self, action: Health, answer: Segment | None, pods: Callable[[], Iterable[Pod]]) -> None:
        for pod in [pod for pod in pods() if matches(action.target, pod)]:
            self._answers.set(pod, answer, action.probes, action.container, NO_CAUSE)

    def at_set_up(self, pod: Pod, now: int) -> dict[Checks, Segment]:
        """What the checks get of a pod that is set up now; the latest action counts."""
        answers: dict[Checks, Segment] = {}
        for action in self.of_new_pods:
            if action.at > now or (action.until is not None and action.until <= now):
                continue
            answer = answer_of(action)
            if answer is not None and matches(action.target, pod):
                answers |= {Checks(probe, action.container): answer for probe in action.probes}
                self._strikes.set_up(action, pod)
        self._answers.begin_with(pod, answers)
        return answers
