"""Where pods go: rules by the names of nodes, taints."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from field.user import NPU, User, asking, both, deployment, kubeinfer

HOSTNAME = "kubernetes.io/hostname"


def pool(count: int, **fields: Any) -> dict[str, Any]:
    """Nodes with 16 NPUs each."""
    return {"pools": [{"name": "a", "count": count, "allocatable": {NPU: 16}, **fields}]}


def apart(**term: Any) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"app": "chat"}}, "topologyKey": HOSTNAME, **term}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


@both
def test_pods_that_repel_each_other_by_hostname_leave_no_node_to_one_more(
    user: User, workload: Callable[..., Any]
) -> None:
    pods = workload(asking(npu=8), replicas=2, surge=1, affinity=apart())
    user.plans(pods, cluster=pool(2), update={"newRevision": True}, horizon="1h")
    assert user.runs()[0].returncode == 1
    user.plans(pods, cluster=pool(3), update={"newRevision": True}, horizon="1h")
    assert user.runs()[0].returncode == 0


@both
def test_pods_are_spread_over_hosts_without_a_label_being_written(
    user: User, workload: Callable[..., Any]
) -> None:
    evenly = {
        "topologyKey": HOSTNAME,
        "maxSkew": 1,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "chat"}},
    }
    pods = workload(asking(npu=2), replicas=4, topologySpreadConstraints=[evenly])
    user.plans(pods, cluster=pool(2), initial="empty")
    assert user.runs()[0].returncode == 0
    assert sorted(Counter(each["node"] for each in user.pods()).values()) == [2, 2]


@both
@pytest.mark.parametrize(("cluster", "name"), [("3x16", "node-1"), (pool(3), "a-1")])
def test_a_selector_by_hostname_means_one_node(
    user: User, workload: Callable[..., Any], cluster: Any, name: str
) -> None:
    pods = workload(asking(npu=16), nodeSelector={HOSTNAME: name})
    user.plans(pods, cluster=cluster, initial="empty", horizon="1h")
    done, _ = user.runs()
    assert done.returncode == 1
    assert "node(s) didn't match Pod's node affinity/selector" in " ".join(done.stdout.split())
    assert Counter(each["node"] for each in user.pods()) == {name: 1, "": 2}


@both
def test_a_node_of_the_short_form_bears_the_name_pods_ask_for(
    user: User, workload: Callable[..., Any]
) -> None:
    field = {"key": "metadata.name", "operator": "In", "values": ["npu-17"]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    user.plans(workload(asking(npu=8), replicas=1, affinity=affinity), cluster="2x8", initial="empty")
    done, _ = user.runs("--assumptions")
    assert done.returncode == 0
    assert "npu-17 among them" in done.stdout


@both
@pytest.mark.parametrize(
    ("selector", "runs"),
    [
        ({"kubernetes.io/os": "linux"}, True),
        ({"beta.kubernetes.io/os": "linux"}, True),
        ({"kubernetes.io/arch": "arm64"}, True),
        ({"kubernetes.io/arch": "amd64"}, False),
        ({"kubernetes.io/os": "windows"}, False),
    ],
)
def test_a_server_with_ascend_npus_runs_linux_on_arm64(
    user: User, workload: Callable[..., Any], selector: dict[str, str], *, runs: bool
) -> None:
    pods = workload(asking(npu=8), replicas=1, nodeSelector=selector)
    user.plans(pods, cluster=pool(1), initial="empty", horizon="1h")
    done, _ = user.runs("--assumptions")
    assert done.returncode == (0 if runs else 1)
    assert ("kubernetes.io/arch=arm64 (no label" in done.stdout) is ("kubernetes.io/arch" in selector)


@both
def test_a_pool_says_which_architecture_its_machines_have(user: User, workload: Callable[..., Any]) -> None:
    pods = workload(asking(npu=8), replicas=1, nodeSelector={"beta.kubernetes.io/arch": "amd64"})
    user.plans(pods, cluster=pool(1, labels={"kubernetes.io/arch": "amd64"}), initial="empty")
    assert user.runs()[0].returncode == 0


BY_HASH = {"matchLabelKeys": ["pod-template-hash"]}


def test_a_deployment_s_revisions_are_told_apart_by_the_hash_of_their_templates(user: User) -> None:
    pods = deployment(asking(npu=8), replicas=2, surge=1, affinity=apart(**BY_HASH))
    user.plans(pods, cluster=pool(2), update={"newRevision": True}, horizon="1h")
    assert user.runs()[0].returncode == 0


def test_label_keys_do_not_help_the_update_that_brings_them(user: User) -> None:
    # The old pods' own rule, which has no such keys, still keeps the new ones away.
    pods = deployment(asking(npu=8), replicas=2, surge=1, affinity=apart())
    patch = {"spec": {"template": {"spec": {"affinity": apart(**BY_HASH)}}}}
    user.plans(pods, cluster=pool(2), update={"patch": patch}, horizon="1h")
    done, _ = user.runs()
    assert done.returncode == 1
    assert "existing pods anti-affinity rules" in " ".join(done.stdout.split())


def test_a_spread_constraint_counts_the_pods_of_its_own_revision(user: User) -> None:
    evenly = {
        "topologyKey": HOSTNAME,
        "maxSkew": 1,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "chat"}},
        **BY_HASH,
    }
    pods = deployment(asking(npu=2), replicas=4, surge=1, topologySpreadConstraints=[evenly])
    user.plans(pods, cluster=pool(2), update={"newRevision": True}, horizon="1h")
    assert user.runs()[0].returncode == 0
    assert sorted(Counter(each["node"] for each in user.pods()).values()) == [2, 2]


def test_a_kubeinfer_s_pods_have_no_hash_that_tells_revisions_apart(user: User) -> None:
    pods = kubeinfer(asking(npu=8), replicas=2, surge=1, affinity=apart(**BY_HASH))
    user.plans(pods, cluster=pool(2), update={"newRevision": True}, horizon="1h")
    assert user.runs()[0].returncode == 1


@both
def test_pods_keep_away_from_those_whose_label_differs_from_theirs(
    user: User, workload: Callable[..., Any]
) -> None:
    alone = {"matchExpressions": [{"key": "app", "operator": "Exists"}]}
    term = apart(labelSelector=alone, mismatchLabelKeys=["app"])
    pods = workload(asking(npu=4), replicas=2, affinity=term)
    other = deployment(asking(npu=4), replicas=1)
    other["metadata"]["name"] = "other"
    other["spec"]["selector"]["matchLabels"] = {"app": "other"}
    other["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    user.plans(pods, other, cluster=pool(1), initial="empty", horizon="1h")
    done, _ = user.runs()
    assert done.returncode == 1
    assert Counter((each["owner"], each["node"]) for each in user.pods()) == {
        ("chat", "a-0"): 2,
        ("other", ""): 1,
    }


@both
def test_a_pod_does_not_go_where_a_taint_would_evict_it(user: User, workload: Callable[..., Any]) -> None:
    taints = [{"key": "dedicated", "effect": "NoExecute"}]
    user.plans(
        workload(asking(npu=8), replicas=1), cluster=pool(1, taints=taints), initial="empty", horizon="1h"
    )
    done, _ = user.runs()
    assert done.returncode == 1
    assert "untolerated taint" in " ".join(done.stdout.split())


DEFAULT = {"placement": "default"}
CPU_NODES = {"pools": [{"name": "a", "count": 3, "allocatable": {"cpu": 64}}]}


def test_kube_scheduler_spreads_a_deployment_s_pods_over_hosts_and_draws_among_equal_ones(user: User) -> None:
    user.plans(deployment(asking(cpu=1), replicas=4), cluster=CPU_NODES, initial="empty", assumptions=DEFAULT)
    doubled = set()
    for seed in range(12):
        done = user.types("pods", "scenario.yaml", "--json", "-", "--seed", str(seed))
        nodes = Counter(each["node"] for each in json.loads(done.stdout)["pods"])
        assert sorted(nodes.values()) == [1, 1, 2]
        doubled |= {name for name, pods in nodes.items() if pods == 2}
    assert doubled == {"a-0", "a-1", "a-2"}


def test_pods_of_a_service_are_spread_whatever_owns_them(user: User) -> None:
    # A little less is left free where a pod is, but that does not show in whole points of a large node.
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "chat", "namespace": "prod"},
        "spec": {"selector": {"app": "chat"}, "ports": [{"port": 80}]},
    }
    pods = kubeinfer(asking(cpu=1), replicas=3)
    large = {"pools": [{"name": "a", "count": 3, "allocatable": {"cpu": 10_000, "memory": "10000Gi"}}]}
    spread = []
    for objects in ([pods], [pods, service]):
        user.plans(*objects, cluster=large, initial="empty", assumptions=DEFAULT)
        spread.append(
            all(
                len({each["node"] for each in json.loads(done.stdout)["pods"]}) == 3
                for seed in range(8)
                for done in [user.types("pods", "scenario.yaml", "--json", "-", "--seed", str(seed))]
            )
        )
    assert spread == [False, True]
