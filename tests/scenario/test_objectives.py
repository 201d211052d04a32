"""Objectives with a probability: how they are written, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from scenario_files import Load

from kubeinfer_sim.manifest.model import IntOrPercent

Findings = Callable[..., list[str]]

EVERY = """
update: {newRevision: true}
horizon: 30d
load: {constant: 0.5}
confidence: 99%
objectives:
  minReadyInstances: {value: 70%, probability: 99%}
  completes: {probability: 98%}
  completesWithin: {time: 45m, probability: 97.5%}
  maxLostInstanceSeconds: {value: 10, probability: 96%}
  noStall: {value: true, probability: 95%}
  availability: [{ready: all, atLeast: 99%, longestOutage: 1h, probability: 94%}, {longestOutage: 2h}]
  minCapacity: {value: 99%, probability: 93%}
  maxUnserved: {value: 1%, probability: 92%}
  maxOverload: {time: 5m, probability: 91%}
"""


def test_every_objective_takes_a_probability(load: Load) -> None:
    made = load(EVERY)
    wanted = made.objectives
    assert made.confidence == Fraction(99, 100)
    assert {name: float(each) for name, each in wanted.probabilities.items()} == {
        "minReadyInstances": 0.99,
        "completes": 0.98,
        "completesWithin": 0.975,
        "maxLostInstanceSeconds": 0.96,
        "noStall": 0.95,
        "minCapacity": 0.93,
        "maxUnserved": 0.92,
        "maxOverload": 0.91,
    }
    assert [each.probability for each in wanted.availability] == [Fraction(94, 100), None]
    assert wanted.min_ready_instances == IntOrPercent(70, percent=True)
    assert (wanted.completes, wanted.completes_within) == (True, 2_700_000)
    assert (wanted.max_lost_instance_seconds, wanted.no_stall) == (10, True)
    assert (wanted.min_capacity, wanted.max_unserved, wanted.max_overload) == (
        Fraction(99, 100),
        Fraction(1, 100),
        300_000,
    )


def test_without_one_they_must_hold_in_every_run(load: Load) -> None:
    made = load("update: {newRevision: true}\nobjectives: {minReadyInstances: 3, completesWithin: 45m}")
    assert (made.objectives.probabilities, made.confidence) == ({}, Fraction(19, 20))


@pytest.mark.parametrize(
    ("objectives", "words"),
    [
        (
            "completesWithin: {time: 45m, probability: 0.99}",
            "expected a percentage such as 99.9%, found 0.99",
        ),
        (
            "completesWithin: {time: 45m, probability: 100%}",
            "below 100%; without one an objective must hold in every run",
        ),
        ("completesWithin: {time: 45m, probability: 0%}", "above 0%"),
        ("completesWithin: {probability: 99%}", "time"),
        ("completesWithin: {time: 45, probability: 99%}", "45 has no unit: write 45s"),
        ("completesWithin: {time: 45m, probabilty: 99%}", 'did you mean "probability"?'),
        (
            "minReadyInstances: {value: 9, probability: 99%}",
            "cannot hold: 9 are asked for, and spec.replicas is 4",
        ),
        ("noStall: {value: false}", "write true, or leave it out"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_place(
    findings: Findings, objectives: str, words: str
) -> None:
    (only,) = findings(f"update: {{newRevision: true}}\nobjectives: {{{objectives}}}")
    assert words in only


@pytest.mark.parametrize("confidence", ["40%", "100%", "95"])
def test_a_confidence_is_from_half_to_below_all(findings: Findings, confidence: str) -> None:
    (only,) = findings(f"confidence: {confidence}")
    assert "confidence" in only
