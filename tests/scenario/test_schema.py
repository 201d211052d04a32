"""The published JSON Schema, the story scenarios and the page on the scenario file agree with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from command_line import python

from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.assumption_forms import AssumptionsForm
from kubeinfer_sim.scenario.json_schemas import (
    cluster_json_schema,
    recovery_json_schema,
    scenario_json_schema,
    timings_json_schema,
)
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.schema import SpecForm
from kubeinfer_sim.scenario.timings.profiles import NO_NPU_STAGES, STAGES
from kubeinfer_sim.scenario.timings.stage_forms import StagesForm

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scenario.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)
STORIES = sorted((ROOT / "scenarios").glob("*.yaml"))
SCHEMAS = {
    "Scenario": scenario_json_schema(),
    "Cluster": cluster_json_schema(),
    "Recovery": recovery_json_schema(),
    "Timings": timings_json_schema(),
}


def whole(block: str) -> str:
    """An example of the page as a whole file: fields of `spec` are given the smallest scenario around them."""
    if re.search(r"^apiVersion:", block, re.M):
        return block
    lines = "".join(f"  {line}\n" for line in block.splitlines())
    head = "apiVersion: kubeinfer-sim/v1\nkind: Scenario\nmetadata: {name: example}\nspec:\n"
    if not re.search(r"^manifest:", block, re.M):
        head += '  manifest: {path: ../scenarios/manifests/2p1d.yaml, set: {image: "repo/vllm:v1"}}\n'
    if not re.search(r"^cluster:", block, re.M):
        head += "  cluster: 16x8\n"
    return head + lines


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_the_schemas_are_schemas(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(("kind", "schema"), SCHEMAS.items(), ids=SCHEMAS)
def test_the_published_schemas_are_current(kind: str, schema: dict[str, Any]) -> None:
    published = ROOT / "docs" / "schemas" / f"{kind.lower()}.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == schema


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_every_story_scenario_validates_and_loads_without_warnings(story: Path) -> None:
    document = yaml.safe_load(story.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(SCHEMAS["Scenario"]).validate(document)
    scenario = load_scenario(str(story))
    assert scenario.name == story.stem
    assert scenario.description
    # That nobody looks at the NPU is what this one tells.
    blind = ["so nobody looks at the NPUs"] if story.stem == "npu-fault-without-label" else []
    assert len(scenario.warnings) == len(blind)
    assert all(text in each.message for text, each in zip(blind, scenario.warnings, strict=True))


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_example_of_the_page_validates_and_loads(block: str) -> None:
    text = whole(block)
    document = yaml.safe_load(text)
    jsonschema.Draft202012Validator(SCHEMAS[document["kind"]]).validate(document)
    if document["kind"] == "Scenario":
        load_scenario(SourceText(str(ROOT / "docs" / "example.yaml"), text))


def test_the_example_of_the_faults_page_validates_and_loads() -> None:
    page = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S)
    racks = "cluster:\n  pools:\n  - {name: node, count: 16, labels: {rack: r1, accelerator/huawei-npu: ascend-1980}, "
    text = whole(racks + "allocatable: {huawei.com/ascend-1980: 8}}\n" + block)
    jsonschema.Draft202012Validator(SCHEMAS["Scenario"]).validate(yaml.safe_load(text))
    load_scenario(SourceText(str(ROOT / "docs" / "example.yaml"), text))


@pytest.mark.parametrize(
    "spec",
    [
        {"horizon": 90},
        {"horizon": "90"},
        {"seed": "1"},
        {"sede": 1},
        {"timings": {"bind": {"unifrom": {}}}},
        {"timings": {"bind": {"uniform": {"low": "1s"}}}},
        {"actions": [{"scale": 1}]},
        {"actions": [{"at": "1m", "scale": -1}]},
        {"assumptions": {"traffic": "x"}},
        {"objectives": {"minReadyInstances": "x"}},
        {"kubernetesVersion": "1.28"},
        {"transfers": {"registry": {"bandwidth": "55MB"}}},
    ],
    ids=str,
)
def test_the_schema_refuses_what_the_loader_refuses(spec: dict[str, Any]) -> None:
    document = {
        "apiVersion": "kubeinfer-sim/v1",
        "kind": "Scenario",
        "metadata": {"name": "x"},
        "spec": {"manifest": "m.yaml", "cluster": "8x8"},
    }
    validator = jsonschema.Draft202012Validator(SCHEMAS["Scenario"])
    validator.validate(document)
    document["spec"].update(spec)  # type: ignore[attr-defined]
    assert not validator.is_valid(document)


def rows(heading: str) -> dict[str, list[str]]:
    """The table under a heading of the page, by the name in its first column."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_the_page_names_every_field_of_spec() -> None:
    assert list(rows("Fields")) == [field.alias for field in SpecForm.model_fields.values()]


def test_every_default_of_an_assumption_can_be_written_as_the_page_has_it() -> None:
    for name, (default, _) in rows("Assumptions").items():
        text = whole(f"assumptions:\n  {name}: {default.strip('`')}\n")
        assert (
            load_scenario(SourceText(str(ROOT / "docs" / "example.yaml"), text)).assumptions == Assumptions()
        )


def test_the_timings_table_of_the_page_is_the_one_in_the_code() -> None:
    expected = {
        StagesForm.model_fields[name].alias: [each.what, each.low, each.typical, each.high, each.source]
        for name, each in STAGES.items()
    }
    assert rows("Timings") == expected


def test_the_page_tells_the_start_of_roles_without_npus() -> None:
    start = NO_NPU_STAGES["framework_import"]
    assert f"{start.low} / {start.typical} / {start.high}" in PAGE


def test_the_assumptions_table_of_the_page_shows_the_defaults() -> None:
    shown = {name: cells[0].strip("`") for name, cells in rows("Assumptions").items()}
    written = AssumptionsForm.model_json_schema()["properties"]
    expected = {}
    for name, each in written.items():
        value = each.get("default")
        text = "[" + ", ".join(value) + "]" if isinstance(value, list) else json.dumps(value).strip('"')
        expected[name] = text
    assert shown == expected
    assert len(shown) == len(Assumptions.__struct_fields__)


@pytest.mark.parametrize(
    "module", ["model", "cluster.model", "timings.distributions", "units", "timings.profiles"]
)
def test_what_the_simulation_imports_of_scenarios_does_not_load_pydantic(module: str) -> None:
    code = f"import sys, kubeinfer_sim.scenario.{module}; sys.exit('pydantic' in sys.modules)"
    assert python(code).returncode == 0
