"""What of a pod's spec makes the scheduler look further than at what is free."""

from __future__ import annotations

from typing import Any

import pytest

from kubeinfer_sim.cluster.host_ports import HostPort
from kubeinfer_sim.cluster.scheduler.pods import PodAffinityTerm, PodSpec, SpreadConstraint
from kubeinfer_sim.manifest.kubernetes.labels import Requirement
from kubeinfer_sim.manifest.model import NodeSelectorTerm

NEAR = PodAffinityTerm("zone", None, frozenset({"prod"}))
SPREAD = SpreadConstraint("zone", None)
SOFT = SpreadConstraint("zone", None, hard=False)


@pytest.mark.parametrize(
    ("fields", "needs_neighbours", "has_preferences", "has_pod_affinity"),
    [
        ({}, False, False, False),
        ({"affinity": (NEAR,)}, True, False, True),
        ({"anti_affinity": (NEAR,)}, True, False, True),
        ({"preferred_pod_affinity": ((1, NEAR),)}, False, True, True),
        ({"preferred_pod_anti_affinity": ((1, NEAR),)}, False, True, True),
        ({"preferred_affinity": ((1, NodeSelectorTerm((), ())),)}, False, True, False),
        ({"spread": (SPREAD,)}, True, True, False),
        ({"spread": (SOFT,)}, False, True, False),
        ({"host_ports": (HostPort(80),)}, True, False, False),
    ],
)
def test_what_it_has_of_each_kind(
    fields: dict[str, Any], needs_neighbours: bool, has_preferences: bool, has_pod_affinity: bool
) -> None:
    spec = PodSpec(**fields)
    assert spec.needs_neighbours is needs_neighbours
    assert spec.has_preferences is has_preferences
    assert spec.has_pod_affinity is has_pod_affinity


def test_a_namespace_that_a_term_names_is_meant_whatever_its_labels() -> None:
    others = (Requirement("team", "in", ("a",)),)
    term = PodAffinityTerm("zone", (), frozenset({"prod"}), others)
    labels = {"prod": {"team": "b"}, "lab": {"team": "a"}, "more": {"team": "b"}}
    assert [each for each in labels if term.matches(PodSpec(each), labels)] == ["prod", "lab"]
