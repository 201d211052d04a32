"""The status of a pod's containers at this instant, as its kubelet writes it.

Read from the kubelet's own state, with the history for what that does not keep (how the last run ended). Sources:
pkg/kubelet/kubelet_pods.go (convertToAPIContainerStatuses), pkg/kubelet/images/types.go. Which of two words stands
there shortly after something went wrong depends on the pod worker's next sync: for `SECOND_SYNC` the error itself
(Error, ErrImagePull), then the back-off (CrashLoopBackOff, ImagePullBackOff).
"""

from __future__ import annotations

from kubeinfer_sim.cluster.kubelet.backoff import ImageBackoff, PodWorkerRetry
from kubeinfer_sim.cluster.kubelet.image_pull import failed_attempts
from kubeinfer_sim.cluster.kubelet.pod_phase import ContainerStatus
from kubeinfer_sim.cluster.kubelet.state import PROBE_KILLS
from kubeinfer_sim.cluster.pod import Pod, is_sidecar
from kubeinfer_sim.cluster.pod_printing import Kind, ShownContainer
from kubeinfer_sim.cluster.prober.forecast import Follower
from kubeinfer_sim.cluster.records import ImagePullFailed
from kubeinfer_sim.cluster.stages import StageKind
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.manifest.model import Container
from kubeinfer_sim.manifest.releases import Release
from kubeinfer_sim.simulation.pod_facts import PodFacts, RunFacts

#: How long after a failure the pod worker comes back and finds the back-off (pod_workers.go, backOffPeriod), ms.
SECOND_SYNC = 10_000

#: A container before its first run, in a pod without and with init containers.
CREATING, INITIALIZING = "ContainerCreating", "PodInitializing"

_DONE = ContainerStatus("terminated", ready=True)


