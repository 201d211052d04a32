"""The cycle, from the scenario file to the result: what it costs, whom it promises places, and what it says."""

from __future__ import annotations

from typing import Any

import pytest
from field.user import NPU, Raw, User, asking, deployment, kubeinfer

from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.simulation.simulate import simulate

BY_VOLCANO = {"schedulerName": "volcano"}


#: Pods of half a node and of a whole one: which nodes the halves are drawn decides whether the whole ones find any.
HALVES = [("half", 4, 2), ("whole", 8, 1)]
DRAWN = "with other draws of equal nodes it would have a place (-n 100 says how often"


def chat(**fields: Any) -> Raw:
    return kubeinfer(asking(npu=8), **BY_VOLCANO, **fields)


def web(**fields: Any) -> Raw:
    return deployment(asking(npu=8), **BY_VOLCANO, **fields)


def first_seed(user: User, *, holds: bool = False, starts: bool = True) -> str:
    """The first seed with which the run of the scenario comes to its end, or does not (or does not even start so)."""
    scenario = load_scenario(str(user.folder / "scenario.yaml"))
    for seed in range(100):
        assessed = assess(simulate(scenario, seed=seed))
        if assessed.verdict.holds is holds and bool(assessed.cluster.unplaced) is not starts:
            return str(seed)
    raise AssertionError("no such seed")


@pytest.mark.parametrize("workload", [chat, web])
def test_a_gang_that_waits_costs_nothing_while_nothing_changes(user: User, workload: Any) -> None:
    events = []
    for horizon in ("1h", "10d"):
        user.plans(workload(replicas=3), cluster="2x8", initial="empty", horizon=horizon)
        _, result = user.runs()
        events.append(result["cost"]["timers"])
    assert events[0] == events[1]


def test_the_annotation_of_a_deployment_says_how_many_pods_are_placed_together(user: User) -> None:
    placed = []
    for members in ("1", "3"):
        made = web(replicas=3)
        made["metadata"]["annotations"] = {"scheduling.volcano.sh/group-min-member": members}
        user.plans(made, cluster="2x8", initial="empty", horizon="10m")
        placed.append(sum(bool(each["node"]) for each in user.pods(at="10m")))
    assert placed == [2, 0]


def test_pods_that_name_a_pod_group_wait_until_there_is_one_and_nothing_says_why(user: User) -> None:
    made = web(replicas=2)
    metadata = made["spec"]["template"]["metadata"]
    metadata["annotations"] = {"scheduling.k8s.io/group-name": "pair"}
    group = {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "PodGroup",
        "metadata": {"name": "pair", "namespace": "prod"},
        "spec": {"minMember": 2},
    }
    actions = [{"at": "1m", "create": group}]
    user.plans(made, cluster="2x8", initial="empty", actions=actions, horizon="10m")
    assert not any(each["node"] for each in user.pods(at="59s"))
    assert not any(each["conditions"] for each in user.pods(at="59s"))
    assert all(each["node"] for each in user.pods(at="62s"))


def test_a_misspelt_field_of_a_pod_group_is_an_error_with_its_place(user: User) -> None:
    group = {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "PodGroup",
        "metadata": {"name": "pair", "namespace": "prod"},
        "spec": {"minMembers": 2},
    }
    user.plans(web(), group, cluster="2x8")
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    assert "minMembers" in done.stderr
    assert "minMember" in done.stderr


def test_the_report_says_who_places_and_what_volcano_says(user: User) -> None:
    user.plans(chat(replicas=3), cluster="2x8", initial="empty")
    done, result = user.runs()
    text = " ".join(done.stdout.split())
    assert "placed by Volcano" in text
    assert "1/1 tasks in gang unschedulable: pod group is not ready, 1 Pending, 1 minAvailable" in text
    assert f"needs 1 node × 8 {NPU}" in result["verdict"]["sentence"]
    user.plans(chat(replicas=3), cluster="2x8", initial="empty", assumptions={"scheduler": "kube-scheduler"})
    done, _ = user.runs()
    assert "Volcano" not in done.stdout
    assert f"0/2 nodes are available: 2 Insufficient {NPU}." in " ".join(done.stdout.split())


