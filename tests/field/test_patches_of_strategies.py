"""A merge patch leaves what the API server has filled in: a strategy keeps the budgets that the new type must not have."""

from __future__ import annotations

import pytest
from field.user import Raw, User, daemon_set, deployment, stateful_set

CLUSTER = {"pools": [{"name": "a", "count": 2, "allocatable": {"cpu": "8"}}]}
FORBIDDEN = (
    'Deployment.apps "chat" is invalid: spec.strategy.rollingUpdate: Forbidden: '
    "may not be specified when strategy `type` is 'Recreate'"
)


def plan(user: User, manifest: Raw, **action: object) -> None:
    update = {"at": "2m", "setImage": {"container": "engine", "image": "repo/vllm:v2"}}
    user.plans(manifest, cluster=CLUSTER, actions=[{"at": "1m", **action}, update])


def plain() -> Raw:
    made = deployment({})
    del made["spec"]["strategy"]
    return made


@pytest.mark.parametrize("how", ["patchObject", "patch"])
@pytest.mark.parametrize("manifest", [plain(), deployment({})])
def test_a_type_alone_is_refused(user: User, how: str, manifest: Raw) -> None:
    patch = {how: {"spec": {"strategy": {"type": "Recreate"}}}}
    plan(user, manifest, object="Deployment/chat", **patch)
    done, result = user.runs()
    assert done.returncode == 1, done.stdout
    assert [each for each in result["warnings"] if FORBIDDEN in each]


@pytest.mark.parametrize("how", ["patchObject", "patch"])
def test_with_the_budgets_taken_away_it_is_taken(user: User, how: str) -> None:
    patch = {how: {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}}}
    plan(user, plain(), object="Deployment/chat", **patch)
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    assert not [each for each in result["warnings"] if "is refused" in each]


def test_an_applied_file_takes_them_away(user: User) -> None:
    """Strategy is merged with retainKeys (staging/src/k8s.io/api/apps/v1/types.go)."""
    plan(user, plain(), apply={"patch": {"spec": {"strategy": {"type": "Recreate"}}}})
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout


def test_a_stateful_set_is_as_strict_and_a_daemon_set_is_not(user: User) -> None:
    patch = {"spec": {"updateStrategy": {"type": "OnDelete"}}}
    plan(user, stateful_set({}), object="StatefulSet/chat", patchObject=patch)
    done, result = user.runs()
    assert done.returncode == 1, done.stdout
    told = "only allowed for updateStrategy 'RollingUpdate'"
    assert [each for each in result["warnings"] if told in each]
    plan(user, daemon_set({}), object="DaemonSet/agent", patchObject=patch)
    _, result = user.runs()
    assert not [each for each in result["warnings"] if "is refused" in each]
