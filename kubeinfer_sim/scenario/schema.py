"""What a user writes in a scenario file, as Pydantic models; `scenario_json_schema()` publishes them.

Only shapes and single values are checked here. What needs the manifest, other files or the whole time line is
checked where the scenario is compiled (`load.py`).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from kubeinfer_sim.manifest.releases import LATEST, RELEASES, release_of
from kubeinfer_sim.scenario.actions.forms import ActionForm, ApplyForm, ManifestForm
from kubeinfer_sim.scenario.actions.node_forms import DisruptionBudgetForm, KubeletForm, NodeLifecycleForm
from kubeinfer_sim.scenario.cluster.forms import ClusterForm, ClusterSpecForm, TransfersForm
from kubeinfer_sim.scenario.demand.forms import LoadForm
from kubeinfer_sim.scenario.demand.traffic_forms import TrafficForm
from kubeinfer_sim.scenario.faults.forms import FaultsForm
from kubeinfer_sim.scenario.forms import (
    Duration,
    DurationOrNever,
    Form,
    Horizon,
    PositiveDuration,
    shown,
)
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.objective_forms import Confidence, ObjectivesForm
from kubeinfer_sim.scenario.recovery.forms import RecoveryForm, RulesForm
from kubeinfer_sim.scenario.timings.forms import DistributionForm
from kubeinfer_sim.scenario.timings.profiles import STAGES, Profile
from kubeinfer_sim.scenario.units import format_duration

API_VERSION = "kubeinfer-sim/v1"

_A = Assumptions()


def _kubernetes_version(value: object) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        raise ValueError(f'a version is a text: write it in quotes, as in "{LATEST.version}"')
    try:
        return release_of(value if isinstance(value, str) else "").version
    except ValueError:
        known = f"{RELEASES[0]} to {RELEASES[-1]}"
        raise ValueError(
            f'expected a version from {known}, as in "{LATEST.version}"; found {shown(value)}'
        ) from None


KubernetesVersion = Annotated[
    str,
    PlainValidator(_kubernetes_version),
    WithJsonSchema({"type": "string", "pattern": rf"^v?({'|'.join(map(re.escape, RELEASES))})(\.[0-9]+)?$"}),
]


class MetadataForm(Form):
    """The scenario's name and what it is about."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    description: str = ""


def _stage(name: str) -> Any:
    return Field(None, description=f"{STAGES[name].what}. Typical: {STAGES[name].typical}.")


class StagesForm(Form):
    """How long the stages take; `image`, `weights`, `graph` set those of their variants that are not set."""

    bind: DistributionForm | None = _stage("bind")
    image: DistributionForm | None = Field(None, description="imageWarm and imageCold at once.")
    image_warm: DistributionForm | None = _stage("image_warm")
    image_cold: DistributionForm | None = _stage("image_cold")
    init: DistributionForm | None = _stage("init")
    volumes: DistributionForm | None = _stage("volumes")
    create: DistributionForm | None = _stage("create")
    post_start: DistributionForm | None = _stage("post_start")
    rank_table: DistributionForm | None = _stage("rank_table")
    framework_import: DistributionForm | None = _stage("framework_import")
    communicator: DistributionForm | None = _stage("communicator")
    weights: DistributionForm | None = Field(
        None, description="weightsWarm, weightsLocal and weightsShared at once."
    )
    weights_warm: DistributionForm | None = _stage("weights_warm")
    weights_local: DistributionForm | None = _stage("weights_local")
    weights_shared: DistributionForm | None = _stage("weights_shared")
    graph: DistributionForm | None = Field(None, description="graphWarm and graphCold at once.")
    graph_warm: DistributionForm | None = _stage("graph_warm")
    graph_cold: DistributionForm | None = _stage("graph_cold")
    warm_up: DistributionForm | None = _stage("warm_up")
    pre_stop: DistributionForm | None = _stage("pre_stop")
    exit: DistributionForm | None = _stage("exit")
    sidecar_exit: DistributionForm | None = _stage("sidecar_exit")
    cleanup: DistributionForm | None = _stage("cleanup")
    relist: DistributionForm | None = _stage("relist")
    probe_latency: DistributionForm | None = _stage("probe_latency")


class TimingsSpecForm(StagesForm):
    """Stages for all roles, and of single roles."""

    roles: dict[str, StagesForm] = Field({}, description="Stages of single roles, by name.")