def pod_group(name: str = "pair", **spec: Any) -> Raw:
    return {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "PodGroup",
        "metadata": {"name": name, "namespace": "prod"},
        "spec": spec,
    }


def queue(npus: int) -> Raw:
    return {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "Queue",
        "metadata": {"name": "small"},
        "spec": {"weight": 1, "capability": {NPU: npus}},
    }


@pytest.mark.parametrize(
    ("cordoned", "way"),
    [
        ([], "so many nodes; more nodes would let it go on"),
        (["node-0"], "so many nodes; uncordoning node-0 or more nodes would let it go on"),
    ],
)
def test_what_pods_of_a_group_lack_together_is_said_not_that_each_would_fit(
    user: User, cordoned: list[str], way: str
) -> None:
    made = web(replicas=3)
    made["spec"]["template"]["metadata"]["annotations"] = {"scheduling.k8s.io/group-name": "trio"}
    actions = [{"at": "0s", "cordon": cordoned}] if cordoned else []
    cluster = f"{2 + len(cordoned)}x8"
    user.plans(made, pod_group("trio", minMember=3), cluster=cluster, initial="empty", actions=actions)
    _, result = user.runs()
    sentence = result["verdict"]["sentence"]
    needs = f"with 2 more pods of its PodGroup needs 3 nodes × 8 {NPU}; 2 such nodes are free, and the nodes have room"
    assert needs in sentence
    assert way.removeprefix("so many nodes; ") in sentence
    assert "all its pods fit" not in sentence


def test_pods_of_unlike_size_that_a_search_would_place_are_told_as_such(user: User) -> None:
    """The big node scores best for a small pod, as recorded in vg-greedy-cpu."""
    made = chat(replicas=1)
    (role,) = made["spec"]["template"]["spec"]["roles"]
    roles = []
    for name, npus, pods in ("small", 8, 2), ("large", 16, 1):
        each = {**role, "name": name, "replicas": pods}
        resources = {"requests": {NPU: npus, "cpu": 16, "memory": "64Gi"}, "limits": {NPU: npus}}
        container = {"name": "engine", "image": "repo/vllm:v1", "resources": resources}
        labels = {"app": name}
        each["template"] = {"metadata": {"labels": labels}, "spec": {**BY_VOLCANO, "containers": [container]}}
        roles.append(each)
    made["spec"]["template"]["spec"]["roles"] = roles
    pools = [
        {"name": "big", "count": 1, "allocatable": {NPU: 16, "cpu": 192, "memory": "1Ti"}},
        {"name": "little", "count": 2, "allocatable": {NPU: 8, "cpu": 64, "memory": "512Gi"}},
    ]
    user.plans(made, cluster={"pools": pools}, initial="empty", horizon="1h")
    seed = first_seed(user)
    done, result = user.runs("--seed", seed)
    assert "not where Volcano tries them one by one" in " ".join(done.stdout.split())
    assert DRAWN in result["verdict"]["sentence"]
    assumptions = {"scheduler": "kube-scheduler"}
    user.plans(made, cluster={"pools": pools}, initial="empty", assumptions=assumptions, horizon="1h")
    assert user.runs("--seed", seed)[1]["verdict"]["holds"]


def test_both_schedulers_are_compared_by_the_assumption(user: User) -> None:
    user.plans(chat(replicas=2), cluster="2x8", initial="empty")
    done = user.types("compare", "scenario.yaml", "--assume", "scheduler=volcano,kube-scheduler")
    assert done.returncode == 0, done.stderr
    assert "volcano" in done.stdout
    assert "kube-scheduler" in done.stdout


def test_of_gangs_that_kube_scheduler_places_it_is_said_that_they_are_taken_to_be_placed_whole(
    user: User,
) -> None:
    made = chat(replicas=1)
    (role,) = made["spec"]["template"]["spec"]["roles"]
    role["replicas"] = 2
    for scheduler, says in ("kube-scheduler", True), ("volcano", False):
        user.plans(made, cluster="2x8", initial="empty", assumptions={"scheduler": scheduler})
        text = " ".join(user.runs("--assumptions")[0].stdout.split())
        assert ("placed by kube-scheduler, instances whole (assumed)" in text) is says
        assert ("kube-scheduler places pods one by one" in text) is says
    user.plans(chat(replicas=1), cluster="2x8", initial="empty", assumptions={"scheduler": "kube-scheduler"})
    assert "instances whole" not in user.runs()[0].stdout


