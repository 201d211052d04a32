from __future__ import annotations

import re
from statistics import median
from typing import Any

import pytest
from msgspec.structs import replace
from report_samples import SAMPLES, made, sample

from kubeinfer_sim.report.terminal import render
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.simulation.simulate import simulate


def section(text: str, title: str) -> list[str]:
    """The lines of a section, without its title."""
    lines = text.split("\n")
    start = next(index for index, line in enumerate(lines) if line.startswith(title))
    return lines[start + 1 : lines.index("", start)]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", SAMPLES)
def test_no_line_is_wider_than_the_terminal_and_no_cell_is_cut_off(name: str, width: int) -> None:
    assert max(map(len, render(sample(name), width=width).split("\n"))) <= width
    text = render(sample(name), width=width, details=True, assumptions=True)
    assert max(map(len, text.split("\n"))) <= width
    for title in ("Starts", "Stops"):
        if f"\n{title}" in text:
            assert not re.search(r"\d…\s", section(text, title)[0])
            assert "…" not in section(text, title)[0]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_verdict_comes_first_and_the_report_stays_short(name: str) -> None:
    assessment = sample(name)
    for details, most in ((False, 40), (True, 95)):
        lines = render(assessment, width=80, details=details).split("\n")
        assert lines[0].startswith("✔ " if assessment.verdict.holds else "✘ ")
        assert len(lines) <= most


def test_colour_is_in_it_only_when_asked_for() -> None:
    assert "\x1b[" not in render(sample("no room"), colour=False)
    coloured = render(sample("no room"), colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(sample("no room"), colour=False)


def test_an_ordinary_report_is_a_screen() -> None:
    ordinary = [render(sample(name), width=80).count("\n") for name in SAMPLES]
    assert median(ordinary) <= 30


def test_what_the_screen_leaves_out_it_names() -> None:
    more = render(sample("one instance")).splitlines()[-1]
    assert more == "More      --details, --assumptions, --timings range; why --at TIME"
    more = render(sample("one instance"), details=True).splitlines()[-1]
    assert more == "More      --assumptions, --timings range; why --at TIME"


def test_a_picture_of_what_never_changes_is_not_drawn() -> None:
    assert "Ready instances" not in render(sample("no room"))
    assert "Ready instances" in render(sample("five instances"))


def test_what_happened_to_several_instances_alike_is_said_once() -> None:
    text = render(sample("a thousand instances"))
    assert text.count("instances, ready after") == 1
    assert len(text.splitlines()) < 40


def test_assumptions_are_a_line_with_what_was_set() -> None:
    def line(**changed: Any) -> str:
        made_so = replace(made(1, 8, unavailable=0), assumptions=Assumptions(**changed))
        text = render(assess(simulate(made_so)), width=400)
        return next(line for line in text.splitlines() if line.startswith("Rests on"))

    number = len(Assumptions.__struct_fields__)
    rest = "Kubernetes 1.36 · placed by kube-scheduler, instances whole (assumed) · stages constant"
    assert line() == f"Rests on  {number} assumptions, none set · {rest}"
    assert (
        line(unready_grace=90_000)
        == f"Rests on  unreadyGrace 1m30s (set), {number - 1} more assumptions · {rest}"
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_a_terminal_without_utf_8_gets_ascii_of_the_same_shape(name: str) -> None:
    plain = render(sample(name), unicode=False)
    assert plain.isascii()
    assert [len(line) for line in plain.split("\n")] == [
        len(line) for line in render(sample(name)).split("\n")
    ]


def test_instances_with_the_same_timeline_share_a_row() -> None:
    assert [
        line.split()[:3] for line in section(render(sample("five instances"), details=True), "Stops")[1:]
    ] == [["0-4", "(5)", "old"]]


def test_a_long_table_is_cut_and_says_what_it_leaves_out() -> None:
    lines = section(render(sample("a thousand instances"), details=True), "Starts")
    assert len(lines) == 1 + 12 + 1
    assert re.fullmatch(r" *… and 988 more like these \(took \S+ to \S+, half of them up to \S+\)", lines[-1])


def test_a_wide_terminal_shows_every_stage_on_its_own() -> None:
    narrow = section(render(sample("one instance"), details=True, width=80), "Starts")[0].split()
    wide = section(render(sample("one instance"), details=True, width=150), "Starts")[0].split()
    assert narrow == [
        "#",
        "rev",
        "created",
        "wait",
        "image",
        "gang",
        "engine",
        "weights",
        "graph",
        "ready",
        "took",
    ]
    assert "communicator" in wide
    assert "warmUp" in wide


def test_the_stages_of_a_start_add_up_to_what_it_took() -> None:
    row = section(render(sample("one instance"), details=True), "Starts")[1].split()
    assert row == ["1", "new", "10m", "600ms", "4m53s", "5s", "1m20s", "20m", "12m54s", "31s", "39m43s"]


def test_the_proof_of_a_stall_stands_above_everything_else() -> None:
    text = render(sample("no room"), width=150, details=True)
    assert section(text, "Why") == [
        "  Stalled since 10m (Unschedulable)",
        "  infer-4 needs 3 nodes × 8 huawei.com/ascend-1980; no such node is free; fewer pods there or more nodes would let "
        "it go on",
        "    the scheduler: 0/12 nodes are available: 12 Insufficient huawei.com/ascend-1980.",
    ]
    assert section(text, "Objectives") == [
        "  ✔ held    at least 4 ready (measured: 4)",
        "  ✘ missed  completes (measured: it does not)",
        "  ✘ missed  completes within 1h (never)",
        "  ✔ held    at most 0 instance-seconds lost (measured: 0)",
        "  ✘ missed  no stall (measured: 1)",
    ]


def test_an_assumption_that_is_not_the_default_stands_out() -> None:
    changed = replace(made(1, 8, unavailable=0), assumptions=Assumptions(unready_grace=90_000))
    lines = section(render(assess(simulate(changed)), assumptions=True), "Rests on")
    assert lines[0] == "  Set  unreadyGrace 1m30s"
    assert "unreadyGrace" not in "".join(lines[1:])


def test_control_characters_in_names_never_reach_the_terminal() -> None:
    nasty = replace(made(1, 8, unavailable=0), name="x\x1b[31m", description="a\x07b [bold]c[/bold]")
    text = render(assess(simulate(nasty)))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]c[/bold]" in text
