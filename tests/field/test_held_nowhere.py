"""Where no variant and no combination holds its objectives that is said first, wherever the best one is told."""

from __future__ import annotations

import pytest
from field.user import PAGES, User, asking, both
from msgspec.structs import replace

from kubeinfer_sim import recommend
from kubeinfer_sim.report.recommendation import notes

LINES = {
    "compare": ("compare", "scenario.yaml", "--vary", "maxSurge=0,1"),
    "sweep": ("sweep", "scenario.yaml", "--vary", "maxSurge=0,1", "--vary", "nodes=4..5"),
}
SAID = {
    "compare": "The objectives hold with none of the 2 variants; missed with each: completes within 10s.",
    "sweep": "The objectives hold with none of the 4 combinations; missed with each: completes within 10s.",
}


@both
@pytest.mark.parametrize("command", LINES)
@pytest.mark.parametrize(("within", "nowhere"), [("10s", True), ("1h", False)])
def test_that_none_holds_is_said_in_text_comment_and_page(
    user: User, workload: object, command: str, within: str, nowhere: bool
) -> None:
    assert callable(workload)
    user.plans(
        workload(asking(npu=8)),
        cluster="4x8",
        timings={"profile": "typical"},
        update={"newRevision": True},
        objectives={"completesWithin": within, "minReadyInstances": 1},
    )
    done = user.types(
        *LINES[command], "-n", "2", *(["--html", "p.html"] if PAGES else []), "--markdown", "c.md"
    )
    assert done.returncode == 0, done.told
    files = [(user.folder / name).read_text(encoding="utf-8") for name in ("c.md", "p.html")[: 1 + PAGES]]
    for shown in (done.stdout, *files):
        assert (SAID[command] in " ".join(shown.split())) == nowhere
    assert ("misses" in done.stdout) is False


@both
def test_who_gets_no_set_of_changes_is_told_how_to_try_others(user: User, workload: object) -> None:
    assert callable(workload)
    user.has("manifest.yaml", workload(asking(npu=8)))
    line = ("recommend", "manifest.yaml", "--nodes", "4x8", "--within", "1s", "--vary", "maxSurge=1")
    told = " ".join(user.types(*line, "--timings", "typical").stdout.split())
    assert "No set of changes meets the objectives" in told
    assert "What --vary gives was tried alone; without it the usual values are." in told
    made = recommend(
        user.folder / "manifest.yaml", "4x8", vary=["maxSurge=1"], objectives={"completesWithin": "1s"}
    )
    assert "What --vary gives was tried alone; without it the usual values are." in notes(made)
    usual = notes(replace(made, given=False))
    assert any("The usual values were tried; --vary NAME=LIST tries others" in each for each in usual)


@both
def test_as_many_seeds_are_told_as_there_are_runs_of_a_set(user: User, workload: object) -> None:
    assert callable(workload)
    user.has("manifest.yaml", workload(asking(npu=8)))
    line = ("recommend", "manifest.yaml", "--nodes", "4x8", "--min-ready", "3", "--timings", "range")
    done = user.types(
        *line, "--vary", "maxSurge=1", "--vary", "maxUnavailable=0", "-n", "60", "--workers", "1"
    )
    assert "in 60 of 60 runs" in done.stdout
    assert " · 60 seeds · " in done.stdout
