"""Default stage timings: low, typical and high of every stage, and what each rests on.

The profile `typical` takes the typical value as a constant, `range` a triangular distribution over all three,
`zero` no time at all (then only the stages named in the scenario take any). Sources are measurements on other
hardware more often than not: take them for their order of magnitude. The table in `docs/scenario.md` is held
to `STAGES` by a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from msgspec import Struct

from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.timings.distributions import Constant, Triangular
from kubeinfer_sim.scenario.timings.model import STAGE_NAMES, StageTimings
from kubeinfer_sim.scenario.units import parse_duration

Profile = Literal["typical", "range", "zero"]
DEFAULT_PROFILE: Profile = "typical"


class Stage(Struct, frozen=True):
    """One stage's default: what it is, three durations, and their source."""

    what: str
    low: str
    typical: str
    high: str
    source: str


#: By the field of `StageTimings`, in the order a pod goes through them.
STAGES: Mapping[str, Stage] = {
    "bind": Stage(
        "gang placed → all its pods bound",
        "50ms",
        "600ms",
        "1.3s",
        "recorded runs of Volcano: 0.6 s on average, 64 pods up to 1.3 s; of that the wait for its cycle, 0.5 s, is "
        "played where Volcano places",
    ),
    "image_warm": Stage("image already on the node", "0s", "1s", "3s", "assumed"),
    "image_cold": Stage(
        "pull of an image that is not on the node",
        "1m",
        "4m50s",
        "20m",
        "16 GB MindIE image at 55 MB/s (KAITO #2325); slower when many nodes share a registry",
    ),
    "init": Stage("run of one init container", "1s", "5s", "1m", "assumed"),
    "volumes": Stage(
        "its volumes are mounted, before anything else",
        "100ms",
        "300ms",
        "1s",
        "recorded whole runs: the volume manager looks every 300 ms",
    ),
    "create": Stage("sandbox and containers", "1s", "3s", "10s", "KAITO #2325"),
    "post_start": Stage(
        "a postStart hook whose length the manifest does not tell", "0s", "1s", "30s", "assumed"
    ),
    "rank_table": Stage(
        "last pod of the gang up → engines start",
        "1s",
        "5s",
        "5s",
        "assumed; waiting for the slowest pod is simulated, not part of it",
    ),
    "framework_import": Stage("framework import", "20s", "1m", "1m35s", "KAITO #2325"),
    "communicator": Stage(
        "HCCL and process groups", "5s", "20s", "2m20s", "HCCL connect timeout 120 s + 20 s at the high end"
    ),
    "weights_warm": Stage("weights in the node's page cache", "10s", "41s", "1m", "ReviveMoE"),
    "weights_local": Stage("weights cold on local disk", "1m", "6m", "8m", "vllm-ascend #16983"),
    "weights_shared": Stage("weights cold on shared storage", "5m", "20m", "1h15m", "aws-do-eks #40"),
    "graph_warm": Stage("graph cache of this revision on the node", "5s", "7s", "15s", "ReviveMoE"),
    "graph_cold": Stage("graphs compiled anew", "3m15s", "12m54s", "37m2s", "ReviveMoE; vLLM #34399"),
    "warm_up": Stage("warm-up requests", "10s", "30s", "1m30s", "vLLM #19824"),
    "pre_stop": Stage(
        "drain in a preStop hook whose length the manifest does not tell",
        "10s",
        "1m",
        "2m",
        "assumed; high: the guide's grace period; cut by the grace period in force",
    ),
    "exit": Stage("SIGTERM → process gone", "5s", "30s", "2m5s", "assumed; cut by the grace period in force"),
    "sidecar_exit": Stage(
        "SIGTERM → an init container, or a sidecar after all containers, gone",
        "0s",
        "1s",
        "30s",
        "assumed; cut by the grace period",
    ),
    "cleanup": Stage(
        "last container dead, NPUs free → pod object gone",
        "1s",
        "2s",
        "3s",
        "kubelet: relist every 1 s, housekeeping every 2 s (pkg/kubelet/kubelet.go)",
    ),
    "relist": Stage(
        "a container started, or ended by itself → its kubelet sees that",
        "0s",
        "500ms",
        "1s",
        "recorded whole runs: relist every 1 s (pkg/kubelet/kubelet.go)",
    ),
    "probe_latency": Stage("a probe that answers", "0s", "0s", "1s", "assumed; far below any period"),
}

#: What every engine goes through between its start and its first answer, in order; weights and graphs come before the
#: last, and take as long as they are warm or cold.
LOAD = ("rank_table", "framework_import", "communicator", "warm_up")

#: Stages a pod without NPUs (proxy, router, coordinator) does not have, and its shorter start.
NO_NPU_STAGES: Mapping[str, Stage] = {
    **{
        name: Stage(STAGES[name].what, "0s", "0s", "0s", "a role without NPUs loads no model")
        for name in (
            "communicator",
            "weights_warm",
            "weights_local",
            "weights_shared",
            "graph_warm",
            "graph_cold",
            "warm_up",
        )
    },
    "framework_import": Stage("start of the process", "1s", "5s", "20s", "assumed"),
}


def profile_timings(
    profile: Profile, stages: Mapping[str, Distribution] | None = None, *, npu: bool = True
) -> StageTimings:
    """The timings of a profile for a role with or without NPUs; `stages` replaces some, by field name."""
    chosen: dict[str, Any] = {**_distributions(profile, npu), **(stages or {})}
    return StageTimings(**chosen)


@cache  # every scenario asks for them, and their texts take longer to read than the scenario's own
def _distributions(profile: Profile, npu: bool) -> Mapping[str, Distribution]:
    table = STAGES if npu else {**STAGES, **NO_NPU_STAGES}
    return {name: _distribution(table[name], profile) for name in STAGE_NAMES}


def _distribution(stage: Stage, profile: Profile) -> Distribution:
    low, typical, high = map(parse_duration, (stage.low, stage.typical, stage.high))
    if profile == "zero":
        return Constant(0)
    if profile == "typical" or low == high:
        return Constant(typical)
    return Triangular(low, typical, high)
