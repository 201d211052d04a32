"""Comparisons: the same faults under every variant, paired intervals, a sentence that says what is better."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from building import kubeinfer, scenario, seconds
from msgspec.structs import replace

from kubeinfer_sim.cli.main import run as command_line
from kubeinfer_sim.cluster.devices.repair import RepairShop
from kubeinfer_sim.cluster.fault_records import FaultDetected
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.errors import InputError, UsageError
from kubeinfer_sim.experiment.assumption_knob import assumption_variants
from kubeinfer_sim.experiment.columns import COLUMNS, Column
from kubeinfer_sim.experiment.compare import Comparison, Outcome, compare
from kubeinfer_sim.experiment.dispatch import Workers
from kubeinfer_sim.experiment.knobs import grid, split_values
from kubeinfer_sim.experiment.recovery_knob import recovery_variants
from kubeinfer_sim.experiment.replication import Replication, Variant, play
from kubeinfer_sim.experiment.statistics.estimate import Estimate
from kubeinfer_sim.experiment.stored import Stored
from kubeinfer_sim.experiment.worker import Played
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.manifest.source import read_source
from kubeinfer_sim.metrics import measure
from kubeinfer_sim.report.comparison import render_comparison
from kubeinfer_sim.report.comparison_result import comparison_json, comparison_json_schema
from kubeinfer_sim.report.comparison_rows import row_of
from kubeinfer_sim.report.comparison_sentences import sentences, subtitle
from kubeinfer_sim.report.series.differences import differences
from kubeinfer_sim.scenario.actions.model import Apply, Drain, Fault, Health, Target
from kubeinfer_sim.scenario.faults.model import FaultPlan, FaultProcess, MixPart
from kubeinfer_sim.scenario.faults.profiles import LLAMA3_MIX
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Objectives, Scenario
from kubeinfer_sim.scenario.timings.distributions import Exponential, Uniform
from kubeinfer_sim.simulation.faults.injector import Injector
from kubeinfer_sim.simulation.simulate import simulate

SCENARIOS = Path(__file__).parents[2] / "scenarios"
PD = {"prefill": 2, "decode": 1}
LOST = next(column for column in COLUMNS if column.name == "lostInstanceMs")
DAY = 86_400_000


def drained(**fields: object) -> Scenario:
    """Two instances of three pods; a node is drained, and one pod's health check fails later."""
    startup, liveness = (
        Probe(period_seconds=1, failure_threshold=3600),
        Probe(period_seconds=5, failure_threshold=6),
    )
    spec = kubeinfer(2, roles=PD, startup=startup, liveness=liveness)
    sick = Health(
        400_000, Target(instances=(1,), roles=("decode",)), healthy=False, probes=("liveness",), until=440_000
    )
    return scenario(spec, 8, 60, 10, actions=(Drain(100_000, ("node-0",)), sick), **fields)  # type: ignore[arg-type]


def test_every_variant_sees_the_same_faults_and_stage_lengths() -> None:
    made = drained(stages={"warm_up": Uniform(60_000, 600_000)})
    found = compare(recovery_variants(made, ["Instance", "Pod"]), range(6))
    instance, pod = found.outcomes
    for seed, value in enumerate(instance.values["lostInstanceMs"]):
        run = simulate(instance.variant.scenario, seed=seed)
        assert measure(run.history, ended_at=run.ended_at, end=run.end).whole.lost == value
    assert len(set(instance.values["lostInstanceMs"])) == 6, "seeds differ"
    again = compare([instance.variant, Variant("the same", instance.variant.scenario)], range(6))
    assert again.outcomes[1].against(again.outcomes[0], LOST) == Estimate(0, reason="too few to say")
    assert pod.values["podsRebuilt"] == [2.0] * 6
    assert instance.values["podsRebuilt"] == [6.0] * 6


def test_the_stages_add_up_to_the_time_lost() -> None:
    for name in ("no-spare-outage", "no-spare-degrade", "drain-a-node", "readiness-flap"):
        (outcome,) = compare([Variant(name, load_scenario(str(SCENARIOS / f"{name}.yaml")))], [0, 1]).outcomes
        lost = outcome.mean(LOST)
        assert lost is not None
        assert sum(outcome.spent.values()) == lost.mean
        assert all(length > 0 for length in outcome.spent.values())


