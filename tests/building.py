"""Small scenarios for tests: constant stages, one-line KubeInfers, uniform nodes."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kubeinfer_sim.cluster.records import ImagePullRetried, PodBound, SetUpContinued, TransferDone
from kubeinfer_sim.cluster.stages import Stage
from kubeinfer_sim.manifest.model import (
    Container,
    IntOrPercent,
    KubeInfer,
    PodTemplate,
    Probe,
    RecoveryPolicy,
    Role,
    RollingUpdate,
)
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.distributions import Constant
from kubeinfer_sim.scenario.timings.model import STAGE_NAMES, StageTimings, Timings
from kubeinfer_sim.simulation.run import Run

NPU = "huawei.com/ascend-1980"

#: Asks every second; so an engine that serves at a whole second is ready at that second.
EVERY_SECOND = Probe(period_seconds=1, failure_threshold=1)


def seconds(value: float) -> Constant:
    return Constant(round(value * 1000))


def stage_timings(load: float = 0, term: float = 0, **stages: Any) -> StageTimings:
    """All stages 0 s but the load (as warm-up) and the exit; `stages` overrides."""
    zero = {name: Constant(0) for name in STAGE_NAMES}
    return StageTimings(**{**zero, "warm_up": seconds(load), "exit": seconds(term), **stages})


def budget(value: int | str) -> IntOrPercent:
    text = str(value)
    return IntOrPercent(int(text.rstrip("%")), text.endswith("%"))


def pod_template(
    revision: str = "old",
    npus: int = 8,
    grace: int = 3600,
    readiness: Probe | None = EVERY_SECOND,
    startup: Probe | None = None,
    liveness: Probe | None = None,
    image: str = "engine:1",
    **fields: Any,
) -> PodTemplate:
    requests = {NPU: npus} if npus else {}
    container = Container(
        "engine",
        image,
        startup_probe=startup,
        liveness_probe=liveness,
        readiness_probe=readiness,
        requests=requests,
        limits=requests,
    )
    return PodTemplate(
        containers=(container,),
        requests=requests,
        termination_grace_period_seconds=grace,
        raw={"revision": revision, "image": image},
        **fields,
    )


def kubeinfer(
    replicas: int = 1,
    surge: int | str = 1,
    unavailable: int | str = 0,
    revision: str = "old",
    roles: dict[str, int] | None = None,
    restart: str = "Instance",
    **template: Any,
) -> KubeInfer:
    """`roles` maps names to pods per role."""
    policy = RecoveryPolicy(restart)  # type: ignore[arg-type]
    return KubeInfer(
        name="infer",
        replicas=replicas,
        rolling_update=RollingUpdate(budget(surge), budget(unavailable)),
        roles=tuple(
            Role(name, pod_template(revision, **template), pods, policy)
            for name, pods in (roles or {"role0": 1}).items()
        ),
    )


def nodes(count: int, npus: int = 8, **fields: Any) -> tuple[NodeSpec, ...]:
    return tuple(NodeSpec(f"node-{i}", "pool", {NPU: npus}, **fields) for i in range(count))


def scenario(spec: KubeInfer, node_count: int, load: float = 0, term: float = 0, **fields: Any) -> Scenario:
    stages = fields.pop("stages", {})
    made = Scenario(
        name="test",
        workloads=(spec,),
        nodes=nodes(node_count),
        timings=Timings(stage_timings(load, term, **stages)),
    )
    return replace(made, **fields)


def set_up_stages(run: Run, since: int = 0) -> list[Stage]:
    """What the pods of a run went through before their containers ran, as told from `since` on."""
    told = (PodBound, SetUpContinued, ImagePullRetried, TransferDone)
    return [
        stage for each in run.history if isinstance(each, told) and each.at >= since for stage in each.stages
    ]
