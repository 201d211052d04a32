"""What runs on a real cluster keeps its place; what is simulated is not counted twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from building import kubeinfer
from kubectl_objects import NPU, listed, node, pod

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.cluster.kubectl.nodes import read_nodes
from kubeinfer_sim.scenario.cluster.kubectl.pods import Running, read_pods

NODES = read_nodes(SourceText("nodes.json", listed(node("n0"), node("n1"))))[0]


def read(*pods: dict[str, Any]) -> Running:
    return read_pods(SourceText("pods.json", listed(*pods)), NODES, [kubeinfer(roles={"decode": 2})])


def test_a_pod_holds_its_requests_with_init_containers_sidecars_and_overhead() -> None:
    def container(cpu: str, **more: Any) -> dict[str, Any]:
        return {"name": "x", "resources": {"requests": {"cpu": cpu}}, **more}

    spec = {
        "containers": [container("1")],
        "initContainers": [container("500m", restartPolicy="Always"), container("3")],
        "overhead": {"cpu": "250m"},
    }
    (found,) = read(pod("a", **spec)).pods
    assert found.requests == {"cpu": 3750}  # the second init container runs beside the sidecar


def test_finished_and_unscheduled_pods_hold_nothing_and_are_counted() -> None:
    found = read(
        pod("done", phase="Succeeded"), pod("failed", phase="Failed"), pod("new", where="", phase="Pending")
    )
    assert (found.pods, found.finished, found.waiting) == ([], 2, 1)
    assert next(found.lines()).endswith("left out: 2 finished, 1 without a node")


def test_a_terminating_pod_still_holds_its_place() -> None:
    terminating = pod("a", npus=8)
    terminating["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert [each.requests[NPU] for each in read(terminating).pods] == [8]


OWN = {
    "owner": pod(
        "xyz",
        namespace="default",
        owner={"apiVersion": "infer.modelarts.huaweicloud/v1", "kind": "Instance", "name": "infer-0"},
    ),
    "label": pod("xyz", namespace="default", labels={"app.modelarts.huaweicloud/instanceGroupId": "infer"}),
    "name": pod("infer-0-decode-1", namespace="default"),
}


@pytest.mark.parametrize("sign", OWN)
def test_pods_of_the_simulated_kubeinfer_are_not_counted_twice_and_this_is_said(sign: str) -> None:
    found = read(OWN[sign], pod("other"))
    assert [each.name for each in found.pods] == ["other"]
    assert any("1 pods left out, they are those simulated" in line for line in found.lines())


def test_a_pod_of_the_same_name_in_another_namespace_is_another_pod() -> None:
    assert len(read(pod("infer-0-decode-1", namespace="elsewhere")).pods) == 1


def test_a_node_that_has_given_away_too_much_is_told_and_all_goes_on() -> None:
    found = read(pod("a", npus=8), pod("b", npus=4, namespace="more"))
    assert len(found.pods) == 2
    assert [each.message for each in found.warnings] == [
        f"node n0 is over-committed: its pods request 12 of 8 {NPU}"
    ]


def test_pods_on_nodes_that_are_not_listed_are_counted() -> None:
    found = read(pod("a", where="gone"), pod("b", namespace="more"))
    assert [each.message for each in found.warnings] == [
        "1 pods are on nodes that are not in the list of nodes: gone"
    ]


def test_a_list_of_one_namespace_is_questioned() -> None:
    (warning,) = read(pod("a"), pod("b")).warnings
    assert warning.message == "all pods are in namespace other: was it written without -A (all namespaces)?"


def test_pods_of_the_simulated_kubeinfer_are_of_a_namespace_too() -> None:
    assert read(OWN["name"], pod("a"), pod("b")).warnings == []


def test_equal_pods_share_what_the_scheduler_reads_of_them() -> None:
    one, other = read(pod("a"), pod("b", where="n1")).pods
    assert one.manifest is other.manifest


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ({"containers": [{"name": "c", "resources": {"requests": {"cpu": "many"}}}]}, "spec.containers"),
        ({"containers": 3}, "spec.containers"),
        ({"affinity": {"podAntiAffinity": 1}}, "spec.affinity"),
        (
            {
                "affinity": {
                    "podAntiAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": [{"labelSelector": {}}]
                    }
                }
            },
            "topologyKey",
        ),
    ],
)
def test_pods_that_cannot_be_read_are_told_with_their_place(broken: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError) as caught:
        read(pod("a", **broken))
    assert all(each.line for each in caught.value.diagnostics)
    assert any(expected in each.sentence for each in caught.value.diagnostics)


@pytest.mark.parametrize("part", ["metadata", "spec", "status"])
@pytest.mark.parametrize(
    "value", [3, "x", [], None, {"labels": 1, "ownerReferences": 3, "containers": [3], "nodeName": 4}]
)
def test_parts_of_other_shapes_are_told_and_never_a_traceback(part: str, value: Any) -> None:
    try:
        read_pods(SourceText("pods.json", json.dumps({**pod("a"), part: value})), NODES, [kubeinfer()])
    except InputError as error:
        assert all(each.line for each in error.diagnostics)


def test_two_pods_of_one_name_are_told_with_the_place_of_the_second() -> None:
    with pytest.raises(InputError) as caught:
        read(pod("a", npus=8), pod("a", where="n1"), pod("a", namespace="third"))
    (found,) = caught.value.diagnostics
    assert "there is another pod other/a above" in found.sentence
    assert found.line > 20


def test_a_namespace_that_is_no_text_is_told_with_its_place() -> None:
    with pytest.raises(InputError) as caught:
        read(pod("a", namespace=["x"]))  # type: ignore[arg-type]
    assert "metadata.namespace: expected a namespace, found" in caught.value.diagnostics[0].sentence
