from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from report_samples import SAMPLES, sample

from kubeinfer_sim.report.result import build_result, result_json_schema, to_json
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.simulation.simulate import simulate

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = result_json_schema()
FAST = [name for name in SAMPLES if name != "a thousand instances"]


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(to_json(build_result(sample(name))))
    return found


@pytest.mark.parametrize(
    "name", [*FAST, *(pytest.param(name, marks=pytest.mark.sweep) for name in SAMPLES if name not in FAST)]
)
def test_every_result_is_valid_against_the_schema(name: str) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(document(name))


def test_the_schema_allows_nothing_unknown_and_demands_every_field() -> None:
    found = document("one instance")
    for broken in (found | {"extra": 1}, {key: found[key] for key in found if key != "stalls"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(SCHEMA).validate(broken)


def test_the_page_names_every_field() -> None:
    page = (DOCS / "result.md").read_text(encoding="utf-8")
    for field in SCHEMA["properties"]:
        assert f"`{field}`" in page or f"`{field}:" in page, field


@pytest.mark.parametrize("name", FAST)
def test_the_same_scenario_gives_the_same_bytes(name: str) -> None:
    again = to_json(build_result(assess(simulate(SAMPLES[name]()))))
    assert again == to_json(build_result(sample(name)))


@pytest.mark.parametrize("name", FAST)
def test_the_numbers_agree_with_one_another(name: str) -> None:
    found = document(name)
    end = found["end"]["atMs"]
    for instance in found["instances"]:
        spans = instance["stages"]
        assert [span["untilMs"] for span in spans[:-1]] == [span["sinceMs"] for span in spans[1:]]
        assert all(span["untilMs"] <= end for span in spans)
        assert (instance["state"] == "gone") == (instance["goneAtMs"] is not None)
    for at, ready in found["timeline"]["ready"]:
        by_revision = [
            max([point for point in each["ready"] if point[0] <= at], default=(0, 0))[1]
            for each in found["timeline"]["revisions"]
        ]
        assert sum(by_revision) == ready
    assert found["npus"]["peak"] <= found["npus"]["total"]
    assert found["verdict"]["holds"] == (
        found["verdict"]["outcome"] == "completes"
        and all(each["judgement"] == "held" for each in found["objectives"])
    )


def test_the_figures_of_an_update_are_those_of_the_closed_sum() -> None:
    # Typical stages, everything cold but the image and the weights after the first start on each node. The readiness probe's
    # grid begins with the kubelet's relist, 0.5 s after the container's start.
    found = document("one instance")
    assert found["changes"][-1]["durationMs"] == 2_415_400
    assert found["service"] == {
        "sinceMs": 600_000,
        "untilMs": 3_015_400,
        "minReadyInstances": 1,
        "minReadyAtMs": 600_000,
        "minReadyForMs": 2_415_400,
        "lostInstanceSeconds": 0,
        "availability": 1.0,
    }
