"""The kubelets of all nodes: a pod's life from the moment it has a node until it is gone.

What a kubelet knows of a pod is a `PodWorker`, of a container a `Container`. The parts that act on them:

- `set_up`: images, init containers, sidecars, containers, up to the moment all containers run;
- `containers`: containers that end, and are started again;
- `pod_admission`: pods that come to a node, which takes them or not;
- `pod_termination`: pods that are stopped, or removed;
- `node_events`: machines that die or are cut off, kubelets that are restarted;
- `probe_manager`: what probes find out; `status_manager`: what the API server hears of it all;
- `engine_starts`: what the processes in the containers do once they run.

Each part knows only parts below it (`services`, `engine_starts`, `set_up`, `containers`, `pod_termination`,
`pod_admission`, `node_events`, in this order) and hands back to the `SyncLoop`, which is the kubelet. A pod costs a
handful of timers in its whole life: each stage is computed when it begins, and the prober says which of its ticks will
matter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from msgspec import Struct

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.kubelet.admission_checks import DeviceManager
from kubeinfer_sim.cluster.kubelet.check_faults import CheckFaults
from kubeinfer_sim.cluster.kubelet.container import Container
from kubeinfer_sim.cluster.kubelet.containers import Containers
from kubeinfer_sim.cluster.kubelet.engine_starts import EngineStarts
from kubeinfer_sim.cluster.kubelet.image_manager import ImageManager
from kubeinfer_sim.cluster.kubelet.image_pull import ImageError, PullRetries
from kubeinfer_sim.cluster.kubelet.node_events import NodeEvents
from kubeinfer_sim.cluster.kubelet.object_waits import ObjectWaits
from kubeinfer_sim.cluster.kubelet.pod_admission import PodAdmission
from kubeinfer_sim.cluster.kubelet.pod_layout import PodLayout, layout_of
from kubeinfer_sim.cluster.kubelet.pod_termination import PodTermination
from kubeinfer_sim.cluster.kubelet.pod_view import PodView
from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker, Sync
from kubeinfer_sim.cluster.kubelet.probe_manager import RUNNING_SINCE, ProbeManager
from kubeinfer_sim.cluster.kubelet.services import Services
from kubeinfer_sim.cluster.kubelet.set_up import SetUp
from kubeinfer_sim.cluster.kubelet.set_up_plan import FailedHook
from kubeinfer_sim.cluster.kubelet.set_up_planner import SetUpPlanner
from kubeinfer_sim.cluster.kubelet.stage_draws import StageDraws
from kubeinfer_sim.cluster.kubelet.start_faults import StartFaults
from kubeinfer_sim.cluster.kubelet.status_manager import StatusManager
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod, PodState, is_sidecar
from kubeinfer_sim.cluster.prober import Checks, Segment
from kubeinfer_sim.cluster.records import HealthChanged, PodBound
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.manifest.releases import Release
from kubeinfer_sim.scenario.cluster.model import ClusterObject, RunningPod
from kubeinfer_sim.scenario.timings.model import CrashBackOff, Transfers


class KubeletSettings(Struct, frozen=True):
    """How all kubelets are configured, and what goes wrong beneath them.

    Attributes:
        broken_images: images nobody can pull.
        start_faults: which init containers and postStart hooks fail.
        check_faults: which checks go wrong some time after their container's start.
        loads_after_sigterm: an engine whose container a probe has killed goes on loading until it is gone.
    """

    kubernetes: Release
    transfers: Transfers
    crash_back_off: CrashBackOff
    broken_images: frozenset[str] = frozenset()
    start_faults: StartFaults | None = None
    check_faults: CheckFaults | None = None
    loads_after_sigterm: bool = True


class Kubelet(Watcher):
    """All kubelets.

    Args:
        env: the cluster they belong to.
        settings: how they are configured.
        first_answers: what the checks get of a pod that is set up at a time (ms); None: what its containers say.
        devices: who gives pods their devices; None where all are well.
        beside: pods of a node that are not played.
    """

    def __init__(
        self,
        env: Environment,
        settings: KubeletSettings,
        first_answers: Callable[[Pod, int], dict[Checks, Segment]] | None = None,
        devices: DeviceManager | None = None,
        beside: Callable[[str], Iterable[RunningPod]] = lambda node: (),
    ) -> None:
        clock, history, streams, kubernetes = env.clock, env.history, env.streams, settings.kubernetes
        draws = StageDraws(streams)
        services = Services(
            clock,
            history,
            streams,
            draws,
            StatusManager(clock, history, env.api),
            ProbeManager(clock, streams, draws, kubernetes, settings.check_faults),
            SetUpPlanner(draws, kubernetes, settings.start_faults, settings.check_faults),
            kubernetes,
        )
        images = ImageManager(clock, settings.transfers, settings.broken_images)
        retries = PullRetries(streams, kubernetes)
        self._workers: dict[Pod, PodWorker] = {}
        self._layouts: dict[int, PodLayout] = {}  # by the id of the template they are of
        self._api = env.api
        self._clock = clock
        self._history = history
        self._status = services.status
        self._probes = services.probes
        self._registry = images.registry
        self._retries = retries
        # What the checks of pods get that have no node yet.
        self._answers_to_be: dict[Pod, dict[Checks, Segment]] = {}
        self._engines = EngineStarts(
            services,
            settings.transfers,
            self,
            self._workers,
            loads_after_sigterm=settings.loads_after_sigterm,
        )
        objects = ObjectWaits(services, env.api, retries)
        self._set_up = SetUp(services, images, retries, self._engines, self, first_answers, objects)
        self._containers = Containers(
            services, settings.crash_back_off, images.registry, retries, self._engines, self._set_up, self
        )
        self._termination = PodTermination(services, self._engines, self._set_up, self._containers)
        self._admission = PodAdmission(services, env.api, self._termination, self._begin, devices, beside)
        self._node_events = NodeEvents(
            services,
            images,
            self._set_up,
            self._containers,
            self._admission,
            self._termination,
            self,
        )

    # -- pods that come and go (Watcher) -------------------------------------------------------------------

    def pod_bound(self, pod: Pod) -> None:
        """A pod was bound to a node; its kubelet sets it up as soon as it hears of it."""
        node = pod.node
        assert node is not None
        layout = self._layouts.get(id(pod.template))
        if layout is None:
            layout = self._layouts[id(pod.template)] = layout_of(pod.template)
        worker = self._workers[pod] = PodWorker(pod, node, layout)
        if self._answers_to_be:
            worker.answers = self._answers_to_be.pop(pod, {})
        self._set_up.objects.uses(worker)
        if pod.state is PodState.RUNNING:
            self._adopt(worker)
        elif node.reachable:
            self._admission.admit(worker)
        else:
            pod.last = self._history.append(PodBound(self._clock.now, pod.last, pod.ref, node.name, ()))

    def _begin(self, worker: PodWorker) -> None:
        """Set a pod up that was admitted; its active deadline counts from now."""
        limit = worker.pod.template.active_deadline_seconds
        if limit is not None and worker.deadline is None:
            worker.deadline = self._clock.now + 1000 * limit
            self._clock.at(worker.deadline, self._look_at_deadline, worker)
        self._set_up.begin(worker)

    def _look_at_deadline(self, worker: PodWorker) -> None:
        """End a pod that has been on its node for too long, once its kubelet runs."""
        pod = worker.pod
        past = worker.deadline is not None and worker.deadline <= self._clock.now
        if past and worker.node.kubelet_runs and pod.state in (PodState.PULLING, PodState.RUNNING):
            self._termination.exceeds_deadline(worker)

    def _adopt(self, worker: PodWorker) -> None:
        """The pod ran and was ready long before the simulation began."""
        pod, node = worker.pod, worker.node
        worker.sync = Sync.RUNNING
        worker.added_at = worker.serving_at = worker.weights_at = RUNNING_SINCE
        pod.started = pod.ready = True
        pod.conditions = dict.fromkeys(pod.template.readiness_gates, True)
        for container in worker.every:
            node.images.setdefault(container.spec.image, RUNNING_SINCE)
        node.page_cache[pod.weights_key] = RUNNING_SINCE
        node.graphs[pod.revision, pod.ref.role] = RUNNING_SINCE
        pod.barrier.arrive(pod)

    def pod_condition_changed(self, pod: Pod) -> None:
        """A readiness gate of the pod was set: its kubelet looks whether it is ready now."""
        worker = self._workers.get(pod)
        if worker is not None and pod.state is PodState.RUNNING:
            self.sync(worker)

    def pod_terminating(self, pod: Pod, reason: str, cause: int) -> None:
        """The pod is deleted: its kubelet stops it, as soon as it hears of that."""
        worker = self._workers.get(pod)
        if worker is None:
            self._termination.delete_unbound(pod, reason, cause)
        else:
            self._admission.forget(worker)
            self._termination.delete(worker, reason, cause)

    def pod_removed(self, pod: Pod) -> None:
        """Its object is removed at once: whatever still runs counts for nothing."""
        worker = self._workers.get(pod)
        if worker is not None:
            self._termination.removed(worker)

    def pod_gone(self, pod: Pod) -> None:
        """Its object is gone: nothing is known of it any more."""
        worker = self._workers.pop(pod, None)
        if worker is None:
            self._answers_to_be.pop(pod, None)
        else:
            self._admission.forget(worker)
            self._freed(worker)

    def pod_finished(self, pod: Pod) -> None:
        """Its phase is final: what it held is free for others on its node."""
        if (worker := self._workers.get(pod)) is not None:
            self._freed(worker)

    def object_put(self, written: ClusterObject) -> None:
        """Pods may wait for it."""
        self._set_up.objects.object_there(*written.key)

    def _freed(self, worker: PodWorker) -> None:
        self._set_up.objects.freed(worker)
        if self._admission.goes_on:
            self._admission.node_changed(worker.node)

    def allocatable_changed(self, node: Node, resource: str, ring: int | None) -> None:
        """Its node offers another amount of something."""
        if self._admission.goes_on:
            self._admission.node_changed(node)

    def node_labels_changed(self, node: Node) -> None:
        """Its node has other labels."""
        if self._admission.goes_on:
            self._admission.node_changed(node)

    @property
    def rejects_without_pause(self) -> bool:
        """Whether pods come one after the other to a node that rejects them all."""
        return self._admission.goes_on

    # -- syncs (SyncLoop) ----------------------------------------------------------------------------------

    def sync(self, worker: PodWorker) -> None:
        """Apply what the pod's probes have found by now, and wake up when they will find something new."""
        if not worker.node.kubelet_runs or worker.sync is Sync.TERMINATED:
            return
        if worker.to_stop:
            self._termination.sync_over(worker)
            return
        now = self._clock.now
        if worker.timer is not None:
            worker.timer.cancel()
            worker.timer = None
        following: int | None = None
        for container in worker.probed:
            prober = container.prober
            assert prober is not None
            due = prober.next_at()
            if due is not None and due <= now:
                for transition in prober.advance(now):
                    if transition.first_call_at is not None and transition.value is (
                        transition.kind == "kill"
                    ):
                        worker.calls_failed(transition.first_call_at)
                    if transition.kind == "kill":
                        self._containers.kill(worker, container, transition)
                due = prober.next_at()
            if due is not None and (following is None or due < following):
                following = due
        self._status.update(worker)
        if following is not None and worker.pod.state in (PodState.RUNNING, PodState.PULLING):
            if len(worker.probed) > 1:
                following = self._probes.next_change(worker, following)
            if following is not None:
                worker.timer = self._clock.at(following, self.sync, worker)
        if worker.awaits is not None:
            self._set_up.sidecars.look(worker)

    def died(self, worker: PodWorker, container: Container, reason: str, exit_code: int) -> None:
        """A container of the pod has ended."""
        self._containers.died(worker, container, reason, exit_code)

    def completed(self, worker: PodWorker, *, failed: bool) -> None:
        """No container of the pod runs or will be started again, except for sidecars, which are stopped."""
        self._termination.complete(worker, failed=failed)

    def hook_failed(self, worker: PodWorker, hook: FailedHook) -> None:
        """A container has been killed since its postStart hook failed."""
        self._containers.hook_failed(worker, hook)

    # -- what happens to containers ------------------------------------------------------------------------

    def container_named(self, pod: Pod, name: str) -> str | None:
        """Which container of the pod is meant, by its name.

        Args:
            pod: any.
            name: of a container; "": the init container that runs, else the engine's.

        Returns:
            None when no kubelet has the pod, when it has none of this name, or it is an init container that does not
            run now.
        """
        worker, template = self._workers.get(pod), pod.template
        if worker is None:
            return None
        running = worker.runs_init(self._clock.now)
        if running is not None and name in ("", running.spec.name):
            return running.spec.name
        if not name:
            return template.engine.name
        run_on = (*template.containers, *filter(is_sidecar, template.init_containers))
        return name if any(each.name == name for each in run_on) else None

    def runs(self, pod: Pod, container: str = "") -> bool:
        """Whether the process of a container (by default the engine) runs."""
        worker = self._workers.get(pod)
        if worker is None:
            return False
        which = worker.named(container) if container else worker.engine
        if which is None:
            return False
        return self._containers.runs(worker, which) or self._termination.runs(worker, which)

    def crash(self, pod: Pod, reason: str, exit_code: int, *, container: str = "", cause: int) -> None:
        """The process of a container (by default the engine) ends by itself; nothing happens if it does not run."""
        worker = self._workers.get(pod)
        if worker is None:
            return
        which = worker.named(container) if container else worker.engine
        if which is None:
            return
        if self._termination.runs(worker, which):
            self._termination.exits(worker, which)
        else:
            self._containers.exits(worker, which, reason, exit_code, cause=cause)

    def device_broken(self, pod: Pod, by: str) -> None:
        """The pod holds a device that is broken `by` this: an engine that starts on it gets no further meanwhile."""
        self._engines.broken(pod, by)

    def device_mended(self, pod: Pod) -> None:
        """The pod holds no broken device any more, or is gone."""
        self._engines.mended(pod)

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
        for pod in pods:
            worker = self._workers.get(pod)
            if worker is not None and worker.node.alive and pod.state is PodState.PULLING:
                self._set_up.sidecars.begin(worker)
            answers = self._answers_to_be.setdefault(pod, {}) if worker is None else worker.answers
            _put(answers, answer, probes, container)
            now, healthy = self._clock.now, answer is None
            record = self._history.append(HealthChanged(now, cause, pod.ref, healthy, probes, container))
            if worker is None:
                pod.last = record
                continue
            worker.told_of_checks(record, now, healthy=healthy)
            if not worker.node.alive:
                continue
            if pod.state is PodState.RUNNING and not worker.probed:
                self._probes.probe_long_running(worker)
            if pod.state is PodState.RUNNING or (pod.state is PodState.PULLING and worker.probed):
                self._health_changed(worker)

    def _health_changed(self, worker: PodWorker) -> None:
        if worker.node.kubelet_runs:
            self._probes.health_changed(worker)
            self.sync(worker)

    def asks(self, pod: Pod, probes: Collection[str], container: str = "") -> bool:
        """Whether a check behind one of these probes is asked now, or will be as things stand.

        Of all containers, if none is named. A startup probe has its last answer when its container has started.
        """
        worker = self._workers.get(pod)
        if worker is None:
            return False
        return any(
            self._containers.runs(worker, each) and self._probes.asks(worker, each, probes)
            for each in worker.every
            if container in ("", each.spec.name)
        )

    def refused_pulls(self, images: Collection[str]) -> int:
        """How often these images (none given: any) have been asked for in vain."""
        return self._registry.refused(images)

    # -- what happens to all of them -----------------------------------------------------------------------

    def break_images(self, images: Iterable[str], cause: int, after: int = 0) -> None:
        """Pulls of these images (none given: of all) fail from now on, `after` ms each; `cause`: the record of that."""
        self._registry.break_images(images, cause, after)
        self._registry_changed()

    def mend_images(self, images: Iterable[str], cause: int) -> None:
        """They do not fail any more for this cause."""
        self._registry.mend_images(images, cause)
        self._registry_changed()

    def _registry_changed(self) -> None:
        self._set_up.pull_back_off.registry_changed()
        self._containers.registry_changed()

    def throttle_storage(self, factor: float) -> None:
        """The storage that all nodes share goes at this part of its speed; nothing happens where there is none."""
        self._engines.throttle_storage(factor)

    # -- nodes ---------------------------------------------------------------------------------------------

    def go_down(self, node: Node) -> None:
        """The machine is dead, and all that ran on it; the API server knows nothing of that."""
        self._node_events.go_down(node, self._workers_on(node))

    def cut_off(self, node: Node) -> None:
        """The machine runs on, but its kubelet and the API server do not hear of each other."""
        self._node_events.cut_off(node)

    def come_back(self, node: Node) -> None:
        """The kubelet talks to the API server again; what ran on a dead machine is started anew."""
        self._node_events.come_back(node, self._workers_on(node))
        self._set_up.objects.reports_again(node)

    def stop_kubelet(self, node: Node) -> None:
        """The kubelet's process ends; the containers run on."""
        self._node_events.stop_kubelet(node, self._workers_on(node))

    def start_kubelet(self, node: Node, cause: int) -> None:
        """A new kubelet takes over what runs on the node."""
        self._node_events.start_kubelet(node, self._workers_on(node), cause)
        for worker in self._workers_on(node):
            self._look_at_deadline(worker)

    def _workers_on(self, node: Node) -> list[PodWorker]:
        return [self._workers[pod] for pod in self._api.unfinished_on(node.name)]

    def restore_ready(self, pod: Pod) -> None:
        """The pod's kubelet reports again: Ready is what its containers say."""
        pod.overruled = False
        if pod.state is PodState.RUNNING:
            self.sync(self._workers[pod])

    # -- what others may see -------------------------------------------------------------------------------

    def engine_dead(self, pod: Pod) -> bool:
        """Whether the container of its engine has ended, and does not run again yet."""
        worker = self._workers.get(pod)
        return worker is not None and worker.engine.dead

    def answers(self, pod: Pod) -> Mapping[Checks, Segment]:
        """What its checks get by order of the scenario."""
        worker = self._workers.get(pod)
        return self._answers_to_be.get(pod, {}) if worker is None else worker.answers

    def view(self, pod: Pod, now: int) -> PodView:
        """The containers of a pod that has a node, at `now` (ms)."""
        return PodView.of(self._workers[pod], now)

    def pull_reason(self, pod: Pod, first: int, now: int, takes: int) -> ImageError:
        """What the status of a pod says at `now` whose pulls have all failed since the `first`, `takes` ms each."""
        return self._retries.reason(pod, first, now, takes)


def _put(
    answers: dict[Checks, Segment], answer: Segment | None, probes: tuple[str, ...], container: str
) -> None:
    """Note what the checks get; what is said of all containers takes back what was said of one."""
    for kind in probes:
        checks = Checks(kind, container)
        if answer is not None:
            answers.pop(checks, None)
            answers[checks] = answer
            continue
        for each in [each for each in answers if checks.cover(each)]:
            del answers[each]
