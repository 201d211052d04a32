"""The result for machines: a versioned JSON document, documented in docs/result.md.

Times and durations are whole milliseconds (`…Ms`), counted from the start of the simulation. The document is
a function of scenario, seed and version: no wall-clock time, no paths of the machine, keys in a fixed order.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from kubeinfer_sim._version import __version__
from kubeinfer_sim.errors import UsageError, expect
from kubeinfer_sim.experiment.figures import KubeInferFigures
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.metrics import Outcome
from kubeinfer_sim.report.blocks import run_warnings
from kubeinfer_sim.report.confirmed import confirmed
from kubeinfer_sim.report.detail import Detail
from kubeinfer_sim.report.result.availability import (
    AvailabilityPart,
    CauseKindPart,
    CausePart,
    availability_part,
    cause_kind_parts,
    cause_parts,
)
from kubeinfer_sim.report.result.bare_pods import BarePodPart, bare_pod_parts
from kubeinfer_sim.report.result.changes import (
    ChangePart,
    EvictionsPart,
    PreemptionPart,
    RejectionPart,
    StallPart,
    applied_part,
    evictions_parts,
    preemption_parts,
    rejection_parts,
    stall_part,
)
from kubeinfer_sim.report.result.confirmed import ConfirmedPart, confirmed_parts
from kubeinfer_sim.report.result.deployments import (
    DeploymentPart,
    ReplicaSetPart,
    deployment_parts,
    replica_set_parts,
)
from kubeinfer_sim.report.result.disturbances import (
    DrainPart,
    FaultKindPart,
    FaultPart,
    NodeChangePart,
    NodeOutagePart,
    RecoveryPart,
    drain_parts,
    fault_kind_parts,
    fault_parts,
    node_change_parts,
    node_outage_parts,
    recovery_parts,
)
from kubeinfer_sim.report.result.instances import InstancePart, Objects, instance_parts
from kubeinfer_sim.report.result.killed_starts import KilledStartsPart, killed_starts_parts
from kubeinfer_sim.report.result.load import LoadPart, load_part
from kubeinfer_sim.report.result.run import (
    AssumptionPart,
    CostPart,
    DetailPart,
    EndPart,
    ScenarioPart,
    VerdictPart,
    assumption_parts,
    cost_part,
    detail_part,
    end_part,
    scenario_part,
    verdict_part,
)
from kubeinfer_sim.report.result.service import (
    NpusPart,
    ObjectivePart,
    ServicePart,
    TimelinePart,
    npus_part,
    objective_parts,
    service_part,
    timeline_part,
)
from kubeinfer_sim.report.result.traffic import TrafficPart, traffic_part
from kubeinfer_sim.report.result.ways_to_finish import WaysToFinishPart, ways_to_finish_part
from kubeinfer_sim.report.result_part import ConfiguredPart, DocumentPart, Part, configured_part
from kubeinfer_sim.report.verdict import Assessment


class KubeInferPart(Part):
    """One KubeInfer of several: what the keys of the same names say, of its instances alone."""

    name: str
    namespace: str
    outcome: Outcome
    missing_instances: int
    service: ServicePart
    whole_run: ServicePart
    changes: list[ChangePart]
    stalls: list[StallPart]
    timeline: TimelinePart
    instances: list[InstancePart]
    recoveries: list[RecoveryPart]
    availability: AvailabilityPart | None
    causes: list[CausePart]
    cause_kinds: list[CauseKindPart]


class Result(DocumentPart):
    """The result of one simulation."""

    may_be_absent = (
        "configuration",
        "kubeinfers",
        "replica_sets",
        "stateful_sets",
        "daemon_sets",
        "pods",
        "node_changes",
        "rejections",
        "endless_evictions",
        "killed_starts",
        "confirmed",
        "ways_to_finish",
        "detail",
    )

    api_version: Literal["kubeinfer-sim/v1"] = "kubeinfer-sim/v1"
    kind: Literal["Result"] = "Result"
    version: str
    """Of kubeinfer-sim."""
    scenario: ScenarioPart
    verdict: VerdictPart
    end: EndPart
    service: ServicePart
    """From the first change for which instances come or go after the start until the last was in place."""
    whole_run: ServicePart
    """From when readiness is owed: the start, or, where it began empty, when first all were ready."""
    npus: NpusPart
    changes: list[ChangePart]
    stalls: list[StallPart]
    preemptions: list[PreemptionPart]
    rejections: list[RejectionPart] = Field(default_factory=list)
    """Pods that their nodes' kubelets have not taken, by owner, node and reason; left out where there are none."""
    endless_evictions: list[EvictionsPart] = Field(default_factory=list)
    """Pods that tainted nodes evict one after the other until the end; left out where there are none."""
    killed_starts: list[KilledStartsPart] = Field(default_factory=list)
    """Instances that came up though probes had killed starts of theirs; left out where there are none."""
    confirmed: list[ConfirmedPart] = Field(default_factory=list)
    """What lint warns of and the run has shown; left out where there is nothing."""
    ways_to_finish: WaysToFinishPart | None = None
    """Of a run that never finishes, which `run` and `rollout` play again with changes; left out where none was."""
    objectives: list[ObjectivePart]
    timeline: TimelinePart
    instances: list[InstancePart]
    deployments: list[DeploymentPart]
    """The Deployments of the manifest, beside the KubeInfer or alone."""
    replica_sets: list[ReplicaSetPart] = Field(default_factory=list)
    """ReplicaSets without a Deployment; left out where there are none."""
    stateful_sets: list[ReplicaSetPart] = Field(default_factory=list)
    """Left out where there are none."""
    daemon_sets: list[ReplicaSetPart] = Field(default_factory=list)
    """Left out where there are none; how many pods are desired depends on the nodes."""
    pods: list[BarePodPart] = Field(default_factory=list)
    """Pods that no controller makes; left out where there are none."""
    faults: list[FaultPart]
    """In order of time: those of actions and of fault processes."""
    fault_kinds: list[FaultKindPart]
    """The same by kind, with detection apart from recovery."""
    recoveries: list[RecoveryPart]
    """What recovery did, in order of time."""
    node_outages: list[NodeOutagePart]
    node_changes: list[NodeChangePart] = Field(default_factory=list)
    """Left out where the nodes stay the same."""
    drains: list[DrainPart]
    traffic: TrafficPart | None
    load: LoadPart | None
    availability: AvailabilityPart | None
    causes: list[CausePart]
    """Dearest first; `lostInstanceMs` adds up to the loss of `wholeRun`."""
    cause_kinds: list[CauseKindPart]
    """The same for each kind of beginning: of fault, update, drain."""
    warnings: list[str]
    assumptions: list[AssumptionPart]
    defaults: list[str]
    """Defaults in force that the scenario did not set."""
    cost: CostPart
    kubeinfers: list[KubeInferPart] | None = None
    """Of a run with several KubeInfers, each; the keys above then tell of the first. Left out where there is one."""
    configuration: ConfiguredPart | None = None
    detail: DetailPart | None = None
    """What is not told one by one (`--detail`); left out where all is told."""


