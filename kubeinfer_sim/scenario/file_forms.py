"""Files that a scenario may name, or that hold beside it: clusters, rules of recovery, timings, configurations."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from kubeinfer_sim.scenario.assumption_forms import AssumptionsForm
from kubeinfer_sim.scenario.cluster.forms import FILE, PODS, ClusterForm, ShortNodes, pods_belong_to_file
from kubeinfer_sim.scenario.cluster.pool_forms import PoolForm
from kubeinfer_sim.scenario.forms import Form, KubernetesVersion, MetadataForm, exactly_one
from kubeinfer_sim.scenario.recovery.forms import RulesForm
from kubeinfer_sim.scenario.timings.stage_forms import TimingsForm, TimingsSpecForm


class ClusterSpecForm(Form):
    """The nodes: pools, `nodes: 8x8`, or those of a real cluster."""

    nodes: ShortNodes | None = Field(
        None, description="8x8: 8 nodes of 8 NPUs, with the labels the manifest asks for."
    )
    pools: Annotated[list[PoolForm], Field(min_length=1)] | None = None
    images: list[str] = Field([], description="With `nodes`: images already on them.")
    weights: list[str] = Field([], description="With `nodes`: weights in their page cache; * for all.")

    file: str | None = Field(None, description=FILE)
    pods: str | None = Field(None, description=PODS)

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, "nodes", "pools", "file")
        pods_belong_to_file(self.pods, self.file)
        if self.nodes is None and (self.images or self.weights):
            raise ValueError("images and weights at this place belong to `nodes`; give them in each pool")
        return self


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
