"""A run whose history is not kept holds no more at its end than halfway, however much has happened since."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from building import kubeinfer, scenario

from kubeinfer_sim.engine.clock import Phase
from kubeinfer_sim.engine.history import History, Record
from kubeinfer_sim.experiment.figures import RunMeters
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.scenario.faults.model import FaultPlan, FaultProcess
from kubeinfer_sim.scenario.faults.profiles import LLAMA3_MIX, PROFILES
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.timings.distributions import Exponential
from kubeinfer_sim.simulation.assembly import Simulation, assemble
from kubeinfer_sim.simulation.simulate import play

PROBES = {
    "startup": Probe(period_seconds=10, failure_threshold=720),
    "liveness": Probe(period_seconds=5, failure_threshold=6),
    "readiness": Probe(period_seconds=5, failure_threshold=3),
}
YEAR = 365 * 86_400_000


def faulty(instances: int, horizon: int, times: float = 1.0) -> Scenario:
    """Instances of four pods that suffer `times` as many faults as Meta's RSC-1."""
    labels = {"modelarts-infer-npu-reset-enable": "true"}
    spec = kubeinfer(instances, roles={"prefill": 3, "decode": 1}, labels=labels, **PROBES)
    rate = Exponential(PROFILES["meta-rsc1"].mean / times)
    plan = FaultPlan((FaultProcess("meta-rsc1", "node", rate, LLAMA3_MIX),))
    return scenario(spec, instances * 44 // 10, 900, 30, faults=plan, horizon=horizon)


@contextmanager
def nothing_but_this() -> Iterator[None]:
    """`gc` sees only what is made from now on, not what other tests of this process keep."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def held(made: Scenario, *, pods: bool) -> tuple[tuple[int, int], tuple[int, int], int]:
    """Objects and records alive halfway and at the end, and how many records there were."""
    counts = []
    with nothing_but_this():
        simulation = assemble(made, 0, None, History(keep=False), pods=pods)

        def count() -> None:
            gc.collect()
            objects = gc.get_objects()
            counts.append((len(objects), sum(isinstance(each, Record) for each in objects)))

        assert made.horizon is not None
        for at in (made.horizon // 2, made.horizon):
            simulation.env.clock.at(at, count, phase=Phase.OBSERVER)
        total = play(simulation).history.total
    return counts[0], counts[1], total


def check(made: Scenario, *, pods: bool = False) -> None:
    (objects, records), (objects_later, records_later), total = held(made, pods=pods)
    assert total > 10_000
    assert records == records_later == 0
    assert objects_later < objects * 1.02


@pytest.mark.parametrize("pods", [False, True])
def test_ten_instances_under_many_faults_hold_as_much_at_the_end_of_a_year_as_halfway(pods: bool) -> None:
    check(faulty(10, YEAR, times=5), pods=pods)


@pytest.mark.sweep
def test_a_thousand_instances_hold_as_much_at_the_end_of_a_year_as_halfway() -> None:
    check(faulty(1000, YEAR))


def test_nothing_of_the_cluster_outlives_the_run() -> None:
    before = alive(Simulation)
    meters = RunMeters(made := faulty(2, YEAR // 10))
    simulation = assemble(made, 0)
    simulation.env.history.subscribe(meters.observe)
    run = play(simulation)
    del simulation
    assert alive(Simulation) == before
    assert run.pods


def alive(kind: Callable[..., object]) -> int:
    gc.collect()
    return sum(type(each) is kind for each in gc.get_objects())
