"""Fields that an object beside workloads does not have: kubectl refuses the object, as it does of Deployments."""

from __future__ import annotations

import pytest
from field.user import Raw, User, deployment, kubeinfer

CLUSTER = {"pools": [{"name": "a", "count": 2, "allocatable": {"cpu": "8"}}]}


def made(version: str, kind: str, **fields: object) -> Raw:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": "prod"}, **fields}


WRONG = [
    (made("v1", "ResourceQuota", spec={"hardd": {"pods": "2"}}), "hardd", "hard"),
    (
        made("policy/v1", "PodDisruptionBudget", spec={"selectorr": {}, "maxUnavailable": 0}),
        "selectorr",
        "selector",
    ),
    (
        made("policy/v1", "PodDisruptionBudget", spec={"selector": {"matchLabel": {}}, "maxUnavailable": 0}),
        "matchLabel",
        "matchLabels",
    ),
    (made("v1", "LimitRange", spec={"limits": [{"type": "Pod", "maximum": {}}]}), "maximum", ""),
    (
        made("scheduling.k8s.io/v1", "PriorityClass", value=1, globaldefault=True),
        "globaldefault",
        "globalDefault",
    ),
    (made("node.k8s.io/v1", "RuntimeClass", handler="h", overhead={"podFix": {}}), "podFix", "podFixed"),
]


@pytest.mark.parametrize("workload", [kubeinfer, deployment])
@pytest.mark.parametrize(("wrong", "field", "meant"), WRONG)
def test_they_are_an_error_at_their_line(user: User, workload, wrong: Raw, field: str, meant: str) -> None:
    user.plans(workload({}), wrong, cluster=CLUSTER)
    lines = (user.folder / "manifest.yaml").read_text(encoding="utf-8").splitlines()
    (line,) = (index for index, text in enumerate(lines, 1) if f'"{field}"' in text)
    for command in (["validate", "manifest.yaml"], ["run", "scenario.yaml"]):
        done = user.types(*command)
        told = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 2, told
        assert f"manifest.yaml:{line}:" in told
        assert f'unknown field "{field}"' in told
        assert meant in told


@pytest.mark.parametrize(("wrong", "field", "meant"), WRONG)
def test_so_they_are_of_what_an_action_creates(user: User, wrong: Raw, field: str, meant: str) -> None:
    user.plans(deployment({}), cluster=CLUSTER, actions=[{"at": "1m", "create": wrong}])
    lines = (user.folder / "scenario.yaml").read_text(encoding="utf-8").splitlines()
    (line,) = (index for index, text in enumerate(lines, 1) if f'"{field}"' in text)
    done = user.types("run", "scenario.yaml")
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, told
    assert f"scenario.yaml:{line}:" in told
    assert f'unknown field "{field}"' in told


def test_so_they_are_of_a_patch(user: User) -> None:
    quota = made("v1", "ResourceQuota", spec={"hard": {"pods": "9"}}, status={"hard": {}})
    action = {"at": "1m", "object": "ResourceQuota/x", "patchObject": {"spec": {"hardd": {"pods": "2"}}}}
    user.plans(deployment({}), quota, cluster=CLUSTER, actions=[action])
    done = user.types("run", "scenario.yaml")
    assert done.returncode == 2
    assert 'unknown field "hardd"' in " ".join(done.stderr.split())
    assert "scenario.yaml:" in done.stderr
