"""What lint compares manifests with: the loads and stops of the default stage timings, and a cluster if given."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from kubeinfer_sim.manifest.lint.rule import Expectations, LoadTime, has_npus
from kubeinfer_sim.manifest.model import PodTemplate
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.timings.profiles import LOAD, NO_NPU_STAGES, STAGES, Stage
from kubeinfer_sim.scenario.units import parse_duration


def expectations(nodes: Sequence[NodeSpec] = ()) -> Expectations:
    """What to expect of pods on a cluster; without nodes it is not known."""
    return Expectations(
        load=load_time,
        drain=_seconds("typical", STAGES["pre_stop"]),
        exit=_seconds("typical", STAGES["exit"]),
        nodes=nodes,
    )


def load_time(template: PodTemplate) -> LoadTime:
    """How long the engine of a pod loads, from its container's start to the first good answer.

    Image pulls come before, and waiting for slower pods of the gang is no part of it. Weights are read from where the
    template's volumes say (`PodTemplate.weights_volume`).
    """
    return _load_time(has_npus(template), template.weights_volume == "local")


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
