"""What faults can do to pods: engines that exit, fall silent, or answer their checks otherwise than they should."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.fault_records import FaultCleared, FaultInjected
from kubeinfer_sim.cluster.kubelet import Kubelet
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.prober import Segment
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.simulation.faults.effects import Effects, Strike
from kubeinfer_sim.simulation.faults.probe_answers import Impairment, ProbeAnswers
from kubeinfer_sim.simulation.faults.speeds import Speeds


class PodStrike(Strike, frozen=True):
    """A fault strikes a pod."""

    pod: Pod


class PodFaults:
    """Strikes pods; each fault ends by itself, whatever else the pod suffers from."""

    def __init__(self, env: Environment, kubelet: Kubelet, answers: ProbeAnswers, speeds: Speeds) -> None:
        self._clock = env.clock
        self._history = env.history
        self._kubelet = kubelet
        self._answers = answers
        self._speeds = speeds

    def strike(self, pod: Pod, fault: Fault, process: str) -> None:
        """Something breaks in a pod."""
        cause = self._history.append(
            FaultInjected(self._clock.now, NO_CAUSE, fault.kind, "", pod.ref.name, pod.ref, process)
        )
        POD_EFFECTS.of(fault.kind)(self, PodStrike(fault, cause, pod))

    # -- what an effect may do -----------------------------------------------------------------------------

    def exit(self, strike: PodStrike, reason: str, code: int) -> None:
        """The engine's process ends, as the kubelet says it: `Error`, `OOMKilled`."""
        self._kubelet.crash(strike.pod, reason, code, cause=strike.cause)

    def answer(
        self, strike: PodStrike, answer: Segment, probes: tuple[str, ...], *, until_restart: bool = False
    ) -> None:
        """These checks get this answer while the fault lasts, or `until_restart` of the engine's process."""

        def over(how: str) -> None:
            if self._answers.mend(strike.pod, impairment, strike.cause):
                self._history.append(
                    FaultCleared(self._clock.now, strike.cause, strike.fault.kind, strike.pod.ref.name, how)
                )

        impairment = Impairment(answer, probes, (lambda _: over("restarted")) if until_restart else None)
        self._answers.impair(strike.pod, impairment, strike.cause)
        if strike.lasts is not None:
            self._clock.after(strike.lasts, over, "itself")

    def slow(
        self, strike: PodStrike, factor: float, at_end: Callable[[PodStrike], None] | None = None
    ) -> None:
        """The engine works at this part of its speed while the fault lasts, or until its process ends.

        `at_end` is called when the fault has ended by itself, in the same process.
        """
        pod, reason = strike.pod, strike.cause

        def over() -> None:
            if self._speeds.is_slowed(pod, reason):
                self._speeds.end(pod, reason)
                self._speeds.tell(pod, strike.cause)
                if at_end is not None:
                    at_end(strike)

        self._speeds.slow(pod, reason, factor, of_process=True)
        self._speeds.tell(pod, strike.cause)
        if strike.lasts is not None:
            self._clock.after(strike.lasts, over)

    def group(self, strike: PodStrike) -> list[PodStrike]:
        """The same fault, of each pod whose engine runs and computes its steps together with this one's."""
        pods = strike.pod.owner.group(strike.pod)
        running = [
            pod for pod in pods if pod.state is PodState.RUNNING and not self._kubelet.engine_dead(pod)
        ]
        return [replace(strike, pod=pod) for pod in running]

    def fall_silent(self, strike: PodStrike) -> None:
        """The engine does not answer its peers any more."""
        if strike.pod.state is PodState.RUNNING:
            strike.pod.owner.engine_silent(strike.pod, strike.cause)


POD_EFFECTS: Effects[PodFaults, PodStrike] = Effects()
