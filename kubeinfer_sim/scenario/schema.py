"""What a user writes in a scenario file, as Pydantic models; `json_schemas.py` publishes them.

Only shapes and single values are checked here. What needs the manifest, other files or the whole time line is
checked where the scenario is compiled (`load.py`).
"""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from kubeinfer_sim.manifest.releases import LATEST
from kubeinfer_sim.scenario.actions.forms import ActionForm
from kubeinfer_sim.scenario.actions.manifest_form import ManifestForm
from kubeinfer_sim.scenario.cluster.forms import ClusterForm
from kubeinfer_sim.scenario.forms import (
    Confidence,
    Duration,
    Form,
    Horizon,
    KubernetesVersion,
    MetadataForm,
    later,
)

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.actions.apply_form import ApplyForm
    from kubeinfer_sim.scenario.assumption_forms import AssumptionsForm
    from kubeinfer_sim.scenario.cluster.kubernetes_forms import (
        DisruptionBudgetForm,
        KubeletForm,
        NodeLifecycleForm,
    )
    from kubeinfer_sim.scenario.cluster.transfer_forms import TransfersForm
    from kubeinfer_sim.scenario.demand.forms import LoadForm
    from kubeinfer_sim.scenario.demand.traffic_forms import TrafficForm
    from kubeinfer_sim.scenario.faults.forms import FaultsForm
    from kubeinfer_sim.scenario.objective_forms import ObjectivesForm
    from kubeinfer_sim.scenario.recovery.forms import RecoveryForm
    from kubeinfer_sim.scenario.scheduler_forms import SchedulerForm
    from kubeinfer_sim.scenario.timings.stage_forms import TimingsForm
else:
    HERE = "kubeinfer_sim.scenario"
    (ApplyForm,) = later(f"{HERE}.actions.apply_form", "ApplyForm")
    (AssumptionsForm,) = later(f"{HERE}.assumption_forms", "AssumptionsForm")
    DisruptionBudgetForm, KubeletForm, NodeLifecycleForm = later(
        f"{HERE}.cluster.kubernetes_forms", "DisruptionBudgetForm", "KubeletForm", "NodeLifecycleForm"
    )
    (TransfersForm,) = later(f"{HERE}.cluster.transfer_forms", "TransfersForm")
    (LoadForm,) = later(f"{HERE}.demand.forms", "LoadForm")
    (TrafficForm,) = later(f"{HERE}.demand.traffic_forms", "TrafficForm")
    (FaultsForm,) = later(f"{HERE}.faults.forms", "FaultsForm")
    (ObjectivesForm,) = later(f"{HERE}.objective_forms", "ObjectivesForm")
    (RecoveryForm,) = later(f"{HERE}.recovery.forms", "RecoveryForm")
    (SchedulerForm,) = later(f"{HERE}.scheduler_forms", "SchedulerForm")
    (TimingsForm,) = later(f"{HERE}.timings.stage_forms", "TimingsForm")

API_VERSION = "kubeinfer-sim/v1"


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
    timings: TimingsForm | None = None
    transfers: TransfersForm | None = None
    assumptions: AssumptionsForm | None = None
    scheduler: SchedulerForm | None = None
    recovery: RecoveryForm | None = Field(
        None, description="What Custom recovery does; without rules the kubelet restarts containers."
    )
    faults: FaultsForm | None = Field(
        None, description="Faults that come again and again, and how NPUs are looked after."
    )
    objectives: ObjectivesForm | None = None
    confidence: Confidence = Field(
        "95%", validate_default=True, description="With which objectives with a probability are decided."
    )
    node_lifecycle: NodeLifecycleForm | None = None
    kubelet: KubeletForm | None = None
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
