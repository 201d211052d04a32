"""How often hardware stops a large job: published rates, played by the fault processes of whole scenarios.

Every node runs a pod on its 8 NPUs; each fault is one of the published mix and is handled as any other, so the counts
are those of the history. Sources: Meta's RSC-1 and RSC-2 (arXiv 2410.21680), Llama 3 (arXiv 2407.21783).
"""

from __future__ import annotations

from functools import cache

from building import kubeinfer, scenario

from kubeinfer_sim.cluster.fault_records import FaultInjected
from kubeinfer_sim.scenario.faults.model import FaultPlan, FaultProcess
from kubeinfer_sim.scenario.faults.profiles import LLAMA3_MIX, PROFILES
from kubeinfer_sim.scenario.timings.distributions import Exponential
from kubeinfer_sim.simulation.simulate import simulate

DAY = 86_400_000
WATCHED = {"modelarts-infer-npu-reset-enable": "true"}


@cache
def interruptions(profile: str, nodes: int, days: int, seed: int = 0) -> int:
    """Faults on so many nodes in so many days."""
    process = FaultProcess(profile, "node", Exponential(PROFILES[profile].mean), LLAMA3_MIX)
    spec = kubeinfer(nodes, readiness=None, labels=WATCHED)
    run = simulate(
        scenario(spec, nodes, 180, 10, faults=FaultPlan((process,)), horizon=days * DAY, seed=seed)
    )
    return sum(1 for _ in run.history.of(FaultInjected))


def expected(profile: str, nodes: int, days: int) -> float:
    return PROFILES[profile].per_1000_node_days / 1000 * nodes * days


#: Nodes, days simulated, published mean time to failure in hours (Meta's projection from 6.50 per 1000 node-days).
SCALING = ((2048, 60, 1.80), (16_384, 6, 0.225))
LLAMA3 = (2048, 54)
LLAMA3_SEEDS = 6
