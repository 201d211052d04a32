"""The JSON Schema for editors and the CustomResourceDefinition, held to what the loader accepts and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from manifest.helpers import BASE, DATA

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.crd import crd, crd_yaml
from kubeinfer_sim.manifest.effective import effective
from kubeinfer_sim.manifest.json_schema import manifest_json_schema
from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.source import SourceText, read_source
from kubeinfer_sim.manifest.yaml_tree import load_documents

PUBLISHED = Path(__file__).parents[2] / "docs" / "schemas"
OPEN_API = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
SCHEMAS = {
    "editor": jsonschema.Draft202012Validator(manifest_json_schema()),
    "server": jsonschema.Draft202012Validator(OPEN_API),
}
VALID = [*sorted((DATA / "valid").glob("*.yaml")), DATA / "omni-infer.yaml"]
#: What no schema can say: two fields compared, names used twice.
BEYOND_SCHEMAS = {"11-duplicate-role-name", "22-npu-request-limit-differ", "29-duplicate-nodeport"}
#: What the loader says of the YAML itself.
NOT_YAML = {"16-tab-indentation", "17-duplicate-yaml-key"}
#: A CustomResourceDefinition leaves apiVersion and kind to the server, and has no patternProperties.
BEYOND_CRD = {"01-wrong-kind", "02-wrong-apiversion", "23-npu-fractional"}


def value_of(path: Path) -> Any:
    (document,) = load_documents(read_source(str(path)))
    return document.value


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_valid_manifests_validate_as_written_and_with_their_defaults(schema: str, path: Path) -> None:
    SCHEMAS[schema].validate(value_of(path))
    for kubeinfer in load_manifest([str(path)]).kubeinfers:
        SCHEMAS[schema].validate(json.loads(json.dumps(effective(kubeinfer))))


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("path", sorted((DATA / "invalid").glob("*.yaml")), ids=lambda path: path.stem)
def test_clearly_invalid_manifests_do_not_validate(schema: str, path: Path) -> None:
    if path.stem in NOT_YAML:
        with pytest.raises(InputError):
            value_of(path)
        return
    beyond = BEYOND_SCHEMAS | (BEYOND_CRD if schema == "server" else set())
    assert SCHEMAS[schema].is_valid(value_of(path)) == (path.stem in beyond)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  replicas: 1\n", "  replica: 1\n"),
        ("GracePeriodSeconds: 120", "GracePeriodSeconds: 1e3"),
        ("containerPort: 9000", "containerPort: 70000"),
        ("maxSurge: 20%\n      maxUnavailable: 20%", "maxSurge: 0\n      maxUnavailable: 0%"),
    ],
)
def test_the_editor_schema_refuses_what_the_loader_refuses(old: str, new: str) -> None:
    assert old in BASE
    text = BASE.replace(old, new, 1)
    (document,) = load_documents(SourceText("m.yaml", text))
    try:
        load_manifest([SourceText("m.yaml", text)])
    except InputError:
        accepted = False
    else:
        accepted = True
    assert SCHEMAS["editor"].is_valid(document.value) == accepted


def test_the_editor_schema_is_a_schema_and_describes_what_is_kubeinfers_own() -> None:
    schema = manifest_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for name in ("KubeInferSpec", "Role", "RollingUpdate"):
        assert all("description" in field for field in schema["$defs"][name]["properties"].values()), name
    assert schema["$defs"]["Probe"]["properties"]["periodSeconds"]["default"] == 10


def test_the_crd_is_structural() -> None:
    _assert_structural(OPEN_API, "openAPIV3Schema")


def _assert_structural(node: dict[str, Any], where: str) -> None:
    """Kubernetes' rules: a type everywhere but int-or-string, no $ref, junctors that only restrict."""
    assert "$ref" not in node, where
    assert "patternProperties" not in node, where
    assert not ({"properties", "additionalProperties"} <= node.keys()), where
    assert not isinstance(node.get("additionalProperties"), bool), where
    int_or_string = node.get("x-kubernetes-int-or-string")
    assert ("type" in node) != bool(int_or_string), where
    if int_or_string:
        assert node["anyOf"] == [{"type": "integer"}, {"type": "string"}], where
    else:
        assert node["type"] in ("object", "array", "string", "integer", "number", "boolean"), where
        for junctor in ("anyOf", "oneOf", "allOf"):
            for branch in node.get(junctor, ()):
                _assert_restricts(branch, node, where)
    if "not" in node:
        _assert_restricts(node["not"], node, where)
    if node.get("x-kubernetes-list-type") == "map":
        for key in node["x-kubernetes-list-map-keys"]:
            assert key in node["items"]["required"], where
    for key, inner in node.get("properties", {}).items():
        _assert_structural(inner, f"{where}.{key}")
    for key in ("items", "additionalProperties"):
        if key in node:
            _assert_structural(node[key], f"{where}.{key}")


def _assert_restricts(branch: dict[str, Any], node: dict[str, Any], where: str) -> None:
    forbidden = {"description", "type", "default", "additionalProperties", "nullable", "title"}
    assert not forbidden & branch.keys(), where
    for key, inner in branch.get("properties", {}).items():
        assert key in node["properties"], where
        _assert_restricts(inner, node["properties"][key], where)


def test_the_crd_has_a_status_subresource_and_columns() -> None:
    (version,) = crd()["spec"]["versions"]
    assert version["subresources"] == {"status": {}}
    assert version["additionalPrinterColumns"][0]["name"] == "Instances"
    names = crd()["spec"]["names"]
    assert crd()["metadata"]["name"] == f"{names['plural']}.{crd()['spec']['group']}"


def test_the_published_schemas_of_manifests_are_current() -> None:
    published = (PUBLISHED / "manifest.schema.json").read_text(encoding="utf-8")
    assert published == json.dumps(manifest_json_schema(), indent=2, ensure_ascii=False) + "\n"
    assert (PUBLISHED / "crd.yaml").read_text(encoding="utf-8") == crd_yaml()
    assert yaml.safe_load(crd_yaml()) == crd()
