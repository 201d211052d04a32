"""Random traces: the controller does, event for event, what the rules written down plainly do."""

from __future__ import annotations

from typing import Any

import pytest
from controllers.rollout_reference import Reference, UnlikeATraceError
from controllers.test_rollout_vectors import in_order, play, trace
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sweeps import blocks


@pytest.mark.vectors("kubeinfer_rollout", key="traces")
def test_the_reference_plays_the_worked_traces(case: dict[str, Any]) -> None:
    assert in_order(Reference(case["config"]).events) == in_order(case["expect"]["events"])


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    """What a trace's configuration may say, mid-way changes included, in every mixture."""
    replicas = draw(st.integers(1, 9))
    surge, unavailable = draw(st.integers(0, 3)), draw(st.integers(0, 3) | st.just(replicas))
    config: dict[str, Any] = {
        "R": replicas,
        "S": surge,
        "U": unavailable or int(surge == 0),
        "load": draw(st.sampled_from((7, 30, 61, 600))),
        "term": draw(st.sampled_from((1, 5, 60, 120, 700))),
    }
    if draw(st.booleans()):
        config["cap"] = replicas + draw(st.integers(0, 2))
    if draw(st.integers(0, 3)) == 0:
        config["newBroken"] = True
    if draw(st.integers(0, 3)) == 0:
        config["replace"] = "TerminationStarted"
    if draw(st.integers(0, 2)) == 0:
        config["unready"] = draw(st.lists(st.integers(0, replicas - 1), min_size=1, unique=True))
        config["unreadyFor"] = draw(st.sampled_from((1, 3, 9, 3600)))
    revisions = st.sampled_from(("old", "new", "new2", "new3"))
    values = {
        "template": revisions,
        "scale": st.integers(0, 7),
        "unready": st.integers(0, replicas - 1),
        "ready": st.integers(0, replicas - 1),
    }
    times = draw(
        st.lists(st.sampled_from((1, 7, 50, 120, 300)) | st.integers(1, 2000), max_size=3, unique=True)
    )
    kinds = st.sampled_from(sorted(values))
    config["actions"] = [[at, kind := draw(kinds), draw(values[kind])] for at in sorted(times)]
    return config


def agree(config: dict[str, Any]) -> None:
    try:
        expected = Reference(config).events
    except UnlikeATraceError:
        assume(False)
    # A check that begins to fail in the instant in which it would first pass: no trace says which comes first.
    failing = {(at, ordinal) for at, kind, ordinal in config["actions"] if kind == "unready"}
    assume(not any(each["event"] == "ready" and (each["t"], each["ordinal"]) in failing for each in expected))
    run, _ = play(config)
    assert in_order(list(trace(run))) == in_order(expected)


@given(configs())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_controller_does_what_the_rules_say(config: dict[str, Any]) -> None:
    agree(config)


@pytest.mark.parametrize("block", blocks(3, of_ci=1))
@given(configs())
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_controller_does_what_the_rules_say_in_thousands_of_cases(
    block: int, config: dict[str, Any]
) -> None:
    agree(config)
