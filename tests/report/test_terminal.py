from __future__ import annotations

import re
from dataclasses import replace

import pytest
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
    text = render(sample(name), width=width)
    assert max(map(len, text.split("\n"))) <= width
    for title in ("Starts", "Stops"):
        if f"\n{title}" in text:
            assert not re.search(r"\d…\s", section(text, title)[0])
            assert "…" not in section(text, title)[0]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_verdict_comes_first_and_the_report_stays_short(name: str) -> None:
    assessment = sample(name)
    lines = render(assessment, width=80).split("\n")
    assert lines[0].startswith("✔ " if assessment.verdict.holds else "✘ ")
    assert len(lines) < 95


def test_colour_is_in_it_only_when_asked_for() -> None:
    assert "\x1b[" not in render(sample("no room"), colour=False)
    coloured = render(sample("no room"), colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(sample("no room"), colour=False)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_terminal_without_utf_8_gets_ascii_of_the_same_shape(name: str) -> None:
    plain = render(sample(name), unicode=False)
    assert plain.isascii()
    assert [len(line) for line in plain.split("\n")] == [
        len(line) for line in render(sample(name)).split("\n")
    ]


def test_instances_with_the_same_timeline_share_a_row() -> None:
    assert [line.split()[:3] for line in section(render(sample("five instances")), "Stops")[1:]] == [
        ["0-4", "(5)", "old"]
    ]


def test_a_long_table_is_cut_and_says_what_it_leaves_out() -> None:
    lines = section(render(sample("a thousand instances")), "Starts")
    assert len(lines) == 1 + 12 + 1
    assert re.fullmatch(r" *… and 988 more like these \(took \S+ to \S+, half of them up to \S+\)", lines[-1])


def test_a_wide_terminal_shows_every_stage_on_its_own() -> None:
    narrow = section(render(sample("one instance"), width=80), "Starts")[0].split()
    wide = section(render(sample("one instance"), width=150), "Starts")[0].split()
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
    row = section(render(sample("one instance")), "Starts")[1].split()
    assert row == ["1", "new", "10m", "3s", "4m53s", "5s", "1m20s", "20m", "12m54s", "30s", "39m45s"]


def test_the_proof_of_a_stall_stands_above_everything_else() -> None:
    text = render(sample("no room"), width=150)
    assert section(text, "Why") == [
        "  Stalled since 10m (Unschedulable)",
        "  infer-4 needs 3 nodes × 8 huawei.com/ascend-1980; no such node is free",
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
    lines = section(render(assess(simulate(changed))), "Rests on")
    assert lines[0] == "  Set  unreadyGrace 1m30s"
    assert "unreadyGrace" not in "".join(lines[1:])


def test_control_characters_in_names_never_reach_the_terminal() -> None:
    nasty = replace(made(1, 8, unavailable=0), name="x\x1b[31m", description="a\x07b [bold]c[/bold]")
    text = render(assess(simulate(nasty)))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]c[/bold]" in text