class TimingsForm(TimingsSpecForm):
    """Stage timings: a profile, stages that differ from it, and roles that differ from those."""

    profile: Profile = Field("typical", description="Where stages not named here come from.")
    file: str | None = Field(
        None, description="Path of a file of kind Timings; what is written here goes before it."
    )
    images: dict[str, StagesForm] = Field(
        {},
        description="Stages of containers that run an image, by its name, before those of their roles: of a sidecar "
        "frameworkImport (until its checks pass) and exit, of an init container init.",
    )


def _time(millis: int | None) -> Any:
    """A default, as the user would write it."""
    return Field("never" if millis is None else format_duration(millis), validate_default=True)


class AssumptionsForm(Form):
    """How KubeInfer's controller is taken to behave where the vendor publishes nothing."""

    start_barrier: Literal["instance", "role", "none"] = _A.start_barrier
    traffic: Literal["wholeInstance", "perPod"] | None = _A.traffic
    replacement: Literal["TerminationComplete", "TerminationStarted"] = _A.replacement
    unready_grace: Duration = _time(_A.unready_grace)
    unready_old: Literal["outsideBudget", "inOrder"] = _A.unready_old
    middle_revision: Literal["replaced", "finished"] = _A.middle_revision
    replaced_at_once: Literal["budget", "one"] = _A.replaced_at_once
    ordinals: Literal["lowestFree", "next", "fixed"] = _A.ordinals
    scale_in: Literal["oldFirst", "highestOrdinal"] = _A.scale_in
    old_instance_failure: Literal["replaceNew", "rebuildOld"] = _A.old_instance_failure
    group_termination: Literal["together", "failedFirst"] = _A.group_termination
    startup_crash: Literal["rebuild", "kubelet"] = _A.startup_crash
    backoff: list[Duration] = Field(
        [format_duration(each) for each in _A.backoff], min_length=1, validate_default=True
    )
    backoff_reset: Duration = _time(_A.backoff_reset)
    max_restarts: Annotated[int, Field(ge=0)] | None = _A.max_restarts
    max_restarts_window: PositiveDuration = _time(_A.max_restarts_window)
    keep_nodes: bool = _A.keep_nodes
    peer_loss_timeout: DurationOrNever = _time(_A.peer_loss_timeout)
    progress_deadline: DurationOrNever = _time(_A.progress_deadline)
    scheduler: Literal["volcano", "kube-scheduler"] | None = _A.scheduler
    pod_group: Literal["new", "kept"] = _A.pod_group
    min_member: Annotated[int, Field(ge=1)] | None = _A.min_member
    placement: Literal["mostAllocated", "leastAllocated", "default"] = _A.placement
    scheduling_rate: Literal["unlimited", "mindcluster"] = _A.scheduling_rate
    preemption: bool = _A.preemption
    scale_subresource: Literal["none", "instance"] = _A.scale_subresource
    loads_after_sigterm: bool = _A.loads_after_sigterm
    on_stall: Literal["wait", "abort"] = _A.on_stall
    fault_scheduling: Literal["external-force", "external-force-pod-failed"] = _A.fault_scheduling
    silent_faults: bool = _A.silent_faults


class BinpackForm(Form):
    """The plugin binpack: prefer the node whose resources become the most used."""

    weight: Annotated[int, Field(ge=0)] = 1
    resources: dict[str, Annotated[int, Field(ge=0)]] = Field(
        {"cpu": 1, "memory": 1}, description="Weight of each resource; of others it knows nothing."
    )


class SchedulerForm(Form):
    """Volcano's configuration; what is left out is as its chart ships it."""

    actions: list[Literal["enqueue", "allocate", "preempt", "backfill"]] = Field(
        ["enqueue", "allocate", "backfill"],
        description="With preempt, pods of less important PodGroups of a queue are evicted for others.",
    )
    binpack: BinpackForm = Field({}, validate_default=True)
    queue: Annotated[str, Field(min_length=1)] = Field("default", description="Of KubeInfers' PodGroups.")

    @model_validator(mode="after")
    def _places(self) -> SchedulerForm:
        for action in ("enqueue", "allocate"):
            if action not in self.actions:
                raise ValueError(f"actions: without {action} it places nothing that is simulated: add it")
        return self


