"""`why` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from command_line import ROOT, Done, process, sim

SCHEMA = ROOT / "docs" / "schemas" / "why.schema.json"


def why(scenario: str, *args: str) -> Done:
    path = scenario if "/" in scenario else f"scenarios/{scenario}.yaml"
    return sim("why", path, *args)


@pytest.mark.parametrize(
    ("scenario", "at"),
    [
        ("silent-node-death", "20m"),
        ("startup-window-too-short", "5h"),
        ("mass-restart-pull-storm", "15m"),
        ("pull-storm-on-one-node", "5s"),
        ("router-beside-kubeinfer", "10s"),
        ("no-spare-degrade", "2h"),
        ("drain-held-by-a-budget", "5m"),
    ],
)
def test_the_answer_fits_80_columns_and_its_json_is_valid(scenario: str, at: str, tmp_path: Path) -> None:
    target = tmp_path / "why.json"
    done = why(scenario, "--at", at, "--json", str(target))
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    document = json.loads(target.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(document)
    assert " ".join(done.stdout.split()).startswith(document["sentence"])


def test_the_published_schema_is_current() -> None:
    assert sim("schema", "why").stdout == SCHEMA.read_text(encoding="utf-8")


def test_json_on_standard_output_is_data_only_and_the_same_under_any_hash_seed() -> None:
    args = ("why", "scenarios/fault-mid-rollout.yaml", "--at", "20m", "--json", "-")
    outputs = {process(*args, PYTHONHASHSEED=seed).stdout for seed in "02"}
    assert len(outputs) == 1
    assert json.loads(outputs.pop())["kind"] == "Why"


def on_dead_node() -> str:
    """The ordinal of the instance on node-0, and that of the other: chance has placed them."""
    there = sim("pods", "scenarios/silent-node-death.yaml", "--at", "1m").stdout.splitlines()
    (struck,) = (line.split("-")[1] for line in there if line.rstrip().endswith("node-0"))
    return f"{struck}{1 - int(struck)}"


def test_one_instance_is_told_alone() -> None:
    struck, well = (int(ordinal) for ordinal in on_dead_node())
    done = why("silent-node-death", "--at", "20m", "--instance", str(well))
    assert f"chat-{well} has been ready since 0s" in done.stdout
    assert f"chat-{struck}" not in done.stdout


def test_the_chain_begins_with_the_first_cause_and_the_end_is_named() -> None:
    text = why("silent-node-death", "--at", "20m").stdout
    chain, _, end = text.partition("Ready again at 1h6m")
    assert chain.index("node-0 dies") < chain.index(f"recovery rebuilds chat-{on_dead_node()[0]}")
    assert "removed at once" in end


def test_steps_of_one_minute_are_told_apart_after_days() -> None:
    text = why("no-spare-outage", "--at", "2d10m8s").stdout
    assert "since 2d10m5s, until 2d10m10s" in " ".join(text.split())
    assert "    2d25m41s the startup probe of infer-4p1d-0-decode-0 succeeds" in text


def test_where_nothing_has_happened_it_says_so() -> None:
    done = why("silent-node-death", "--at", "5m")
    assert done.returncode == 0
    assert "Nothing has happened by then; the first thing is at 10m" in done.stdout


def test_an_instance_that_does_not_exist_at_that_time_is_told_with_its_times() -> None:
    done = why("scale-to-zero-and-back", "--at", "1m10s", "--instance", "2")
    assert done.returncode == 0
    assert "chat-2" in done.stdout


@pytest.mark.parametrize(
    ("scenario", "args", "says"),
    [
        ("startup-window-too-short", ("--at", "5d"), "the run ends at 22h17m1.02s (no progress for 1d)"),
        ("silent-node-death", ("--at=-5m",), "a duration cannot be negative"),
        ("silent-node-death", ("--at", "90"), "'90' has no unit: write 90s"),
        ("silent-node-death", ("--at", "10m", "--instance", "7"), "there are 0-1"),
        ("silent-node-death", ("--at", "10m", "--instance", "x"), "--instance"),
        ("model-as-deployment", ("--at", "10s", "--instance", "0"), "no instances of a KubeInfer"),
        ("silent-node-death", (), "--at"),
        ("no-such-scenario", ("--at", "5m"), "no such file"),
        ("README.md/", ("--at", "5m"), "README.md"),
    ],
)
def test_what_the_user_got_wrong_is_exit_2_and_says_what_would_be_right(
    scenario: str, args: tuple[str, ...], says: str
) -> None:
    done = why(scenario, *args)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_after_the_end_of_a_run_all_is_as_it_stays() -> None:
    done = sim("why", "scenarios/full-cluster-stall.yaml", "--at", "5d")
    assert done.returncode == 0
    assert "At 5d 1 of 1 instance is ready." in done.stdout
    assert "infer-2p1d-1 has been starting since 0s, for 5d." in done.stdout
    assert "nothing can happen any more after 620ms" in done.stdout
