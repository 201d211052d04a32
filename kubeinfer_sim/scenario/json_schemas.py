"""The JSON Schemas of the files a user writes."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.scenario.file_forms import ClusterFile, ConfigurationForm, RecoveryFile, TimingsFile
from kubeinfer_sim.scenario.forms import Form, json_schema
from kubeinfer_sim.scenario.schema import ScenarioFile


def timings_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a Timings file."""
    return _json_schema(TimingsFile)


def scenario_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a scenario file."""
    return _json_schema(ScenarioFile)


def cluster_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a Cluster file."""
    return _json_schema(ClusterFile)


def recovery_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a Recovery file."""
    return _json_schema(RecoveryFile)


def configuration_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a configuration file."""
    return _json_schema(ConfigurationForm)


def _json_schema(form: type[Form]) -> dict[str, Any]:
    schema = _tidy(json_schema(form))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"kubeinfer-sim {form.__name__}",
        **schema,
    }


def _tidy(node: Any) -> Any:
    """Without what only Pydantic needs: titles made from names, and null for what is simply left out."""
    if isinstance(node, list):
        return [_tidy(each) for each in node]
    if not isinstance(node, dict):
        return node
    node = {
        key: {name: _tidy(each) for name, each in value.items()}
        if key in ("properties", "$defs")
        else _tidy(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    choices = [each for each in node.get("anyOf", ()) if each != {"type": "null"}]
    if len(choices) == 1:
        del node["anyOf"]
        return {**choices[0], **node}
    return {**node, "anyOf": choices} if choices else node
