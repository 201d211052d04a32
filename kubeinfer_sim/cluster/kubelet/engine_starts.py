"""The inference engines: from the start barrier of their gang to their first answer.

No part of the real kubelet: it is what the processes in the containers do, and what they leave on their node.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Literal

from kubeinfer_sim.cluster.kubelet.pod_worker import PodWorker
from kubeinfer_sim.cluster.kubelet.services import Services
from kubeinfer_sim.cluster.kubelet.shared_link import SharedLink
from kubeinfer_sim.cluster.kubelet.sync_loop import SyncLoop
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.records import EngineStarted, LoadedAfterSigterm, TransferDone
from kubeinfer_sim.cluster.stages import (
    COMMUNICATOR,
    GRAPH,
    IMPORT,
    RANK_TABLE,
    WARM_UP,
    WEIGHTS,
    Stage,
    end_of,
)
from kubeinfer_sim.scenario.timings.model import Transfers

#: Where weights come from that are neither in the page cache nor on the node's own disk.
SHARED_STORAGE = "cold, shared storage"


class EngineStarts:
    """Starts engines when their gangs are complete, and reads their weights."""

    def __init__(
        self,
        services: Services,
        transfers: Transfers,
        loop: SyncLoop,
        workers: Mapping[Pod, PodWorker],
        *,
        loads_after_sigterm: bool = True,
    ) -> None:
        self._clock = services.clock
        self._history = services.history
        self._draws = services.draws
        self._probes = services.probes
        self._status = services.status
        self._transfers = transfers
        self._loop = loop
        self._workers = workers
        # Pods that hold broken devices, and whether their engines have started on them and get no further.
        self._on_broken: dict[Pod, bool] = {}
        self._broken_by: dict[Pod, str] = {}
        self._loads_after_sigterm = loads_after_sigterm
        # What an engine finished between SIGTERM and its end, by its node, and how many ms before its end.
        self._late: dict[tuple[str, Hashable], int] = {}
        storage = transfers.storage
        self._storage = (
            None if storage is None else SharedLink(self._clock, storage.bandwidth, storage.per_client)
        )

    def arrive(self, worker: PodWorker) -> None:
        """The pod stands at its gang's barrier: engines that wait for nobody else start."""
        pod = worker.pod
        released = pod.barrier.arrive(pod)
        for other in released:
            self._start(self._workers[other])
        for other in released:
            if other is not pod:
                self._in_sight(self._workers[other])

    def _in_sight(self, worker: PodWorker) -> None:
        """When the engine will answer is known now, so what its probes find can be foreseen."""
        if worker.engine.prober is not None and worker.node.kubelet_runs:
            self._probes.engine_in_sight(worker)
            self._loop.sync(worker)

    def _start(self, worker: PodWorker) -> None:
        """The barrier let the engine start: everything up to the first answer, as far as it can be foreseen."""
        now, pod = self._clock.now, worker.pod
        stages = self._before_weights(pod)
        if pod in self._on_broken:
            self._on_broken[pod] = True
            stages = (*stages[:-1], Stage(COMMUNICATOR, None, self._broken_by[pod]))
        begins = end_of(stages, now)
        if begins is not None:
            weights = self._weights(worker, begins)
            stages = (*stages, weights)
            if weights.duration is not None:
                stages += self._after_weights(worker, begins + weights.duration)
            elif self._storage is not None and weights.regime == SHARED_STORAGE:
                transfers = self._transfers
                size = transfers.weights_sizes.get(pod.ref.role, transfers.default_weights_size)
                worker.reading = self._storage.start(
                    size, lambda: self._weights_read(worker, size), at=begins
                )
        pod.last = self._history.append(EngineStarted(now, pod.last, pod.ref, stages))
        if worker.serving_at is None and worker.reading is None and pod not in self._on_broken:
            self._status.stuck(pod, "EngineNeverReady")

    def broken(self, pod: Pod, by: str) -> None:
        """The pod holds a broken device: an engine that starts on it gets no further until it is mended.

        `by` says what has broken it, which is what the start is held up by.
        """
        self._on_broken.setdefault(pod, False)
        self._broken_by[pod] = by

    def mended(self, pod: Pod) -> None:
        """It does not any more: an engine that started on the device has loaded nothing, and begins now."""
        self._broken_by.pop(pod, None)
        if self._on_broken.pop(pod, False):
            worker = self._workers[pod]
            self._start(worker)
            self._in_sight(worker)

    def _weights_read(self, worker: PodWorker, size: int) -> None:
        now, pod = self._clock.now, worker.pod
        worker.reading = None
        stages = self._after_weights(worker, now)
        pod.last = self._history.append(TransferDone(now, pod.last, pod.ref, WEIGHTS, size, stages))
        if worker.serving_at is None:
            self._status.stuck(pod, "EngineNeverReady")
        self._in_sight(worker)

    def told_to_end(self, worker: PodWorker, at: int) -> None:
        """A probe has the engine's container killed: it gets SIGTERM then.

        Until its server runs nothing in an engine handles that, so it goes on loading until it is gone; unless the
        switch says that it stops.
        """
        worker.sigterm_at = at
        if not self._loads_after_sigterm:
            self._clock.at(at, self._gives_up, worker, at)

    def _gives_up(self, worker: PodWorker, at: int) -> None:
        if worker.sigterm_at == at:
            self._drop(worker)

    def stop(self, worker: PodWorker) -> None:
        """The engine stops: it leaves the barrier, and what it had not finished is not on the node."""
        pod = worker.pod
        self._status.engine_stopped(pod)
        if pod in self._on_broken:
            self._on_broken[pod] = False
        pod.barrier.leave(pod)
        if worker.sigterm_at is not None and self._loads_after_sigterm:
            self._note_late(worker, worker.sigterm_at)
        self._drop(worker)
        worker.serving_at = worker.weights_at = worker.compiled_at = worker.sigterm_at = None

    def _drop(self, worker: PodWorker) -> None:
        """What the engine has not finished by now it never will."""
        pod = worker.pod
        if worker.reading is not None and self._storage is not None:
            self._storage.cancel(worker.reading)
            worker.reading = None
        if worker.weights_at is not None:
            now, node = self._clock.now, worker.node
            if node.page_cache.get(pod.weights_key, 0) > now:
                del node.page_cache[pod.weights_key]
            graph_key = (pod.revision, pod.ref.role)
            if node.graphs.get(graph_key, 0) > now:
                del node.graphs[graph_key]

    def _note_late(self, worker: PodWorker, sigterm_at: int) -> None:
        """What the engine that is gone now finished after SIGTERM, and nobody before it."""
        now, pod, node = self._clock.now, worker.pod, worker.node
        graph_key = (pod.revision, pod.ref.role)
        for key, at, noted in (
            (pod.weights_key, worker.weights_at, node.page_cache.get(pod.weights_key)),
            (graph_key, worker.compiled_at, node.graphs.get(graph_key)),
        ):
            if at is not None and at == noted and sigterm_at < at <= now:
                self._late[node.name, key] = now - at

    def _tell_of_late(self, worker: PodWorker, key: Hashable, what: Literal["weights", "graph"]) -> None:
        """The engine is faster on account of what another one finished after SIGTERM."""
        left = self._late.get((worker.node.name, key))
        if left is not None:
            pod = worker.pod
            pod.last = self._history.append(
                LoadedAfterSigterm(self._clock.now, pod.last, pod.ref, what, left)
            )

    def throttle_storage(self, factor: float) -> None:
        """The storage that all nodes share goes at this part of its speed; nothing happens where there is none."""
        if self._storage is not None:
            self._storage.throttle(factor)

    def _before_weights(self, pod: Pod) -> tuple[Stage, ...]:
        """From the start barrier until the engine reads its weights."""
        timings, draw = pod.timings, self._draws.draw
        return (
            Stage(RANK_TABLE, draw(timings.rank_table, pod, "rankTable")),
            Stage(IMPORT, draw(timings.framework_import, pod, "import")),
            Stage(COMMUNICATOR, draw(timings.communicator, pod, "communicator")),
        )

    def _weights(self, worker: PodWorker, at: int) -> Stage:
        """Reading the weights from `at` on; no duration when they come over a storage that all nodes share."""
        pod, draw = worker.pod, self._draws.draw
        timings = pod.timings
        if worker.node.weights_ready(pod.weights_key, at):
            if self._late:
                self._tell_of_late(worker, pod.weights_key, "weights")
            return Stage(WEIGHTS, draw(timings.weights_warm, pod, "weights"), "warm")
        if pod.template.weights_volume == "local":
            return Stage(WEIGHTS, draw(timings.weights_local, pod, "weights"), "cold, local disk")
        shared = self._storage is not None and pod.npus
        length = None if shared else draw(timings.weights_shared, pod, "weights")
        return Stage(WEIGHTS, length, SHARED_STORAGE)

    def _after_weights(self, worker: PodWorker, loaded: int) -> tuple[Stage, ...]:
        """From the end of the weights until the engine answers; notes what is warm on the node from when on."""
        pod, node, draw = worker.pod, worker.node, self._draws.draw
        timings = pod.timings
        worker.weights_at = loaded
        if loaded < node.page_cache.get(pod.weights_key, loaded + 1):
            node.page_cache[pod.weights_key] = loaded
            self._late.pop((node.name, pod.weights_key), None)
        graph_key = (pod.revision, pod.ref.role)
        if node.graph_ready(graph_key, loaded):
            graph = Stage(GRAPH, draw(timings.graph_warm, pod, "graph"), "warm")
            if self._late:
                self._tell_of_late(worker, graph_key, "graph")
        else:
            graph = Stage(GRAPH, draw(timings.graph_cold, pod, "graph"), "cold")
        warm_up = Stage(WARM_UP, draw(timings.warm_up, pod, "warmUp"))
        if graph.duration is not None:
            compiled = worker.compiled_at = loaded + graph.duration
            if compiled < node.graphs.get(graph_key, compiled + 1):
                node.graphs[graph_key] = compiled
                self._late.pop((node.name, graph_key), None)
            if warm_up.duration is not None:
                worker.serving_at = compiled + warm_up.duration
        return graph, warm_up
