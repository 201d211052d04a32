"""What a Deployment's controller does in cases that no recorded trace has."""

from __future__ import annotations

from typing import Any

from controllers.deployment.simulated import Simulated

from kubeinfer_sim.controllers.deployment.progress import NO_DEADLINE


def played(*actions: dict[str, Any], deadline: int = 600, history: int = 10) -> Simulated:
    """Pods that are ready after 10 s and gone 5 s after they are deleted; one more than wanted may be there."""
    spec = {
        "strategy": "RollingUpdate",
        "maxSurge": 1,
        "maxUnavailable": 0,
        "minReadySeconds": 0,
        "progressDeadlineSeconds": deadline,
        "revisionHistoryLimit": history,
    }
    load = {str(revision): 10 for revision in (1, 2, 3)}
    env = {"load_s": load, "terminate_s": 5, "slots": None}
    return Simulated({"spec": spec, "env": env, "actions": actions, "end_t_ms": 1_000_000}).run()


def test_without_a_deadline_nothing_is_said_about_progress() -> None:
    """HasProgressDeadline: the largest number of seconds there is stands for none."""
    deeds = [
        {"op": "template", "rev": 2},
        {"op": "pause"},
        {"op": "scale", "replicas": 4},
        {"op": "resume"},
        {"op": "template", "rev": 1},
        {"op": "pause"},
        {"op": "template", "rev": 2},
        {"op": "resume"},
    ]
    actions = [{**deed, "t_ms": 100_000 * at} for at, deed in enumerate(deeds, 1)]
    rows = played({"op": "create", "t_ms": 0, "replicas": 2}, *actions, deadline=NO_DEADLINE).rows
    assert NO_DEADLINE == 2_147_483_647
    assert {row[4] for row in rows} == {None}
    assert rows[-1][1:3] == [[[1, 0, 0, 0, 0, 0], [2, 4, 4, 4, 4, 0]], [4, 4, 4, 4, 0, 0]]


def test_a_replica_set_is_forgotten_when_all_its_pods_are_deleted_though_500_go_at_a_time() -> None:
    """cleanupDeployment: not while its status still counts some."""
    simulated = played(
        {"op": "create", "t_ms": 0, "replicas": 1002},
        {"op": "template", "t_ms": 100_000, "rev": 2},
        {"op": "pause", "t_ms": 101_000},
        {"op": "scale", "t_ms": 102_000, "replicas": 0},
        history=0,
    )
    assert [pod.number for pod in simulated.pods if not pod.deleting] == []
    assert [row[0] for row in simulated.rows[-2:]] == [102_000, 107_000]
    assert simulated.rows[-1][1:3] == [[[2, 0, 0, 0, 0, 0]], [0, 0, 0, 0, 0, 0]]


def test_revisions_count_from_1_and_a_rollback_gets_the_next() -> None:
    actions = [
        {"op": "create", "t_ms": 0, "replicas": 1},
        {"op": "template", "t_ms": 100_000, "rev": 2},
        {"op": "template", "t_ms": 200_000, "rev": 1},
    ]
    for count, revisions in enumerate(([1], [1, 2], [3, 2]), 1):
        assert [each.revision for each in played(*actions[:count]).controller.replica_sets] == revisions
