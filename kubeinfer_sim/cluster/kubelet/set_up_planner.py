"""Plans of set-ups: the stages before the containers of a pod run, with their lengths, as far as they can be known."""

from __future__ import annotations

from kubeinfer_sim.cluster.kubelet.check_faults import CheckFaults
from kubeinfer_sim.cluster.kubelet.container import Container
from kubeinfer_sim.cluster.kubelet.hooks import hook_seconds
from kubeinfer_sim.cluster.kubelet.image_pull import needs_pull
from kubeinfer_sim.cluster.kubelet.pod_layout import ContainerKind
from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker
from kubeinfer_sim.cluster.kubelet.set_up_plan import FailedHook, SetUpPlan
from kubeinfer_sim.cluster.kubelet.stage_draws import StageDraws
from kubeinfer_sim.cluster.kubelet.start_faults import Failure, StartFaults
from kubeinfer_sim.cluster.kubelet.termination import KILLED, STOPPED, kill_stages
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.prober import ContainerProber, Health, Outcome, Probes, Segment
from kubeinfer_sim.cluster.stages import CREATE, VOLUMES, Stage, StageKind, StageName, end_of
from kubeinfer_sim.manifest.releases import Release

#: How an image is pulled whose pull takes as long as the registry that all nodes share needs.
SHARED_REGISTRY = "cold, shared registry"


