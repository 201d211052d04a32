"""What the checks of pods get instead of what their containers would answer.

Several faults may impair a pod at one time, and the end of one mends none of the others: a check gets the worst answer
of all that last: it hangs, it fails, it fails now and then. What a person makes it answer (a `health` action) is one of
them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.prober import Checks, Outcome, Segment
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.simulation.faults.worst import Worst

#: From the worst answer to the best; what is not here succeeds, late or now and then.
_RANKS = {Outcome.HANG: 0, Outcome.FAIL: 1}
_MILDEST = 2


def _rank(answer: Segment) -> int:
    return _RANKS.get(answer.outcome, _MILDEST)


class Impairment:
    """One reason why a pod's checks are not answered as they should be.

    Attributes:
        answer: what the checks get while it lasts.
        probes: the kinds of checks it is about.
        on_restart: called with the pod when its engine's process ends, and the impairment with it; None: it outlives
            the process.
    """

    __slots__ = ("answer", "on_restart", "probes")

    def __init__(
        self, answer: Segment, probes: tuple[str, ...], on_restart: Callable[[Pod], None] | None = None
    ) -> None:
        self.answer = answer
        self.probes = probes
        self.on_restart = on_restart


class _OfPod:
    """What the checks of one pod get.

    Attributes:
        lasting: the impairments, in the order in which they came.
        of_process: those that end with the engine's process.
        worst: the worst of them for each kind of check.
        by_hand: what people make checks answer; the last word counts.
    """

    __slots__ = ("by_hand", "lasting", "of_process", "worst")

    def __init__(self) -> None:
        self.lasting: dict[Impairment, None] = {}
        self.of_process: dict[Impairment, Callable[[Pod], None]] = {}
        self.worst: defaultdict[str, Worst[Impairment]] = defaultdict(Worst)
        self.by_hand: dict[Checks, Segment] = {}

    def answer(self, probe: str, container: str) -> Segment | None:
        """What this check gets; None: what the container's state has it answer.

        Nothing is said of one container where nobody said anything of it: it gets what all get.
        """
        by_hand = self.by_hand.get(Checks(probe, container))
        if container and by_hand is None:
            return None
        worst = self.worst[probe].key
        if worst is not None and (by_hand is None or _rank(worst.answer) <= _rank(by_hand)):
            return worst.answer
        return by_hand


class Prober(Protocol):
    """Who asks the checks: the kubelets."""

    def set_health(
        self,
        pods: Iterable[Pod],
        answer: Segment | None,
        probes: tuple[str, ...],
        *,
        container: str = "",
        cause: int,
    ) -> None:
        """The checks behind these probes answer so from now on; None: as the container's state has it."""

    def answers(self, pod: Pod) -> Mapping[Checks, Segment]:
        """What it has been told of the pod's checks."""
        ...


class ProbeAnswers(Watcher):
    """Keeps account of it; a change costs the same however many impairments last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._of: defaultdict[Pod, _OfPod] = defaultdict(_OfPod)
        self._prober: Prober

    def watch(self, prober: Prober) -> None:
        """This one is told what checks get from now on."""
        self._prober = prober

    def impair(self, pod: Pod, impairment: Impairment, cause: int) -> None:
        """The impairment begins."""
        of = self._of[pod]
        of.lasting[impairment] = None
        if impairment.on_restart is not None:
            of.of_process[impairment] = impairment.on_restart
        for probe in impairment.probes:
            of.worst[probe].add(impairment, _rank(impairment.answer))
        self._tell(pod, map(Checks, impairment.probes), cause)

    def mend(self, pod: Pod, impairment: Impairment, cause: int) -> bool:
        """The impairment is over; False when it was before, or the pod is going."""
        of = self._of.get(pod)
        if of is None or impairment not in of.lasting:
            return False
        del of.lasting[impairment]
        of.of_process.pop(impairment, None)
        for probe in impairment.probes:
            of.worst[probe].discard(impairment)
        if pod.state in (PodState.DELETING, PodState.GONE):
            return False
        self._tell(pod, map(Checks, impairment.probes), cause)
        return True

    def set(
        self, pod: Pod, answer: Segment | None, probes: tuple[str, ...], container: str, cause: int
    ) -> None:
        """Somebody makes checks answer so, or (None) no more; what impairs the pod besides goes on.

        Without a `container`, those of all containers, also where it was said of one.
        """
        of = self._of[pod]
        changed = [Checks(probe, container) for probe in probes]
        for checks in changed:
            if answer is not None:
                of.by_hand[checks] = answer
                continue
            for gone in [each for each in of.by_hand if checks.cover(each)]:
                del of.by_hand[gone]
        if of.lasting:
            self._tell(pod, changed, cause)
        else:
            # Nothing else is said of the checks: the word is passed on as it was given.
            self._prober.set_health([pod], answer, probes, container=container, cause=cause)

    def ordered(self, pod: Pod) -> bool:
        """Whether somebody makes a check of the pod answer something."""
        return pod in self._of and bool(self._of[pod].by_hand)

    def begin_with(self, pod: Pod, answers: Mapping[Checks, Segment]) -> None:
        """A pod is set up whose checks answer so by what somebody did before; the kubelet knows it."""
        self._of[pod].by_hand = dict(answers)

    def _tell(self, pod: Pod, changed: Iterable[Checks], cause: int) -> None:
        """Tell the kubelet of the checks that get another answer now."""
        of = self._of[pod]
        news: dict[tuple[Segment | None, str], list[str]] = {}
        for checks in changed:
            # What is said of one container stands beside what is said of all, and is worsened by the same faults.
            of_one = (other for other in of.by_hand if other != checks and checks.cover(other))
            for each in (checks, *of_one):
                answer = of.answer(*each)
                if answer != self._prober.answers(pod).get(each):
                    news.setdefault((answer, each.container), []).append(each.probe)
        for (answer, container), probes in news.items():
            self._prober.set_health([pod], answer, tuple(probes), container=container, cause=cause)
            if answer is None and not container:
                # The kubelet has forgotten what was said of single containers, too.
                self._tell(pod, [each for each in of.by_hand if each.probe in probes], cause)

    def engine_stopped(self, pod: Pod) -> None:
        """What was in the process is gone with it; told once the kubelet is done with its end."""
        of = self._of.get(pod)
        if of is not None:
            for on_restart in of.of_process.values():
                self._clock.after(0, on_restart, pod)

    def pod_gone(self, pod: Pod) -> None:
        """What was said of it is gone with it."""
        self._of.pop(pod, None)
