"""`8x8`: nodes on which the manifest's pods may run, whatever their selectors and affinity ask for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kubeinfer_sim.manifest.kubernetes.selectors import match_node
from kubeinfer_sim.manifest.kubernetes.well_known_labels import ARCHITECTURE, HOSTNAME, OS
from kubeinfer_sim.manifest.model import (
    KubeInfer,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PodTemplate,
    Role,
)
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.cluster.short_form import short_nodes

NPU = "huawei.com/ascend-1980"


def role(
    *terms: NodeSelectorTerm,
    name: str = "r",
    selector: dict[str, str] | None = None,
    npu: str = NPU,
    npus: int = 8,
    cpu: int = 0,
) -> Role:
    template = PodTemplate(
        (),
        node_selector=selector or {},
        required_node_affinity=terms or None,
        requests={npu: npus, "cpu": cpu},
    )
    return Role(name, template)


def term(*expressions: tuple[str, str, tuple[str, ...]]) -> NodeSelectorTerm:
    return NodeSelectorTerm(tuple(NodeSelectorRequirement(*each) for each in expressions))


def accepts(node: NodeSpec, each: Role) -> bool:
    template = each.template
    return match_node(template.node_selector, template.required_node_affinity, node.labels, node.name)


def kubeinfer(*roles: Role) -> KubeInfer:
    return KubeInfer("x", tuple(replace(each, name=f"role{i}") for i, each in enumerate(roles)))


@pytest.mark.parametrize(
    ("roles", "labels"),
    [
        ([role()], {}),
        ([role(selector={"a": "1"}), role(selector={"b": "2"})], {"a": "1", "b": "2"}),
        ([role(term(("a", "In", ("x", "y"))))], {"a": "x"}),
        ([role(term(("a", "In", ("x", "y")))), role(term(("a", "In", ("y", "x"))))], {"a": "x"}),
        ([role(term(("a", "In", ("x",))), selector={"a": "x"})], {"a": "x"}),
        ([role(term(("a", "In", ("y",))), term(("b", "Exists", ())), selector={"a": "x"})], {"a": "x", "b": "true"}),
        ([role(term(("a", "Gt", ("4",)), ("b", "Lt", ("0",))))], {"a": "5", "b": "-1"}),
        ([role(term(("a", "NotIn", ("x",)), ("b", "DoesNotExist", ())))], {}),
    ],
)  # fmt: skip
def test_the_nodes_carry_the_labels_the_pods_ask_for(roles: list[Role], labels: dict[str, str]) -> None:
    nodes, _ = short_nodes("3x8", [kubeinfer(*roles)])
    for node in nodes:
        assert {key: value for key, value in node.labels.items() if "kubernetes.io" not in key} == labels
        assert all(accepts(node, each) for each in roles)


@pytest.mark.parametrize(
    "roles",
    [
        [role(selector={"a": "1"}), role(selector={"a": "2"})],
        [role(term(("a", "In", ("x",)))), role(term(("a", "NotIn", ("x",))))],
        [role(term(("a", "NotIn", ("x",)))), role(term(("a", "In", ("x",))))],
        [role(term(("a", "In", ("x",))), selector={"a": "y"})],
        [role(selector={ARCHITECTURE: "arm64"}), role(selector={ARCHITECTURE: "amd64"})],
        [role(term((OS, "In", ("windows",))))],
        [role(term((HOSTNAME, "DoesNotExist", ())))],
        [role(NodeSelectorTerm())],
        [role(term(("a", "Gt", ("4",))), selector={"a": "ten"})],
    ],
)
def test_labels_no_node_could_have_are_refused(roles: list[Role]) -> None:
    with pytest.raises(ValueError, match=r"give (a pool|pools)"):
        short_nodes("3x8", [kubeinfer(*roles)])


def test_each_node_has_a_name_of_its_own_whatever_name_pods_ask_for() -> None:
    nodes, _ = short_nodes("3x8", [kubeinfer(role(selector={HOSTNAME: "node-1"}))])
    assert [node.labels[HOSTNAME] for node in nodes] == ["node-0", "node-1", "node-2"]
    assert [node.name for node in nodes] == ["node-0", "node-1", "node-2"]


@pytest.mark.parametrize(
    ("roles", "names"),
    [
        ([role(selector={HOSTNAME: "a"}), role(selector={HOSTNAME: "b"})], ["node-0", "a", "b"]),
        ([role(term((HOSTNAME, "In", ("a", "node-0"))))], ["node-0", "node-1", "a"]),
        ([role(NodeSelectorTerm(match_fields=(NodeSelectorRequirement("metadata.name", "In", ("a",)),)))],
         ["node-0", "node-1", "a"]),
        ([role(selector={HOSTNAME: name}) for name in "abcd"], ["a", "b", "c"]),
        ([role(selector={HOSTNAME: "node-7"})], ["node-0", "node-1", "node-2"]),
        ([role(term((HOSTNAME, "NotIn", ("a",))))], ["node-0", "node-1", "node-2"]),
    ],
)  # fmt: skip
def test_the_last_nodes_bear_the_names_that_pods_ask_for(roles: list[Role], names: list[str]) -> None:
    nodes, lines = short_nodes("3x8", [kubeinfer(*roles)])
    assert [node.name for node in nodes] == [node.labels[HOSTNAME] for node in nodes] == names
    assert any("names the pods ask for" in line for line in lines) is any(len(name) == 1 for name in names)


@pytest.mark.parametrize(
    ("roles", "architecture"),
    [
        ([role()], "arm64"),
        ([role(npu="nvidia.com/gpu")], "amd64"),
        ([role(selector={ARCHITECTURE: "amd64"})], "amd64"),
        ([role(selector={"beta.kubernetes.io/arch": "amd64"})], "amd64"),
        ([role(term((ARCHITECTURE, "In", ("amd64", "arm64"))))], "arm64"),
        ([role(term((ARCHITECTURE, "NotIn", ("arm64",))))], "amd64"),
    ],
)
def test_servers_with_ascend_npus_are_arm64_unless_pods_ask_for_others(
    roles: list[Role], architecture: str
) -> None:
    (node,), _ = short_nodes("1x8", [kubeinfer(*roles)])
    assert node.labels[ARCHITECTURE] == node.labels["beta.kubernetes.io/arch"] == architecture
    assert accepts(node, roles[0])


def test_no_node_runs_windows() -> None:
    (node,), _ = short_nodes("1x8", [kubeinfer(role(selector={OS: "windows"}))])
    assert node.labels[OS] == node.labels["beta.kubernetes.io/os"] == "linux"


def test_the_resource_is_the_one_the_pods_ask_for() -> None:
    nodes, _ = short_nodes(
        "1x16", [kubeinfer(role(npu="huawei.com/Ascend910", cpu=1000), role(npus=0, cpu=5))]
    )
    assert nodes[0].allocatable == {"huawei.com/Ascend910": 16}
    nodes, _ = short_nodes("1x16", [kubeinfer(role(npus=0, cpu=5))])
    assert nodes[0].allocatable == {NPU: 16}


def test_everything_else_the_pods_ask_for_is_unlimited() -> None:
    pod = Role("r", PodTemplate((), requests={NPU: 8, "rdma/hca": 1, "cpu": 1000}))
    nodes, defaults = short_nodes("1x8", [kubeinfer(pod)])
    assert nodes[0].unlimited == {"cpu", "memory", "ephemeral-storage", "pods", "rdma/hca"}
    assert any("rdma/hca unlimited" in line for line in defaults)


def test_two_kinds_of_npu_need_pools() -> None:
    two = kubeinfer(
        Role("a", PodTemplate((), requests={NPU: 8})),
        Role("b", PodTemplate((), requests={"huawei.com/Ascend310P": 1})),
    )
    with pytest.raises(ValueError, match=r"which of huawei.com/Ascend310P, huawei.com/ascend-1980"):
        short_nodes("1x8", [two])


def test_adapters_and_unknown_resources_are_not_what_the_nodes_are_counted_in() -> None:
    pod = Role("r", PodTemplate((), requests={"rdma/hca": 8, "example.com/foo": 8}))
    nodes, _ = short_nodes("1x4", [kubeinfer(pod)])
    assert nodes[0].allocatable == {NPU: 4}
    assert {"rdma/hca", "example.com/foo"} <= nodes[0].unlimited
    gpu = Role("r", PodTemplate((), requests={"rdma/hca": 8, "nvidia.com/gpu": 1}))
    nodes, _ = short_nodes("1x4", [kubeinfer(gpu)])
    assert nodes[0].allocatable == {"nvidia.com/gpu": 4}