class SetUpPlanner:
    """Plans set-ups; `faults` says which runs of init containers and postStart hooks fail, `checks` whose checks."""

    def __init__(
        self,
        draws: StageDraws,
        kubernetes: Release,
        faults: StartFaults | None,
        checks: CheckFaults | None,
    ) -> None:
        self._checks = checks
        self._draws = draws
        self._kubernetes = kubernetes
        self._faults = faults

    def struck(self, pod: Pod, container: Container, failure: Failure) -> None:
        """A run has ended as it was planned to fail."""
        if self._faults is not None:
            self._faults.count(pod, container.spec.name, failure.fault)

    def plan(
        self,
        worker: PodWorker,
        begins: int,
        *,
        shared: bool,
        first: int = 0,
        pulled: tuple[Stage, ...] | None = None,
        before: tuple[Stage, ...] = (),
    ) -> SetUpPlan:
        """What comes, one after the other as the kubelet does it, from the container on that is started as `first`.

        Each init container's image and run, a sidecar's only until it has started; then the images of the
        containers, sandbox and containers. Nothing is planned beyond an image that has to be pulled, for what comes
        of that depends on what else the node pulls then; nor beyond an init container that fails, or a sidecar whose
        checks do not answer as they should or begin at a random time.

        Args:
            worker: whose set-up.
            begins: when it goes on, `before` being over.
            shared: pulls go over a registry whose bandwidth all nodes share.
            first: where it goes on.
            pulled: how that container gets its image, when it is known already.
            before: what comes before that.
        """
        pod, node = worker.pod, worker.node
        stages = list(before)
        containers: list[Container] = [worker.every[first]] * len(stages) if stages else []
        at: int | None = begins
        for container in worker.every[first:] if first else worker.every:
            assert at is not None
            image = container.spec.image
            name = StageName(StageKind.IMAGE, image)
            got: tuple[Stage, ...] = ()
            if pulled is not None and container.order == first:
                got = pulled
            elif needs_pull(container.spec, node, at):
                if shared:
                    regime = "warm" if image in node.images else SHARED_REGISTRY
                    stages.append(Stage(name, None, regime))
                    containers.append(container)
                return SetUpPlan(tuple(stages), tuple(containers), container)
            elif name not in [stage.name for stage in stages]:
                got = (Stage(name, self.image_warm(pod, image), "warm"),)
            stages += got
            containers += [container] * len(got)
            at = end_of(got, at)
            if at is None:
                return SetUpPlan(tuple(stages), tuple(containers))
            if container.kind is not ContainerKind.ORDINARY:
                ends = self._init(worker, container, at, stages, containers)
                if isinstance(ends, SetUpPlan):
                    return ends
                at = ends
        last = worker.every[-1]
        create = Stage(CREATE, self._draws.draw(pod.timings.create, pod, "create"))
        stages.append(create)
        hooks = self._post_starts(worker, end_of((create,), at), stages) if worker.layout.has_hooks else ()
        containers += [last] * (len(stages) - len(containers))
        return SetUpPlan(tuple(stages), tuple(containers), hooks=hooks)

    def _init(
        self,
        worker: PodWorker,
        container: Container,
        at: int,
        stages: list[Stage],
        containers: list[Container],
    ) -> int | SetUpPlan:
        """The run of an init container, or the start of a sidecar, from `at` on.

        Returns:
            When it ends; the plan up to here when that cannot be told, or it fails.
        """
        pod, is_sidecar = worker.pod, container.kind is ContainerKind.SIDECAR
        if is_sidecar and container.spec.post_start is not None:
            hook, failed = self.post_start(pod, container, at)
            stages += hook
            containers += [container] * len(hook)
            after = end_of(hook, at)
            if after is None or failed is not None:
                return SetUpPlan(tuple(stages), tuple(containers), hooks=(failed,) if failed else ())
            at = after
        containers.append(container)
        if is_sidecar and self._is_to_be_watched(worker, container):
            stages.append(Stage(StageName(StageKind.SIDECAR, container.spec.name), None))
            return SetUpPlan(tuple(stages), tuple(containers), watched=container)
        failure = None
        if is_sidecar:
            container.since = at
            container.serving_at = self._draws.own_start(pod, container.spec, at)
            stage = Stage(
                StageName(StageKind.SIDECAR, container.spec.name), self._until_started(worker, container, at)
            )
        else:
            timings = pod.timings_of(container.spec.image)
            again = f"/{worker.init_restarts}" if worker.init_restarts else ""
            length = self._draws.draw(timings.init, pod, f"init/{container.spec.name}{again}")
            stage = Stage(StageName(StageKind.INIT, container.spec.name), length)
            if self._faults is not None:
                failure = self._faults.of("init", pod, container.spec.name, at)
        stages.append(stage)
        if stage.duration is None or failure is not None:
            return SetUpPlan(tuple(stages), tuple(containers), failure=failure)
        return at + stage.duration

    def _is_to_be_watched(self, worker: PodWorker, container: Container) -> bool:
        """Whether a sidecar's start shows only as it goes: checks go wrong, or the first is at a random time."""
        startup = container.spec.startup_probe
        return (
            bool(worker.answers)
            or (self._checks is not None and self._checks.mean(worker.pod, container.spec.name))
            or (startup is not None and 1000 * startup.period_seconds > worker.kubelet_age)
        )

    def _until_started(self, worker: PodWorker, container: Container, at: int) -> int | None:
        """How long a sidecar started at `at` takes until its startup probe has succeeded."""
        if container.spec.startup_probe is None:
            return 0
        prober = ContainerProber(
            Probes(container.spec.startup_probe),
            added_at=worker.added_at,
            kubernetes=self._kubernetes,
        )
        latency = self._draws.draw(worker.pod.timings.probe_latency, worker.pod, "probe")
        serving_at = container.serving_at
        if serving_at is None:
            return None
        answer = Segment(serving_at, Outcome.HANG if latency is None else Outcome.SUCCESS, latency or 0)
        answers = (Segment(0, Outcome.FAIL), answer)
        prober.container_started(at, Health(answers, answers, answers))
        while not prober.started:
            due = prober.next_at()
            if due is None:
                return None
            if any(each.kind == "kill" for each in prober.advance(due)):
                return None
            at_started = due
        return at_started - at

    def _post_starts(self, worker: PodWorker, at: int | None, stages: list[Stage]) -> tuple[FailedHook, ...]:
        """The hooks of the containers, one after the other: each holds up the start of the next container."""
        fails = []
        for container in worker.containers:
            if at is None or container.kind is ContainerKind.SIDECAR:
                break
            if container.spec.post_start is not None:
                hook, failed = self.post_start(worker.pod, container, at)
                stages += hook
                at = end_of(hook, at)
                if failed is not None:
                    fails.append(failed)
        return tuple(fails)

    def post_start(
        self, pod: Pod, container: Container, at: int
    ) -> tuple[tuple[Stage, ...], FailedHook | None]:
        """The postStart hook of a container whose process begins at `at`, and the kill that follows if it fails.

        Until the hook has returned, the container is Waiting in its status and nothing else happens to the pod
        (pkg/kubelet/kuberuntime/kuberuntime_container.go, startContainer).
        """
        spec = container.spec
        assert spec.post_start is not None
        known = hook_seconds(spec.post_start)
        name = StageName(StageKind.POST_START, spec.name)
        length = (
            self._draws.draw(pod.timings_of(spec.image).post_start, pod, str(name))
            if known is None
            else known * 1000
        )
        container.began_at = at
        failure = self._faults.of("postStart", pod, spec.name, at) if self._faults is not None else None
        if failure is None or length is None:
            return (Stage(name, length),), None
        kill = kill_stages(pod, container, pod.template.termination_grace_period_seconds, self._draws)
        code = KILLED if kill[-1].regime == "SIGKILL" else STOPPED
        return (Stage(name, length, "fails"), *kill), FailedHook(container, code, failure)

    def volumes(self, pod: Pod) -> tuple[Stage, ...]:
        """The mount of its volumes, where that takes any time (pkg/kubelet/volumemanager, WaitForAttachAndMount)."""
        length = self._draws.draw(pod.timings.volumes, pod, "volumes")
        return () if length == 0 else (Stage(VOLUMES, length),)

    def image_cold(self, pod: Pod, image: str) -> int | None:
        """How long a pull takes of an image that is not on the node."""
        return self._draws.draw(pod.timings_of(image).image_cold, pod, f"image/{image}")

    def image_warm(self, pod: Pod, image: str) -> int | None:
        """How long it takes to see that the image is there."""
        return self._draws.draw(pod.timings_of(image).image_warm, pod, f"image/{image}")