class PodStatuses:
    """Reads the containers of pods; `seed` and the release of Kubernetes are the simulation's."""

    def __init__(self, seed: int, kubernetes: Release) -> None:
        self._seed = seed
        self._kubernetes = kubernetes

    def of(self, pod: Pod, facts: PodFacts, now: int) -> tuple[ShownContainer, ...]:
        """All containers in the order of the spec, init containers first; none before its kubelet heard of it."""
        adopted = pod.node is not None and facts.bound is None
        if not adopted and (facts.heard is None or pod.node is None):
            return ()
        if facts.deleting is not None:
            if facts.stopped is not None and now >= facts.stopped:
                return self._stopped(pod, facts)
            now = min(now, facts.deleting)
        if adopted or facts.ran:
            return self._running(pod, facts, now)
        return self._set_up(pod, facts, now)

    def _running(self, pod: Pod, facts: PodFacts, now: int) -> tuple[ShownContainer, ...]:
        """All containers have run."""
        init = tuple(
            self._beside(pod, facts, each, now) if is_sidecar(each) else self._done(facts, each)
            for each in pod.template.init_containers
        )
        return init + tuple(
            self._long(pod, facts, index, now) for index in range(len(pod.template.containers))
        )

    def _beside(self, pod: Pod, facts: PodFacts, sidecar: Container, now: int) -> ShownContainer:
        index = pod.containers.index(sidecar, len(pod.template.containers))
        return self._long(pod, facts, index, now)

    def _long(self, pod: Pod, facts: PodFacts, index: int, now: int) -> ShownContainer:
        """A container or a sidecar that has run at least once."""
        container = pod.containers[index]
        kind: Kind = "sidecar" if index >= len(pod.template.containers) else "container"
        run = facts.runs.get(container.name, RunFacts())
        if index in pod.dead and run.died is not None:
            hidden = run.reason in PROBE_KILLS and not run.back_off
            policy = "Always" if kind == "sidecar" else pod.template.restart_policy
            if not hidden or policy == "Never":
                return self._dead(container, kind, run, now)
            # Killed and started again within one sync: nobody sees it dead.
            status = ContainerStatus("running", last_exit_code=run.exit_code)
            return self._shown(container, kind, status, run)
        prober = pod.probers.get(index)
        if isinstance(prober, Follower):
            started, ready = (prober.becomes("started") <= now, prober.becomes("ready") <= now)
        elif prober is not None:
            started, ready = prober.started, prober.ready
        else:
            started = ready = True
        last = None if run.before is None else run.exit_code
        status = ContainerStatus("running", started=started, ready=ready, last_exit_code=last)
        return self._shown(container, kind, status, run)

    @staticmethod
    def _shown(container: Container, kind: Kind, status: ContainerStatus, run: RunFacts) -> ShownContainer:
        return ShownContainer(container.name, kind, status, "", run.restarts, run.before)

    @staticmethod
    def _dead(container: Container, kind: Kind, run: RunFacts, now: int) -> ShownContainer:
        """A container that has ended, and is not running again yet."""
        assert run.died is not None
        if run.back_off and now >= run.died + SECOND_SYNC:
            status = ContainerStatus("waiting", last_exit_code=run.exit_code)
            return ShownContainer(container.name, kind, status, "CrashLoopBackOff", run.restarts, run.died)
        status = ContainerStatus("terminated", run.exit_code)
        return ShownContainer(container.name, kind, status, how_ended(run), run.restarts, run.before)

    @staticmethod
    def _done(facts: PodFacts, container: Container) -> ShownContainer:
        run = facts.runs.get(container.name, RunFacts())
        return ShownContainer(container.name, "init", _DONE, "Completed", run.restarts, run.before)

    def _set_up(self, pod: Pod, facts: PodFacts, now: int) -> tuple[ShownContainer, ...]:
        """Its containers have yet to run: its init containers do, or images are pulled."""
        template = pod.template
        every = (*template.init_containers, *template.containers)
        init = len(template.init_containers)
        waiting = INITIALIZING if init else CREATING
        place, stage = self._place(pod, facts, now)
        shown = []
        for index, container in enumerate(every):
            kind: Kind = "container" if index >= init else "sidecar" if is_sidecar(container) else "init"
            run = facts.runs.get(container.name, RunFacts())
            if index < min(place, init):
                if kind == "sidecar":
                    shown.append(self._beside(pod, facts, container, now))
                else:
                    shown.append(self._done(facts, container))
            elif index > place or stage == "image":
                reason = waiting
                if index == place and facts.image is not None:
                    reason = self._image_reason(pod, facts.image, container, now)
                shown.append(ShownContainer(container.name, kind, ContainerStatus(), reason))
            elif kind == "sidecar":
                shown.append(self._starting(pod, facts, container, now))
            elif stage == "dead":
                shown.append(self._dead(container, kind, run, now))
            else:
                last = None if run.before is None else run.exit_code
                status = ContainerStatus("running", last_exit_code=last)
                shown.append(self._shown(container, kind, status, run))
        return tuple(shown)

    def _place(self, pod: Pod, facts: PodFacts, now: int) -> tuple[int, str]:
        """How far the set-up has come: the container it is at, and what it does there (image, run, dead)."""
        template = pod.template
        init = template.init_containers
        every = (*init, *template.containers)
        if facts.image is not None:
            missing = facts.image.image
            return next((i for i, each in enumerate(every) if each.image == missing), 0), "image"
        if facts.init:
            index = next((i for i, each in enumerate(init) if each.name == facts.init), None)
            if index is not None and not is_sidecar(init[index]):
                return index, "dead"
        if pod.waits is not None:
            return init.index(pod.containers[pod.waits]), "run"
        if pod.plan is not None:
            since, plan = pod.plan
            stage = plan.now(now - since)
            if stage is None:
                return len(init), "image"
            own = plan.stages[stage].name.kind in (StageKind.INIT, StageKind.SIDECAR)
            return plan.places[stage], "run" if own else "image"
        return 0, "image"

    def _starting(self, pod: Pod, facts: PodFacts, sidecar: Container, now: int) -> ShownContainer:
        """A sidecar that runs, but has not started yet as its startup probe would have it."""
        index = pod.containers.index(sidecar, len(pod.template.containers))
        run = facts.runs.get(sidecar.name, RunFacts())
        if index in pod.dead and run.died is not None:
            return self._dead(sidecar, "sidecar", run, now)
        last = None if run.before is None else run.exit_code
        return self._shown(sidecar, "sidecar", ContainerStatus("running", last_exit_code=last), run)

    def _image_reason(self, pod: Pod, failed: ImagePullFailed, container: Container, now: int) -> str:
        if container.image_pull_policy == "Never":
            return "ErrImageNeverPull"
        # The stream the kubelet draws from, from its beginning: the same attempts.
        retry = PodWorkerRetry(self._kubernetes, Streams(self._seed).named(f"pull/{pod.stream_name}"))
        last = failed.at
        for attempt in failed_attempts(failed.at, ImageBackoff(), retry):
            if attempt > now:
                break
            last = attempt
        return "ErrImagePull" if now < last + SECOND_SYNC else "ImagePullBackOff"

    def _stopped(self, pod: Pod, facts: PodFacts) -> tuple[ShownContainer, ...]:
        """The kubelet has stopped all containers; the pod's object goes as soon as all is cleaned up."""
        code = 137 if facts.killed else 143
        ended = ContainerStatus("terminated", code)
        shown = []
        for each in (*pod.template.init_containers, *pod.template.containers):
            run = facts.runs.get(each.name, RunFacts())
            if each in pod.template.init_containers and not is_sidecar(each):
                shown.append(self._done(facts, each))
            else:
                kind: Kind = "sidecar" if is_sidecar(each) else "container"
                shown.append(ShownContainer(each.name, kind, ended, "Error", run.restarts, run.before))
        return tuple(shown)


def how_ended(run: RunFacts) -> str:
    """The reason in a terminated container's state, as the container runtime words it."""
    if run.exit_code == 0:
        return "Completed"
    if run.reason == "OOMKilled":
        return "OOMKilled"
    # After a reboot containerd knows nothing of the containers it finds dead (restart.go, unknownExitReason).
    return "Unknown" if run.reason == "NodeRebooted" else "Error"
