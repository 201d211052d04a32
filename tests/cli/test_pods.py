"""`pods` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from command_line import ROOT, sim

SCHEMA = ROOT / "docs" / "schemas" / "pods.schema.json"


@pytest.mark.parametrize(
    ("scenario", "at", "word"),
    [
        ("silent-node-death", "20m", "Terminating"),
        ("bad-image", "30s", "ErrImagePull"),
        ("router-beside-kubeinfer", "1m", "ContainerCreating"),
    ],
)
def test_the_table_fits_80_columns_and_its_json_is_valid(
    scenario: str, at: str, word: str, tmp_path: Path
) -> None:
    target = tmp_path / "pods.json"
    done = sim("pods", f"scenarios/{scenario}.yaml", "--at", at, "--json", str(target))
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    document = json.loads(target.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(document)
    assert word in done.stdout
    assert word in {pod["status"] for pod in document["pods"]}
    in_yaml = sim("pods", f"scenarios/{scenario}.yaml", "--at", at, "-o", "yaml").stdout
    assert in_yaml.startswith("apiVersion: kubeinfer-sim/v1\nkind: Pods\n")
    assert yaml.safe_load(in_yaml) == document


def test_the_published_schema_is_current() -> None:
    assert json.loads(sim("schema", "pods").stdout) == json.loads(SCHEMA.read_text(encoding="utf-8"))


def test_a_pod_that_does_not_exist_and_a_time_that_is_none_are_said_to_be() -> None:
    done = sim("pods", "scenarios/bad-image.yaml", "nope", "--at", "2m")
    assert done.returncode == 2
    assert done.stderr.startswith("error: no pod nope at 2m; there are chat-0-serve-0")
    done = sim("pods", "scenarios/bad-image.yaml", "--at", "soon")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --at: ")