def test_volcano_places_no_pods_of_others_by_an_assumption_about_kubeinfers(user: User) -> None:
    user.plans(
        deployment(asking(npu=8)), cluster="2x8", initial="empty", assumptions={"scheduler": "volcano"}
    )
    assert "placed by Volcano" not in user.runs()[0].stdout


@pytest.mark.parametrize(
    "action", [{"patchObject": {"spec": {"minMember": 2}}}, {"deleteObject": "PodGroup/nope"}]
)
def test_an_object_that_is_not_there_is_told_with_all_that_are(user: User, action: Raw) -> None:
    name = {} if "deleteObject" in action else {"object": "PodGroup/nope"}
    user.plans(web(), pod_group(), queue(8), cluster="2x8", actions=[{"at": "1m", **name, **action}])
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    assert "there are: Deployment/chat, PodGroup/pair, Queue/small" in " ".join(done.stderr.split())


def test_what_owns_no_pods_is_not_scaled_and_it_is_said_what_can_be_done_with_it(user: User) -> None:
    user.plans(
        web(), pod_group(), cluster="2x8", actions=[{"at": "1m", "object": "PodGroup/pair", "scale": 2}]
    )
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    assert "PodGroup/pair owns no pods: it can be changed by patchObject" in " ".join(done.stderr.split())


def test_pod_groups_and_queues_are_validated_as_a_run_reads_them(user: User) -> None:
    user.has("manifest.yaml", web(), pod_group(minMember=1), queue(8))
    done = user.types("validate", "manifest.yaml")
    assert done.returncode == 0
    assert "skipped" not in done.stdout
    assert "PodGroup pair is valid" in done.stdout
    assert "Queue small is valid" in done.stdout
    user.has("manifest.yaml", web(), pod_group(minMember=-1))
    done = user.types("validate", "manifest.yaml")
    assert done.returncode == 2
    assert "expected a whole number of 0 or more, found -1" in " ".join(done.stdout.split())


def test_a_pod_group_of_another_api_is_not_taken_for_volcano_s(user: User) -> None:
    user.has("manifest.yaml", web(), {**pod_group(), "apiVersion": "scheduling.x-k8s.io/v1alpha1"})
    done = user.types("validate", "manifest.yaml")
    assert "PodGroup pair is not simulated: it is of scheduling.x-k8s.io/v1alpha1" in " ".join(
        done.stdout.split()
    )
    assert "PodGroup pair is valid" not in done.stdout


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (web(), '"abc" is no whole number of 0 or more: Volcano takes 1, and each pod is placed alone'),
        (web(), "0 is as 1: each pod is placed alone"),
        (deployment(asking(npu=8)), "has no effect: it is Volcano's, and these pods are default-scheduler's"),
        (chat(), "has no effect: each instance has a PodGroup of its own, of all its pods"),
    ],
)
def test_a_min_member_that_is_not_read_as_it_is_meant_is_told(user: User, made: Raw, says: str) -> None:
    text = "0" if says.startswith("0") else "abc"
    made["metadata"]["annotations"] = {"scheduling.volcano.sh/group-min-member": text}
    user.plans(made, cluster="3x8", initial="empty")
    assert says in " ".join(user.types("validate", "manifest.yaml").stdout.split())
    done, _ = user.runs()
    assert says in " ".join(done.stdout.split())
    assert sum(bool(each["node"]) for each in user.pods()) == 3


@pytest.mark.parametrize("key", ["scheduling.k8s.io/group-name", "scheduling.volcano.sh/queue-name"])
def test_volcano_s_annotations_on_pods_of_others_are_told_to_have_no_effect(user: User, key: str) -> None:
    made = deployment(asking(npu=8))
    made["spec"]["template"]["metadata"]["annotations"] = {key: "default"}
    user.has("manifest.yaml", made)
    says = "has no effect: it is Volcano's, and these pods are default-scheduler's"
    assert says in " ".join(user.types("validate", "manifest.yaml").stdout.split())


