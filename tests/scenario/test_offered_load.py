"""The load as written, and the objectives that rest on it: what is read, and what is refused in which words."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from building import kubeinfer, scenario
from msgspec.structs import replace
from scenario_files import Load

from kubeinfer_sim.experiment.figures import figures
from kubeinfer_sim.manifest.model import IntOrPercent
from kubeinfer_sim.scenario.actions.model import Fault, Target
from kubeinfer_sim.scenario.demand.curve import LoadCurve
from kubeinfer_sim.scenario.model import ALL, BUDGET, AvailabilityObjective, ReadyLevel
from kubeinfer_sim.simulation.simulate import simulate

Findings = Callable[..., list[str]]
MINUTE, HOUR = 60_000, 3_600_000


def test_a_number_is_a_constant_load_in_instances(load: Load) -> None:
    found = load("load: 2.5").load
    assert found is not None
    assert found.curve == LoadCurve(((0, Fraction(5, 2)),))
    assert (found.unit, found.instance_serves, found.line) == ("", 1, "2.5 instances")


def test_a_day_starts_at_the_time_of_day_given(load: Load) -> None:
    found = load(
        "load:\n  daily: [{at: 3h, load: 10}, {at: 12h, load: 80.1}]\n  startsAt: 9h\n"
        "  unit: requests/s\n  instanceServes: 40"
    ).load
    assert found is not None
    assert found.curve == LoadCurve(((3 * HOUR, Fraction("80.1")), (18 * HOUR, Fraction(10))), 24 * HOUR)
    assert found.instance_serves == 40
    assert found.line == "daily, 10 to 80.1 requests/s"


def test_a_csv_file_has_times_and_loads(load: Load, folder: Path) -> None:
    (folder / "load.csv").write_text("time,note,load\n0s,a,1\n1h,b,2.5\n", encoding="utf-8")
    found = load("load: {csv: load.csv}").load
    assert found is not None
    assert found.curve == LoadCurve(((0, Fraction(1)), (HOUR, Fraction(5, 2))))
    (folder / "load.csv").write_text("load,time\n1,0\n3,60\n", encoding="utf-8")
    found = load("load: {csv: {file: load.csv, unit: m, repeat: 1d}}").load
    assert found is not None
    assert found.curve == LoadCurve(((0, Fraction(1)), (HOUR, Fraction(3))), 24 * HOUR)


def test_what_an_outage_leaves_unserved_of_a_load_from_a_file(load: Load, folder: Path) -> None:
    # 12 requests/s from 01:00 to 02:00, then down to 0 at 03:00; the only instance, which takes 24, is out from 01:30
    # to 02:30: half an hour at 12, then half an hour from 12 down to 6.
    (folder / "load.csv").write_text("time,load\n1h,12\n2h,12\n3h,0\n", encoding="utf-8")
    written = load("load: {csv: load.csv, unit: requests/s, instanceServes: 24}").load
    crash = Fault(90 * MINUTE, "ProcessCrash", Target())
    made = scenario(kubeinfer(1), 2, 3_595, 5, actions=(crash,), horizon=4 * HOUR)
    demand = figures(simulate(replace(made, load=written))).demand
    assert demand is not None
    assert demand.unserved == 12 * 30 * MINUTE + 9 * 30 * MINUTE
    assert demand.overloaded == HOUR
    assert demand.offered == (12 * 2 + 6) * HOUR
    assert (demand.worst, demand.worst_at) == (12, 90 * MINUTE)


def test_a_csv_file_is_refused_row_by_row(findings: Findings, folder: Path) -> None:
    (folder / "load.csv").write_text("time,load\n0s,1\n0s,2\n7,3\n2h,-1\n3h,many\n", encoding="utf-8")
    assert findings("load: {csv: load.csv}") == [
        "load.csv:3: column 'time': 0s is not after the row before, 0s",
        "load.csv:4: column 'time': 7 has no unit: write 7s, or say `unit: s` in the scenario",
        "load.csv:5: column 'load': must be from 0 to 10^15, found -1",
        "load.csv:6: column 'load': expected a number, found 'many'",
    ]
    (folder / "load.csv").write_text("when,load\n0s,1\n", encoding="utf-8")
    (only,) = findings("load: {csv: load.csv}")
    assert "load.csv has no column 'time'" in only
    (only,) = findings("load: {csv: {file: none.csv}}")
    assert "none.csv" in only


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("load: -1", "must be at least 0, found -1"),
        ("load: {}", "expected exactly one of constant, daily, csv; found none"),
        ("load: {constant: 1, daily: [{at: 1h, load: 2}]}", "found constant and daily"),
        ("load: {constant: 1, startsAt: 1h}", "startsAt belongs to daily"),
        ("load: {daily: [{at: 2h, load: 2}, {at: 1h, load: 2}]}", "times of day go upwards"),
        ("load: {daily: [{at: 24h, load: 2}]}", "below 24h"),
        ("load: {constant: 1, unit: requests/s}", "say what an instance takes"),
        ("load: {constant: 1, instanceServes: 4}", "say in which unit"),
        ("load: {constant: 1, unit: r, instanceServes: 4, podServes: {serve: 1}}", "found both"),
        ("load: {constant: 1, unit: r, podServes: {server: 1}}", "no role is called 'server'; did you mean"),
        ("load: {constant: 1, unit: r, podServes: {serve: 0}}", "must be more than 0"),
        ("horizon: 1h\nobjectives: {maxUnserved: 1%}", "there is no load it could be about"),
        ("load: 1\nobjectives: {maxOverload: 1m}", "needs a horizon"),
        ("objectives: {minCapacity: 99%}", "needs a horizon"),
        ("objectives: {minCapacity: 0.99}", "expected a percentage such as 99.9%, found 0.99"),
        ("objectives: {minCapacity: 101%}", "101% is more than 100%"),
        ("objectives: {availability: [{ready: all, atLeast: 99%}]}", "needs a horizon"),
        ("objectives: {availability: [{ready: all}]}", "expected atLeast, longestOutage or both"),
        ("objectives: {availability: [{ready: al, longestOutage: 1m}]}", "did you mean"),
        ("objectives: {availability: [{ready: 0, longestOutage: 1m}]}", "0 are always ready"),
        ("objectives: {availability: [{ready: 5, longestOutage: 1m}]}", "cannot hold: 5 are asked for"),
    ],
)
def test_what_says_nothing_is_refused(findings: Findings, text: str, words: str) -> None:
    (only,) = findings(text)
    assert words in only


def test_availability_objectives_name_how_many(load: Load) -> None:
    text = (
        "horizon: 30d\nobjectives:\n  availability:\n  - {ready: all, atLeast: 99.9%}\n"
        "  - {ready: budget, longestOutage: 5m}\n  - {ready: 75%, atLeast: 99.99%, longestOutage: 1m}\n"
    )
    assert load(text).objectives.availability == (
        AvailabilityObjective(ALL, Fraction(999, 1000)),
        AvailabilityObjective(BUDGET, None, 300_000),
        AvailabilityObjective(
            ReadyLevel("75%", IntOrPercent(75, percent=True)), Fraction(9999, 10_000), 60_000
        ),
    )


def test_a_load_that_repeats_too_often_for_its_run_is_refused_with_the_limit(
    load: Load, findings: Findings, folder: Path
) -> None:
    (folder / "load.csv").write_text("time,load\n0s,1\n1ms,2\n", encoding="utf-8")
    (found,) = findings("load: {csv: {file: load.csv, repeat: 2ms}}\nhorizon: 36500d")
    assert "3,153,600,000,000 points in 36500d; at most 1,000,000 are measured" in found
    assert load("load: {csv: {file: load.csv, repeat: 10m}}\nhorizon: 365d").load is not None
