"""What the workloads of a cluster share, over a run: nodes, NPUs, faults, and the lives of all instances and pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from kubeinfer_sim.cluster.records import NotPlacedAtStart, PodPreempted, PodRef
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import End, Observer
from kubeinfer_sim.metrics.bare_pods import BarePodMeasures, BarePods
from kubeinfer_sim.metrics.deployments import DeploymentMeasures, Deployments
from kubeinfer_sim.metrics.evictions import Evictions, EvictionsMeter
from kubeinfer_sim.metrics.faults import FaultCourse, FaultCourses, Idle, IdleActions
from kubeinfer_sim.metrics.first_causes import FirstCauses
from kubeinfer_sim.metrics.killed_starts import KilledStarts, KilledStartsMeter, KillsOf
from kubeinfer_sim.metrics.lives import InstanceLife
from kubeinfer_sim.metrics.lives_meter import LivesMeter
from kubeinfer_sim.metrics.nodes import DrainRun, NodeChange, NodeOutage, Nodes, StrandedPod
from kubeinfer_sim.metrics.npus import NpuOutage, NpuOutages, NpusInUse
from kubeinfer_sim.metrics.preemptions import Preemptions
from kubeinfer_sim.metrics.refusals import Refusals, Refused
from kubeinfer_sim.metrics.rejections import Rejections, RejectionsMeter
from kubeinfer_sim.metrics.steps import Steps
from kubeinfer_sim.metrics.unplaced import Unplaced


class ClusterMeasures(Struct, frozen=True):
    """What became of the cluster and of all that ran on it; lists are in order of time.

    Attributes:
        instances: of all KubeInfers and, each pod for itself, of all others.
        npus: NPUs in use.
        npu_outages: NPUs out of service.
        outages, drains, node_changes: nodes that failed, drains, and nodes that joined or were removed.
        stranded: the pods on nodes that are down at the end.
        preemptions: pods evicted for others.
        unplaced: what was to run at the start, and had no place then.
        rejections: pods that their nodes' kubelets have not taken.
        evictions: pods that tainted nodes evict one after the other, to the end.
        deployments: a Deployment, or a ReplicaSet without one, each, in the order of their creation.
        bare_pods: Pods that no controller makes, in the order of their creation.
        idle: actions and faults of which nothing came.
        refusals: what kubectl or the API server refused, but for drains.
        killed_starts: of workloads whose instances came up though probes had killed starts of theirs.
        kills_of_starts: how many starts probes have killed, by what owns the pods, its revision and by probe.
        first_causes: what nothing caused, by its record's id.
    """

    instances: tuple[InstanceLife, ...]
    npus: Steps
    npu_outages: tuple[NpuOutage, ...]
    faults: tuple[FaultCourse, ...]
    outages: tuple[NodeOutage, ...]
    drains: tuple[DrainRun, ...]
    node_changes: tuple[NodeChange, ...]
    stranded: Mapping[PodRef, StrandedPod]
    preemptions: tuple[PodPreempted, ...]
    unplaced: tuple[NotPlacedAtStart, ...]
    rejections: tuple[Rejections, ...]
    evictions: tuple[Evictions, ...]
    idle: Idle
    refusals: tuple[Refused, ...]
    deployments: tuple[DeploymentMeasures, ...]
    bare_pods: tuple[BarePodMeasures, ...]
    killed_starts: tuple[KilledStarts, ...]
    kills_of_starts: Mapping[KillsOf, int]
    first_causes: Mapping[int, Record]

    def instances_of(self, kind: str, name: str | None = None) -> tuple[InstanceLife, ...]:
        """Those of the workload of this kind and name, or of all of the kind."""
        return tuple(
            life
            for life in self.instances
            if life.instance.kind == kind and name in (None, life.instance.owner)
        )


class ClusterMeters:
    """The meters of a cluster; they are told of all records of a run."""

    def __init__(self) -> None:
        self._lives, self._deployments, self._bare_pods = LivesMeter(), Deployments(), BarePods()
        self._npus, self._npu_outages = NpusInUse(), NpuOutages()
        self._nodes, self._faults, self._preemptions = Nodes(), FaultCourses(), Preemptions()
        self._unplaced, self._killed_starts = Unplaced(), KilledStartsMeter()
        self._first_causes, self._idle, self._refusals = FirstCauses(), IdleActions(), Refusals()
        self._rejections, self._evictions = RejectionsMeter(), EvictionsMeter()

    @property
    def observers(self) -> Sequence[Observer]:
        """What is to be told of the records."""
        return (
            self._lives,
            self._deployments,
            self._bare_pods,
            self._npus,
            self._npu_outages,
            self._nodes,
            self._faults,
            self._preemptions,
            self._unplaced,
            self._rejections,
            self._evictions,
            self._idle,
            self._refusals,
            self._killed_starts,
            self._first_causes,
        )

    def finish(self, ended_at: int, end: End) -> ClusterMeasures:
        """The numbers once the run is over."""
        instances = tuple(self._lives.finish(ended_at, end))
        nodes = self._nodes.finish(ended_at, end)
        first_causes = self._first_causes.finish(ended_at, end)
        return ClusterMeasures(
            instances=instances,
            npus=self._npus.finish(ended_at, end),
            npu_outages=self._npu_outages.finish(ended_at, end),
            faults=self._faults.finish(ended_at, end),
            outages=nodes.outages,
            drains=nodes.drains,
            node_changes=nodes.changes,
            stranded=nodes.stranded,
            preemptions=self._preemptions.finish(ended_at, end),
            unplaced=self._unplaced.finish(ended_at, end),
            rejections=self._rejections.finish(ended_at, end),
            evictions=self._evictions.finish(ended_at, end, instances),
            idle=self._idle.finish(ended_at, end),
            refusals=self._refusals.finish(ended_at, end),
            deployments=self._deployments.finish(ended_at, end, instances, first_causes),
            bare_pods=self._bare_pods.finish(ended_at, end, instances),
            killed_starts=self._killed_starts.finish(ended_at, end),
            kills_of_starts=self._killed_starts.kills(),
            first_causes=first_causes,
        )
