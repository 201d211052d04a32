"""The result for machines: a versioned JSON document, documented in docs/result.md.

Times and durations are whole milliseconds (`…Ms`), counted from the start of the simulation. The document is
a function of scenario, seed and version: no wall-clock time, no paths of the machine, keys in a fixed order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from kubeinfer_sim._version import __version__
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.manifest.model import PodTemplate
from kubeinfer_sim.metrics import Change, InstanceLife, Judgement, Measures, Outcome, PodLife, Service, Stall
from kubeinfer_sim.metrics.attribution import STAGES, by_kind
from kubeinfer_sim.metrics.availability import Availability
from kubeinfer_sim.metrics.cause_kinds import cause_kind
from kubeinfer_sim.metrics.objectives import seconds
from kubeinfer_sim.metrics.traffic import TrafficMeasures
from kubeinfer_sim.report.assumptions import assumptions
from kubeinfer_sim.report.causes import cause_text
from kubeinfer_sim.report.deployment_result import DeploymentPart, deployment_parts
from kubeinfer_sim.report.load import LoadPart, load_part
from kubeinfer_sim.report.pending import preemptions
from kubeinfer_sim.report.result_part import Part, Points
from kubeinfer_sim.report.verdict import Assessment, npus_of_cluster
from kubeinfer_sim.scenario.model import Apply

#: (revision, role) -> the pod template.
Templates = Mapping[tuple[str, str], PodTemplate]


class ScenarioPart(Part):
    """What was simulated."""

    name: str
    description: str
    namespace: str
    kubeinfer: str
    """Its name; empty where there are Deployments alone."""
    initial: Literal["running", "empty"]
    """Whether its instances ran when the simulation began."""
    nodes: int
    npus: int
    """All NPUs the nodes offer."""
    seed: int
    horizon_ms: int | None
    """None: until settled."""
    kubernetes_version: str


class VerdictPart(Part):
    """Whether the run is green, and why."""

    holds: bool
    """The run completes and every objective is held; exit code 0, else 1."""
    outcome: Outcome
    sentence: str


class EndPart(Part):
    """When and why the simulation stopped."""

    at_ms: int
    reason: Literal["settled", "horizon", "quiet"]
    """Nothing more can happen; the scenario's horizon; no progress for the scenario's `quietAfter`."""
    missing_instances: int
    """Instances asked for and not ready at the end."""


class ServicePart(Part):
    """What stayed in service between two times."""

    since_ms: int
    until_ms: int
    min_ready_instances: int
    min_ready_at_ms: int
    """When so few were ready first."""
    min_ready_for_ms: int
    """For how long in all."""
    lost_instance_seconds: float | int
    """Integral of max(0, desired - ready)."""
    availability: float | None
    """Integral of min(ready, desired) over integral of desired; null when none was desired."""


class NpusPart(Part):
    """NPUs taken by pods."""

    peak: int
    total: int
    in_use: Points


class ChangePart(Part):
    """A spec that was applied; the first is the creation."""

    generation: int
    at_ms: int
    changed: list[str]
    """`template`, `replicas`, `strategy`, `metadata`, `created`, `nothing`."""
    label: str
    revision: str
    replicas: int
    surge: int
    unavailable: int
    """The budgets in instances."""
    completed_at_ms: int | None
    """When all of it was in place and ready."""
    duration_ms: int | None
    superseded_at_ms: int | None
    """When another template came before it was in place."""


class StallPart(Part):
    """A time in which nothing could go on by itself."""

    at_ms: int
    ended_at_ms: int | None
    """Null: it lasts until the end."""
    generation: int
    reason: str
    """`Unschedulable` or `NewRevisionNotReady`."""
    pod_reason: str
    instances: list[str]
    proof: str
    """What is needed and what there is."""


class ObjectivePart(Part):
    """An objective of the scenario, checked over the whole run."""

    name: str
    judgement: Judgement
    target: bool | int | float
    measured: bool | int | float | None
    unit: str
    reason: str
    level: str
    """Of `availability` and `longestOutage`: how many instances are to be ready; else empty."""


class RevisionPart(Part):
    """Ready instances of one revision."""

    revision: str
    ready: Points


class TimelinePart(Part):
    """Numbers of instances over time: (ms, value from then on)."""

    desired: Points
    ready: Points
    live: Points
    """Instances of which a pod is left, terminating ones included."""
    revisions: list[RevisionPart]
    """By first appearance."""


class StagePart(Part):
    """A stretch of a pod's life."""

    name: str
    since_ms: int
    until_ms: int
    regime: str
    """Why this long: `warm`, `cold, shared storage` …"""
    cut: bool
    """Something else happened before it was over."""