def halves_and_wholes(replicas: int = 3) -> Raw:
    made = chat(replicas=replicas)
    roles = made["spec"]["template"]["spec"]["roles"]
    for name, npus, pods in HALVES:
        container = {"name": "engine", "image": "repo/vllm:v1", **asking(npu=npus)}
        template = {"metadata": {"labels": {"app": name}}, "spec": {**BY_VOLCANO, "containers": [container]}}
        roles.append({"name": name, "replicas": pods, "template": template})
    del roles[0]
    return made


def test_a_stall_that_hangs_on_which_of_equal_nodes_were_drawn_says_so(user: User) -> None:
    user.plans(halves_and_wholes(), cluster="6x8", initial="empty", horizon="1h")
    done, result = user.runs("--seed", first_seed(user))
    assert DRAWN in result["verdict"]["sentence"]
    assert "assumptions.scheduler kube-scheduler what packing does" in result["verdict"]["sentence"]
    assert "this is one draw, -n 300 makes 300" in " ".join(done.stdout.split())
    seed = first_seed(user)
    why = user.types("why", "scenario.yaml", "--at", "30m", "--seed", seed)
    assert DRAWN in " ".join(why.stdout.split())
    done = user.types(
        "compare", "scenario.yaml", "--assume", "scheduler=volcano,kube-scheduler", "--seed", seed
    )
    assert "kube-scheduler" in done.stdout.split(".")[0]


def test_a_run_that_comes_to_its_end_by_a_draw_says_that_it_is_one(user: User) -> None:
    user.plans(halves_and_wholes(), cluster="6x8", initial="empty", horizon="1h")
    done, _ = user.runs("--seed", first_seed(user, holds=True))
    assert "pods drawn: this is one draw, -n 300 makes 300" in " ".join(done.stdout.split())


def test_pods_of_a_deployment_that_stay_out_by_a_draw_say_so(user: User) -> None:
    half = deployment(asking(npu=4), replicas=3, **BY_VOLCANO)
    whole = deployment(asking(npu=8), replicas=1, labels={"size": "whole"}, **BY_VOLCANO)
    whole["metadata"]["name"] = "whole"
    whole["spec"]["selector"] = {"matchLabels": {"size": "whole"}}
    actions = [{"at": "1m", "create": whole}]
    user.plans(half, cluster="3x8", initial="empty", actions=actions, horizon="1h")
    _, result = user.runs("--seed", first_seed(user))
    assert DRAWN in result["verdict"]["sentence"]


@pytest.mark.parametrize(
    ("made", "cluster", "assumptions"),
    [
        (chat(replicas=3), "2x8", {}),  # whole nodes: there is nothing to draw that matters
        (halves_and_wholes(4), "6x8", {}),  # too many, however they lie
        (halves_and_wholes(4), "6x8", {"scheduler": "kube-scheduler"}),
    ],
)
def test_a_stall_that_no_draw_would_mend_says_nothing_of_draws(
    user: User, made: Raw, cluster: str, assumptions: Raw
) -> None:
    user.plans(made, cluster=cluster, initial="empty", assumptions=assumptions, horizon="1h")
    for seed in map(str, range(3)):
        _, result = user.runs("--seed", seed)
        assert not result["verdict"]["holds"]
        assert "draws" not in result["verdict"]["sentence"]


