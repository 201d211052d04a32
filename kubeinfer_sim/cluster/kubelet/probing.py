"""Probes and conditions: what the prober finds out, and what the pod's status makes of it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from kubeinfer_sim.cluster.kubelet.state import RUNNING_SINCE, KubeletState
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.prober import (
    KINDS,
    ContainerProber,
    Health,
    Outcome,
    ProbeKind,
    Segment,
    Transition,
)
from kubeinfer_sim.cluster.prober.forecast import Follower, Start
from kubeinfer_sim.cluster.records import (
    HealthChanged,
    PodStarted,
)
from kubeinfer_sim.manifest.model import Container
from kubeinfer_sim.scenario.model import RandomSource


def waits_at_first(container: Container) -> bool:
    """Whether a probe has an initial delay: it counts from the start of the container, cut to whole seconds."""
    probes = (container.startup_probe, container.liveness_probe, container.readiness_probe)
    return any(probe is not None and probe.initial_delay_seconds for probe in probes)


class Probing(KubeletState):
    """Follows the probes of all containers; Started and Ready of a pod follow from its containers'."""

    def _latency(self, pod: Pod) -> int | None:
        """How long a check of the pod's takes that succeeds; None when it hangs."""
        return self._draws.draw(pod.timings.probe_latency, pod, "probe")

    def _follower(self, pod: Pod, index: int, container: Container) -> Follower:
        added_at = pod.added_at
        started = pod.sidecars.get(index, self._clock.now) - added_at
        serving: int | None = started
        if index == pod.engine:
            serving = None if pod.serving_at is None else pod.serving_at - added_at
        second = added_at % 1000
        if second and not waits_at_first(container):
            second = 0  # so that more containers start alike
        start = Start(
            container.startup_probe,
            container.liveness_probe,
            container.readiness_probe,
            second,
            started,
            serving,
            self._latency(pod),
            added_at + started - self._began(pod, index, added_at + started),
        )
        return Follower(self._forecasts, start, added_at)

    def _first_prober(self, pod: Pod, index: int, container: Container) -> Follower | ContainerProber:
        """The prober of a container that has started for the first time; its own if it is sick from birth.

        A sidecar has run for a while by then.
        """
        if not pod.sick:
            return self._follower(pod, index, container)
        prober = self._prober(pod, container)
        at = pod.sidecars.get(index, self._clock.now)
        prober.container_started(at, self._health(pod, index), self._began(pod, index, at))
        return prober

    @staticmethod
    def _began(pod: Pod, index: int, at: int) -> int:
        """When the process began of a container that was seen running from `at` on: before its postStart hook."""
        return at if pod.began_at is None else pod.began_at.get(index, at)

    def _exact(self, pod: Pod, index: int) -> ContainerProber:
        """The prober of a container, from now on its own."""
        prober = pod.probers[index]
        if isinstance(prober, Follower):
            own = self._prober(pod, pod.containers[index])
            prober = pod.probers[index] = prober.exact(own, self._clock.now)
        return prober

    def _prober(self, pod: Pod, container: Container, *, kubelet_age_ms: int = 3_600_000) -> ContainerProber:
        # Each kubelet that takes the pod over draws anew.
        by = "" if kubelet_age_ms else f"/{pod.added_at}"

        def stream(kind: ProbeKind) -> RandomSource:
            return self._streams.named(f"probe/{kind}/{pod.stream_name}/{container.name}{by}")

        return ContainerProber(
            container.startup_probe,
            container.liveness_probe,
            container.readiness_probe,
            added_at=pod.added_at,
            kubelet_age_ms=kubelet_age_ms,
            kubernetes=self._kubernetes,
            source=stream,
        )

    def _health(self, pod: Pod, index: int) -> Health:
        """What the container's health check answers from now on, as far as it is known now."""
        latency = self._latency(pod)
        outcome = Outcome.HANG if latency is None else Outcome.SUCCESS
        failing = Segment(0, Outcome.FAIL)
        serving: tuple[Segment, ...] = (failing,)
        if index != pod.engine or (pod.serving_at is not None and pod.serving_at <= self._clock.now):
            serving = (Segment(0, outcome, latency or 0),)
        elif pod.serving_at is not None:
            serving = (failing, Segment(pod.serving_at, outcome, latency or 0))
        if not pod.sick:
            return Health(serving, serving, serving)
        sick, name = pod.sick, pod.containers[index].name
        answers = [sick.get(f"{kind}/{name}") or sick.get(kind) for kind in KINDS]
        startup, liveness, readiness = (serving if each is None else (each,) for each in answers)
        return Health(startup, liveness, readiness)

    def _health_changed(self, pod: Pod) -> None:
        if pod.node is not None and not pod.node.kubelet_runs:
            return
        now = self._clock.now
        for index in pod.probers:
            self._exact(pod, index).health_changed(now, self._health(pod, index))
        self._follow(pod)

    def _follow(self, pod: Pod) -> None:
        """Apply what the probes have found by now and wake up when they will find something new."""
        if pod.node is not None and not pod.node.kubelet_runs:
            return
        now = self._clock.now
        if pod.timer is not None:
            pod.timer.cancel()
            pod.timer = None
        following: int | None = None
        for index, prober in pod.probers.items():
            due = prober.next_at()
            if due is not None and due <= now:
                for transition in prober.advance(now):
                    if transition.kind == "kill":
                        self._kill(pod, index, transition)
                due = prober.next_at()
            if due is not None and (following is None or due < following):
                following = due
        self._update_conditions(pod)
        if following is not None and pod.state in (PodState.RUNNING, PodState.PULLING):
            if len(pod.probers) > 1:
                following = self._next_change(pod, following)
            if following is not None:
                pod.timer = self._clock.at(following, self._follow, pod)
        if pod.waits is not None:
            self._look_at_sidecar(pod)

    def _next_change(self, pod: Pod, soonest: int) -> int | None:
        """When the pod's conditions change next, or a container is killed; None when that is not in sight.

        Of several containers only the last to start, and the last to be ready, changes what the pod is. That can be
        known where all follow a forecast; elsewhere it is the `soonest` change of any of them.
        """
        followers = [prober for prober in pod.probers.values() if isinstance(prober, Follower)]
        if len(followers) < len(pod.probers):
            return soonest
        change = max(prober.becomes("ready" if pod.started else "started") for prober in followers)
        if change <= self._clock.now:
            change = math.inf
        change = min(change, *(prober.suffers_at() for prober in followers))
        return None if change == math.inf else int(change)

    def _update_conditions(self, pod: Pod) -> None:
        """Started and Ready of the pod follow from its containers', as far as the API server hears of them."""
        if pod.state is not PodState.RUNNING or (pod.node is not None and not pod.node.reachable):
            return
        now = self._clock.now
        probers = pod.probers.values()
        if not pod.started and not pod.dead and all(prober.started for prober in probers):
            pod.started = True
            pod.last = self._history.append(PodStarted(now, pod.last, pod.ref))
        # Killed and started again within one sync, a dead container is still ready in the API's eyes; not in ours.
        ready = not pod.dead and not pod.overruled and all(prober.ready for prober in probers)
        if ready and not pod.ready:
            self._api.ready(pod)
        elif not ready and pod.ready:
            self._api.unready(pod, "ReadinessProbeFailed")

    def set_health(
        self,
        pods: Iterable[Pod],
        answer: Segment | None,
        probes: tuple[str, ...],
        *,
        container: str = "",
        cause: int,
    ) -> None:
        """The check behind these probes answers so from now on; None: as the container's state has it.

        Without a `container`, those of all containers.
        """
        now = self._clock.now
        for pod in pods:
            if pod.state is PodState.PULLING and pod.sidecars:
                self._watch_sidecars(pod)
            for kind in probes:
                key = f"{kind}/{container}" if container else kind
                pod.sick.pop(key, None)
                if answer is not None:
                    pod.sick[key] = answer
                elif not container:
                    for each in [each for each in pod.sick if each.startswith(f"{kind}/")]:
                        del pod.sick[each]
            pod.last = self._history.append(
                HealthChanged(now, cause, pod.ref, answer is None, probes, container)
            )
            if pod.state is PodState.RUNNING and (pod.node is None or pod.node.alive):
                if not pod.probers:
                    self._probe_running(pod)
                self._health_changed(pod)
            elif pod.state is PodState.PULLING and pod.probers:
                self._health_changed(pod)

    def _probe_running(self, pod: Pod) -> None:
        """Give a pod that ran before the simulation began its probers, as they stand now.

        Where its ticks fall is not known: the phase is drawn from a stream of the pod's own.
        """
        phase = int(self._streams.named(f"probe-phase/{pod.stream_name}").random() * 10_000)
        pod.added_at = RUNNING_SINCE - phase
        for index, container in enumerate(pod.containers):
            if container.startup_probe or container.liveness_probe or container.readiness_probe:
                prober = pod.probers[index] = self._prober(pod, container)
                prober.container_started(pod.added_at, Health.alike(Segment(0, Outcome.SUCCESS)))
                prober.advance(self._clock.now - 1)

    def _kill(self, pod: Pod, index: int, transition: Transition) -> None:
        """A startup or liveness probe has failed for good."""
        raise NotImplementedError

    def _watch_sidecars(self, pod: Pod) -> None:
        """Sidecars of a pod that is being set up run: from now on their probes are followed."""
        raise NotImplementedError

    def _look_at_sidecar(self, pod: Pod) -> None:
        """The set-up may go on when the sidecar it waits for has started."""
        raise NotImplementedError
