"""How long engines take to load, from the default stage timings: what lint compares probe windows with."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.manifest.lint.rule import LoadTime, has_npus
from kubeinfer_sim.manifest.model import KubeInfer, Role
from kubeinfer_sim.scenario.profiles import NO_NPU_STAGES, STAGES
from kubeinfer_sim.scenario.units import parse_duration

_ALWAYS = ("rank_table", "framework_import", "communicator", "warm_up")


def load_times(kubeinfers: Iterable[KubeInfer]) -> dict[str, LoadTime]:
    """Load times by role name; of roles of one name in several KubeInfers the slower one.

    From container start to the first good answer: image pulls come before, and waiting for slower pods of the
    gang is no part of it. Weights are read from where the template's volumes say (`PodTemplate.weights_volume`).
    """
    found: dict[str, LoadTime] = {}
    for kubeinfer in kubeinfers:
        for role in kubeinfer.roles:
            own = _load_time(role)
            if role.name not in found or own.cold > found[role.name].cold:
                found[role.name] = own
    return found


def stop_time(stage: str) -> int:
    """The typical seconds of `pre_stop` or `exit`."""
    return parse_duration(STAGES[stage].typical) // 1000


def _load_time(role: Role) -> LoadTime:
    table = STAGES if has_npus(role) else {**STAGES, **NO_NPU_STAGES}
    weights = "weights_local" if role.template.weights_volume == "local" else "weights_shared"

    def total(column: str, *stages: str) -> int:
        return sum(parse_duration(getattr(table[each], column)) for each in (*_ALWAYS, *stages)) // 1000

    return LoadTime(
        warm=total("typical", "weights_warm", "graph_warm"),
        cold=total("typical", weights, "graph_cold"),
        slowest=total("high", weights, "graph_cold"),
    )
