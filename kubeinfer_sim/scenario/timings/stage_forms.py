"""How a user writes how long stages take."""

from typing import Any

from pydantic import Field

from kubeinfer_sim.scenario.forms import Form
from kubeinfer_sim.scenario.timings.forms import DistributionForm
from kubeinfer_sim.scenario.timings.profiles import DEFAULT_PROFILE, STAGES, Profile


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

    profile: Profile = Field(DEFAULT_PROFILE, description="Where stages not named here come from.")
    file: str | None = Field(
        None, description="Path of a file of kind Timings; what is written here goes before it."
    )
    images: dict[str, StagesForm] = Field(
        {},
        description="Stages of containers that run an image, by its name, before those of their roles: of a sidecar "
        "frameworkImport (until its checks pass) and exit, of an init container init.",
    )
