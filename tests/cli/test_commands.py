"""The command line as a user meets it: what is printed where, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from command_line import ROOT, process, python, sim

SCENARIOS = sorted((ROOT / "scenarios").glob("*.yaml"))
MANIFEST = ROOT / "scenarios" / "manifests" / "2p1d.yaml"


def expected_exit(scenario: Path) -> int:
    for line in scenario.read_text(encoding="utf-8").splitlines():
        if line.startswith("# expect: exit "):
            return int(line.removeprefix("# expect: exit "))
    raise AssertionError(f"{scenario.name} does not say which exit code it expects")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.stem)
def test_each_story_scenario_ends_as_it_says_with_valid_json_and_fits_80_columns(
    scenario: Path, tmp_path: Path
) -> None:
    target = tmp_path / "result.json"
    done = sim("run", str(scenario), "--json", str(target))
    assert done.returncode == expected_exit(scenario), done.stdout + done.stderr
    schema = json.loads((ROOT / "docs" / "schemas" / "result.schema.json").read_text(encoding="utf-8"))
    result = json.loads(target.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(result)
    assert result["verdict"]["holds"] == (done.returncode == 0)
    assert done.stdout.startswith("✔" if done.returncode == 0 else "✘")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.stem)
def test_the_first_line_of_each_story_scenario_tells_its_story(scenario: Path) -> None:
    assert scenario.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("kind", ["scenario", "cluster", "result"])
def test_the_published_schemas_are_current(kind: str) -> None:
    published = (ROOT / "docs" / "schemas" / f"{kind}.schema.json").read_text(encoding="utf-8")
    assert sim("schema", kind).stdout == published


def test_json_on_standard_output_is_data_only() -> None:
    done = sim("run", str(SCENARIOS[0]), "--json", "-")
    assert json.loads(done.stdout)["kind"] == "Result"
    assert "events" in done.stderr
    assert sim("run", str(SCENARIOS[0]), "--json", "-", "--quiet").stderr == ""


def test_the_same_scenario_gives_the_same_bytes_under_any_hash_seed() -> None:
    scenario = str(ROOT / "scenarios" / "rolling-update-2p1d.yaml")
    outputs = {process("run", scenario, "--json", "-", PYTHONHASHSEED=seed).stdout for seed in ("0", "42")}
    assert len(outputs) == 1
    assert sim("run", scenario, "--check-determinism", "--quiet").returncode == 0


def test_one_manifest_is_rolled_over_to_a_new_revision() -> None:
    done = sim("rollout", str(MANIFEST), "--nodes", "16x8", "--set", "image=repo/vllm:v2")
    assert done.returncode in (0, 1), done.stderr
    assert done.stdout.startswith(("✔ The update completes", "✘ The update never finishes"))


def test_the_running_manifest_comes_from_standard_input() -> None:
    text = MANIFEST.read_text(encoding="utf-8").replace("${image}", "repo/vllm:v1")
    with_status = text + "status:\n  replicas: 4\n"
    done = sim(
        "rollout", "-", str(MANIFEST), "--nodes", "16x8", "--set", "image=repo/vllm:v2", stdin=with_status
    )
    assert done.returncode in (0, 1), done.stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("run", "no-such-file.yaml"), "no-such-file.yaml"),
        (("run", "."), "directory"),
        (("rollout", str(MANIFEST), "--nodes", "8 by 8", "--set", "image=a"), "8x8"),
        (("rollout", str(MANIFEST), "--nodes", "8x8", "--set", "image=a", "--set", "imaeg=x"), "imaeg"),
        (("rollout", str(MANIFEST), "--nodes", "8x8"), "image"),
        (("validate", str(MANIFEST)), "image"),
        (("validate",), "Missing argument"),
        (("frobnicate",), "No such command"),
        (("rollout", "-", "-", "--nodes", "8x8"), "standard input"),
    ],
)
def test_what_the_user_got_wrong_is_exit_2_and_no_traceback(args: tuple[str, ...], says: str) -> None:
    done = sim(*args)
    assert done.returncode == 2
    assert says in done.stdout + done.told
    assert "Traceback" not in done.stderr


def test_a_broken_scenario_names_file_line_and_path(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(
        "apiVersion: kubeinfer-sim/v1\nkind: Scenario\nmetadata: {name: x}\nspec:\n"
        f"  manifest: {{path: {MANIFEST}, set: {{image: a}}}}\n  cluster: 8x8\n  horizon: 90\n  sede: 1\n",
        encoding="utf-8",
    )
    done = sim("run", str(broken))
    assert done.returncode == 2
    assert "broken.yaml:7" in done.stderr
    assert "spec.horizon" in done.stderr
    assert "90s" in done.stderr
    assert "seed" in done.stderr


def test_a_result_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    done = sim("run", str(SCENARIOS[0]), "--json", str(tmp_path / "no" / "where.json"))
    assert done.returncode == 2
    assert not list(tmp_path.iterdir())


def test_validate_says_what_is_valid_and_shows_defaults() -> None:
    done = sim("validate", str(MANIFEST), "--set", "image=repo/vllm:v2")
    assert done.returncode == 0, done.stderr
    assert "is valid" in " ".join(
        done.stdout.split()
    )  # where lines break depends on where the checkout stands
    shown = sim("validate", str(MANIFEST), "--set", "image=repo/vllm:v2", "--show-defaults").stdout
    assert "terminationGracePeriodSeconds" in shown
    assert "timeoutSeconds" in shown
    again = sim("validate", "-", stdin=shown)
    assert again.returncode == 0, again.stdout
    assert done.stdout.split("revision ")[1] == again.stdout.split("revision ")[1], (
        "defaults change no revision"
    )


def test_findings_come_as_json_too() -> None:
    done = sim("validate", str(MANIFEST), "--json", "-")
    assert done.returncode == 2
    found = json.loads(done.stdout)
    assert (found["kind"], found["kubeinfers"]) == ("Findings", [])
    assert found["findings"][0]["path"].endswith("containers[0].image")
    assert found["findings"][0]["line"] > 0


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from kubeinfer_sim.cli.main import run; run(['--help']);"
        "heavy = {'pydantic', 'simpy', 'rich', 'yaml', 'hypothesis'} & set(sys.modules);"
        "sys.exit(1 if heavy else 0)"
    )
    assert python(code).returncode == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_command(shell: str) -> None:
    assert "kubeinfer-sim" in sim("completion", shell).stdout