class ConditionPart(Part):
    """A condition of a pod's status."""

    type: str
    status: bool
    reason: str
    message: str


class PodPart(Part):
    """A pod."""

    name: str
    role: str
    replica: int
    node: str
    created_at_ms: int
    ready_at_ms: int | None
    deleted_at_ms: int | None
    gone_at_ms: int | None
    restarts: int
    """How often the kubelet restarted a container of it."""
    trouble: str
    phase: str
    """At the end of the run; empty when it is gone."""
    conditions: list[ConditionPart]
    """At the end of the run, as the kubelet writes them."""


class NodeVerdictPart(Part):
    """The nodes that turn a pod down for just these reasons."""

    reasons: list[str]
    """As kube-scheduler words them; empty: these nodes would take the pod."""
    nodes: list[str]


class InstancePart(Part):
    """An instance, by creation; an ordinal may be used again."""

    name: str
    ordinal: int
    revision: str
    state: str
    """At the end: `ready`, `starting`, `pending`, `concerning`, `failed`, `terminating`, `gone`."""
    ran_at_start: bool
    created_at_ms: int
    ready_at_ms: int | None
    """When it was ready first."""
    deleted_at_ms: int | None
    delete_reason: str
    """`Rollout`, `NotReady`, `ScaleIn`."""
    gone_at_ms: int | None
    was_ready_ms: int
    """For how long in all."""
    restarts: int
    """How often recovery rebuilt it, a role or a pod of it."""
    concerning: int
    """How often it lost readiness."""
    given_up: int
    """Pods it gave up for others of its own (action Degrade)."""
    degraded_ms: int
    """For how long it lacked some of them, in all."""
    pending: str
    """What its gang needs and what is free, while it has no place."""
    pending_message: str
    """The same as the scheduler says it of the first pod without a node: `0/8 nodes are available: …`."""
    pending_nodes: list[NodeVerdictPart]
    """Every node's verdict on that pod, nodes with the same reasons together."""
    pace_pod: str
    """The pod that set the pace, whose `stages` follow."""
    stages: list[StagePart]
    """Without a gap from that pod's creation until it is gone or the run ends."""
    pods: list[PodPart]


class RecoveryPart(Part):
    """A step of recovery."""

    at_ms: int
    instance: str
    action: str
    """An action of the rules of recovery, or `GiveUp`, `Restored`, `PeersLost`, `Withdrawn`."""
    what: str
    """The pod or role it is about."""
    fault: str
    by: str
    """The rule or function that decided; empty for a level (Instance, Pod)."""


class NodeOutagePart(Part):
    """A machine that failed, and when the control plane noticed and acted."""

    node: str
    mode: str
    at_ms: int
    not_ready_at_ms: int | None
    tainted_at_ms: int | None
    first_pod_deleted_at_ms: int | None
    returned_at_ms: int | None


class DrainPart(Part):
    """A drain of a node."""

    node: str
    at_ms: int
    ended_at_ms: int | None
    held: str
    """What held it back: the budgets, by name, file and line; empty when nothing did."""
    errors: list[str]


class CausePart(Part):
    """What one initiating record cost."""

    at_ms: int | None
    what: str
    lost_instance_ms: int
    stages: dict[str, int]
    """Instance-ms by stage: detect, decide, terminate, waitForNpu, image, gang, engine, weights, graph, warmUp,
    probe, restart."""
    incidents: int
    """Instances it took out of readiness."""
    mean_detection_ms: float | None
    """From the record until they were not ready."""
    mean_repair_ms: float | None
    """From then until they were ready again; of those that were."""


