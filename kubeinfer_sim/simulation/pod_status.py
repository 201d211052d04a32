"""The status of a pod's containers at this instant, as its kubelet writes it.

Read from the kubelet's view of them, with the history for what that does not keep (how the last run ended). Sources:
pkg/kubelet/kubelet_pods.go (convertToAPIContainerStatuses), pkg/kubelet/images/types.go. A sync writes the status
before it does anything, so the status tells of what has gone wrong one sync late: of CrashLoopBackOff with the sync
that starts the container again, unless its back-off is longer than a minute; of ErrImagePull and ImagePullBackOff in
turns.
"""

from __future__ import annotations

from kubeinfer_sim.cluster.kubelet import ImageError, Kubelet
from kubeinfer_sim.cluster.kubelet.containers import HOOK_FAILED
from kubeinfer_sim.cluster.kubelet.object_waits import CONFIG_ERROR
from kubeinfer_sim.cluster.kubelet.pod_layout import ContainerKind
from kubeinfer_sim.cluster.kubelet.pod_phase import ContainerStatus
from kubeinfer_sim.cluster.kubelet.pod_view import ContainerView, PodView
from kubeinfer_sim.cluster.pod import Pod, is_sidecar
from kubeinfer_sim.cluster.pod_printing import Kind, ShownContainer
from kubeinfer_sim.cluster.reasons import CRASH_LOOP, PROBE_KILLS
from kubeinfer_sim.cluster.records import ImagePullFailed
from kubeinfer_sim.manifest.model import Container
from kubeinfer_sim.simulation.pod_facts import PodFacts, RunFacts

KINDS: dict[ContainerKind, Kind] = {
    ContainerKind.INIT: "init",
    ContainerKind.SIDECAR: "sidecar",
    ContainerKind.ORDINARY: "container",
}

#: Exit code of a container of which the runtime does not know how it ended (containerd, restart.go).
LOST = 255

#: A container before its first run, in a pod without and with init containers.
CREATING, INITIALIZING = "ContainerCreating", "PodInitializing"

_DONE = ContainerStatus("terminated", ready=True)