@pytest.mark.parametrize("made", [kubeinfer, deployment])
def test_pods_that_scores_spread_whatever_is_drawn_are_not_said_to_hang_on_draws(
    user: User, made: Any
) -> None:
    half = made(asking(npu=4, cpu=10, memory="10Gi"), replicas=2, **BY_VOLCANO)
    whole = deployment(
        asking(npu=8, cpu=10, memory="10Gi"), replicas=1, labels={"size": "whole"}, **BY_VOLCANO
    )
    whole["metadata"]["name"] = "whole"
    whole["spec"]["selector"] = {"matchLabels": {"size": "whole"}}
    allocatable = {NPU: 8, "cpu": "100", "memory": "1000Gi"}
    cluster = {"pools": [{"name": "n", "count": 2, "allocatable": allocatable}]}
    actions = [{"at": "1m", "create": whole}]
    user.plans(half, cluster=cluster, initial="empty", actions=actions, horizon="1h")
    for seed in map(str, range(3)):
        done, result = user.runs("--seed", seed)
        assert done.returncode == 1
        assert "draws of equal nodes" not in result["verdict"]["sentence"]
        assert "packed on fewer nodes all pods would fit" in result["verdict"]["sentence"]
    user.plans(
        half,
        cluster=cluster,
        initial="empty",
        actions=actions,
        assumptions={"scheduler": "kube-scheduler"},
        horizon="1h",
    )
    assert user.runs()[0].returncode == 0


def test_a_start_that_a_draw_leaves_no_room_for_says_so(user: User) -> None:
    user.plans(halves_and_wholes(), cluster="6x8", initial="running", horizon="1h")
    _, result = user.runs("--seed", first_seed(user, starts=False))
    assert "does not begin as your cluster is" in result["verdict"]["sentence"]
    assert DRAWN in result["verdict"]["sentence"]


def test_victims_on_nodes_of_equal_score_are_said_to_be_drawn(user: User) -> None:
    high = chat(replicas=1)
    high["metadata"]["name"] = "high"
    high["spec"]["template"]["spec"]["roles"][0]["template"]["spec"]["priorityClassName"] = "high"
    says = []
    for nodes in 2, 1:
        user.plans(
            chat(replicas=nodes),
            cluster=f"{nodes}x8",
            initial="running",
            scheduler={"actions": ["enqueue", "allocate", "preempt", "backfill"]},
            priorityClasses={"high": 1000},
            actions=[{"at": "1m", "create": high}],
            horizon="10m",
        )
        _, result = user.runs()
        assert "preempted for" in result["verdict"]["sentence"]
        says.append("which ones was drawn among nodes of equal score" in result["verdict"]["sentence"])
    assert says == [True, False]


def with_queue(name: str, **pod: Any) -> Raw:
    made = web(**pod)
    made["spec"]["template"]["metadata"]["annotations"] = {"scheduling.volcano.sh/queue-name": name}
    return made


def queue_of(**spec: Any) -> Raw:
    return {**queue(8), "spec": spec}


@pytest.mark.parametrize(
    ("spec", "placed", "says"),
    [
        ({"capability": {NPU: 8}}, 1, f"queue small may have 8 {NPU} by its capability and has 8 in use"),
        ({"capability": {NPU: 0}}, 0, "PodGroup"),
        ({"capability": {"cpu": 0, "memory": 0}}, 4, "is available"),  # 0 of these is no limit
        ({"weight": 1}, 4, "is available"),
    ],
)
def test_a_queue_gives_its_pods_no_more_than_its_capability(
    user: User, spec: Raw, placed: int, says: str
) -> None:
    made = with_queue("small", replicas=4)
    user.plans(made, queue_of(**spec), cluster="4x8", initial="empty", horizon="10m")
    _, result = user.runs()
    assert says in result["verdict"]["sentence"]
    assert sum(bool(each["node"]) for each in user.pods(at="9m")) == placed


def test_what_one_queue_is_guaranteed_others_cannot_have(user: User) -> None:
    kept = queue_of(guarantee={"resource": {NPU: 16}}, deserved={NPU: 16})
    user.plans(web(replicas=4), kept, cluster="4x8", initial="empty", horizon="10m")
    _, result = user.runs()
    assert (
        f"queue default may have 16 {NPU} beside what others are guaranteed and has 16 in use"
        in result["verdict"]["sentence"]
    )
    assert sum(bool(each["node"]) for each in user.pods(at="9m")) == 2
    user.plans(with_queue("small", replicas=4), kept, cluster="4x8", initial="empty", horizon="10m")
    assert user.runs()[1]["verdict"]["holds"]


