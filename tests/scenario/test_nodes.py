"""`8x8`: nodes on which the manifest's pods may run, whatever their selectors and affinity ask for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubeinfer_sim.manifest.kubernetes.selectors import match_node_selector_terms
from kubeinfer_sim.manifest.model import (
    KubeInfer,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PodTemplate,
    Role,
)
from kubeinfer_sim.scenario.cluster.pools import short_nodes

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
    assert [node.labels for node in nodes] == [labels] * 3
    for each in roles:
        terms = each.template.required_node_affinity
        assert terms is None or match_node_selector_terms(terms, labels)
        assert each.template.node_selector.items() <= labels.items()


@pytest.mark.parametrize(
    "roles",
    [
        [role(selector={"a": "1"}), role(selector={"a": "2"})],
        [role(term(("a", "In", ("x",)))), role(term(("a", "NotIn", ("x",))))],
        [role(term(("a", "NotIn", ("x",)))), role(term(("a", "In", ("x",))))],
        [role(term(("a", "In", ("x",))), selector={"a": "y"})],
        [role(NodeSelectorTerm(match_fields=(NodeSelectorRequirement("metadata.name", "In", ("n",)),)))],
        [role(NodeSelectorTerm())],
        [role(term(("a", "Gt", ("4",))), selector={"a": "ten"})],
    ],
)
def test_labels_no_node_could_have_are_refused(roles: list[Role]) -> None:
    with pytest.raises(ValueError, match=r"give (a pool|pools)"):
        short_nodes("3x8", [kubeinfer(*roles)])


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
