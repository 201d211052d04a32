"""Comparisons: the same faults under every variant, paired intervals, a sentence that says what is better."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from building import kubeinfer, scenario, seconds

from kubeinfer_sim.cli.main import run as command_line
from kubeinfer_sim.errors import InputError, UsageError
from kubeinfer_sim.experiment.assumption_knob import assumption_variants
from kubeinfer_sim.experiment.columns import COLUMNS
from kubeinfer_sim.experiment.compare import Variant, compare
from kubeinfer_sim.experiment.recovery_knob import recovery_variants
from kubeinfer_sim.experiment.simulate import simulate
from kubeinfer_sim.experiment.statistics import estimate
from kubeinfer_sim.metrics import measure
from kubeinfer_sim.metrics.outage_stages import outages, time_by_stage
from kubeinfer_sim.report.comparison import render_comparison, sentences
from kubeinfer_sim.report.comparison_result import comparison_json, comparison_json_schema
from kubeinfer_sim.scenario.distributions import Uniform
from kubeinfer_sim.scenario.model import Drain, Health, Scenario, Target

SCENARIOS = Path(__file__).parents[2] / "scenarios"
PD = {"prefill": 2, "decode": 1}
LOST = COLUMNS[0]


def drained(**fields: object) -> Scenario:
    """Two instances of three pods; a node is drained, and one pod's health check fails later."""
    from kubeinfer_sim.manifest.model import Probe

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
    assert again.outcomes[1].against(again.outcomes[0], LOST).mean == 0
    assert not again.outcomes[1].against(again.outcomes[0], LOST).differs
    assert pod.values["podsRebuilt"] == [2.0] * 6
    assert instance.values["podsRebuilt"] == [6.0] * 6


def test_the_difference_is_paired_by_seed_and_has_students_interval() -> None:
    # Student's example: t(0.975, 9 degrees of freedom) = 2.262.
    gains = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    found = estimate(gains)
    assert found.mean == pytest.approx(0.75)
    assert found.half == pytest.approx(2.262 * 1.789 / 10**0.5, abs=2e-3)
    assert not found.differs
    assert estimate([2.0]).half is None
    assert estimate([2.0, 2.0]).half == 0
    with pytest.raises(ValueError, match="no values"):
        estimate([])


def test_the_stages_of_outages_add_up_to_them_to_the_millisecond() -> None:
    for name in ("no-spare-outage", "no-spare-degrade", "drain-a-node", "readiness-flap"):
        from kubeinfer_sim.scenario.load import load_scenario

        run = simulate(load_scenario(str(SCENARIOS / f"{name}.yaml")))
        lives = measure(run.history, ended_at=run.ended_at, end=run.end).instances
        spent = time_by_stage(run.history, lives, run.ended_at)
        assert sum(spent.values()) == sum(
            until - since for _, since, until in outages(run.history, run.ended_at)
        )
        assert all(length > 0 for length in spent.values())


def test_what_is_better_is_said_with_its_reason() -> None:
    found = compare(recovery_variants(drained(), ["Instance", "Pod"]), [0])
    text = " ".join(sentences(found))
    assert text.startswith("Pod is better than Instance") or "come out the same" in text
    rules = SCENARIOS / "recovery" / "save-decode.yaml"
    from kubeinfer_sim.scenario.load import load_scenario

    story = load_scenario(str(SCENARIOS / "no-spare-degrade.yaml"))
    found = compare(recovery_variants(story, ["Instance", str(rules)]), [0])
    assert found.best.variant.name == "save-decode.yaml"
    (sentence,) = sentences(found)
    assert re.fullmatch(
        r"save-decode.yaml is better than Instance: 2d less instance time lost; Instance spends 2d waiting for "
        r"free NPUs where save-decode.yaml spends .*\.",
        sentence,
    )


def test_a_group_that_hangs_without_a_peer_makes_pod_level_the_worse_one() -> None:
    from kubeinfer_sim.scenario.load import load_scenario

    story = load_scenario(str(SCENARIOS / "peer-loss-under-pod-recovery.yaml"))
    found = compare(recovery_variants(story, ["Pod", "Instance"]), [0])
    assert sentences(found) == [
        "Instance is better than Pod: 30m less instance time lost; Pod spends 30m hanging without a peer where "
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
    assert interval["low"] <= interval["mean"] <= interval["high"]


def test_a_variant_sets_the_policy_of_every_role_in_every_version() -> None:
    from kubeinfer_sim.scenario.model import Apply

    made = scenario(kubeinfer(1, roles=PD), 6, actions=(Apply(1000, kubeinfer(1, roles=PD, revision="new")),))
    (variant,) = recovery_variants(made, ["Pod"])
    (apply,) = variant.scenario.actions
    assert isinstance(apply, Apply)
    for spec in (variant.scenario.kubeinfer, apply.kubeinfer):
        assert [role.recovery_policy.restart for role in spec.roles] == ["Pod", "Pod"]
    assert variant.scenario.kubeinfer.revision != apply.kubeinfer.revision


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
    assert "2 seeds (0-1)" in out
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
