"""What pods suffer from at one time: several faults may overlap, and the end of one heals none of the others.

A health check gets the worst answer of all that last: it hangs, it fails, it fails now and then. What a person makes
it answer (a `health` action) is one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.prober import Outcome, Segment
from kubeinfer_sim.cluster.watcher import Watcher
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


class Ailments(Watcher):
    """The ailments of all pods, in the order in which they came."""

    def __init__(self, clock: Clock, kubelet: Kubelet) -> None:
        self._clock = clock
        self._kubelet = kubelet
        self._of: dict[Pod, dict[Ailment, None]] = {}
        # What people make the checks answer (`health` actions): kind, or kind/container -> answer; the last one counts.
        self._made: dict[Pod, dict[str, Segment]] = {}

    def strike(self, pod: Pod, ailment: Ailment, cause: int) -> None:
        """The pod suffers from it from now on."""
        self._of.setdefault(pod, {})[ailment] = None
        self._apply(pod, ailment.probes, cause)

    def make(
        self, pod: Pod, answer: Segment | None, probes: tuple[str, ...], container: str, cause: int
    ) -> None:
        """Somebody makes checks answer so, or (None) no more; what the pod suffers from besides goes on.

        Without a `container`, those of all containers, also where it was said of one.
        """
        made = self._made.setdefault(pod, {})
        keys = [f"{probe}/{container}" if container else probe for probe in probes]
        for key in keys:
            if answer is not None:
                made[key] = answer
                continue
            for gone in [each for each in made if each == key or each.startswith(f"{key}/")]:
                del made[gone]
        self._apply(pod, tuple(keys), cause)

    def born(self, pod: Pod, sick: Mapping[str, Segment]) -> None:
        """A pod is set up whose checks answer so by what somebody did before; the kubelet knows it."""
        self._made[pod] = dict(sick)

    def heal(self, pod: Pod, ailment: Ailment, cause: int) -> bool:
        """It is over; False when the pod does not suffer from it any more, or is going."""
        known = self._of.get(pod, {})
        if ailment not in known:
            return False
        del known[ailment]
        if pod.state in (PodState.DELETING, PodState.GONE):
            return False
        self._apply(pod, ailment.probes, cause)
        return True

    def _apply(self, pod: Pod, changed: tuple[str, ...], cause: int) -> None:
        """Tell the kubelet of the checks, kinds or `kind/container`, that get another answer now."""
        made = self._made.get(pod, {})
        news: dict[tuple[Segment | None, str], list[str]] = {}
        for key in changed:
            # What is said of one container stands beside what is said of all, and is worsened by the same faults.
            for each in (key, *(other for other in made if other.startswith(f"{key}/"))):
                probe, _, container = each.partition("/")
                worst = self._worst(pod, probe, made.get(each), container)
                if worst != pod.sick.get(each):
                    news.setdefault((worst, container), []).append(probe)
        for (answer, container), probes in news.items():
            self._kubelet.set_health([pod], answer, tuple(probes), container=container, cause=cause)
            if answer is None and not container:
                # The kubelet has forgotten what was said of single containers, too.
                self._apply(pod, tuple(each for each in made if each.partition("/")[0] in probes), cause)

    def _worst(self, pod: Pod, probe: str, made: Segment | None, container: str) -> Segment | None:
        """The worst answer of all that last; nothing of one container where nobody said anything of it."""
        if container and made is None:
            return None
        answers = [each.answer for each in self._of.get(pod, ()) if probe in each.probes]
        answers += [] if made is None else [made]
        return max(answers, key=lambda answer: _BADNESS.get(answer.outcome, 0), default=None)

    def engine_stopped(self, pod: Pod) -> None:
        """What was in the process is gone with it; told once the kubelet is done with its end."""
        for ailment in self._of.get(pod, ()):
            if ailment.on_restart is not None:
                self._clock.after(0, ailment.on_restart, pod)

    def pod_gone(self, pod: Pod) -> None:
        """Its ailments are gone with it."""
        self._of.pop(pod, None)
        self._made.pop(pod, None)