def build_result(assessment: Assessment, *, told: Detail = "pods") -> Result:
    """The result document of a run, as much of it as is to be told; lists of what is not told are empty.

    Raises:
        UsageError: the pods' objects at its end were not read (`simulate(…, pods=False)`).
    """
    expect(assessment, (Assessment,), "build_result", "build_result(assess(run))")
    run, measures = assessment.run, assessment.measures
    scenario, cluster = run.scenario, assessment.cluster
    if told == "pods" and run.pods is None:
        raise UsageError("the result tells of the pods at the end: it needs a run simulated with pods=True")
    objects = {pod.ref: pod for pod in run.pods or ()} if told == "pods" else None
    several = len(assessment.kubeinfers) > 1
    warnings = (*run_warnings(assessment), *(each.one_line() for each in scenario.warnings))
    return Result(
        version=__version__,
        scenario=scenario_part(run),
        verdict=verdict_part(assessment),
        end=end_part(run, measures),
        service=service_part(measures.service),
        whole_run=service_part(measures.whole),
        npus=npus_part(scenario, measures),
        changes=[applied_part(ChangePart, change) for change in measures.changes],
        stalls=[stall_part(stall) for stall in measures.stalls],
        preemptions=preemption_parts(cluster.preemptions),
        rejections=rejection_parts(cluster.rejections),
        endless_evictions=evictions_parts(cluster.evictions),
        killed_starts=killed_starts_parts(cluster.killed_starts),
        confirmed=confirmed_parts(confirmed(assessment)),
        ways_to_finish=ways_to_finish_part(assessment.ways),
        objectives=objective_parts(assessment.judged),
        timeline=timeline_part(measures),
        instances=[] if told == "summary" else instance_parts(measures, objects),
        deployments=deployment_parts(scenario, measures.deployments, objects),
        replica_sets=replica_set_parts(scenario, "ReplicaSet", measures.deployments, objects),
        stateful_sets=replica_set_parts(scenario, "StatefulSet", measures.deployments, objects),
        daemon_sets=replica_set_parts(scenario, "DaemonSet", measures.deployments, objects),
        pods=bare_pod_parts(scenario, measures.bare_pods, objects),
        faults=fault_parts(cluster.faults),
        fault_kinds=fault_kind_parts(cluster.faults),
        recoveries=recovery_parts(measures),
        node_outages=node_outage_parts(measures),
        node_changes=node_change_parts(assessment.cluster),
        drains=drain_parts(measures),
        traffic=traffic_part(assessment.traffic),
        load=load_part(scenario.load, assessment.demand),
        availability=availability_part(assessment.availability),
        causes=cause_parts(assessment.causes),
        cause_kinds=cause_kind_parts(assessment.causes),
        warnings=list(dict.fromkeys(warnings)),
        assumptions=assumption_parts(scenario),
        defaults=list(scenario.defaults),
        cost=cost_part(run),
        kubeinfers=[
            _kubeinfer_part(spec, assessment.kubeinfers[spec.name], told, objects)
            for spec in scenario.kubeinfers
        ]
        if several
        else None,
        configuration=configured_part(scenario.configuration),
        detail=detail_part(told, cluster.instances),
    )


def _kubeinfer_part(
    spec: KubeInfer, figures: KubeInferFigures, told: Detail, objects: Objects | None
) -> KubeInferPart:
    measures = figures.measures
    return KubeInferPart(
        name=spec.name,
        namespace=spec.namespace,
        outcome=measures.outcome,
        missing_instances=measures.losing,
        service=service_part(measures.service),
        whole_run=service_part(measures.whole),
        changes=[applied_part(ChangePart, change) for change in measures.changes],
        stalls=[stall_part(stall) for stall in measures.stalls],
        timeline=timeline_part(measures),
        instances=[] if told == "summary" else instance_parts(measures, objects),
        recoveries=recovery_parts(measures),
        availability=availability_part(figures.availability),
        causes=cause_parts(figures.causes),
        cause_kinds=cause_kind_parts(figures.causes),
    )


def to_json(result: Result) -> str:
    """The document as text, ending in a line break; equal results give equal bytes."""
    return result.to_json()


def result_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document."""
    return Result.json_schema()
