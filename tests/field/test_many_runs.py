"""Many runs at the command line, asked of the same pods as a KubeInfer and as a Deployment."""

from __future__ import annotations

import json
from typing import Any

import pytest
from field.user import Raw, User, asking, both, deployment, kubeinfer

STAGES = {"profile": "zero", "create": {"uniform": {"low": "30s", "high": "90s"}}}
FAULTS = {"processes": [{"kind": "NodeReboot", "rate": "1 per 2h", "per": "node"}]}


def pods(workload: Any, replicas: int = 2) -> Raw:
    made: Raw = workload({**asking(npu=8)}, replicas=replicas, terminationGracePeriodSeconds=0)
    return made


def many(user: User, *options: str) -> tuple[str, Raw, int]:
    """What is printed, on one line, the document, and the exit code."""
    line = ("run", "scenario.yaml", "-n", "30", "--workers", "1", "--json", "many.json", *options)
    done = user.types(*line)
    assert done.returncode in (0, 1, 4), done.stderr
    document: Raw = json.loads((user.folder / "many.json").read_text(encoding="utf-8"))
    return " ".join(done.stdout.split()), document, done.returncode


# -- the first sentence -------------------------------------------------------------------------------------


@both
def test_what_a_fault_has_taken_away_at_the_horizon_is_told_and_a_miss_where_nothing_else_is_asked(
    user: User, workload: Any
) -> None:
    spec = {"cluster": "3x8", "update": {"newRevision": True}, "timings": STAGES, "faults": FAULTS}
    user.plans(pods(workload), **spec, horizon="2h", objectives={"completes": True})
    said, document, code = many(user)
    cut = document["perRun"]["outcome"].count("unfinished")
    assert 0 < cut < 30
    assert len(document["runs"]["unfinished"]) == cut
    assert (code, said[:2]) == (0, "✔ ")
    assert "What is asked for comes into place in 100 % of runs" in said
    assert f"; at the horizon not all is ready in {cut} of 30 runs." in said

    user.plans(pods(workload), **spec, horizon="2h")
    said, _, code = many(user)
    assert (code, said[:2]) == (1, "✘ ")
    assert f"Finishes in {100 * (30 - cut) / 30:.1f}".removesuffix(".0") in said
    alone = user.types("run", "scenario.yaml", "--seed", str(document["runs"]["unfinished"][0]))
    assert alone.returncode == 1, "as it is in that run alone"


@both
@pytest.mark.parametrize(
    ("objectives", "said"),
    [
        (
            {"completesWithin": "1ms"},
            "but the objective is missed: completes within 1ms (held in 0 of 30 runs).",
        ),
        (
            {"completes": True, "minReadyInstances": {"value": 2, "probability": "50%"}},
            "but 1 of 2 objectives is missed: at least 2 ready, P ≥ 50 % (held in 0 of 30 runs).",
        ),
        (
            {"completes": {"probability": "99%"}},
            "but the objective is undecided: completes, P ≥ 99 % (held in 30 of 30 runs).",
        ),
    ],
)
def test_the_first_sentence_names_what_is_not_held_and_so_do_junit_and_github(
    user: User, workload: Any, objectives: Raw, said: str
) -> None:
    user.plans(
        pods(workload), cluster="2x8", update={"newRevision": True}, timings=STAGES, objectives=objectives
    )
    text, document, code = many(user)
    assert code in (1, 4)
    assert said in text
    assert document["verdict"]["sentence"].endswith(said)
    for form in ("junit", "github"):
        told = user.types("run", "scenario.yaml", "-n", "30", "--workers", "1", "-o", form).stdout
        outcome = next(line for line in told.splitlines() if "outcome" in line)
        assert said.split(": ")[1].partition(",")[0].removesuffix(".") in outcome


@both
def test_in_how_many_runs_none_was_ready_is_said(user: User, workload: Any) -> None:
    user.plans(pods(workload, replicas=1), cluster="1x8", update={"newRevision": True}, timings=STAGES)
    said, _, _ = many(user)
    word = "ready" if workload is kubeinfer else "available"
    assert f"; none {word} at some time in every run." in said
    assert "never fewer than 0" not in said


# -- several workloads --------------------------------------------------------------------------------------


def test_figures_of_several_workloads_say_whether_of_the_worst_or_of_all(user: User) -> None:
    one, other = pods(kubeinfer), pods(kubeinfer)
    other["metadata"]["name"] = "code"
    user.plans(one, other, cluster="5x8", timings=STAGES, faults=FAULTS, initial="running", horizon="3h")
    said, document, _ = many(user)
    titles = {each["name"]: each["title"] for each in document["figures"]}
    for name, title in (
        ("minReady", "fewest ready (worst of 2)"),
        ("availability", "availability (worst of 2)"),
        ("lostInstanceMs", "instance time lost (all 2)"),
        ("peakNpus", "most NPUs in use"),
    ):
        assert titles[name] == title
    assert "fewest ready (worst of 2)" in said
    assert "of any workload ready" in said
    own = pods(deployment)
    own["metadata"]["name"] = "web"
    user.plans(own, one, cluster="5x8", timings=STAGES, faults=FAULTS, initial="running", horizon="3h")
    _, document, _ = many(user)
    assert not [each["title"] for each in document["figures"] if "2)" in each["title"]], "one of each kind"
