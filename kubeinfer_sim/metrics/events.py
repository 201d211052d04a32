"""The Events that the components of a cluster would have written during a run: what `kubectl get events` shows.

Reasons and messages are those of Kubernetes 1.36 (kubelet: pkg/kubelet/events, kuberuntime, images; kube-scheduler:
schedule_one.go, preemption; controllers: deployment, replicaset, daemon, statefulset, nodelifecycle, tainteviction) and
of Volcano's scheduler (pkg/scheduler/cache). The controller of KubeInfers is not public: of it there are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Literal, NamedTuple
from uuid import NAMESPACE_OID, uuid5

from msgspec import Struct

from kubeinfer_sim.cluster.reasons import probe_of
from kubeinfer_sim.cluster.records import (
    ContainerBackOff,
    ContainerKilling,
    ContainersRunning,
    GangPending,
    ImagePullFailed,
    InstanceRef,
    NodeCordoned,
    NodeJoined,
    NodeReadyChanged,
    NodeRemoved,
    NodeReturned,
    ObjectMissing,
    PodBound,
    PodCreated,
    PodDeleting,
    PodFinished,
    PodGone,
    PodNotReady,
    PodPreempted,
    PodReady,
    PodRef,
    PodRejected,
    PodStopping,
)
from kubeinfer_sim.cluster.stages import OTHER_PULLS, SAME_PULL, StageKind
from kubeinfer_sim.controllers.deployment.records import PodsRefused, ReplicaSetScaled
from kubeinfer_sim.controllers.kubeinfer.records import InstanceCreated
from kubeinfer_sim.engine.history import History
from kubeinfer_sim.engine.meter import End, Handlers, OnePass
from kubeinfer_sim.manifest.names_apart import in_namespace
from kubeinfer_sim.metrics.lives import PodLife
from kubeinfer_sim.metrics.lives_meter import LivesMeter
from kubeinfer_sim.metrics.origins import Origins
from kubeinfer_sim.scenario.model import Scenario

#: For so long an Event is kept after it was last written, ms (kube-apiserver, `--event-ttl`).
EVENT_TTL = 3_600_000
KUBELET, TAINTS, NODES = "kubelet", "taint-eviction-controller", "node-controller"
_CONTROLLERS = {"DaemonSet": "daemonset-controller", "StatefulSet": "statefulset-controller"}
#: Why an owner deletes pods of its own; whatever else deletes one is nobody's Event.
_OWNERS_REASONS = ("Update", "Unneeded", "Rollout", "ScaleIn", "Failed")
#: How a stage says that the image was there.
_WARM = "warm"


class Subject(Struct, frozen=True):
    """What an Event is about; `field`: which container of a pod."""

    kind: str
    name: str
    namespace: str = "default"
    uid: str = ""
    field: str = ""


class Event(Struct):
    """What happened, `count` times from `first` to `last` (ms): the recorder counts what differs in its time alone."""

    first: int
    last: int
    count: int
    type: Literal["Normal", "Warning"]
    reason: str
    subject: Subject
    message: str
    source: str


def events_of(scenario: Scenario, history: History, at: int, end: End) -> list[Event]:
    """The Events that exist at `at` ms, by when they were last written; those that are older than an hour are gone."""
    meter, lives = EventsMeter(scenario), LivesMeter()
    OnePass([lives, meter]).feed(record for record in history if record.at <= at)
    pods = [pod for life in lives.finish(at, end) for pod in life.pods]
    events = meter.finish(pods)
    return [each for each in events if at - EVENT_TTL <= each.last]


def uid_of(pod: PodRef) -> str:
    """A uid for a pod's object, the same in every run."""
    ref = pod.instance
    return str(uuid5(NAMESPACE_OID, f"{ref.kind}/{ref.uid}/{pod.name}/{pod.generation}"))


class _Pull(NamedTuple):
    """An image that a pod asks for; the registry is asked for it from `began` on, times in ms.

    Where its node pulls others first, or the same for another pod, `began` is later than `asked`, and what is there by
    then is pulled once more all the same (pkg/kubelet/images, image_manager.go and puller.go). `until`: None where
    something else came before its end. `there`: it was on the node already.
    """

    image: str
    asked: int
    began: int
    until: int | None
    there: bool