@pytest.mark.parametrize("scheduler", ["volcano", "kube-scheduler"])
def test_a_gang_bigger_than_the_cluster_is_told_that_only_nodes_would_help(
    user: User, scheduler: str
) -> None:
    assumptions = {"scheduler": scheduler}
    user.plans(halves_and_wholes(1), cluster="1x8", initial="empty", assumptions=assumptions)
    sentence = user.runs()[1]["verdict"]["sentence"]
    assert (
        f"together 1 of 3 pods fit, and the nodes have room for 8 {NPU} at most; more nodes would" in sentence
    )


def test_two_gangs_that_fit_alone_and_not_together_are_placed_one_after_the_other(user: User) -> None:
    """The older PodGroup goes first (V3), the other when its pods are gone, and neither ever holds half (V4)."""
    first, second = halves_and_wholes(1), halves_and_wholes(1)
    second["metadata"]["name"] = "later"
    actions = [{"at": "2s", "create": second}, {"at": "10m", "deleteObject": "KubeInfer/chat"}]
    user.plans(first, cluster="2x8", initial="empty", actions=actions, horizon="30m")
    for at, placed in ("5m", ["chat-0"] * 3), ("20m", ["later-0"] * 3):
        names = [each["name"].rsplit("-", 2)[0] for each in user.pods(at=at) if each["node"]]
        assert names == placed


def test_a_scheduler_whose_name_is_misspelt_places_nobody_and_the_report_says_so(user: User) -> None:
    made = kubeinfer(asking(npu=8), schedulerName="volcanoo")
    user.plans(made, cluster="3x8", initial="empty", horizon="1h")
    done, result = user.runs()
    assert "no scheduler volcanoo runs, which chat-0-serve-0 names" in result["verdict"]["sentence"]
    assert "no scheduler of this name is known to run" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("sizes", "told"), [((6, 2), "beside 2 such pods none of 6"), ((3, 5), "none of 5"), ((8, 8), "")]
)
def test_validate_says_where_draws_decide_how_many_pods_of_unlike_size_have_room(
    user: User, sizes: tuple[int, int], told: str
) -> None:
    for scheduler in "volcano", "default-scheduler":
        made = kubeinfer(asking(npu=8), replicas=3, schedulerName=scheduler)
        (role,) = made["spec"]["template"]["spec"]["roles"]
        roles = []
        for number in sizes:
            template = role["template"]
            pod = {
                **template["spec"],
                "containers": [{**template["spec"]["containers"][0], **asking(npu=number)}],
            }
            roles.append({**role, "name": f"r{len(roles)}", "template": {**template, "spec": pod}})
        made["spec"]["template"]["spec"]["roles"] = roles
        user.has("manifest.yaml", made)
        done = user.types("validate", "manifest.yaml", "--nodes", "4x8")
        said = " ".join(done.stdout.split())
        drawn = f"{told} has room, and Volcano as shipped draws among nodes with room"
        assert (drawn in said) is (bool(told) and scheduler == "volcano")


@pytest.mark.parametrize(
    ("made", "fields", "says"),
    [
        (chat(priorityClassName="high"), {}, True),
        (chat(), {}, False),
        (web(priorityClassName="high"), {}, False),
        (chat(priorityClassName="high"), {"assumptions": {"scheduler": "kube-scheduler"}}, False),
        (kubeinfer(asking(npu=8), priorityClassName="high"), {"assumptions": {"scheduler": "volcano"}}, True),
    ],
)
def test_the_report_says_that_the_priority_of_a_kubeinfer_s_pod_group_is_assumed(
    user: User, made: Raw, fields: Raw, says: bool
) -> None:
    user.plans(made, cluster="4x8", initial="empty", priorityClasses={"high": 1000}, **fields)
    done, _ = user.runs()
    assert done.returncode == 0
    short = "placed by Volcano, PodGroups as important as their pods (assumed)"
    assert (short in " ".join(done.stdout.split())) is says
    done, _ = user.runs("--assumptions")
    assert (
        "An instance's PodGroup has the highest priority of its pods" in " ".join(done.stdout.split())
    ) is says
