"""Pods whose set-up waits for a ConfigMap or a Secret that does not exist, or for a volume that another node uses.

Source: pkg/kubelet/kuberuntime/kuberuntime_container.go (generateContainerConfig), pkg/kubelet/pod_workers.go;
pkg/util/goroutinemap/exponentialbackoff (mounts are tried again after 500 ms, 1 s, 2 s … up to 122 s);
pkg/controller/volume/attachdetach/reconciler (a volume for one node is attached once the other has said that it does
not use it, or after 6 min from one that is not heard of, maxWaitForUnmountDuration, unless somebody has said that it is
out of service; reportMultiAttachError names the pods that use it). Nothing comes of it until somebody creates the
object, so nothing is an event until then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.heartbeat import PERIOD
from kubeinfer_sim.cluster.kubelet.image_pull import PullRetries
from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker
from kubeinfer_sim.cluster.kubelet.services import Services
from kubeinfer_sim.cluster.node import OUT_OF_SERVICE, Node
from kubeinfer_sim.cluster.per_template import needs_of
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.records import ObjectMissing
from kubeinfer_sim.manifest.references import CLAIM, Needs, Reference

#: Why a container, or a pod, waits.
CONFIG_ERROR, MOUNT, ATTACH = "CreateContainerConfigError", "FailedMount", "FailedAttachVolume"
#: Between two attempts to mount, at first and at most.
FIRST_MOUNT, LONGEST_MOUNT = 500, 122_000
_ONE_NODE = "ReadWriteOnce"
#: How long a volume is left to a node that does not say that it has unmounted it (kube-controller-manager's default).
FORCED_DETACH = 360_000
#: What is said of an entry that a volume names and its object has not (pkg/volume/configmap, pkg/volume/secret).
_NO_ENTRY = {
    "ConfigMap": "configmap references non-existent config key: {key}",
    "Secret": "references non-existent secret key: {key}",
}


class Missing(NamedTuple):
    """What is missing, why nothing goes on without it, and the container that cannot be started ("": all of them)."""

    reference: Reference
    reason: str
    message: str
    container: str = ""


class ObjectWait(Struct, frozen=True):
    """A pod waits since then (ms); `again` is called when it may try."""

    since: int
    missing: Missing
    again: Callable[[], None]


class ObjectWaits:
    """Knows what pods need, and has them wait for it."""

    def __init__(self, services: Services, api: Api, retries: PullRetries) -> None:
        self._clock = services.clock
        self._history = services.history
        self._streams = services.streams
        self._status = services.status
        self._api = api
        self._retries = retries
        self._waiting: dict[PodWorker, ObjectWait] = {}
        # By namespace and name of a claim: the pods that are on nodes and name it.
        self._users: dict[tuple[str, str], dict[PodWorker, None]] = {}
        # Likewise: the node that nobody hears of to which the volume is attached though no pod uses it, and until when.
        self._attached: dict[tuple[str, str], tuple[Node, int]] = {}

    def volume(self, worker: PodWorker) -> Missing | None:
        """What the volumes of a pod, or its init containers, lack; None where nothing does."""
        api, pod = self._api, worker.pod
        if not api.absent and not api.objects:
            return None
        needed = needs_of(pod.template)
        for each in needed.volumes:
            if message := self._lacks(pod, each, _NO_ENTRY[each.kind]):
                return Missing(each, MOUNT, f"MountVolume.SetUp failed: {message}")
        for each in needed.claims:
            if holder := self._elsewhere(worker, each):
                used = f"used by pod {holder.pod.ref.name} on {holder.node.name}"
                return Missing(
                    each, ATTACH, f"Multi-Attach error: volume of claim {each.name} is already {used}"
                )
            if (node := self._attached_to(worker, each)) is not None:
                used = f"exclusively attached to {node.name}, which does not say that it is unmounted"
                return Missing(
                    each, ATTACH, f"Multi-Attach error: volume of claim {each.name} is already {used}"
                )
        init = {each.name for each in pod.template.init_containers}
        return next(self._unset(pod, needed, lambda name: name in init), None)

    def environment(self, worker: PodWorker) -> Missing | None:
        """What the environment of its ordinary containers lacks; None where nothing does."""
        if not self._api.absent and not self._api.objects:
            return None
        pod = worker.pod
        init = {each.name for each in pod.template.init_containers}
        return next(self._unset(pod, needs_of(pod.template), lambda name: name not in init), None)

    def _unset(self, pod: Pod, needed: Needs, concerns: Callable[[str], bool]) -> Iterator[Missing]:
        for container, references in needed.environment.items():
            for each in references if concerns(container) else ():
                if message := self._lacks(pod, each):
                    yield Missing(each, CONFIG_ERROR, message, container)

    def _lacks(self, pod: Pod, needed: Reference, no_key: str = "couldn't find key {key} in {where}") -> str:
        """Why the object, or its key, cannot be had, in Kubernetes' words; "" where it can."""
        key = needed.kind, pod.namespace, needed.name
        if key in self._api.absent:
            return f'{needed.kind.lower()} "{needed.name}" not found'
        written = self._api.objects.get(key)
        if written is None or not needed.key:
            return ""
        parts = (written.raw.get(part) for part in ("data", "binaryData", "stringData"))
        held = {name for part in parts if isinstance(part, Mapping) for name in part}
        where = f"{needed.kind} {pod.namespace}/{needed.name}"
        return "" if needed.key in held else no_key.format(key=needed.key, where=where)

    def _elsewhere(self, worker: PodWorker, claim: Reference) -> PodWorker | None:
        """The pod on another node that has the volume, which is for one node at a time."""
        if not self._for_one_node(worker, claim):
            return None
        first = next(iter(self._users.get((worker.pod.namespace, claim.name), ())), worker)
        return first if first.node is not worker.node else None

    def _for_one_node(self, worker: PodWorker, claim: Reference) -> bool:
        written = self._api.objects.get((claim.kind, worker.pod.namespace, claim.name))
        spec = written.raw.get("spec") if written is not None else None
        return isinstance(spec, Mapping) and spec.get("accessModes") == [_ONE_NODE]

    def _attached_to(self, worker: PodWorker, claim: Reference) -> Node | None:
        """The other node that has the volume still, though no pod uses it."""
        node, until = self._attached.get((worker.pod.namespace, claim.name), (worker.node, 0))
        return node if node is not worker.node and until > self._clock.now else None

    def uses(self, worker: PodWorker) -> None:
        """The pod is on its node: it uses its claims there, or waits for them in the order of coming."""
        if self._api.objects:
            for each in needs_of(worker.pod.template).claims:
                self._users.setdefault((worker.pod.namespace, each.name), {})[worker] = None

    # -- waiting -------------------------------------------------------------------------------------------

    def wait(self, worker: PodWorker, missing: Missing, again: Callable[[], None]) -> None:
        """The pod waits for something; recorded when that begins, and when it becomes something else."""
        now, pod = self._clock.now, worker.pod
        before = self._waiting.get(worker)
        since = now if before is None or before.missing.reason != missing.reason else before.since
        self._waiting[worker] = ObjectWait(since, missing, again)
        if before is None or before.missing != missing:
            self._status.stuck(pod, missing.reason)
            reference, reason, message, container = missing
            is_there = (reference.kind, pod.namespace, reference.name) not in self._api.absent
            key = reference.key if is_there else ""
            pod.last = self._history.append(
                ObjectMissing(now, pod.last, pod.ref, reason, message, container, key)
            )

        attached = self._attached.get((pod.namespace, missing.reference.name))
        if missing.reason == ATTACH and attached is not None:
            self._due(worker, attached[1])

    def object_there(self, kind: str, namespace: str, name: str) -> None:
        """An object is there now: whoever waits for it tries again at the next attempt."""
        for worker, wait in self._waiting.items():
            needed = wait.missing.reference
            if (needed.kind, worker.pod.namespace, needed.name) == (kind, namespace, name):
                self._due(worker, self._next(worker, wait))

    def freed(self, worker: PodWorker) -> None:
        """A pod uses no volume any more: its node detaches them, and says so with its next status, if it can."""
        if not self._users:
            return
        node = worker.node
        silent = not (node.reachable and self._api.has(node))
        silent = silent and all(taint.key != OUT_OF_SERVICE for taint in node.taints)
        for each in needs_of(worker.pod.template).claims:
            key = worker.pod.namespace, each.name
            users = self._users.get(key, {})
            had_it = next(iter(users), None) is worker
            users.pop(worker, None)
            if had_it and silent and self._for_one_node(worker, each):
                self._attached[key] = node, self._clock.now + FORCED_DETACH
            for other in users:
                if self._waits_for(other, each):
                    self._detached(other, key)

    def reports_again(self, node: Node) -> None:
        """The node is heard of: it says what it has unmounted."""
        for key, (silent, _) in list(self._attached.items()):
            if silent is node:
                del self._attached[key]
                for other in self._users.get(key, ()):
                    if self._waits_for(other, Reference(CLAIM, key[1])):
                        if (timer := other.timers.pop(None, None)) is not None:
                            timer.cancel()
                        self._detached(other, key)

    def _waits_for(self, worker: PodWorker, claim: Reference) -> bool:
        """Whether a pod waits for the volume to be detached."""
        wait = self._waiting.get(worker)
        return wait is not None and wait.missing.reason == ATTACH and wait.missing.reference == claim

    def _detached(self, worker: PodWorker, key: tuple[str, str]) -> None:
        """A pod waits for the volume, which its node before says it has unmounted, or does not (as is seen at once)."""
        phase = self._streams.named(f"attach/{worker.pod.stream_name}").random()
        self._due(worker, self._clock.now + (0 if key in self._attached else int(phase * PERIOD)))

    def _next(self, worker: PodWorker, wait: ObjectWait) -> int:
        """When the pod tries again, as all attempts have failed since the first."""
        now, at = self._clock.now, wait.since
        if wait.missing.reason == CONFIG_ERROR:
            retry = self._retries.of(worker.pod)
            while at < now:
                at = retry.next(at)
            return at
        step = FIRST_MOUNT
        while at < now:
            at, step = at + step, min(2 * step, LONGEST_MOUNT)
        return at

    def _due(self, worker: PodWorker, at: int) -> None:
        if None in worker.timers:
            return
        if worker.node.kubelet_runs:
            worker.timers[None] = self._clock.at(max(at, self._clock.now), self._try_again, worker)
        else:
            worker.hold(None, lambda up: self._clock.at(max(at, up), self._try_again, worker))

    def _try_again(self, worker: PodWorker) -> None:
        worker.timers.pop(None, None)
        self._waiting[worker].again()

    def over(self, worker: PodWorker) -> None:
        """What the pod waited for is there."""
        if self._waiting.pop(worker, None) is not None:
            worker.pod.failure = ""

    def forget(self, worker: PodWorker) -> None:
        """The pod waits for nothing any more: it is stopped."""
        self._waiting.pop(worker, None)