class PodStatuses:
    """Reads the containers of pods."""

    def __init__(self, kubelet: Kubelet) -> None:
        self._kubelet = kubelet

    def of(self, pod: Pod, facts: PodFacts, now: int) -> tuple[ShownContainer, ...]:
        """All containers in the order of the spec, init containers first; none before its kubelet heard of it."""
        adopted = pod.node is not None and facts.bound is None
        if not adopted and (facts.heard is None or pod.node is None):
            return ()
        if facts.stopping is not None:
            if facts.stopped is not None and now >= facts.stopped:
                return self._stopped(pod, facts)
            now = min(now, facts.stopping)
        view = self._kubelet.view(pod, now)
        if not view.heard:
            return ()
        if (adopted or facts.ran) and not view.setting_up:
            return tuple(
                self._done(facts, each.spec)
                if each.kind is ContainerKind.INIT
                else self._long(pod, facts, each, now)
                for each in view.containers
            )
        return self._set_up(pod, facts, view, now)

    def _long(self, pod: Pod, facts: PodFacts, view: ContainerView, now: int) -> ShownContainer:
        """A container or a sidecar that has run at least once."""
        container, kind = view.spec, KINDS[view.kind]
        run = facts.runs.get(container.name, RunFacts())
        if view.dead and run.died is not None:
            hidden = run.reason in PROBE_KILLS and run.back_off is None
            policy = "Always" if kind == "sidecar" else pod.template.restart_policy
            if not hidden or policy == "Never":
                return self._dead(container, kind, run, now)
            # Killed and started again within one sync: nobody sees it dead.
            status = ContainerStatus("running", last_exit_code=run.exit_code)
            return self._shown(container, kind, status, run)
        last = None if run.before is None else run.exit_code
        status = ContainerStatus("running", started=view.started, ready=view.ready, last_exit_code=last)
        return self._shown(container, kind, status, run)

    @staticmethod
    def _shown(container: Container, kind: Kind, status: ContainerStatus, run: RunFacts) -> ShownContainer:
        return ShownContainer(container.name, kind, status, "", run.restarts, run.before)

    @staticmethod
    def _dead(container: Container, kind: Kind, run: RunFacts, now: int) -> ShownContainer:
        """A container that has ended, and is not running again yet."""
        assert run.died is not None
        told = run.back_off is not None and now >= run.back_off
        if told or run.reason == HOOK_FAILED:
            status = ContainerStatus("waiting", last_exit_code=run.exit_code)
            reason = CRASH_LOOP if told else HOOK_FAILED
            return ShownContainer(container.name, kind, status, reason, run.restarts, run.died)
        status = ContainerStatus("terminated", run.exit_code)
        return ShownContainer(container.name, kind, status, how_ended(run), run.restarts, run.before)

    @staticmethod
    def _done(facts: PodFacts, container: Container) -> ShownContainer:
        run = facts.runs.get(container.name, RunFacts())
        return ShownContainer(container.name, "init", _DONE, "Completed", run.restarts, run.before)

    def _set_up(self, pod: Pod, facts: PodFacts, view: PodView, now: int) -> tuple[ShownContainer, ...]:
        """Its containers have yet to run: its init containers do, or images are pulled."""
        init = len(pod.template.init_containers)
        waiting = INITIALIZING if init else CREATING
        place, stage = self._place(facts, view)
        shown = []
        for index, each in enumerate(view.containers):
            container, kind = each.spec, KINDS[each.kind]
            run = facts.runs.get(container.name, RunFacts())
            if index < min(place, init):
                if kind == "sidecar":
                    shown.append(self._long(pod, facts, each, now))
                else:
                    shown.append(self._done(facts, container))
            elif index > place or stage == "image":
                reason = waiting
                if container.name == facts.unset:
                    reason = CONFIG_ERROR
                elif index == place and facts.image is not None:
                    reason = self._image_reason(pod, facts.image, now)
                shown.append(ShownContainer(container.name, kind, ContainerStatus(), reason))
            elif stage == "dead" or (kind == "sidecar" and each.dead and run.died is not None):
                shown.append(self._dead(container, kind, run, now))
            else:
                last = None if run.before is None else run.exit_code
                status = ContainerStatus("running", last_exit_code=last)
                shown.append(self._shown(container, kind, status, run))
        return tuple(shown)

    @staticmethod
    def _place(facts: PodFacts, view: PodView) -> tuple[int, str]:
        """How far the set-up has come: the container it is at, and what it does there (image, run, dead)."""
        if facts.image is not None:
            missing = facts.image.image
            return next(
                (i for i, each in enumerate(view.containers) if each.spec.image == missing), 0
            ), "image"
        for index, each in enumerate(view.containers):
            if facts.init and each.kind is ContainerKind.INIT and each.spec.name == facts.init:
                return index, "dead"
        return view.at, "run" if view.runs else "image"

    def _image_reason(self, pod: Pod, failed: ImagePullFailed, now: int) -> str:
        if failed.reason in (ImageError.NEVER_PULL, ImageError.INVALID_NAME):
            return failed.reason
        return str(self._kubelet.pull_reason(pod, failed.at - failed.took, now, failed.took))

    @staticmethod
    def lost(pod: Pod, facts: PodFacts) -> tuple[ShownContainer, ...]:
        """What ran in a pod that its new kubelet has rejected: nobody knows how it ended."""
        ended = ContainerStatus("terminated", LOST)
        return tuple(
            ShownContainer(each.name, "container", ended, "Unknown", run.restarts, run.before)
            for each in pod.template.containers
            for run in (facts.runs.get(each.name, RunFacts()),)
        )

    def _stopped(self, pod: Pod, facts: PodFacts) -> tuple[ShownContainer, ...]:
        """The kubelet has stopped all containers; the pod's object goes as soon as all is cleaned up."""
        shown = []
        for each in (*pod.template.init_containers, *pod.template.containers):
            run = facts.runs.get(each.name, RunFacts())
            sidecar = is_sidecar(each)
            if each in pod.template.init_containers and not sidecar:
                shown.append(self._done(facts, each))
                continue
            kind: Kind = "sidecar" if sidecar else "container"
            if run.died is not None:  # by itself, before it was stopped
                code, reason = run.exit_code, how_ended(run)
            else:
                code, reason = 137 if (each.name if sidecar else "") in facts.killed else 143, "Error"
            ended = ContainerStatus("terminated", code)
            shown.append(ShownContainer(each.name, kind, ended, reason, run.restarts, run.before))
        return tuple(shown)


def how_ended(run: RunFacts) -> str:
    """The reason in a terminated container's state, as the container runtime words it."""
    if run.exit_code == 0:
        return "Completed"
    if run.reason == "OOMKilled":
        return "OOMKilled"
    # After a reboot containerd knows nothing of the containers it finds dead (restart.go, unknownExitReason).
    return "Unknown" if run.reason == "NodeRebooted" else "Error"
