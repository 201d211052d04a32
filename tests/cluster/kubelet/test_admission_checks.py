"""What a kubelet takes: a table of pods and nodes (pkg/kubelet/lifecycle, GeneralPredicates)."""

from __future__ import annotations

from typing import Any

import pytest
from cluster.bare_pods import Idle, bare_pod
from msgspec.structs import replace

from kubeinfer_sim.cluster.kubelet.admission_checks import Neighbour, refusal
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint

ONE = Neighbour({"cpu": 3}, {"containers": [{"ports": [{"containerPort": 80, "hostPort": 80}]}]})
PORT = {"spec": {"containers": [{"ports": [{"containerPort": 80, "hostPort": 80}]}]}}

TOLERATES_K = Toleration("k", "Exists")
BOTH = Taint("k", "", "NoExecute"), Taint("other", "", "NoExecute")


def pod(**template: Any) -> Pod:
    made = bare_pod(Idle(), "serve")
    made.template = replace(made.template, **template)
    return made


def short(resource: str, used: int, capacity: int) -> str:
    return f"Node didn't have enough resource: {resource}, requested: 1, used: {used}, capacity: {capacity}"


@pytest.mark.parametrize(
    ("template", "node", "why"),
    [
        ({}, {}, ""),
        ({}, {"allocatable": {"pods": 2}}, ""),  # the last place
        ({}, {"allocatable": {"pods": 1}}, short("pods", 1, 1)),
        ({"requests": {"cpu": 1}}, {"allocatable": {"cpu": 4}}, ""),
        ({"requests": {"cpu": 1}}, {"allocatable": {"cpu": 3}}, short("cpu", 3, 3)),
        ({"requests": {"cpu": 1}}, {"allocatable": {"cpu": 3}, "unlimited": frozenset({"cpu"})}, ""),
        ({"requests": {"memory": 1}}, {}, short("memory", 0, 0)),
        ({"requests": {"vendor.com/x": 1}}, {}, ""),  # it does not know of it
        (
            {"requests": {"vendor.com/x": 1}},
            {"allocatable": {"vendor.com/x": 0}},
            short("vendor.com/x", 0, 0),
        ),
        (
            {"requests": {"memory": 1, "cpu": 1}},
            {},
            short("cpu", 3, 0),
        ),  # of two, in the order of the real one
        ({"raw": PORT}, {}, "Predicate NodePorts failed"),
        ({"labels": {"kubernetes.io/os": "windows"}}, {}, "label doesn't match node label"),
        ({"raw": {"spec": {"os": {"name": "windows"}}}}, {}, "the OS field doesn't match node OS"),
    ],
)
def test_a_pod_is_taken_or_not_whether_the_kubelet_is_new_or_not(
    template: dict[str, Any], node: dict[str, Any], why: str
) -> None:
    there = Node(NodeSpec(**{"name": "n", "pool": "", "allocatable": {}, **node}))
    for known in (False, True):
        found = refusal(pod(**template), there, [ONE], None, known=known)
        assert (found is not None) == bool(why)
        assert found is None or why in found.message


@pytest.mark.parametrize(
    ("template", "node", "why"),
    [
        ({"node_selector": {"a": "b"}}, {"labels": {"a": "b"}}, ""),
        ({"node_selector": {"a": "b"}}, {"labels": {"a": "c"}}, "NodeAffinity"),
        ({}, {"taints": (Taint("k", "", "NoSchedule"),)}, ""),
        ({}, {"taints": (Taint("k", "", "NoExecute"),)}, "TaintToleration"),
        ({"tolerations": (TOLERATES_K,)}, {"taints": (Taint("k", "", "NoExecute"),)}, ""),
        ({"tolerations": (TOLERATES_K,)}, {"taints": BOTH}, "TaintToleration"),
    ],
)
def test_labels_and_taints_of_its_node_do_not_count_where_the_pod_was_there_before_the_kubelet(
    template: dict[str, Any], node: dict[str, Any], why: str
) -> None:
    there = Node(NodeSpec("n", "", {}, **node))
    found = refusal(pod(**template), there, [], None, known=False)
    assert (found.reason if found else "") == why
    assert refusal(pod(**template), there, [], None, known=True) is None
