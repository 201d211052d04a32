"""Which runs of containers a fault of checks strikes, and from when to when."""

from __future__ import annotations

from typing import Any

from cluster.bare_pods import Idle, bare_pod

from kubeinfer_sim.cluster.kubelet.check_faults import CheckFault, CheckFaults, Trouble
from kubeinfer_sim.cluster.prober.health import Outcome, Segment

SICK = Segment(0, Outcome.FAIL)
POD, OTHER = (bare_pod(Idle(), name) for name in ("serve", "route"))
LIVENESS = ("liveness", "readiness")


def faults(**fields: Any) -> CheckFaults:
    made = {"means": lambda pod: pod is POD, "answer": SICK, "probes": ("liveness",), "after": 5, **fields}
    return CheckFaults([CheckFault(**made)])


def struck(found: CheckFaults, *begins: int, container: str = "engine") -> list[int]:
    """The runs, by when they begin, that are struck."""
    return [at for at in begins if found.of_run(POD, container, at, LIVENESS)]


def test_a_run_that_begins_while_it_lasts_is_struck_so_long_after_its_start() -> None:
    found = faults(at=10, until=30, lasts=7)
    assert found.first(0) is None
    assert struck(found, 9, 10, 29, 30) == [10, 29]
    assert found.first(0) == 15
    assert found.of_run(POD, "engine", 20, LIVENESS) == (Trouble("liveness", SICK, 25, 32),)
    assert faults().of_run(POD, "engine", 20, LIVENESS) == (Trouble("liveness", SICK, 25, None),)


def test_of_each_container_so_many_runs_are_struck() -> None:
    found = faults(times=2)
    assert struck(found, 1, 2, 3, 4) == [1, 2]
    assert struck(found, 5, 6, 7, container="log") == [5, 6]


def test_other_pods_other_containers_and_checks_that_nobody_asks_are_not() -> None:
    found = faults(container="engine")
    assert not found.of_run(OTHER, "engine", 0, LIVENESS)
    assert not found.of_run(POD, "log", 0, LIVENESS)
    assert not found.of_run(POD, "engine", 0, ("startup",))
    assert found.mean(POD, "engine")
    assert not found.mean(POD, "log")
    assert not found.mean(OTHER, "engine")