class CauseKindPart(Part):
    """What all initiating records of one kind cost together."""

    kind: str
    """A kind of fault, `update`, `drain`, `scaling` …"""
    causes: int
    lost_instance_ms: int
    stages: dict[str, int]
    incidents: int
    mean_detection_ms: float | None
    """MTTD: from the record until an instance was not ready."""
    mean_repair_ms: float | None
    """MTTR: from then until it was ready again; of those that were."""


class LevelPart(Part):
    """How often at least so many instances were ready."""

    name: str
    """`one`, `budget` (replicas less maxUnavailable), `all`."""
    fraction: float
    outages: int
    longest_ms: int
    total_ms: int


class AvailabilityPart(Part):
    """Over the time in which service is owed (`wholeRun`)."""

    levels: list[LevelPart]
    capacity: float | None
    """Integral of capacity over desired; an instance's is that of its weakest role."""
    roles: dict[str, float]


class StopPart(Part):
    """What requests met when an instance (or pod) stopped."""

    unit: str
    at_ms: int
    out_of_traffic_at_ms: int
    ends_at_ms: int
    reason: str
    requests_cut: float
    """Expected: in its hands when its engine ended."""
    requests_refused: float
    """Expected: sent to it after its end."""
    error: float
    """Half the width of the 95 % interval of their sum."""


class TrafficPart(Part):
    """What requests met; only with `spec.traffic`."""

    serving: Points
    unserved_ms: int
    longest_unserved_ms: int
    misdirected_ms: int
    """Instance-ms in which requests went to pods that do not answer (publishNotReadyAddresses)."""
    requests_lost: float
    error: float
    stops: list[StopPart]


class AssumptionPart(Part):
    """A switch of the scenario."""

    name: str
    value: str
    default: bool


class CostPart(Part):
    """What the simulation cost, in counts."""

    timers: int
    records: int


class PreemptionPart(Part):
    """A pod of lower priority that was evicted to make room."""

    at_ms: int
    pod: str
    """`namespace/name`, or of an instance its pod's name."""
    node: str
    by: str
    """The instance the room is for."""


class Result(Part):
    """The result of one simulation."""

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
    objectives: list[ObjectivePart]
    timeline: TimelinePart
    instances: list[InstancePart]
    deployments: list[DeploymentPart]
    """The Deployments of the manifest, beside the KubeInfer or alone."""
    recoveries: list[RecoveryPart]
    """What recovery did, in order of time."""
    node_outages: list[NodeOutagePart]
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


