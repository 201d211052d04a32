"""What lint compares manifests with: the loads and stops of the default stage timings, and a cluster if given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from kubeinfer_sim.manifest.lint.rule import Expectations, LoadTime, has_npus
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.timings.profiles import LOAD, NO_NPU_STAGES, STAGES, Stage
from kubeinfer_sim.scenario.units import parse_duration


def expectations(kubeinfers: Sequence[KubeInfer], nodes: Sequence[NodeSpec] = ()) -> Expectations:
    """What to expect of KubeInfers on a cluster; without nodes it is not known."""
    return Expectations(
        load=load_times(kubeinfers),
        drain=_seconds("typical", STAGES["pre_stop"]),
        exit=_seconds("typical", STAGES["exit"]),
        nodes=nodes,
    )


def load_times(kubeinfers: Iterable[KubeInfer]) -> dict[str, LoadTime]:
    """Load times by role name; of roles of one name in several KubeInfers the slower one.

    From container start to the first good answer: image pulls come before, and waiting for slower pods of the
    gang is no part of it. Weights are read from where the template's volumes say (`PodTemplate.weights_volume`).
    """
    times: dict[str, LoadTime] = {}
    for kubeinfer in kubeinfers:
        for role in kubeinfer.roles:
            own = _load_time(has_npus(role), role.template.weights_volume == "local")
            if role.name not in times or own.cold > times[role.name].cold:
                times[role.name] = own
    return times


@cache
def _load_time(npus: bool, local_weights: bool) -> LoadTime:
    table = STAGES if npus else {**STAGES, **NO_NPU_STAGES}
    weights = "weights_local" if local_weights else "weights_shared"

    def total(column: str, *stages: str) -> int:
        return sum(_seconds(column, table[each]) for each in (*LOAD, *stages))

    return LoadTime(
        warm=total("typical", "weights_warm", "graph_warm"),
        cold=total("typical", weights, "graph_cold"),
        slowest=total("high", weights, "graph_cold"),
    )


def _seconds(column: str, stage: Stage) -> int:
    return parse_duration(getattr(stage, column)) // 1000