def broken(**fields: Any) -> Scenario:
    """Two instances of three pods on as many nodes and two spare ones, where everything fails now and then."""
    processes = (
        FaultProcess("hardware", "node", Exponential(4 * DAY), LLAMA3_MIX, repair=Exponential(DAY // 2)),
        FaultProcess(
            "software", "pod", Exponential(3 * DAY), (MixPart(2, "ProcessCrash"), MixPart(1, "ProcessHang"))
        ),
        FaultProcess("chips", "npu", Exponential(40 * DAY), (MixPart(1, "HbmFault"), MixPart(1, "CardDrop"))),
    )
    at_random = (
        Fault(DAY, "HbmFault", random="busyNpu"),
        Fault(DAY, "HbmFault", random="busyNpu"),
        Fault(2 * DAY, "NodeHardware", random="node", clears_after=DAY),
        Fault(3 * DAY, "ProcessHang", random="pod"),
    )
    startup, liveness = (
        Probe(period_seconds=5, failure_threshold=720),
        Probe(period_seconds=5, failure_threshold=6),
    )
    spec = kubeinfer(
        2, roles=PD, startup=startup, liveness=liveness, labels={"modelarts-infer-npu-reset-enable": "true"}
    )
    return scenario(
        spec, 8, 300, 10, actions=at_random, faults=FaultPlan(processes), horizon=30 * DAY, **fields
    )


def test_fault_times_are_identical_in_every_column(monkeypatch: pytest.MonkeyPatch) -> None:
    """What strikes, when, what and where, is the same whatever is compared, and so is how long it lasts."""
    made = broken()
    (instance, pod), label, assume = (
        recovery_variants(made, ["Instance", "Pod"]),
        [Variant("label=off", without_label(made))],
        assumption_variants(made, "keepNodes=true"),
    )
    strikes: list[tuple[Fault, str]] = []
    inject = Injector.inject

    def noted(self: Injector, fault: Fault, process: str = "") -> None:
        strikes.append((fault, process))
        inject(self, fault, process)

    monkeypatch.setattr(Injector, "inject", noted)
    for seed in (0, 1):
        seen = []
        for variant in (instance, pod, *label, *assume):
            strikes.clear()
            simulate(variant.scenario, seed=seed)
            seen.append(list(strikes))
        assert len(seen[0]) > 100
        assert all(each == seen[0] for each in seen[1:])


def test_what_is_random_about_a_fault_does_not_depend_on_what_others_found_to_strike() -> None:
    """The node NodeD finds faulty, and after how long, is the same when no pod was there for a fault before."""
    struck = []
    for replicas in (0, 2):
        spec = kubeinfer(replicas, roles=PD)
        actions = (
            Fault(DAY, "ProcessHang", random="pod"),
            Fault(DAY, "HbmFault", random="busyNpu"),
            Fault(2 * DAY, "NodeHardware", random="node", clears_after=DAY),
        )
        run = simulate(scenario(spec, 8, 300, 10, actions=actions, horizon=3 * DAY))
        struck.append([(r.at, r.where) for r in run.history.of(FaultDetected) if r.kind == "NodeHardware"])
    assert struck[0] == struck[1] != []


def test_a_repair_takes_as_long_whatever_was_repaired_before() -> None:
    """With one recovery an NPU may have been out before, with another it may not."""
    lengths = []
    for before in ([], [DAY], [DAY, 2 * DAY]):
        clock, back = Clock(), list[int]()
        shop = RepairShop(clock, Streams(7))
        for at in before:
            shop.repair("node-0/npu3", at, Exponential(DAY), lambda: None)
        shop.repair("node-0/npu3", 9 * DAY, Exponential(DAY), lambda: back.append(clock.now))  # noqa: B023
        clock.run()
        lengths += back
    assert len(lengths) == 3
    assert len(set(lengths)) == 1


def without_label(made: Scenario) -> Scenario:
    role, *others = made.kubeinfer.roles
    roles = tuple(replace(each, template=replace(each.template, labels={})) for each in (role, *others))
    return replace(made, workloads=(replace(made.kubeinfer, roles=roles),))


def test_each_kind_of_fault_has_its_times_and_none_where_it_never_came() -> None:
    found = compare(recovery_variants(broken(), ["Instance", "Pod"]), range(3))
    names = [column.name for column in found.columns]
    assert "causes/HbmFault/meanRepairMs" in names
    assert "causes/HbmFault/incidents" in names
    assert "causes/ProcessHang/meanDetectionMs" in names
    instance, pod = found.outcomes
    lost = [column for column in found.columns if column.name.endswith("/lostInstanceMs")]
    for outcome in (instance, pod):
        for seed in range(3):
            assert (
                sum(outcome.values[each.name][seed] or 0 for each in lost) == outcome.values[LOST.name][seed]
            )
    for column in found.columns:  # no such fault: no time, but a count
        if column.name.endswith("/incidents"):
            assert None not in instance.values[column.name]
    times = [column for column in found.columns if column.name.endswith("Ms") and column.about]
    assert any(None in instance.values[column.name] for column in times), "some kind is rare"
    rare = next(column for column in times if None in instance.values[column.name])
    mean = instance.mean(rare)
    known = [value for value in instance.values[rare.name] if value is not None]
    assert mean is None if not known else mean is not None
    document = json.loads(comparison_json(found))
    jsonschema.Draft202012Validator(comparison_json_schema()).validate(document)
    for variant in document["variants"]:
        for name, values in variant["values"].items():
            for estimated in (variant["mean"][name], variant["differenceToFirst"][name]):
                if estimated is not None and estimated["low"] is not None:
                    assert estimated["low"] <= estimated["mean"] <= estimated["high"]
            known = [value for value in values if value is not None]
            if len(known) > 1 and set(known) <= {0.0, 1.0} and name.startswith(("objectives", "completes")):
                assert variant["mean"][name]["low"] is not None, f"{name} has no interval"
    assert document["variants"][0]["values"][rare.name] == instance.values[rare.name]
    text = render_comparison(found)
    assert max(map(len, text.splitlines())) <= 80
    assert "until unready" in text


def test_capacity_load_and_objectives_are_compared() -> None:
    story = load_scenario(str(SCENARIOS / "update-at-the-busiest-hour.yaml"))
    by_night = replace(story, actions=tuple(replace(each, at=0) for each in story.actions))
    found = compare([Variant("at 08:00", story), Variant("at 00:00", by_night)], range(6))
    day, night = found.outcomes
    columns = {column.name: column for column in found.columns}
    for name in ("capacity", "unserved", "overloadMs", "lastChangeMs", "completes"):
        assert None not in day.values[name], name
    assert day.values["unserved"][0] > 0 == night.values["unserved"][0]  # type: ignore[operator]
    held = columns["objectives/3/maxUnserved"]
    assert (day.values[held.name], night.values[held.name]) == ([0] * 6, [1] * 6)
    text = render_comparison(found)
    assert "load not served" in text
    assert "maxUnserved held" in text
    assert found.best is night


def test_an_update_that_never_completes_is_the_worse_one_whatever_it_spares() -> None:
    full = load_scenario(str(SCENARIOS / "full-cluster-stall.yaml"))
    (stalled, going) = grid(
        ["maxUnavailable=0,1"], read_source(str(SCENARIOS / "full-cluster-stall.yaml")), {}
    )
    assert stalled.scenario.nodes == full.nodes
    found = compare([stalled, going])
    assert found.seeds == (0, 1, 2, 3, 4, 5), "Volcano's cycle is drawn"
    assert found.best.variant is going
    assert sentences(found) == [
        "maxUnavailable=1 is better than maxUnavailable=0: with maxUnavailable=0 the last change does not complete.",
        "The objectives hold with none of the 2 variants.",  # the one that goes on has too few ready
    ]
    assert differences(found)[0].variants[0].mean == 1, (
        "it is drawn by what it is better, though that is no number"
    )


def test_a_seed_or_a_name_given_twice_is_refused() -> None:
    story = load_scenario(str(UP_FIRST))
    with pytest.raises(UsageError, match="seed 3 is given twice"):
        compare([Variant("a", story), Variant("b", story)], [3] * 8)
    with pytest.raises(UsageError, match="two variants are called 'a'"):
        compare([Variant("a", story), Variant("a", story)], [0, 1])


def test_an_objective_that_could_not_be_judged_is_not_broken() -> None:
    story = replace(load_scenario(str(UP_FIRST)), horizon=60_000)
    asked = replace(story, objectives=Objectives(completes_within=36_000_000))
    found = compare([Variant("a", asked), Variant("b", asked)], [0, 1])
    column = next(each for each in found.columns if each.about == "objective")
    values = found.outcomes[0].values[column.name]
    assert values == [None, None]
    row = next(line for line in render_comparison(found).splitlines() if "completesWithin" in line)
    assert row.split()[-2:] == ["open", "open"]


@pytest.mark.parametrize(("last", "whose"), [(9.0, "["), (900.0, "[median ")])
def test_an_interval_of_the_median_says_so_where_it_does_not_hold_the_mean(last: float, whose: str) -> None:
    column = Column("x", "restarts", "count", "low", lambda found: None)
    values: list[float | None] = [*map(float, range(1, 9)), last]
    made = Outcome(Variant("a", drained()), {"x": values}, {}, (1,) * 9)
    row = row_of(Comparison("s", tuple(range(9)), (column,), (made,)), column)
    assert row is not None
    assert row.values[0].partition(" ")[2].startswith(f"{whose}2, 8]"), row.values


def test_intervals_are_of_the_scenarios_confidence() -> None:
    column = Column("x", "restarts", "count", "low", lambda found: None)
    values: list[float | None] = [*map(float, range(200))]
    bounds = []
    for confidence in ("95/100", "99/100"):
        made = replace(drained(), confidence=Fraction(confidence))
        one = Outcome(Variant("a", made), {"x": values}, {}, (1,) * 200)
        found = Comparison("s", tuple(range(200)), (column,), (one,))
        assert found.confidence == float(Fraction(confidence))
        bounds.append((one.mean(column), one.middle(column)))
    for usual, surer in zip(*bounds, strict=True):
        assert usual is not None
        assert surer is not None
        assert usual.half is not None
        assert surer.half is not None
        assert usual.half < surer.half


def test_a_mean_says_over_how_many_runs_it_is() -> None:
    column = Column("x", "until ready", "ms", "low", lambda found: None, about="X")
    made = drained()
    some = Outcome(Variant("a", made), {"x": [1000.0, None, 3000.0]}, {}, (1, 0, 1))
    every = Outcome(Variant("b", made), {"x": [1000.0, 2000.0, 3000.0]}, {}, (1, 1, 1))
    row = row_of(Comparison("s", (0, 1, 2), (column,), (some, every)), column)
    assert row is not None
    assert row.values[0].endswith(" (of 2)")
    assert "(of" not in row.values[1]


@pytest.mark.parametrize(
    ("held", "runs", "said"),
    [
        (3, 3, "100 % (36.8–100)"),
        (9_999, 10_000, "99.99 % (99.9–99.9998)"),
        (1, 10_000, "0.01 % (0.0002–0.1)"),
        (997, 1000, "99.7 % (99.1–99.94)"),
        (0, 3, "0 % (0–63.2)"),
    ],
)
def test_parts_and_bounds_are_100_or_0_only_when_they_are(held: int, runs: int, said: str) -> None:
    column = Column("x", "x held", "held", "high", lambda found: None, about="objective")
    values: list[float | None] = [1.0] * held + [0.0] * (runs - held)
    one = Outcome(Variant("a", drained()), {"x": values}, {})
    row = row_of(Comparison("s", tuple(range(runs)), (column,), (one,)), column)
    assert row is not None
    assert row.values == (said,)


def test_a_fraction_is_100_only_when_it_is_all() -> None:
    column = Column("x", "availability", "fraction", "high", lambda found: None)
    nearly = Outcome(Variant("a", drained()), {"x": [0.99999999]}, {})
    row = row_of(Comparison("s", (0,), (column,), (nearly,)), column)
    assert row is not None
    assert row.values == ("99.99 %",)


def test_whether_faults_struck_is_said() -> None:
    quiet = scenario(kubeinfer(1), 2, 60, 10, horizon=60_000)
    assert "fault" not in subtitle(compare([Variant("a", quiet)], [0]))
    rare = replace(
        quiet,
        faults=FaultPlan((FaultProcess("rare", "npu", Exponential(10**15), (MixPart(1, "NpuFault"),)),)),
    )
    assert " · no fault struck in any run: that nothing differs says nothing of faults · " in subtitle(
        compare([Variant("a", rare)], [0, 1])
    )
    struck = replace(quiet, actions=(Fault(1000, "NpuFault", Target(nodes=("node-0",)), (0,)),))
    assert " · the same faults for all · " in subtitle(compare([Variant("a", struck)], [0]))
    mixed = compare([Variant("a", struck), Variant("b", rare)], [0])
    assert " · the same faults for all, which struck in 1 of 2 runs · " in subtitle(mixed)


def test_variants_that_do_not_fit_beside_each_other_come_in_several_tables_and_no_word_is_cut() -> None:
    made = drained()
    names = [f"some.long.setting={number}m30s" for number in range(6)]
    text = render_comparison(compare([Variant(name, made) for name in names], [0]), width=80)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert all(any(name in line.split() for line in lines) for name in names)
    assert sum(line.startswith("instance time lost") for line in lines) > 1


def test_many_variants_are_told_one_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["compare", str(UP_FIRST), "--vary", "nodes=4..6", "--vary", "maxSurge=1,2,3", "-o", "json"]
    assert command_line(line) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["settings"] for each in document["variants"][:4]] == [
        {"nodes": "4", "maxSurge": "1"},
        {"nodes": "4", "maxSurge": "2"},
        {"nodes": "4", "maxSurge": "3"},
        {"nodes": "5", "maxSurge": "1"},
    ]
    assert document["best"] == "nodes=6, maxSurge=2"
    assert command_line(line[:-2]) == 0
    text = capsys.readouterr().out
    assert "nodes=6, maxSurge=2 is the best of 9 variants; 1 more variant comes out the same." in " ".join(
        text.split()
    )
    assert [row.split() for row in text.splitlines() if row.startswith(("4  ", "6  "))] == [
        ["4", "1", "0", "%", "(0–28.4)", "never", "4", "worse"],
        ["4", "2", "0", "%", "(0–28.4)", "never", "4", "worse"],
        ["4", "3", "0", "%", "(0–28.4)", "never", "4", "worse"],
        ["6", "1", "100", "%", "(71.6–100)", "1h26m", "(1h16m–1h26m)", "4", "worse"],
        ["6", "2", "100", "%", "(71.6–100)", "42m56s", "(42m55s–42m56s)", "4", "best"],
        ["6", "3", "100", "%", "(71.6–100)", "42m56s", "(42m55s–42m56s)", "4", "same"],
    ]
    assert command_line([*line[:-2], "-o", "markdown"]) == 0
    assert len(capsys.readouterr().out.splitlines()) <= 30


def test_probabilities_and_percentiles_are_rows_and_every_worker_gives_the_same() -> None:
    made = updated(
        stages={"warm_up": Uniform(60_000, 600_000)},
        objectives=Objectives(completes_within=1_800_000, no_stall=True),
    )
    slow = replace(made, objectives=Objectives(completes_within=60_000, no_stall=True))
    variants = [Variant("a", made), Variant("b", slow)]
    here = compare(variants, range(12))
    text = render_comparison(here)
    rows = {line[:20].strip(): line for line in text.splitlines()}
    assert "100 % (77.9–100)" in rows["all objectives held"]
    assert "0 % (0–22.1)" in rows["all objectives held"]
    for part in ("p50", "p90", "p95", "p99"):
        assert f"takes {part}" in rows
    document = json.loads(comparison_json(here))
    jsonschema.Draft202012Validator(comparison_json_schema()).validate(document)
    first = document["variants"][0]
    assert first["allObjectives"]["value"] == 1
    assert sorted(first["durationMs"])[5] == first["quantiles"]["duration"][0]["value"]["value"]
    assert comparison_json(compare(variants, range(12), workers=Workers(2))) == comparison_json(here)


def updated(**fields: object) -> Scenario:
    first, later = kubeinfer(2, 0, 1), kubeinfer(2, 0, 1, revision="new")
    return scenario(first, 8, 60, 10, actions=(Apply(0, later),), **fields)  # type: ignore[arg-type]


def test_a_run_that_fails_is_named_and_the_others_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    def playing(variant: Variant, seed: int) -> Replication:
        if variant.name == "b" and seed == 2:
            raise ZeroDivisionError("division by zero")
        return play(variant, seed)

    monkeypatch.setattr("kubeinfer_sim.experiment.worker.play", playing)
    found = compare([Variant("a", drained()), Variant("b", drained())], range(4))
    assert found.outcomes[1].values["lostInstanceMs"][2] is None
    assert found.outcomes[0].known(LOST) == 4
    assert "b, seed 2: ZeroDivisionError: division by zero" in render_comparison(found)
    assert sentences(found) == ["a and b come out the same under the 3 seeds with which both came to an end."]
    (failed,) = json.loads(comparison_json(found))["failed"]
    assert (failed["variant"], failed["seed"], failed["why"]) == ("b", 2, "fault")


def test_a_variant_of_which_nothing_is_drawn_is_played_once(tmp_path: Path) -> None:
    told: list[int] = []
    # One node for one instance: there is nothing to choose.
    fixed = scenario(kubeinfer(1), 1, 60, 10, initial="empty")
    drawn = replace(fixed, timings=drained(stages={"warm_up": Uniform(60_000, 600_000)}).timings)
    variants = [Variant("drawn", drawn), Variant("fixed", fixed)]
    found = compare(
        variants, range(8), progress=lambda done, *_: told.append(done), store=tmp_path / "kept.db"
    )
    assert len(told) == 8 + 1
    assert told[-1] == 16, "what it comes to under the other seeds is known"
    assert [len(set(each.took)) == 1 for each in found.outcomes] == [False, True]
    assert [each.by_chance for each in found.outcomes] == [True, False]
    with Stored(tmp_path / "kept.db") as kept:
        assert [each.runs for each in kept.variants()] == [8, 8]


def test_interrupted_it_compares_the_seeds_that_all_variants_have_met() -> None:
    def interrupt(done: int, total: int, played: Sequence[Mapping[int, Played]]) -> None:
        assert sum(map(len, played)) == done
        if done == 70:
            raise KeyboardInterrupt

    found = compare([Variant("a", drained()), Variant("b", drained())], range(100), progress=interrupt)
    assert (found.interrupted, found.seeds) == (True, (0, 1, 2, 3, 4, 5))
    assert " · interrupted · 6 seeds (0-5)" in subtitle(found)


def test_what_is_better_is_said_with_its_reason() -> None:
    found = compare(recovery_variants(drained(), ["Instance", "Pod"]))
    assert sentences(found)[0].startswith("Pod is better than Instance: capacity is ")
    rules = SCENARIOS / "recovery" / "save-decode.yaml"
    story = load_scenario(str(SCENARIOS / "no-spare-degrade.yaml"))
    (sentence,) = sentences(compare(recovery_variants(story, ["Instance", str(rules)]), [story.seed]))
    assert sentence == (
        "Under seed 15 save-decode.yaml is better than Instance (2d less instance time lost), but 1 seed cannot tell: "
        "that takes 6 that agree."
    )


def test_a_group_that_hangs_without_a_peer_makes_pod_level_the_worse_one() -> None:
    story = load_scenario(str(SCENARIOS / "peer-loss-under-pod-recovery.yaml"))
    found = compare(recovery_variants(story, ["Pod", "Instance"]))
    assert sentences(found) == [
        "Instance is better than Pod: 30m less instance time lost (under 6 of 6 seeds); Pod spends 30m1s until somebody acts where "
        "Instance spends 0s."
    ]


def test_equal_variants_are_called_the_same() -> None:
    made = scenario(kubeinfer(2, restart="Custom"), 3, 60, 10)
    found = compare(recovery_variants(made, ["Instance", "Pod"]), [3])
    assert sentences(found) == ["Instance and Pod come out the same."]
    assert found.best.variant.name == "Instance"


def test_the_table_fits_80_columns_and_the_json_has_all_numbers() -> None:
    made = drained(stages={"warm_up": Uniform(60_000, 600_000), "exit": seconds(10)})
    found = compare(recovery_variants(made, ["Instance", "Pod", "Custom"]), range(3))
    text = render_comparison(found)
    assert max(map(len, text.splitlines())) <= 80
    assert "instance time lost" in text
    plain = render_comparison(found, unicode=False)
    assert plain.isascii()
    document = json.loads(comparison_json(found))
    published = SCENARIOS.parent / "docs" / "schemas" / "comparison.schema.json"
    schema = json.loads(published.read_text(encoding="utf-8"))
    assert schema == comparison_json_schema()
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["seeds"] == [0, 1, 2]
    assert document["best"] in {each["name"] for each in document["variants"]}
    pod = document["variants"][1]
    assert len(pod["values"]["lostInstanceMs"]) == 3
    interval = pod["differenceToFirst"]["lostInstanceMs"]
    assert (interval["low"], interval["high"], interval["differs"]) == (None, None, False)


def test_a_variant_sets_the_policy_of_every_role_in_every_version() -> None:
    made = scenario(kubeinfer(1, roles=PD), 6, actions=(Apply(1000, kubeinfer(1, roles=PD, revision="new")),))
    (variant,) = recovery_variants(made, ["Pod"])
    (apply,) = variant.scenario.actions
    assert isinstance(apply, Apply)
    for spec in (variant.scenario.kubeinfer, apply.workload):
        assert [role.recovery_policy.restart for role in spec.roles] == ["Pod", "Pod"]
    assert variant.scenario.kubeinfer.revision != apply.workload.revision


def test_what_is_no_kind_of_recovery_is_said() -> None:
    made = drained()
    with pytest.raises(UsageError, match='did you mean "Pod"'):
        recovery_variants(made, ["Pdo"])
    with pytest.raises(UsageError, match="twice"):
        recovery_variants(made, ["Pod", "Pod"])
    with pytest.raises(UsageError, match="no_such_module"):
        recovery_variants(made, ["no_such_module:decide"])
    with pytest.raises(InputError):
        recovery_variants(made, ["no-such-file.yaml"])


def test_the_command_compares_and_writes_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    story = str(SCENARIOS / "drain-a-node.yaml")
    target = tmp_path / "comparison.json"
    assert (
        command_line(["compare", story, "--recovery", "Instance,Pod", "--seeds", "2", "--json", str(target)])
        == 0
    )
    out = capsys.readouterr().out
    assert "2 seeds (1-2)" in out
    assert json.loads(target.read_text(encoding="utf-8"))["kind"] == "Comparison"
    assert command_line(["compare", story, "--recovery", "Nothing"]) == 2
    assert "none of Instance, Pod, Custom" in capsys.readouterr().err


def test_a_function_named_on_the_command_line_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "def decide(failure):\n    return 'RecreateInstance' if failure.role == 'serve' else None\n"
    (tmp_path / "my_recovery.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    story = str(SCENARIOS / "drain-a-node.yaml")
    assert command_line(["compare", story, "--recovery", "Instance,my_recovery:decide"]) == 0
    assert "come out the same" in capsys.readouterr().out


def test_an_assumption_is_a_knob_too(capsys: pytest.CaptureFixture[str]) -> None:
    made = drained()
    variants = assumption_variants(made, "backoff=0s,10m")
    assert [variant.scenario.assumptions.backoff for variant in variants] == [(0,), (600_000,)]
    first, second = assumption_variants(made, "startupCrash=rebuild,kubelet")
    assert (first.scenario.assumptions, second.scenario.assumptions.startup_crash) == (
        made.assumptions,
        "kubelet",
    )
    (variant,) = assumption_variants(made, "peerLossTimeout=never")
    assert variant.scenario.assumptions.peer_loss_timeout is None
    with pytest.raises(UsageError, match='did you mean "startupCrash"'):
        assumption_variants(made, "startupcrash=rebuild")
    with pytest.raises(InputError, match="rebuild or kubelet"):
        assumption_variants(made, "startupCrash=never")
    with pytest.raises(UsageError, match="expected values"):
        assumption_variants(made, "startupCrash")
    story = str(SCENARIOS / "drain-a-node.yaml")
    assert command_line(["compare", story, "--assume", "backoff=0s,10m"]) == 0
    assert "10m" in capsys.readouterr().out
    assert command_line(["compare", story]) == 2
    assert "compare needs a knob" in capsys.readouterr().err


UP_FIRST = SCENARIOS / "up-first.yaml"


def varied(text: str, path: Path = UP_FIRST) -> list[Scenario]:
    return [variant.scenario for variant in grid([text], read_source(str(path)), {})]


def test_budgets_are_knobs_in_every_version() -> None:
    for made, surge in zip(varied("maxSurge=2,25%"), ("2", "25%"), strict=True):
        (apply,) = (each for each in made.actions if isinstance(each, Apply))
        assert str(made.kubeinfer.rolling_update.max_surge) == surge
        assert str(apply.workload.rolling_update.max_surge) == surge
        assert made.kubeinfer.revision != apply.workload.revision
    (made,) = varied("maxUnavailable=1")
    assert str(made.kubeinfer.rolling_update.max_unavailable) == "1"


def test_the_label_is_a_knob() -> None:
    path = SCENARIOS / "npu-fault-with-label.yaml"
    on, off = varied("label=on,off", path)
    found = compare([Variant("on", on), Variant("off", off)], [0])
    assert found.best.variant.name == "on"
    assert load_scenario(str(path)).kubeinfer == on.kubeinfer


def test_spare_nodes_are_a_knob_and_leave_the_others_faults_alone() -> None:
    none, two = varied("spareNodes=0,2")
    assert two.nodes[: len(none.nodes)] == none.nodes
    more = two.nodes[len(none.nodes) :]
    assert [node.name for node in more] == ["node-spare-0", "node-spare-1"]
    assert {node.allocatable["huawei.com/ascend-1980"] for node in more} == {8}
    with pytest.raises(UsageError, match="the pools are node"):
        varied("spareNodes.gpu=1")


def test_nodes_are_how_many_there_are_in_all() -> None:
    fewer, same, more = varied("nodes=4,5,7")
    assert [node.name for node in same.nodes] == [node.name for node in load_scenario(str(UP_FIRST)).nodes]
    assert (fewer.nodes, more.nodes[:5]) == (same.nodes[:4], same.nodes)
    assert [node.name for node in more.nodes[5:]] == ["node-5", "node-6"]
    assert more.nodes[6].labels["kubernetes.io/hostname"] == "node-6"
    assert [len(made.nodes) for made in varied("nodes.node=4..6")] == [4, 5, 6]
    assert [len(made.nodes) for made in varied("nodes=2", SCENARIOS / "drain-a-node.yaml")] == [2]


def test_knobs_make_a_grid_and_changes_of_the_file_come_first() -> None:
    made = grid(
        ["nodes=4,6", "kubernetesVersion=1.31,1.36", "startupCrash=rebuild,kubelet"],
        read_source(str(UP_FIRST)),
        {},
    )
    assert len(made) == 8
    assert made[3].name == "nodes=4, kubernetesVersion=1.36, startupCrash=kubelet"
    assert (len(made[3].scenario.nodes), made[3].scenario.kubernetes_version) == (4, "1.36")
    assert made[3].scenario.assumptions.startup_crash == "kubelet"


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        (
            ["maxSurge=1", "maxSurge=1"],
            "maxSurge is there twice: write all its values as one list, maxSurge=A,B",
        ),
        (["maxSurge=1", "maxSrge=1"], 'no knob; did you mean "maxSurge"'),
        (["nodes=1..99", "spareNodes=1..999"], "98,901 combinations, more than 10,000"),
        (["nodes=8..4"], "expected a range from a smaller number to a larger one"),
        (["nodes=1..99999"], "of at most 10,000 values"),
    ],
)
def test_a_grid_that_cannot_be_is_said(knobs: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        grid(knobs, read_source(str(UP_FIRST)), {})


def test_every_field_of_the_scenario_is_a_knob_by_its_path() -> None:
    assert [made.kubernetes_version for made in varied("kubernetesVersion=1.30,1.36")] == ["1.30", "1.36"]
    assert [made.node_lifecycle.grace for made in varied("kubernetesVersion=1.31,1.36")] == [40_000, 50_000]
    assert [len(made.nodes) for made in varied("cluster=5x8,6x8")] == [5, 6]
    assert [made.kubeinfer.replicas for made in varied("manifest.set.replicas=4,5")] == [4, 5]
    assert [made.assumptions.keep_nodes for made in varied("keepNodes=true,false")] == [True, False]
    assert [made.assumptions.keep_nodes for made in varied("assumptions.keepNodes=true,false")] == [
        True,
        False,
    ]
    assert [
        made.actions[0].at for made in varied("actions.0.at=10m,20m", SCENARIOS / "silent-node-death.yaml")
    ] == [
        600_000,
        1_200_000,
    ]
    spares = varied("faults.npus.spares=0,2")
    assert [made.faults.npus.spares for made in spares if made.faults] == [0, 2]
    names = [v.name for v in grid(["faults.npus.spares=0,2"], read_source(str(UP_FIRST)), {})]
    assert names == ["spares=0", "spares=2"]


def test_values_are_split_outside_of_brackets() -> None:
    assert split_values("2,8..10,9") == ["2", "8", "9", "10"]
    assert split_values("1,[2,3],{a: 4, b: 5},'6,7', ") == ["1", "[2,3]", "{a: 4, b: 5}", "'6,7'"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("maxsurge=1", 'no knob; did you mean "maxSurge"'),
        ("maxSurge=", "expected values"),
        ("maxSurge=-1", "expected a number or a percentage"),
        ("maxSurge=101%", "expected a number or a percentage"),
        ("maxSurge=0", "must not both be zero"),
        ("label=maybe", "expected on or off"),
        ("spareNodes=-1", "expected a number of nodes"),
        ("nodes=0", "expected a number of nodes from 1 to 99,999"),
        ("nodes=3..", "a range has two ends, as in 3..7"),
        ("maxSurge=1,2,1", "the value 1 is there twice"),
        ("nodes.gpu=3", "the pools are node"),
        ("seed=1,2", "same seeds"),
        ("kubernetesVersion=2.0", "kubernetesVersion=2.0: expected a version from"),
        ("faults.npus.sparse=1", 'unknown field; did you mean "spares"'),
        ("faults.processes.0.rate=1", "faults.processes.0.rate: there is no item 0"),
        ("cluster=[", "--vary cluster="),
        ("cluster=no-such.yaml", "--vary cluster=no-such.yaml: no such file"),
        ("actions.7.at=5m", "actions.7.at: there is no item 7"),
    ],
)
def test_a_knob_that_cannot_be_turned_is_said(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        varied(text)


def test_the_command_takes_any_knob(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line(["compare", str(UP_FIRST), "--vary", "cluster=5x8,6x8"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "cluster=5x8" in out
    line = ["compare", str(UP_FIRST), "--vary", "maxSurge=1,2", "--assume", "backoff=0s", "--recovery", "Pod"]
    assert command_line(line) == 0
    assert "recovery=Pod, backoff=0s, maxSurge=2" in " ".join(capsys.readouterr().out.split())