def build_result(assessment: Assessment) -> Result:
    """The result document of a run."""
    run, measures = assessment.run, assessment.measures
    scenario = run.scenario
    versions = [scenario.kubeinfer, *(a.kubeinfer for a in scenario.actions if isinstance(a, Apply))]
    templates = {(each.revision, role.name): role.template for each in versions for role in each.roles}
    warnings = (*measures.warnings, *(each.one_line() for each in scenario.warnings))
    return Result(
        version=__version__,
        scenario=ScenarioPart(
            name=scenario.name,
            description=scenario.description,
            namespace=scenario.kubeinfer.namespace,
            kubeinfer=scenario.kubeinfer.name,
            initial=scenario.initial,
            nodes=len(scenario.nodes),
            npus=npus_of_cluster(scenario),
            seed=run.seed,
            horizon_ms=scenario.horizon,
            kubernetes_version=scenario.kubernetes_version,
        ),
        verdict=VerdictPart(
            holds=assessment.verdict.holds, outcome=measures.overall, sentence=assessment.verdict.sentence
        ),
        end=EndPart(at_ms=run.ended_at, reason=run.end, missing_instances=measures.losing),
        service=_service(measures.service),
        whole_run=_service(measures.whole),
        npus=NpusPart(peak=measures.peak_npus, total=npus_of_cluster(scenario), in_use=measures.npus.points),
        changes=[_change(change) for change in measures.changes],
        stalls=[_stall(stall) for stall in measures.stalls],
        preemptions=[
            PreemptionPart(at_ms=each.at, pod=each.pod, node=each.node, by=each.by.name)
            for each in preemptions(run)
        ],
        objectives=[
            ObjectivePart(
                name=each.name,
                judgement=each.judgement,
                target=each.target,
                measured=each.measured,
                unit=each.unit,
                reason=each.reason,
                level=each.level,
            )
            for each in assessment.judged
        ],
        timeline=_timeline(measures),
        instances=[_instance(life, measures, templates) for life in measures.instances],
        deployments=deployment_parts(scenario, measures.deployments),
        recoveries=[
            RecoveryPart(
                at_ms=step.at,
                instance=step.instance,
                action=step.action,
                what=step.what,
                fault=step.fault,
                by=step.by,
            )
            for step in measures.recoveries
        ],
        node_outages=[
            NodeOutagePart(
                node=each.node,
                mode=each.mode,
                at_ms=each.at,
                not_ready_at_ms=each.noticed,
                tainted_at_ms=each.tainted,
                first_pod_deleted_at_ms=each.evicted,
                returned_at_ms=each.returned,
            )
            for each in measures.outages
        ],
        drains=[
            DrainPart(
                node=each.node,
                at_ms=each.at,
                ended_at_ms=each.ended,
                held=each.held,
                errors=list(each.errors),
            )
            for each in measures.drains
        ],
        traffic=_traffic(assessment.traffic),
        load=load_part(scenario.load, assessment.demand),
        availability=_availability(assessment.availability),
        causes=[
            CausePart(
                at_ms=None if each.cause == NO_CAUSE else run.history[each.cause].at,
                what=cause_text(run.history, each.cause),
                lost_instance_ms=each.total,
                stages={stage: each.lost[stage] for stage in STAGES if each.lost[stage]},
                incidents=each.incidents,
                mean_detection_ms=each.detection,
                mean_repair_ms=each.repair,
            )
            for each in assessment.causes
        ],
        cause_kinds=[
            CauseKindPart(
                kind=kind,
                causes=each.records,
                lost_instance_ms=each.total,
                stages={stage: each.lost[stage] for stage in STAGES if each.lost[stage]},
                incidents=each.incidents,
                mean_detection_ms=each.detection,
                mean_repair_ms=each.repair,
            )
            for kind, each in by_kind(assessment.causes, lambda cause: cause_kind(run.history, cause)).items()
        ],
        warnings=list(dict.fromkeys(warnings)),
        assumptions=[
            AssumptionPart(name=each.name, value=each.value, default=each.default)
            for each in assumptions(scenario.assumptions)
        ],
        defaults=list(scenario.defaults),
        cost=CostPart(timers=run.fired, records=len(run.history)),
    )


def to_json(result: Result) -> str:
    """The document as text, ending in a line break; equal results give equal bytes."""
    return result.model_dump_json(by_alias=True, indent=2) + "\n"


