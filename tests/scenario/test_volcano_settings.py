"""What of Volcano is set, or is in a manifest, and changes nothing is said at its line; what changes something is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from field.user import NPU, Raw, asking, deployment, kubeinfer

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.scenario.load import load_scenario

VOLCANO = {"schedulerName": "volcano"}
GROUP, QUEUE = "scheduling.k8s.io/group-name", "scheduling.volcano.sh/queue-name"


#: Of a queue that matters, though nobody is in it.
KEPT = {"guarantee": {"resource": {"cpu": 0}}}


def chat(**annotations: str) -> Raw:
    made = kubeinfer(asking(npu=8), **VOLCANO)
    made["spec"]["template"]["spec"]["roles"][0]["template"]["metadata"]["annotations"] = annotations
    return made


def web(annotations: Raw | None = None, **pod: Any) -> Raw:
    made = deployment(asking(npu=8), **(pod or VOLCANO))
    made["spec"]["template"]["metadata"]["annotations"] = annotations or {}
    return made


def volcano_s(kind: str, name: str, namespace: str = "prod", **spec: Any) -> Raw:
    metadata = {"name": name} if kind == "Queue" else {"name": name, "namespace": namespace}
    return {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
    }


def told(tmp_path: Path, *manifest: Raw, **spec: Any) -> list[str]:
    """The warnings about what has no effect or is not simulated."""
    text = "---\n".join(f"{json.dumps(each, indent=1)}\n" for each in manifest)
    (tmp_path / "manifest.yaml").write_text(text, encoding="utf-8")
    head = {"apiVersion": "kubeinfer-sim/v1", "kind": "Scenario", "metadata": {"name": "x"}}
    whole = {**head, "spec": {"manifest": "manifest.yaml", "cluster": "4x8", **spec}}
    (tmp_path / "scenario.yaml").write_text(json.dumps(whole, indent=1), encoding="utf-8")
    warnings = load_scenario(str(tmp_path / "scenario.yaml")).warnings
    assert all(each.line for each in warnings)
    return [each.message for each in warnings if each.code in ("no-effect", "not-simulated")]


@pytest.mark.parametrize(
    ("made", "assumptions", "says"),
    [
        (chat(), {"minMember": 2}, "an instance has 1 pod at most, and all of them are taken"),
        (web(), {"minMember": 2}, "Volcano places no KubeInfer's instances here"),
        (web(), {"podGroup": "kept"}, "Volcano places no KubeInfer's instances here"),
        (
            chat(),
            {"podGroup": "kept", "scheduler": "kube-scheduler"},
            "Volcano places no KubeInfer's instances",
        ),
        (web(), {"scheduler": "volcano"}, "it is about KubeInfers, and there is none"),
        (web(schedulerName="default-scheduler"), {"scheduler": "kube-scheduler"}, "places all pods anyway"),
        (chat(), {"placement": "leastAllocated"}, "Volcano places all pods, by `scheduler.binpack`"),
    ],
)
def test_an_assumption_that_changes_nothing_is_told(
    tmp_path: Path, made: Raw, assumptions: Raw, says: str
) -> None:
    (message,) = told(tmp_path, made, assumptions=assumptions)
    assert message.startswith("has no effect: ")
    assert says in message


@pytest.mark.parametrize(
    ("made", "assumptions"),
    [
        (chat(), {}),
        (chat(), {"minMember": 1, "podGroup": "kept", "scheduler": "volcano"}),
        (chat(), {"minMember": None, "scheduler": None}),
        (web(), {"scheduler": "kube-scheduler", "placement": "leastAllocated"}),
    ],
)
def test_nothing_is_said_of_those_that_do(tmp_path: Path, made: Raw, assumptions: Raw) -> None:
    assert not told(tmp_path, made, assumptions=assumptions)


@pytest.mark.parametrize(
    ("made", "scheduler", "says"),
    [
        (web(schedulerName="default-scheduler"), {"queue": "default"}, "Volcano places no pods here"),
        (web(), {"queue": "default"}, f"other pods say their queue by the annotation {QUEUE}"),
        (web(), {"actions": ["enqueue", "allocate"]}, ""),
        (chat(), {"queue": "default"}, ""),
    ],
)
def test_a_configuration_of_nobody_s_scheduler_is_told(
    tmp_path: Path, made: Raw, scheduler: Raw, says: str
) -> None:
    messages = told(tmp_path, made, scheduler=scheduler)
    assert [says in each for each in messages] == [True] * bool(says)


@pytest.mark.parametrize(
    ("objects", "says"),
    [
        (
            [web(), volcano_s("PodGroup", "pair")],
            "PodGroup pair has no effect: no pod of namespace prod names it",
        ),
        (
            [web({GROUP: "pair"}), volcano_s("PodGroup", "pair", "other")],
            "those of namespace prod that do mean one of their own",
        ),
        ([web({GROUP: "pair"}), volcano_s("PodGroup", "pair")], ""),
        ([chat(**{GROUP: "pair"}), volcano_s("PodGroup", "pair")], ""),
        (
            [web({GROUP: "pair"}), volcano_s("PodGroup", "pair", priorityClassName="nope")],
            "there is no PriorityClass nope: Volcano takes the default priority",
        ),
        ([web({GROUP: "pair"}), volcano_s("PodGroup", "pair", priorityClassName="system-node-critical")], ""),
        ([web(), volcano_s("Queue", "idle")], "Queue idle has no effect: nobody is in it"),
        ([web({QUEUE: "busy"}), volcano_s("Queue", "busy")], ""),
        ([web({GROUP: "p"}), volcano_s("PodGroup", "p", queue="busy"), volcano_s("Queue", "busy")], ""),
        ([web(), volcano_s("Queue", "kept", guarantee={"resource": {"cpu": 0}})], ""),
        ([web({QUEUE: "q"}), volcano_s("Queue", "q", parent="root")], ""),
        ([web({QUEUE: "q"}), volcano_s("Queue", "q", parent="research")], "queues are in no tree"),
        (
            [web({QUEUE: "q"}), volcano_s("Queue", "q", deserved={NPU: 8})],
            "queues share the cluster by weight",
        ),
        (
            [web({QUEUE: "q"}), volcano_s("Queue", "q", affinity={"nodeGroupAffinity": {}})],
            "any node takes pods",
        ),
        (
            [web({GROUP: "p"}), volcano_s("PodGroup", "p", networkTopology={"mode": "hard"})],
            "not simulated: Volcano keeps the pods within a part of the network",
        ),
        (
            [web({GROUP: "p"}), volcano_s("PodGroup", "p", minTaskMember={"a": 1})],
            "so many pods of each task",
        ),
        (
            [web({QUEUE: "q"}), volcano_s("Queue", "q", capability={"huawei.com/ascend-1908": 8})],
            f'no node has huawei.com/ascend-1908, so it limits nobody; did you mean "{NPU}"?',
        ),
        (
            [
                web({QUEUE: "q"}),
                volcano_s("Queue", "q", guarantee={"resource": {"x/y": 0}}, capability={"cpu": 8, "pods": 9}),
            ],
            "no node has x/y, so it keeps nothing for the queue",
        ),
        (
            [web({GROUP: "p"}), volcano_s("PodGroup", "p", minResources={"huawei.com/npu": 8})],
            "no node has huawei.com/npu, so the PodGroup is never let in",
        ),
        (
            [
                web({GROUP: "p"}),
                volcano_s("PodGroup", "p", queue="bussy"),
                volcano_s("Queue", "busy", **KEPT),
            ],
            'there is no Queue bussy, so Volcano never looks at its pods; did you mean "busy"?',
        ),
    ],
)
def test_an_object_or_a_field_that_changes_nothing_is_told(
    tmp_path: Path, objects: list[Raw], says: str
) -> None:
    messages = told(tmp_path, *objects)
    assert [says in each for each in messages] == [True] * bool(says)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"weight": 0}, "expected a whole number of 1 to 65535, found 0"),
        ({"weight": 65_536}, "expected a whole number of 1 to 65535, found 65536"),
        ({"guarantee": {"resource": {NPU: 8}}}, f"deserved must be as much of {NPU}, or more"),
        ({"capability": {NPU: 4}, "deserved": {NPU: 8}}, f"is more than its capability of {NPU}"),
        ({"guarantee": {"resource": [NPU]}}, "expected a mapping, found a list"),
        ({"capability": {NPU: -8}}, "expected 0 or more, found -8"),
        ({"capability": {"cpu": "-1"}}, "expected 0 or more, found '-1'"),
        ({"capability": {NPU: 12.5}}, f"expected a whole number of {NPU}, found 12.5"),
        ({"deserved": {"pods": "1500m"}}, "expected a whole number of pods, found '1500m'"),
        ({"guarantee": {"resource": {"memory": "-1Gi"}}, "deserved": {"memory": 1}}, "expected 0 or more"),
    ],
)
def test_a_queue_that_volcano_refuses_is_an_error(tmp_path: Path, spec: Raw, says: str) -> None:
    with pytest.raises(InputError, match=says):
        told(tmp_path, web({QUEUE: "q"}), volcano_s("Queue", "q", **spec))


def test_reclaim_is_refused_at_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="reclaim is not simulated: as Volcano's chart ships it"):
        told(tmp_path, web(), scheduler={"actions": ["enqueue", "allocate", "reclaim"]})


def test_a_queue_of_kubeinfers_that_is_missing_at_all_times_is_told_at_its_line(tmp_path: Path) -> None:
    says = [
        'there is no Queue reserach, so Volcano never looks at KubeInfers\' pods; did you mean "research"?'
    ]
    kept = volcano_s("Queue", "research", **KEPT)
    assert told(tmp_path, chat(), kept, scheduler={"queue": "reserach"}) == says
    assert told(tmp_path, web(), kept, scheduler={"queue": "reserach"}) != says
    later = [{"at": "1m", "create": volcano_s("Queue", "reserach")}]
    assert told(tmp_path, chat(), kept, scheduler={"queue": "reserach"}, actions=later) == []


def test_queues_and_pod_groups_that_are_created_later_are_looked_at_too(tmp_path: Path) -> None:
    later = [{"at": "1m", "create": volcano_s("PodGroup", "p", queue="nope", minResources={"x/y": 1})}]
    assert told(tmp_path, web({GROUP: "p"}), actions=later) == [
        "there is no Queue nope, so Volcano never looks at its pods",
        "no node has x/y, so the PodGroup is never let in",
    ]
    joins = {"at": "2m", "addNodes": {"name": "new", "allocatable": {"x/y": 1}}}
    assert len(told(tmp_path, web({GROUP: "p"}), actions=[*later, joins])) == 1
