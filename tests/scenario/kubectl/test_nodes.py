"""What kubectl get nodes prints becomes the nodes of the simulation, and nothing of it is dropped in silence."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from kubectl_objects import NPU, listed, node, pod

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.cluster.kubectl.listing import MOST_FINDINGS
from kubeinfer_sim.scenario.cluster.kubectl.nodes import read_nodes
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint


def read(text: str) -> dict[str, NodeSpec]:
    nodes, _ = read_nodes(SourceText("nodes.json", text))
    return {each.name: each for each in nodes}


def errors(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(text)
    return [each.one_line() for each in caught.value.diagnostics]


def warnings(text: str) -> list[str]:
    return [each.message for each in read_nodes(SourceText("nodes.json", text))[1]]


FORMS = {
    "List": lambda nodes: listed(*nodes),
    "NodeList without kinds": lambda nodes: json.dumps(
        {
            "kind": "NodeList",
            "items": [{key: each[key] for key in each if key != "kind"} for each in nodes],
        }
    ),
    "one after the other": lambda nodes: "\n".join(map(json.dumps, nodes)),
    "yaml list": lambda nodes: yaml.safe_dump(json.loads(listed(*nodes))),
    "yaml documents": lambda nodes: yaml.safe_dump_all(nodes),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_kubectl_prints_gives_the_same_nodes(form: str) -> None:
    nodes = [
        node("n0", labels={"pool": "a"}, taints=[{"key": "dedicated", "effect": "NoSchedule"}]),
        node("n1", npus=16, unschedulable=True, images=[{"names": ["img:1"], "sizeBytes": 5}]),
    ]
    found = read(FORMS[form](nodes))
    assert list(found) == ["n0", "n1"]
    assert found["n0"].allocatable == {"cpu": 191450, "memory": 1500 * 2**30, NPU: 8, "pods": 110}
    assert found["n0"].labels["pool"] == "a"
    assert found["n0"].taints == (Taint("dedicated", "", "NoSchedule"),)
    assert not found["n0"].unlimited
    assert found["n1"].unschedulable
    assert found["n1"].images == {"img:1"}


def test_a_single_node_is_a_cluster() -> None:
    assert list(read(json.dumps(node("only")))) == ["only"]


def test_a_node_without_allocatable_offers_its_capacity() -> None:
    found = read(listed(node("n0", status={"allocatable": None})))
    assert found["n0"].allocatable["cpu"] == 192_000


@pytest.mark.parametrize(("ready", "taint"), [("False", "not-ready"), ("Unknown", "unreachable")])
def test_a_node_that_is_not_ready_takes_no_pods_and_is_named(ready: str, taint: str) -> None:
    text = listed(node("n0"), node("n1", ready=ready))
    assert read(text)["n1"].taints == (Taint(f"node.kubernetes.io/{taint}", "", "NoSchedule"),)
    assert warnings(text) == ["1 of 2 nodes are not Ready and take no pods: n1"]


def test_the_taint_of_a_condition_is_not_added_twice() -> None:
    taint = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    assert len(read(listed(node("n0", ready="False", taints=[taint])))["n0"].taints) == 1


def test_pressure_keeps_pods_off_as_the_node_lifecycle_controller_does() -> None:
    conditions = [{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "True"}]
    found = read(listed(node("n0", status={"conditions": conditions})))
    assert found["n0"].taints == (Taint("node.kubernetes.io/disk-pressure", "", "NoSchedule"),)


def test_images_of_docker_hub_are_known_by_their_short_names_too() -> None:
    names = ["docker.io/library/busybox:1", "docker.io/repo/vllm:v1", "swr.example.com/x/y:2"]
    found = read(listed(node("n0", images=[{"names": names}])))
    assert {"busybox:1", "repo/vllm:v1", "swr.example.com/x/y:2"} <= found["n0"].images


def test_the_pool_is_the_clouds() -> None:
    labels = {"cce.cloud.com/cce-nodepool": "npu-pool"}
    assert read(listed(node("n0", labels=labels)))["n0"].pool == "npu-pool"


WRONG: dict[str, tuple[Any, list[str]]] = {
    "no capacity": (
        listed(node("n0", status={"allocatable": {}, "capacity": {}})),
        [
            "nodes.json:16:23: error: items[0].status: neither allocatable nor capacity is given, so nothing could run there"
        ],
    ),
    "same name twice": (
        listed(node("n0"), node("n0")),
        ["nodes.json:42:25: error: items[1].metadata.name: there is another node 'n0' above"],
    ),
    "pods instead of nodes": (
        listed(pod("a"), pod("b")),
        ["nodes.json:6:21: error: items[0].kind: expected a Node, found a Pod, and 1 more"],
    ),
    "another kind": (
        "kind: Service\nmetadata: {name: x}\n",
        ["nodes.json:1:7: error: kind: expected a Node, found a Service"],
    ),
    "no kind": ("{}", ["nodes.json:1:1: error: kind: expected a Node, found an object without a kind"]),
    "empty list": (listed(), ["nodes.json: error: holds no nodes"]),
    "empty file": ("", ["nodes.json: error: it is empty"]),
    "cut off": (
        listed(node("n0"))[:300],
        ["nodes.json:13:22: error: JSON syntax: expecting property name enclosed in double quotes"],
    ),
    "a name that is none": (
        listed({"kind": "Node", "metadata": {"name": 3}, "status": {"capacity": {"cpu": "1"}}}),
        ["nodes.json:7:25: error: items[0].metadata.name: expected the node's name, found 3"],
    ),
    "an amount that is none": (
        listed(node("n0", status={"allocatable": {"cpu": "many", "memory": "-1Gi"}})),
        [
            "nodes.json:18:28: error: items[0].status.allocatable.cpu: "
            "expected a quantity such as 8 or 1200Gi, found 'many'",
            "nodes.json:19:31: error: items[0].status.allocatable.memory: "
            "expected a quantity such as 8 or 1200Gi, found '-1Gi'",
        ],
    ),
    "an item that is no object": (
        '{"kind": "List", "items": [3]}',
        ["nodes.json:1:28: error: items[0]: expected an object, found 3"],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_its_place(name: str) -> None:
    text, expected = WRONG[name]
    assert errors(text) == expected


def test_a_mistake_made_a_thousand_times_is_told_twenty_times_and_counted() -> None:
    found = errors(listed(*(node(f"n{i}", status={"allocatable": {"cpu": "?"}}) for i in range(1000))))
    assert len(found) == MOST_FINDINGS + 1
    assert found[-1] == "nodes.json: error: 980 more errors in this file"


@pytest.mark.parametrize("cut", range(0, 700, 7))
def test_a_file_cut_off_anywhere_is_told_and_never_a_traceback(cut: int) -> None:
    assert errors(listed(node("n0"))[:cut])


@pytest.mark.parametrize("part", ["metadata", "spec", "status"])
@pytest.mark.parametrize(
    "value", [3, "x", [], [1], None, {"labels": 1, "taints": 1, "conditions": 3}, {"taints": [3]}]
)
def test_parts_of_other_shapes_are_told_and_never_a_traceback(part: str, value: Any) -> None:
    wrong = {**node("n0"), part: value}
    try:
        read_nodes(SourceText("nodes.json", json.dumps(wrong)))
    except InputError as error:
        assert all(each.line for each in error.diagnostics)
