"""Kubernetes' own table of probe rounds, for the reference that ticks and for the worker that computes."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kubeinfer_sim.cluster.prober import ContainerProber, Health, Outcome, Probes, Segment
from kubeinfer_sim.cluster.prober.health import FlapDraws
from kubeinfer_sim.cluster.prober.worker import Incarnation, Result, View, Worker, WorkerSpec
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.testing import reference_prober as reference

NOW = 1_000_000


def probe_of(spec: dict[str, int]) -> Probe:
    return Probe(
        initial_delay_seconds=spec["initial_delay_seconds"],
        period_seconds=spec["period_seconds"],
        timeout_seconds=spec["timeout_seconds"],
        success_threshold=spec["success_threshold"],
        failure_threshold=spec["failure_threshold"],
    )


def status_after(status: reference.Status | None, step: dict[str, Any], now: int) -> reference.Status:
    status = status or reference.Status()
    changed: dict[str, Any] = {}
    if "phase" in step:
        changed["phase"] = step["phase"]
    if "container_state" in step:
        changed["state"] = step["container_state"]
    if "started" in step:
        changed["started"] = step["started"]
    if "container_id" in step:
        changed["container"] = step["container_id"]
    if step.get("container_age_s") is not None:
        changed["age_origin"] = now - step["container_age_s"] * 1000
    return replace(status, **changed)


def holds_success(case: dict[str, Any]) -> bool:
    """Up to 1.31 a startup worker goes on after success; the table's rows are of both forms."""
    steps = [step for step in case["steps"] if step["action"] == "do_probe"]
    last = steps[-1]
    if (
        case["probe_type"] == "startup"
        and last.get("expect_result") == "success"
        and "expect_on_hold" in last
    ):
        return bool(last["expect_on_hold"])
    return True


@pytest.mark.vectors("k8s_prober_worker")
def test_a_round_of_the_reference_is_a_round_of_the_real_worker(case):
    worker = reference.Worker(
        case["probe_type"],
        probe_of(case["spec"]),
        holds_success=holds_success(case),
        restart_policy=case.get("restart_policy", "Always"),
    )
    status, now = None, NOW
    for step in case["steps"]:
        match step["action"]:
            case "set_status":
                status = status_after(status, step, now)
                worker.deleted |= bool(step.get("deletion_timestamp"))
            case "preset_result":
                worker.container, worker.cached = step["container_id"], step["result"]
            case "do_probe":
                what = worker.round_begins(status, now)
                if what == "call":
                    worker.round_ends(step["outcome"], now)
                assert (what != "exit") == step["expect_continue"]
                assert worker.cached == step["expect_result"]
                if "expect_result_run" in step:
                    assert worker.result_run == step["expect_result_run"]
                if "expect_on_hold" in step:
                    assert worker.on_hold == step["expect_on_hold"]


def computed_worker(case: dict[str, Any]) -> Worker:
    spec = WorkerSpec(
        case["probe_type"], probe_of(case["spec"]), FlapDraws(lambda: None), holds_success=holds_success(case)
    )
    return Worker(spec, NOW - 1)


def view_of(status: reference.Status | None, incarnations: dict[str, Incarnation], now: int) -> View:
    if status is None or status.state is None or not status.container:
        return View(None, False, False, now - 1)
    incarnation = incarnations.get(status.container)
    if incarnation is None:
        incarnation = incarnations[status.container] = Incarnation(
            Health.alike(Segment(0, Outcome.SUCCESS)), 0
        )
    # worker.go compares whole seconds of age with the delay.
    incarnation.started_at = now - int((now - status.age_origin) / 1000) * 1000
    return View(incarnation, status.state == "running", status.started, now - 1)


@pytest.mark.vectors("k8s_prober_worker")
def test_a_round_of_the_computed_worker_is_a_round_of_the_real_one(case):
    if any(
        step.get("phase") in ("Failed", "Succeeded") or step.get("deletion_timestamp")
        for step in case["steps"]
    ):
        pytest.skip("the prober takes the workers of pods that end away, see pod_terminating")
    worker = computed_worker(case)
    incarnations: dict[str, Incarnation] = {}
    status, now = None, NOW
    for step in case["steps"]:
        match step["action"]:
            case "set_status":
                status = status_after(status, step, now)
            case "preset_result":
                view_of(status, incarnations, now)
                worker.container = incarnations[step["container_id"]]
                worker.cached = Result(step["result"])
            case "do_probe":
                view = view_of(status, incarnations, now)
                if view.incarnation is not None:
                    outcome = Outcome.SUCCESS if step["outcome"] == "success" else Outcome.FAIL
                    view.incarnation.answers = Health.alike(Segment(0, outcome))
                worker = worker.triggered(view, 4 * now)
                if worker.end is not None:
                    worker._call_ends()
                assert (worker.cached.value if worker.cached else None) == step["expect_result"]
                if "expect_result_run" in step:
                    assert worker.run == step["expect_result_run"]
                if "expect_on_hold" in step:
                    assert worker.hold == step["expect_on_hold"]


@pytest.mark.vectors("k8s_prober_probe_and_ready")
def test_ready_of_a_container_follows_from_its_probes_results(case):
    if case["op"] != "update_pod_status":
        pytest.skip("handlers are not called: a health history says what they would answer")
    probe = Probe(period_seconds=10)
    startup, readiness = (probe if kind in case["workers"] else None for kind in ("startup", "readiness"))
    prober = ContainerProber(Probes(startup, None, readiness), added_at=0)
    prober.container_started(1, Health.alike(Segment(0, Outcome.FAIL)))
    for index, kind in ((0, "startup"), (2, "readiness")):
        worker = prober._workers[index]
        if worker is not None:
            worker.container = prober._view.incarnation
            worker.cached = Result(case[f"cached_{kind}"]) if case[f"cached_{kind}"] else None
    if case["state"] == "running":
        prober.sync(2)
    else:
        prober.container_died(2)
    assert prober.ready == case["expected_ready"]
