"""What would give a gang its places: the fewest steps of which all are needed, three of them at most."""

from __future__ import annotations

from pathlib import Path

import pytest
from building import kubeinfer, nodes, scenario
from field.user import User, asking, deployment
from msgspec.structs import replace

from kubeinfer_sim.cluster.node import UNSCHEDULABLE
from kubeinfer_sim.cluster.records import GangPending
from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.simulation.simulate import simulate

LABELLED, OTHER = nodes(1, labels={"a": "b"})[0], nodes(1)[0]
#: By what would have it take a pod: a node that does not.
CLOSED: dict[str, NodeSpec] = {
    "uncordon": replace(LABELLED, unschedulable=True),
    "taint": replace(LABELLED, taints=(Taint("kept", "for others", "NoSchedule"),)),
    "label": OTHER,
}


def ways(closed: list[NodeSpec]) -> list[list[str]]:
    """What somebody could do for a gang that needs all of these nodes."""
    spec = kubeinfer(1, roles={"serve": len(closed)}, node_selector={"a": "b"})
    named = tuple(replace(node, name=f"node-{number}") for number, node in enumerate(closed))
    run = simulate(replace(scenario(spec, 1, initial="empty"), nodes=named))
    *_, last = run.history.of(GangPending)
    return [[step.what for step in way] for way in last.ways]


@pytest.mark.parametrize("steps", [["uncordon"], ["uncordon", "taint"], ["uncordon", "taint", "label"]])
def test_a_way_has_all_the_steps_that_it_takes_and_no_more(steps: list[str]) -> None:
    alone, *_ = ways([CLOSED[step] for step in steps])
    assert sorted(alone) == sorted(steps)


def test_a_cordon_that_only_some_pods_of_a_gang_tolerate_keeps_the_others_away() -> None:
    spec = kubeinfer(1, roles={"prefill": 1, "decode": 1})
    prefill, decode = spec.roles
    tolerant = replace(prefill.template, tolerations=(Toleration(key=UNSCHEDULABLE, operator="Exists"),))
    spec = replace(spec, roles=(replace(prefill, template=tolerant), decode))
    made = scenario(spec, 2, initial="empty")
    run = simulate(replace(made, nodes=nodes(2, unschedulable=True)))
    *_, last = run.history.of(GangPending)
    way, *_ = last.ways
    assert [(step.what, step.nodes) for step in way] == [("uncordon", ("node-0",))]


@pytest.mark.parametrize("others", [1, 2])
def test_so_many_pods_have_to_end_as_keep_a_pod_away(tmp_path: Path, others: int) -> None:
    """Of a node; each of them alone does."""
    user = User(tmp_path)
    near = deployment(asking(cpu=1), replicas=others)
    near["metadata"]["name"] = "near"
    alone = deployment(asking(cpu=1), replicas=1)
    alone["metadata"]["name"] = "alone"
    alone["spec"]["selector"]["matchLabels"] = alone["spec"]["template"]["metadata"]["labels"] = {"app": "b"}
    term = {"labelSelector": {"matchLabels": {"app": "chat"}}, "topologyKey": "kubernetes.io/hostname"}
    terms = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    alone["spec"]["template"]["spec"]["affinity"] = {"podAntiAffinity": terms}
    actions = [{"at": "1m", "create": alone}]
    user.plans(near, cluster="1x8", actions=actions, horizon="5m")
    *_, last = simulate(load_scenario(str(tmp_path / "scenario.yaml"))).history.of(GangPending)
    assert [(step.what, step.number) for step in last.ways[0]] == [("apart", others)]
