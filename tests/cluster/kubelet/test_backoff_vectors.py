"""The back-off tables: client-go's own tests, and traces recorded from the kubelet's use of it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kubeinfer_sim.cluster.kubelet.backoff import Backoff, BackoffLimits, ContainerBackoff, ImageBackoff


def ms(seconds: float) -> int:
    return round(seconds * 1000)


def expiry(case: dict[str, Any]) -> int:
    """`event_time - last_update >= 8 s` of a case, as "more than" so many milliseconds."""
    rule = case.get("expire_rule")
    if rule is None:
        # The kubelet's own case has a 10 s base and the kubelet's 600 s; the others client-go's 2 x max.
        return 2 * ms(case["max_s"])
    match = re.fullmatch(r"event_time - last_update (>=?) ([\d.]+) ?s", rule)
    assert match, rule
    return ms(float(match[2])) - (match[1] == ">=")


@pytest.mark.vectors("k8s_backoff")
def test_the_table_of_client_go(case: dict[str, Any]) -> None:
    entry = Backoff(BackoffLimits(ms(case["base_s"]), ms(case["max_s"]), expiry(case)))
    now = 0
    for op in case["ops"]:
        match op["op"]:
            case "step":
                now += ms(op["s"])
            case "set_time":
                now = ms(op["s"])
            case "next":
                entry.next(now, now)
            case "gc":
                entry.delay = 0 if entry.expired(now) else entry.delay  # GC
            case "reset":
                entry.delay = 0
            case "expect_get":
                assert entry.delay == ms(op["s"])
            case "expect_get_at_least":
                assert entry.delay >= ms(op["s"])
            case "expect_present":
                assert bool(entry.delay) == op["want"]
            case "expect_in_backoff_since":
                assert entry.waits_since(now - ms(op["event_age_s"]), now) == op["want"]
            case "expect_in_backoff_since_update":
                assert entry.waits_since_update(now) == op["want"]
            case "check_restart":
                finished = now - ms(op["finished_age_s"])
                container = ContainerBackoff(entry, housekeeping_phase=None)
                if container.next_start(finished, now) > now:
                    assert op["want"] == "back-off"
                else:
                    assert op["want"] == "start"
                    container.record_start(finished, now)
            case unknown:
                pytest.fail(f"unknown operation {unknown}")


def container_trace(case: dict[str, Any], phase: int | None) -> list[list[int]]:
    backoff = ContainerBackoff(Backoff(BackoffLimits(case["initial_ms"], case["max_ms"])), phase)
    now, rows = 0, []
    for run, lag in zip(case["in"], case["lag"], strict=True):
        start, finished = now, now + run
        allowed = backoff.next_start(finished, finished)
        before = backoff.entry.delay
        now = allowed + lag
        backoff.record_start(finished, now)
        rows.append([start, finished, allowed, now, before, backoff.entry.delay])
    return rows


def image_trace(case: dict[str, Any]) -> list[list[int]]:
    # The image back-off has no expiry of its own: client-go's twice the maximum.
    limits = BackoffLimits(case["initial_ms"], case["max_ms"], 2 * case["max_ms"])
    backoff = ImageBackoff(Backoff(limits))
    now, rows = 0, []
    for duration, lag in zip(case["in"], case["lag"], strict=True):
        asked, allowed, before = now, backoff.next_pull(now), backoff.entry.delay
        start = allowed + lag
        now = start + duration
        backoff.record_failure(now)
        rows.append([asked, allowed, start, now, before, backoff.entry.delay])
    return rows


@pytest.mark.vectors("golden_backoff")
def test_the_recorded_traces(case: dict[str, Any]) -> None:
    if case["kind"] == "image":
        assert image_trace(case) == case["trace"]
    else:
        assert container_trace(case, case["gc_phase"]) == case["trace"]
        assert container_trace(case, None) == case["trace_no_gc"]