class SpecForm(Form):
    """The scenario; everything but `manifest` and `cluster` may be left out."""

    manifest: ManifestForm
    cluster: ClusterForm
    initial: Literal["running", "empty"] | None = Field(
        None,
        description="Default: running when there is an update or an action, else empty.",
    )
    update: ApplyForm | None = Field(None, description="Applied at 0s; short for one action.")
    actions: list[ActionForm] = Field([])
    timings: TimingsForm = Field({}, validate_default=True)
    transfers: TransfersForm = Field({}, validate_default=True)
    assumptions: AssumptionsForm = Field({}, validate_default=True)
    scheduler: SchedulerForm = Field({}, validate_default=True)
    recovery: RecoveryForm | None = Field(
        None, description="What Custom recovery does; without rules the kubelet restarts containers."
    )
    faults: FaultsForm | None = Field(
        None, description="Faults that come again and again, and how NPUs are looked after."
    )
    objectives: ObjectivesForm = Field({}, validate_default=True)
    confidence: Confidence = Field(
        "95%", validate_default=True, description="With which objectives with a probability are decided."
    )
    node_lifecycle: NodeLifecycleForm = Field({}, validate_default=True)
    kubelet: KubeletForm = Field({}, validate_default=True)
    load: LoadForm | None = Field(None, description="What is asked of all instances together.")
    traffic: TrafficForm | None = Field(None, description="Requests: given, the report says what they meet.")
    pod_disruption_budgets: list[DisruptionBudgetForm] = Field(
        [], description="Beside those in the manifest files; they hold drains."
    )
    horizon: Horizon = Field(
        "settled",
        validate_default=True,
        description="When to stop: `settled` (nothing more can happen) or a time.",
    )
    quiet_after: Duration = Field(
        "1d", validate_default=True, description="Until settled: give up after this long without progress."
    )
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    kubernetes_version: KubernetesVersion = LATEST.version
    broken_images: list[str] = Field([], description="Images that cannot be pulled.")
    absent: list[str] = Field(
        [],
        description=(
            "ConfigMaps, Secrets, claims and PriorityClasses, as Kind/name, that pods name and that are not there "
            "at first."
        ),
    )
    schedulers: list[str] = Field(
        [],
        description="Schedulers that run beside kube-scheduler and Volcano; they place pods as kube-scheduler does.",
    )
    priority_classes: dict[str, Annotated[int, Field(ge=-(2**31), le=1_000_000_000)]] = Field(
        {}, description="Value of each PriorityClass that manifests name."
    )


class ScenarioFile(Form):
    """A file of kind Scenario."""

    api_version: Literal["kubeinfer-sim/v1"]
    kind: Literal["Scenario"]
    metadata: MetadataForm
    spec: SpecForm


class ClusterFile(Form):
    """A file of kind Cluster, for `spec.cluster` of many scenarios."""

    api_version: Literal["kubeinfer-sim/v1"]
    kind: Literal["Cluster"]
    metadata: MetadataForm
    spec: ClusterSpecForm


class RecoveryFile(Form):
    """A file of kind Recovery, for `spec.recovery` of many scenarios and for `compare`."""

    api_version: Literal["kubeinfer-sim/v1"]
    kind: Literal["Recovery"]
    metadata: MetadataForm
    spec: RulesForm


class TimingsFile(Form):
    """A file of kind Timings, for `spec.timings.file` of many scenarios."""

    api_version: Literal["kubeinfer-sim/v1"]
    kind: Literal["Timings"]
    metadata: MetadataForm
    spec: TimingsSpecForm


class ConfigurationForm(Form):
    """A configuration file: fields of a scenario's spec that hold wherever a scenario does not have them itself."""

    cluster: ClusterForm | None = None
    timings: TimingsForm | None = None
    kubernetes_version: KubernetesVersion | None = None
    assumptions: AssumptionsForm | None = None


def timings_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a Timings file."""
    return _json_schema(TimingsFile)


def scenario_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a scenario file."""
    return _json_schema(ScenarioFile)


def cluster_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a Cluster file."""
    return _json_schema(ClusterFile)


def recovery_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a Recovery file."""
    return _json_schema(RecoveryFile)


def configuration_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a configuration file."""
    return _json_schema(ConfigurationForm)


def _json_schema(form: type[Form]) -> dict[str, Any]:
    schema = _tidy(form.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"kubeinfer-sim {form.__name__}",
        **schema,
    }


def _tidy(node: Any) -> Any:
    """Without what only Pydantic needs: titles made from names, and null for what is simply left out."""
    if isinstance(node, list):
        return [_tidy(each) for each in node]
    if not isinstance(node, dict):
        return node
    node = {
        key: {name: _tidy(each) for name, each in value.items()}
        if key in ("properties", "$defs")
        else _tidy(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    choices = [each for each in node.get("anyOf", ()) if each != {"type": "null"}]
    if len(choices) == 1:
        del node["anyOf"]
        return {**choices[0], **node}
    return {**node, "anyOf": choices} if choices else node
