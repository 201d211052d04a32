"""Objects that hold or bring nothing here, and would in a cluster: a warning at the line."""

from __future__ import annotations

import pytest
from field.user import Raw, User, deployment, kubeinfer

CLUSTER = {"pools": [{"name": "a", "count": 2, "allocatable": {"cpu": "8"}}]}
COUNTS = ["count/deployments.apps", "count/secrets", "services.nodeports", "requests.storage"]
HARD = {"pods": "9", "count/pods": "9", "requests.cpu": "64", **dict.fromkeys(COUNTS, "1")}
QUOTA: Raw = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "q", "namespace": "prod"},
    "spec": {"hard": HARD},
}
NODE: Raw = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a-9"}}


def line_of(user: User, file: str, text: str) -> int:
    lines = (user.folder / file).read_text(encoding="utf-8").splitlines()
    (line,) = (index for index, each in enumerate(lines, 1) if text in each)
    return line


@pytest.mark.parametrize("workload", [kubeinfer, deployment])
def test_a_quota_of_other_objects_than_pods(user: User, workload) -> None:
    asking = {"resources": {"requests": {"cpu": "1"}}}
    user.plans(workload(asking), QUOTA, cluster=CLUSTER, initial="empty")
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    for file in ("manifest.yaml", "scenario.yaml"):
        if file == "scenario.yaml":
            user.plans(
                workload(asking), cluster=CLUSTER, initial="empty", actions=[{"at": "1m", "create": QUOTA}]
            )
            _, result = user.runs()
        told = [each for each in result["warnings"] if "objects beyond" in each]
        assert len(told) == len(COUNTS), "pods and what they ask for are counted"
        for name, warning in zip(COUNTS, told, strict=True):
            assert warning.startswith(f"{file}:{line_of(user, file, f'{chr(34)}{name}{chr(34)}')}:")
            assert f"objects beyond {name} are refused in a cluster" in warning


@pytest.mark.parametrize("workload", [kubeinfer, deployment])
def test_a_node(user: User, workload) -> None:
    user.plans(workload({}), cluster=CLUSTER, initial="empty", actions=[{"at": "1m", "create": NODE}])
    done, result = user.runs()
    assert done.returncode == 0, done.stdout
    line = line_of(user, "scenario.yaml", '"Node"')
    (told,) = (each for each in result["warnings"] if "Node a-9 is not simulated" in each)
    assert told.startswith(f"scenario.yaml:{line}:")
    assert "`addNodes`" in told
    user.has("manifest.yaml", workload({}), NODE)
    assert "Node a-9 is not simulated" in " ".join(user.types("validate", "manifest.yaml").stdout.split())