def result_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document."""
    schema = Result.model_json_schema(by_alias=True, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "kubeinfer-sim Result",
    }


def _service(service: Service) -> ServicePart:
    low, availability = service.min_ready, service.availability
    return ServicePart(
        since_ms=service.since,
        until_ms=service.until,
        min_ready_instances=low.value,
        min_ready_at_ms=low.at,
        min_ready_for_ms=low.lasting,
        lost_instance_seconds=seconds(service.lost),
        availability=None if availability is None else float(availability),
    )


def _change(change: Change) -> ChangePart:
    return ChangePart(
        generation=change.generation,
        at_ms=change.at,
        changed=list(change.changed),
        label=change.label,
        revision=change.revision,
        replicas=change.replicas,
        surge=change.surge,
        unavailable=change.unavailable,
        completed_at_ms=change.completed,
        duration_ms=change.duration,
        superseded_at_ms=change.superseded,
    )


def _stall(stall: Stall) -> StallPart:
    return StallPart(
        at_ms=stall.at,
        ended_at_ms=stall.ended,
        generation=stall.generation,
        reason=stall.reason,
        pod_reason=stall.pod_reason,
        instances=[ref.name for ref in stall.instances],
        proof=stall.detail,
    )


def _timeline(measures: Measures) -> TimelinePart:
    return TimelinePart(
        desired=measures.desired.points,
        ready=measures.ready.points,
        live=measures.live.points,
        revisions=[
            RevisionPart(revision=revision, ready=steps.points)
            for revision, steps in measures.by_revision.items()
        ],
    )


def _availability(found: Availability | None) -> AvailabilityPart | None:
    if found is None:
        return None
    levels = [
        LevelPart(
            name=each.name,
            fraction=each.fraction,
            outages=each.outages,
            longest_ms=each.longest,
            total_ms=each.total,
        )
        for each in found.levels
    ]
    return AvailabilityPart(
        levels=levels,
        capacity=None if found.capacity is None else float(found.capacity),
        roles={name: float(value) for name, value in found.roles.items()},
    )


def _traffic(traffic: TrafficMeasures | None) -> TrafficPart | None:
    if traffic is None:
        return None
    lost, error = traffic.lost
    return TrafficPart(
        serving=traffic.serving.points,
        unserved_ms=traffic.unserved,
        longest_unserved_ms=traffic.longest_unserved,
        misdirected_ms=traffic.misdirected,
        requests_lost=lost,
        error=error,
        stops=[
            StopPart(
                unit=stop.unit,
                at_ms=stop.at,
                out_of_traffic_at_ms=stop.out,
                ends_at_ms=stop.ends,
                reason=stop.reason,
                requests_cut=stop.cut,
                requests_refused=stop.refused,
                error=stop.error,
            )
            for stop in traffic.stops
        ],
    )


def _status(
    pod: PodLife, life: InstanceLife, measures: Measures, templates: Templates
) -> tuple[str, list[ConditionPart]]:
    state = measures.pods.get(pod.pod)
    template = templates.get((life.revision, pod.pod.role))
    if state is None or template is None:
        return "", []
    phase, conditions = state.status(template)
    return phase, [
        ConditionPart(type=each.type, status=each.status, reason=each.reason, message=each.message)
        for each in conditions
    ]


def _instance(life: InstanceLife, measures: Measures, templates: Templates) -> InstancePart:
    pace, pending = life.pace, life.pending
    return InstancePart(
        name=life.instance.name,
        ordinal=life.instance.ordinal,
        revision=life.revision,
        state=life.state,
        ran_at_start=life.ran_at_start,
        created_at_ms=life.created,
        ready_at_ms=life.ready,
        deleted_at_ms=life.deleting,
        delete_reason=life.delete_reason,
        gone_at_ms=life.gone,
        was_ready_ms=life.was_ready,
        restarts=life.restarts,
        concerning=life.concerning,
        given_up=life.given_up,
        degraded_ms=life.degraded,
        pending="" if pending is None else pending.proof,
        pending_message="" if pending is None else pending.message,
        pending_nodes=[
            NodeVerdictPart(reasons=list(each.reasons), nodes=list(each.nodes))
            for each in (() if pending is None else pending.verdicts)
        ],
        pace_pod="" if pace is None else pace.pod.name,
        stages=[
            StagePart(
                name=span.stage, since_ms=span.since, until_ms=span.until, regime=span.regime, cut=span.cut
            )
            for span in ([] if pace is None else pace.spans)
        ],
        pods=[_pod(pod, life, measures, templates) for pod in life.pods],
    )


def _pod(pod: PodLife, life: InstanceLife, measures: Measures, templates: Templates) -> PodPart:
    phase, conditions = _status(pod, life, measures, templates)
    return PodPart(
        name=pod.pod.name,
        role=pod.pod.role,
        replica=pod.pod.replica,
        node=pod.node,
        created_at_ms=pod.created,
        ready_at_ms=pod.ready,
        deleted_at_ms=pod.deleting,
        gone_at_ms=pod.gone,
        restarts=pod.restarts,
        trouble=pod.trouble,
        phase=phase,
        conditions=conditions,
    )
