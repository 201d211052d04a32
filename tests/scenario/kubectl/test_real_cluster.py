"""A real cluster as the cluster of a scenario: gangs are placed beside what runs there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from building import kubeinfer, scenario
from kubectl_objects import listed, node, pod
from msgspec.structs import replace
from scenario_files import MANIFEST, SMALLEST

from kubeinfer_sim.cluster.records import GangPending, GangScheduled
from kubeinfer_sim.errors import InputError, UsageError
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.report.terminal import render
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.cluster.compile import read_real_cluster
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

ANTI = {
    "podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"labelSelector": {"matchLabels": {"app": "chat"}}, "topologyKey": "kubernetes.io/hostname"}
        ]
    }
}


def on(nodes: list[dict[str, Any]], *pods: dict[str, Any], **fields: Any) -> Scenario:
    cluster = read_real_cluster(
        SourceText("nodes.json", listed(*nodes)), SourceText("pods.json", listed(*pods)), []
    )
    made = scenario(kubeinfer(**fields), 1, initial="empty")
    return replace(made, nodes=cluster.nodes, running=cluster.running, warnings=cluster.warnings)


def placed(run: Run) -> list[str]:
    return [node for each in run.history if isinstance(each, GangScheduled) for _, node in each.nodes]


def why(run: Run) -> str:
    return next(each.message for each in run.history if isinstance(each, GangPending))


def test_a_gang_goes_where_the_pods_that_run_leave_room() -> None:
    assert placed(simulate(on([node("n0"), node("n1")], pod("busy", "n0", npus=4)))) == ["n1"]


def test_what_runs_is_why_a_gang_waits() -> None:
    run = simulate(on([node("n0")], pod("busy", "n0", npus=1)))
    assert why(run) == "0/1 nodes are available: 1 Insufficient huawei.com/ascend-1980."


def test_an_over_committed_node_takes_nothing_and_all_goes_on() -> None:
    made = on([node("n0"), node("n1")], pod("a", "n0", npus=8), pod("b", "n0", npus=8, namespace="x"))
    assert placed(simulate(made)) == ["n1"]
    text = render(assess(simulate(made)), width=160)
    assert "node n0 is over-committed: its pods request 16 of 8 huawei.com/ascend-1980" in text


def test_the_anti_affinity_of_a_pod_that_runs_keeps_others_away() -> None:
    made = on(
        [node("n0"), node("n1")], pod("shy", "n0", affinity=ANTI, namespace="default"), labels={"app": "chat"}
    )
    assert placed(simulate(made)) == ["n1"]


def test_cordoned_tainted_and_unready_nodes_take_no_pods() -> None:
    taint = {"key": "dedicated", "effect": "NoSchedule"}
    nodes = [
        node("n0", unschedulable=True),
        node("n1", taints=[taint]),
        node("n2", ready="False"),
        node("n3"),
    ]
    assert placed(simulate(on(nodes))) == ["n3"]


def test_npus_of_the_pods_that_run_count_as_in_use() -> None:
    run = simulate(on([node("n0"), node("n1")], pod("busy", "n0", npus=4)))
    assert [each.in_use for each in run.history if isinstance(each, GangScheduled)] == [12]


def write(folder: Path) -> None:
    labels = {"pool": "infer"}
    nodes = [node(f"n{i}", labels=labels) for i in range(16)]
    (folder / "chat.yaml").write_text(MANIFEST)
    (folder / "nodes.json").write_text(listed(*nodes))
    (folder / "pods.json").write_text(listed(pod("busy", "n0", npus=8), pod("b", "n1", namespace="x")))
    (folder / "scenario.yaml").write_text(SMALLEST)


@pytest.mark.parametrize(
    "cluster",
    ["nodes.json", "{file: nodes.json}", "{file: nodes.json, pods: pods.json}", "{path: nodes.json}"],
)
def test_a_scenario_names_the_files(tmp_path: Path, cluster: str) -> None:
    write(tmp_path)
    (tmp_path / "scenario.yaml").write_text(SMALLEST.replace("16x8", cluster))
    loaded = load_scenario(str(tmp_path / "scenario.yaml"))
    assert [each.name for each in loaded.nodes] == [f"n{i}" for i in range(16)]
    assert len(loaded.running) == (2 if "pods" in cluster else 0)


def test_the_command_line_names_the_files_from_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    loaded = load_scenario("../scenario.yaml", cluster="../nodes.json", pods="../pods.json")
    assert (len(loaded.nodes), len(loaded.running)) == (16, 2)


def test_pods_need_the_nodes_they_run_on(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(UsageError, match="give both"):
        load_scenario(str(tmp_path / "scenario.yaml"), pods=str(tmp_path / "pods.json"))
    (tmp_path / "wrong.yaml").write_text(SMALLEST.replace("16x8", "{nodes: 8x8, pods: pods.json}"))
    with pytest.raises(InputError, match="pods belong to `file`"):
        load_scenario(str(tmp_path / "wrong.yaml"))


def test_both_files_are_checked_before_anything_is_said(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "nodes.json").write_text(listed(pod("a")))
    (tmp_path / "pods.json").write_text(listed(node("n")))
    with pytest.raises(InputError) as caught:
        load_scenario(
            str(tmp_path / "scenario.yaml"),
            cluster=str(tmp_path / "nodes.json"),
            pods=str(tmp_path / "pods.json"),
        )
    assert [each.message for each in caught.value.diagnostics] == [
        "expected a Node, found a Pod",
        "expected a Pod, found a Node",
    ]
