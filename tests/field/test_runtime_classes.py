"""RuntimeClasses that pods name: without one the API server refuses them, and nothing of that is silent."""

from __future__ import annotations

from collections.abc import Callable

from field.user import Raw, User, asking, both, deployment

NPUS = asking(npu=8)
CLASS = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "ascend"},
    "handler": "ascend",
}
ASSUMED = "RuntimeClass ascend is taken to be in the cluster, without overhead and for all nodes: nothing here gives it"


@both
def test_one_that_nothing_gives_is_warned_of_at_its_line(user: User, workload: Callable[..., Raw]) -> None:
    made = workload(NPUS, replicas=1, runtimeClassName="ascend")
    user.plans(made, cluster="1x8", initial="empty")
    done, _ = user.runs()
    assert done.returncode == 0
    text = (user.folder / "manifest.yaml").read_text()
    line = 1 + text.partition('"runtimeClassName"')[0].count("\n")
    assert f"manifest.yaml:{line}:" in done.stdout
    assert ASSUMED in " ".join(done.stdout.split())
    user.plans(made, CLASS, cluster="1x8", initial="empty")
    assert "is taken to be" not in user.runs()[0].stdout


@both
def test_pods_are_refused_where_it_is_not_there_and_made_once_it_is(
    user: User, workload: Callable[..., Raw]
) -> None:
    made = workload(NPUS, replicas=1, runtimeClassName="ascend")
    user.plans(made, cluster="1x8", initial="empty", absent=["RuntimeClass/ascend"], horizon="1h")
    done, result = user.runs()
    assert done.returncode == 1
    assert "is taken to be" not in done.stdout
    assert (
        'is forbidden: pod rejected: RuntimeClass "ascend" not found; creating the RuntimeClass would let it go on'
        in result["verdict"]["sentence"]
    )
    user.plans(made, cluster="1x8", initial="empty", actions=[{"at": "1m", "create": CLASS}], horizon="1h")
    assert user.runs()[0].returncode == 0
    assert not user.pods(at="59s")
    assert [each["status"] for each in user.pods(at="10m")] == ["Running"]


def test_pods_that_come_after_its_deletion_are_refused(user: User) -> None:
    made = deployment(NPUS, replicas=1, runtimeClassName="ascend")
    actions = [
        {"at": "1m", "deleteObject": "RuntimeClass/ascend"},
        {"at": "2m", "object": "Deployment/chat", "deletePod": {"pods": [0]}},
    ]
    user.plans(made, CLASS, cluster="1x8", actions=actions, horizon="1h")
    done, result = user.runs()
    assert done.returncode == 1
    assert 'RuntimeClass "ascend" not found' in result["verdict"]["sentence"]