def _pulls(life: PodLife) -> Iterator[_Pull]:
    """The pulls of a pod, but for those that fail, of which their own records tell."""
    asked: int | None = None
    for span, after in zip_longest(life.spans, life.spans[1:]):
        stage, until = span.stage, None if span.cut else span.until
        since, asked = span.since if asked is None else asked, None
        if stage.kind is not StageKind.IMAGE or (span.cut and life.reason == "ImagePullBackOff"):
            continue
        if (
            span.regime in (OTHER_PULLS, SAME_PULL)
            and after is not None
            and (after.stage, after.since) == (stage, until)
        ):
            asked = since
        elif span.regime != "fails":
            yield _Pull(stage.about, since, span.since, until, span.regime == _WARM and since == span.since)


class EventsMeter:
    """Follows the records that somebody writes an Event about."""

    def __init__(self, scenario: Scenario) -> None:
        self._origins = Origins(scenario)
        self._assumed = scenario.assumptions.scheduler
        self._noted: list[Event] = []
        self._waiting: dict[InstanceRef, dict[PodRef, None]] = {}
        self._bound: set[PodRef] = set()
        self._started: dict[PodRef, list[ContainersRunning]] = {}
        self._running: set[PodRef] = set()
        # Those that ran already when the simulation began: nobody has seen them bound.
        self._ran_before: set[PodRef] = set()
        self._instances_before: set[int] = set()

    def handlers(self) -> Handlers:
        """What it listens to."""
        return {
            InstanceCreated: self._instance_created,
            PodCreated: self._pod_created,
            GangPending: self._pending,
            PodPreempted: self._preempted,
            PodBound: self._pod_bound,
            ContainersRunning: self._containers_running,
            ContainerKilling: self._killing,
            ContainerBackOff: self._backing_off,
            ImagePullFailed: self._pull_failed,
            ObjectMissing: self._object_missing,
            PodReady: self._pod_ready,
            PodNotReady: self._pod_not_ready,
            PodDeleting: self._deleting,
            PodStopping: lambda r: self._stop(r.pod, r.at),
            PodRejected: lambda r: self._of_pod(r.at, r.pod, "Warning", r.reason, r.message),
            PodFinished: self._finished,
            PodGone: self._gone,
            ReplicaSetScaled: self._scaled,
            PodsRefused: self._refused,
            NodeReadyChanged: self._node_ready,
            NodeCordoned: self._cordoned,
            NodeReturned: self._returned,
            NodeJoined: lambda r: self._of_node(
                r.at,
                r.node,
                "RegisteredNode",
                f"Node {r.node} event: Registered Node {r.node} in Controller",
                NODES,
            ),
            NodeRemoved: lambda r: self._of_node(
                r.at,
                r.node,
                "RemovingNode",
                f"Node {r.node} event: Removing Node {r.node} from Controller",
                NODES,
            ),
        }

    def finish(self, pods: Iterable[PodLife]) -> list[Event]:
        """All Events, counted as the recorder does, by when each was written last."""
        for life in pods:
            self._set_up(life)
        for pod, created in self._origins.created.items():
            if pod not in self._ran_before:
                self._by_owner(created.at, pod, "Create")
        # Components write at the same instant in the order in which they come to it.
        counted: dict[tuple[str, ...], Event] = {}
        for each in sorted(self._noted, key=lambda event: event.last):
            about = each.subject
            key = (
                each.source,
                about.kind,
                about.name,
                about.uid,
                about.field,
                each.type,
                each.reason,
                each.message,
            )
            before = counted.setdefault(key, each)
            if before is not each:
                before.last, before.count = each.last, before.count + 1
        return sorted(counted.values(), key=lambda event: event.last)

    # -- who writes about what ------------------------------------------------------------------------------

    def _note(
        self,
        at: int,
        kind: Literal["Normal", "Warning"],
        reason: str,
        subject: Subject,
        text: str,
        source: str,
    ) -> None:
        self._noted.append(Event(at, at, 1, kind, reason, subject, text, source))

    def _of_pod(
        self,
        at: int,
        pod: PodRef,
        kind: Literal["Normal", "Warning"],
        reason: str,
        text: str,
        source: str = KUBELET,
        container: str = "",
        part: str = "containers",
    ) -> None:
        field = f"spec.{part}{{{container}}}" if container else ""
        subject = Subject("Pod", in_namespace(pod.name), self._origins.namespace(pod), uid_of(pod), field)
        self._note(at, kind, reason, subject, text, source)

    def _of_node(self, at: int, node: str, reason: str, text: str, source: str) -> None:
        self._note(at, "Normal", reason, Subject("Node", node), text, source)

    def _scheduler(self, pod: PodRef) -> str:
        if self._assumed is not None and pod.instance.has_roles:
            return "volcano" if self._assumed == "volcano" else "default-scheduler"
        template = self._origins.template(pod)
        return "default-scheduler" if template is None else template.scheduler_name

    def _by_owner(self, at: int, pod: PodRef, what: Literal["Create", "Delete"]) -> None:
        kind, owner = pod.instance.kind, in_namespace(pod.instance.owner)
        if kind in ("KubeInfer", "Pod"):
            return
        created = self._origins.created.get(pod)
        if kind == "Deployment" and created is not None:
            kind, owner = "ReplicaSet", f"{owner}-{created.revision}"
        done = f"{what}d pod: {in_namespace(pod.name)}"
        if kind == "StatefulSet":
            done = f"{what.lower()} Pod {in_namespace(pod.name)} in StatefulSet {owner} successful"
        subject = Subject(kind, owner, self._origins.namespace(pod))
        source = _CONTROLLERS.get(kind, "replicaset-controller")
        self._note(at, "Normal", f"Successful{what}", subject, done, source)

    # -- schedulers and controllers -------------------------------------------------------------------------

    def _instance_created(self, record: InstanceCreated) -> None:
        if record.running:
            self._instances_before.add(record.instance.uid)

    def _pod_created(self, record: PodCreated) -> None:
        self._origins.note(record)
        if record.at == 0 and record.pod.instance.uid in self._instances_before:
            self._ran_before.add(record.pod)
            self._running.add(record.pod)
        else:
            self._waiting.setdefault(record.pod.instance, {})[record.pod] = None

    def _pending(self, record: GangPending) -> None:
        if "gate" in record.awaits:
            return  # no scheduler has tried it; the API server writes its condition
        own = {each.pod: each.message for each in record.conditions}
        for pod in self._waiting.get(record.instance, ()):
            if text := own.get(pod, record.message):
                self._of_pod(record.at, pod, "Warning", "FailedScheduling", text, self._scheduler(pod))

    def _preempted(self, record: PodPreempted) -> None:
        """Source: pkg/scheduler/framework/preemption (Executor)."""
        by = next(iter(self._waiting.get(record.by, ())), None)
        if by is None or self._scheduler(by) == "volcano":
            return
        text = f"Preempted by pod {uid_of(by)} on node {record.node}"
        namespace, _, name = record.pod.rpartition("/")
        subject = Subject("Pod", name, namespace)
        if not namespace:
            victim = next(pod for pod in reversed(self._origins.created) if pod.name == name)
            subject = Subject("Pod", name, self._origins.namespace(victim), uid_of(victim))
        self._note(record.at, "Normal", "Preempted", subject, text, self._scheduler(by))

    def _pod_bound(self, record: PodBound) -> None:
        pod = record.pod
        self._bound.add(pod)
        self._waiting.get(pod.instance, {}).pop(pod, None)
        text = (
            f"Successfully assigned {self._origins.namespace(pod)}/{in_namespace(pod.name)} to {record.node}"
        )
        self._of_pod(record.at, pod, "Normal", "Scheduled", text, self._scheduler(pod))

    def _scaled(self, record: ReplicaSetScaled) -> None:
        way = "up" if record.replicas > record.before else "down"
        deployment = in_namespace(record.deployment)
        name = f"{deployment}-{record.revision}"
        text = f"Scaled {way} replica set {name} from {record.before} to {record.replicas}"
        namespace = self._origins.namespace_of("Deployment", record.deployment)
        subject = Subject("Deployment", deployment, namespace)
        self._note(record.at, "Normal", "ScalingReplicaSet", subject, text, "deployment-controller")

    def _refused(self, record: PodsRefused) -> None:
        kind = "ReplicaSet" if record.kind == "Deployment" else record.kind
        namespace = self._origins.namespace_of(record.kind, record.deployment)
        subject = Subject(kind, in_namespace(record.deployment), namespace)
        text = f"Error creating: {record.refusal.message}"
        source = _CONTROLLERS.get(kind, "replicaset-controller")
        self._note(record.at, "Warning", "FailedCreate", subject, text, source)

    def _pod_ready(self, record: PodReady) -> None:
        pod = record.pod
        if pod not in self._bound and pod not in self._ran_before:
            self._ran_before.add(pod)
            self._running.add(pod)
            self._waiting.get(pod.instance, {}).pop(pod, None)

    def _pod_not_ready(self, record: PodNotReady) -> None:
        if record.reason == "NodeNotReady":
            self._of_pod(record.at, record.pod, "Warning", "NodeNotReady", "Node is not ready", NODES)

    def _node_ready(self, record: NodeReadyChanged) -> None:
        reason = "NodeReady" if record.ready == "True" else "NodeNotReady"
        source = NODES if record.ready == "Unknown" else KUBELET
        self._of_node(record.at, record.node, reason, f"Node {record.node} status is now: {reason}", source)

    # -- kubelets -------------------------------------------------------------------------------------------

    def _containers_running(self, record: ContainersRunning) -> None:
        self._started.setdefault(record.pod, []).append(record)
        self._running.add(record.pod)

    def _killing(self, record: ContainerKilling) -> None:
        probe = probe_of(record.reason)
        text = f"Container {record.container} failed {probe} probe, will be restarted"
        self._of_pod(record.at, record.pod, "Normal", "Killing", text, container=record.container)

    def _backing_off(self, record: ContainerBackOff) -> None:
        pod = record.pod
        of = f"{in_namespace(pod.name)}_{self._origins.namespace(pod)}({uid_of(pod)})"
        text = f"Back-off restarting failed container {record.container} in pod {of}"
        part = "initContainers" if record.init else "containers"
        # The sync that finds the back-off tells of it; the status has it with the next one.
        self._of_pod(record.at, pod, "Warning", "BackOff", text, container=record.container, part=part)

    def _pull_failed(self, record: ImagePullFailed) -> None:
        at, pod, image = record.at, record.pod, record.image
        container = self._container_of(pod, image)
        if record.reason == "ErrImageNeverPull":
            text = f'Container image "{image}" is not present with pull policy of Never'
            self._of_pod(at, pod, "Warning", "ErrImageNeverPull", text, container=container)
            self._of_pod(at, pod, "Warning", "Failed", "Error: ErrImageNeverPull", container=container)
            return
        if record.reason == "InvalidImageName":
            self._of_pod(at, pod, "Warning", "InspectFailed", record.message, container=container)
            self._of_pod(at, pod, "Warning", "Failed", "Error: InvalidImageName", container=container)
            return
        pulling = f'Pulling image "{image}"'
        self._of_pod(max(0, at - record.took), pod, "Normal", "Pulling", pulling, container=container)
        text = f'Failed to pull image "{image}": {record.message}'
        self._of_pod(at, pod, "Warning", "Failed", text, container=container)
        self._of_pod(at, pod, "Warning", "Failed", "Error: ErrImagePull", container=container)

    def _object_missing(self, record: ObjectMissing) -> None:
        reason, text, source = record.reason, record.message, KUBELET
        if reason == "CreateContainerConfigError":
            reason, text = "Failed", f"Error: {text}"
        elif reason == "FailedAttachVolume":
            source = "attachdetach-controller"
        self._of_pod(record.at, record.pod, "Warning", reason, text, source, record.container)

    def _deleting(self, record: PodDeleting) -> None:
        pod = record.pod
        self._waiting.get(pod.instance, {}).pop(pod, None)
        if record.reason == "TaintManagerEviction":
            text = f"Marking for deletion Pod {self._origins.namespace(pod)}/{in_namespace(pod.name)}"
            self._of_pod(record.at, pod, "Normal", record.reason, text, TAINTS)
        elif record.reason in _OWNERS_REASONS:
            self._by_owner(record.at, pod, "Delete")
        if record.stages:
            self._stop(pod, record.at)

    def _stop(self, pod: PodRef, at: int) -> None:
        """Its kubelet stops what runs of it."""
        template = self._origins.template(pod)
        if template is not None and pod in self._running:
            self._running.discard(pod)
            for each in template.containers:
                self._of_pod(
                    at, pod, "Normal", "Killing", f"Stopping container {each.name}", container=each.name
                )

    def _finished(self, record: PodFinished) -> None:
        self._running.discard(record.pod)
        if record.reason == "DeadlineExceeded":
            self._of_pod(record.at, record.pod, "Normal", record.reason, record.message)

    def _gone(self, record: PodGone) -> None:
        self._waiting.get(record.pod.instance, {}).pop(record.pod, None)

    def _cordoned(self, record: NodeCordoned) -> None:
        reason = "NodeSchedulable" if record.uncordoned else "NodeNotSchedulable"
        self._of_node(record.at, record.node, reason, f"Node {record.node} status is now: {reason}", KUBELET)

    def _returned(self, record: NodeReturned) -> None:
        if record.rebooted:
            self._of_node(record.at, record.node, "Starting", "Starting kubelet.", KUBELET)

    def _container_of(self, pod: PodRef, image: str) -> str:
        return next((name for name, of in self._images(pod).items() if of == image), "")

    def _images(self, pod: PodRef) -> Mapping[str, str]:
        template = self._origins.template(pod)
        return {} if template is None else {each.name: each.image for each in template.containers}

    def _set_up(self, life: PodLife) -> None:
        """Pulls, and what was started after them, from the stages that the pod went through."""
        pod, pulled = life.pod, set()
        for pull in _pulls(life):
            pulled.add(pull.image)
            self._pulled(pod, pull)
        for span in life.spans:
            if span.stage.kind in (StageKind.INIT, StageKind.SIDECAR) and life.deleting is None:
                self._begun(span.since, pod, span.stage.about, "initContainers")
        for record in self._started.get(pod, ()):
            for name, image in self._images(pod).items():
                if record.container in ("", name):
                    if record.container or image not in pulled:
                        self._pulled(pod, _Pull(image, record.at, record.at, record.at, there=True))
                    self._begun(record.at, pod, name, "containers")

    def _pulled(self, pod: PodRef, pull: _Pull) -> None:
        container, image, until = self._container_of(pod, pull.image), pull.image, pull.until
        if pull.there:
            if until is not None:
                text = f'Container image "{image}" already present on machine and can be accessed by the pod'
                self._of_pod(until, pod, "Normal", "Pulled", text, container=container)
            return
        self._of_pod(pull.asked, pod, "Normal", "Pulling", f'Pulling image "{image}"', container=container)
        if until is not None:
            took, whole = go_duration(until - pull.began), go_duration(until - pull.asked)
            text = f'Successfully pulled image "{image}" in {took} ({whole} including waiting)'
            self._of_pod(until, pod, "Normal", "Pulled", text, container=container)

    def _begun(self, at: int, pod: PodRef, container: str, part: str) -> None:
        for reason in ("Created", "Started"):
            text = f"Container {reason.lower()}"
            self._of_pod(at, pod, "Normal", reason, text, container=container, part=part)


def go_duration(millis: int) -> str:
    """A duration as Go prints it: `450ms`, `3m2.5s`, `1h0m0s`."""
    if millis < 1000:
        return f"{millis}ms" if millis else "0s"
    return "".join(_parts(millis))


def _parts(millis: int) -> Iterator[str]:
    minutes, rest = divmod(millis, 60_000)
    hours, minutes = divmod(minutes, 60)
    if hours:
        yield f"{hours}h"
    if hours or minutes:
        yield f"{minutes}m"
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".")
    yield f"{seconds}s"
