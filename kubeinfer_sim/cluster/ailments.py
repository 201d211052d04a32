"""What pods suffer from at one time: several faults may overlap, and the end of one heals none of the others.

A health check gets the worst answer of all that last: it hangs, it fails, it fails now and then.
"""

from __future__ import annotations

from collections.abc import Callable

from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.prober import Outcome, Segment
from kubeinfer_sim.engine.clock import Clock

ALL_PROBES = ("startup", "liveness", "readiness")
_BADNESS = {Outcome.HANG: 2, Outcome.FAIL: 1}


class Ailment:
    """One reason why a pod's checks are not answered as they should be.

    Attributes:
        answer: what the checks get while it lasts.
        probes: the kinds of checks it is about.
        on_restart: called with the pod when its engine's process ends, and the ailment with it; None: it outlives the
            process.
    """

    __slots__ = ("answer", "on_restart", "probes")

    def __init__(
        self, answer: Segment, probes: tuple[str, ...], on_restart: Callable[[Pod], None] | None = None
    ) -> None:
        self.answer = answer
        self.probes = probes
        self.on_restart = on_restart


class Ailments:
    """The ailments of all pods, in the order in which they came (`kubelet.PodWatcher`)."""

    def __init__(self, clock: Clock, kubelet: Kubelet) -> None:
        self._clock = clock
        self._kubelet = kubelet
        self._of: dict[Pod, dict[Ailment, None]] = {}
        kubelet.watchers.append(self)
        kubelet.engine_stopped = self._engine_stopped

    def strike(self, pod: Pod, ailment: Ailment, cause: int) -> None:
        """The pod suffers from it from now on."""
        self._of.setdefault(pod, {})[ailment] = None
        self._apply(pod, ailment, cause)

    def heal(self, pod: Pod, ailment: Ailment, cause: int) -> bool:
        """It is over; False when the pod does not suffer from it any more, or is going."""
        known = self._of.get(pod, {})
        if ailment not in known:
            return False
        del known[ailment]
        if pod.state in (PodState.DELETING, PodState.GONE):
            return False
        self._apply(pod, ailment, cause)
        return True

    def _apply(self, pod: Pod, changed: Ailment, cause: int) -> None:
        """Tell the kubelet of the kinds of checks that get another answer now."""
        news: dict[Segment | None, list[str]] = {}
        for probe in changed.probes:
            answers = [each.answer for each in self._of[pod] if probe in each.probes]
            worst = max(answers, key=lambda answer: _BADNESS.get(answer.outcome, 0), default=None)
            if worst != pod.sick.get(probe):
                news.setdefault(worst, []).append(probe)
        for answer, probes in news.items():
            self._kubelet.set_health([pod], answer, tuple(probes), cause=cause)

    def _engine_stopped(self, pod: Pod) -> None:
        """What was in the process is gone with it; told once the kubelet is done with its end."""
        for ailment in self._of.get(pod, ()):
            if ailment.on_restart is not None:
                self._clock.after(0, ailment.on_restart, pod)

    # PodWatcher: only the end of a pod matters.

    def pod_bound(self, pod: Pod) -> None:
        """Faults strike pods, not places."""

    def pod_ready_changed(self, pod: Pod) -> None:
        """That follows from ailments."""

    def pod_terminating(self, pod: Pod) -> None:
        """Its checks are not asked any more."""

    def pod_gone(self, pod: Pod) -> None:
        """Its ailments are gone with it."""
        self._of.pop(pod, None)
