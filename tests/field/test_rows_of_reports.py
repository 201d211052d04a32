"""What a report has to say of a Deployment stands in all its forms: in text, in a comment, on a page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from command_line import sim
from field.user import User, asking, deployment, kubeinfer
from report.html.pages import Read, small_bundle

__all__ = ["small_bundle"]


@pytest.fixture
def user(tmp_path: Any) -> User:
    return User(tmp_path)


def pool(**allocatable: int) -> dict[str, Any]:
    return {"pools": [{"name": "a", "count": 2, "allocatable": {"pods": 110, **allocatable}}]}


def drained(user: User, *workloads: Any, **allocatable: int) -> None:
    """An update of five pods on two nodes, of which one is drained and stays cordoned."""
    user.plans(
        *workloads,
        cluster=pool(**allocatable),
        update={"newRevision": True},
        actions=[{"at": "5m", "drain": {"nodes": ["a-0"]}}],
    )


def rows(comment: str) -> dict[str, str]:
    return dict(re.findall(r"^\| ([^|]+) \| (.+) \|$", comment, re.M))


def test_every_row_of_a_deployment_is_in_text_comment_and_page(user: User) -> None:
    drained(user, deployment(asking(cpu=4), replicas=5, surge=1), cpu=10)
    text = " ".join(user.types("run", "scenario.yaml", "--details").stdout.split())
    comment = user.types("run", "scenario.yaml", "-o", "markdown").stdout
    page = Read(user.types("run", "scenario.yaml", "-o", "html").stdout).text
    told = rows(comment)
    assert set(told) >= {"Update", "Budgets", "Available", "Conditions", "Pods", "Evicted", "Lost time"}
    for name in ("Update", "Budgets", "Available", "Conditions", "Pods", "Evicted"):
        assert told[name].replace("\\", "") in text
        assert told[name].replace("\\", "") in page
    assert "- chat-4 needs 1 place × 4 cpu" in comment
    assert "chat-4 needs 1 place × 4 cpu" in page.partition("Why it never finishes")[2]
    assert len(comment.splitlines()) <= 30


def test_of_several_workloads_each_row_is_after_its_name_and_a_comment_stays_short(user: User) -> None:
    others = [deployment(asking(cpu=1)), deployment(asking(cpu=1))]
    for place, each in enumerate(others):
        each["metadata"]["name"] = f"router-{place}"
        each["spec"]["selector"]["matchLabels"] = {"app": f"r{place}"}
        each["spec"]["template"]["metadata"]["labels"] = {"app": f"r{place}"}
    drained(
        user, kubeinfer(asking(cpu=1, npu=1), replicas=2), *others, **{"cpu": 10, "huawei.com/ascend-1980": 8}
    )
    comment = user.types("run", "scenario.yaml", "-o", "markdown").stdout
    told = rows(comment)
    assert {"chat: Update", "Deployment router-0: Available"} <= set(told)
    assert len(comment.splitlines()) <= 30


def test_pods_that_ask_for_no_accelerator_wait_for_places_and_no_word_is_of_npus(user: User) -> None:
    drained(user, deployment(asking(cpu=4), replicas=5, surge=1), **{"cpu": 10, "huawei.com/ascend-1980": 8})
    for line in (("--details",), ("-n", "2", "--workers", "1"), ("-o", "markdown")):
        told = user.types("run", "scenario.yaml", *line).stdout
        assert "wait for NPUs" not in told
        assert "in use" not in told
    assert "wait for places" in user.types("run", "scenario.yaml", "--details").stdout
    page = user.types("run", "scenario.yaml", "-o", "html").stdout
    assert "wait for places" in page
    assert "wait for NPUs" not in page
    assert "NPUs in use" not in page


def test_many_runs_of_a_deployment_tell_how_available_its_pods_are(user: User) -> None:
    drained(user, deployment(asking(cpu=4), replicas=5, surge=1), cpu=10)
    line = ("run", "scenario.yaml", "-n", "2", "--workers", "1")
    for form in ("text", "markdown", "html"):
        told = user.types(*line, "-o", form).stdout
        assert "pods available" in told
        assert "longest with none available" in told


def test_a_pod_without_others_waits_for_its_rank_table_and_not_for_them() -> None:
    alone = sim("run", "scenarios/up-first.yaml", "-o", "html").stdout
    assert '"name":"rank table"' in alone
    assert "waits for the others" not in alone
    assert (
        '"name":"waits for the others"'
        in sim("run", "scenarios/rolling-update-2p1d.yaml", "-o", "html").stdout
    )
