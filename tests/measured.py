"""The scenarios whose cost is measured (`benchmarks/`) and may not grow (`simulation/test_cost_in_calls.py`)."""

from __future__ import annotations

from cProfile import Profile
from typing import get_args

from building import budget, kubeinfer, nodes, pod_template, scenario, seconds, stage_timings
from msgspec.structs import replace

from kubeinfer_sim import replicate
from kubeinfer_sim.manifest.model import Deployment, Probe, RollingUpdate
from kubeinfer_sim.report.detail import Detail
from kubeinfer_sim.report.result import build_result
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.faults.model import FaultPlan, FaultProcess
from kubeinfer_sim.scenario.faults.profiles import LLAMA3_MIX, PROFILES
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.distributions import Constant, Exponential, Uniform
from kubeinfer_sim.scenario.timings.model import STAGE_NAMES, Timings
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

ROLES = {"prefill": 3, "decode": 1}
#: The guide's.
PROBES = {
    "startup": Probe(period_seconds=10, timeout_seconds=10, failure_threshold=720),
    "liveness": Probe(period_seconds=5, timeout_seconds=10, failure_threshold=6),
    "readiness": Probe(period_seconds=5, timeout_seconds=10, failure_threshold=3, success_threshold=3),
}
STAGES = stage_timings(
    600, 60, bind=seconds(3), image_cold=seconds(290), create=seconds(3), rank_table=seconds(5)
)
YEAR = 365 * 86_400_000


def rollout(instances: int) -> Scenario:
    """Instances of four pods are rolled over at 20 %/20 % on 4.4 nodes each."""
    old = kubeinfer(instances, "20%", "20%", "old", ROLES, **PROBES)
    new = kubeinfer(instances, "20%", "20%", "new", ROLES, **PROBES)
    return Scenario(
        "benchmark", (old,), nodes(instances * 44 // 10), Timings(STAGES), actions=(Apply(0, new),)
    )


def small() -> Scenario:
    """Two instances of two prefill and one decode pods are rolled over, one after the other."""
    roles = {"prefill": 2, "decode": 1}
    old, new = (kubeinfer(2, 1, 0, revision, roles, **PROBES) for revision in ("old", "new"))
    return Scenario("small", (old,), nodes(10), Timings(STAGES), actions=(Apply(0, new),))


def rollout_of_deployment(replicas: int) -> Scenario:
    """The same with the pods of a Deployment."""

    def chat(revision: str) -> Deployment:
        template = pod_template(revision, **PROBES)
        return Deployment(
            "chat", template, replicas=replicas, rolling_update=RollingUpdate(budget("20%"), budget("20%"))
        )

    return Scenario(
        "benchmark",
        (chat("old"),),
        nodes(replicas * 11 // 10),
        Timings(STAGES),
        actions=(Apply(0, chat("new")),),
    )


def year(instances: int) -> Scenario:
    """A year of faults at the rate of `meta-rsc1`, of the kinds of Llama 3's training run."""
    labels = {"modelarts-infer-npu-reset-enable": "true"}
    spec = kubeinfer(instances, roles=ROLES, labels=labels, **PROBES)
    process = FaultProcess("meta-rsc1", "node", Exponential(PROFILES["meta-rsc1"].mean), LLAMA3_MIX)
    return scenario(spec, instances * 44 // 10, 900, 30, faults=FaultPlan((process,)), horizon=YEAR)


def drawn(made: Scenario) -> Scenario:
    """The same with stages that take from 80 to 120 % as long, and checks that take from 5 to 50 ms."""
    stages = made.timings.default
    constants = {name: each for name in STAGE_NAMES if isinstance(each := getattr(stages, name), Constant)}
    spread = {
        name: Uniform(each.value * 8 // 10, each.value * 12 // 10)
        for name, each in constants.items()
        if each.value
    }
    timings = Timings(replace(stages, **spread, probe_latency=Uniform(5, 50)))
    return replace(made, timings=timings)


def calls(made: Scenario) -> tuple[int, Run]:
    """How many function calls a run makes, Python's own included, and the run.

    What is worked out once in a process has been: it is the second run.
    """
    simulate(made, pods=False)
    profile = Profile()
    run = profile.runcall(simulate, made, pods=False)
    return _counted(profile), run


def calls_of_many(made: Scenario, runs: int) -> float:
    """How many calls each of many runs makes, with its figures; what they share has been worked out."""
    replicate(made, 2)
    profile = Profile()
    profile.runcall(replicate, made, runs)
    return _counted(profile) / runs


def calls_of_result(made: Scenario) -> dict[str, int]:
    """How many calls the `figures` of a run take, and how many its result document with each detail."""
    run = simulate(made)
    build_result(assess(run))
    figures = Profile()
    assessment = figures.runcall(assess, run)
    counts = {"figures": _counted(figures)}
    for told in get_args(Detail):
        document = Profile()
        document.runcall(build_result, assessment, told=told)
        counts[told] = _counted(document)
    return counts


def _counted(profile: Profile) -> int:
    return sum(entry.callcount for entry in profile.getstats())
