"""Pod templates, Services, rolling updates and typed scalars against the answers of a real API server 1.36.3."""

import pytest
from manifest.kubernetes.golden import assert_same_defaults, assert_same_verdict, load, read_rolling_update

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.kubernetes.decode import decode, stored
from kubeinfer_sim.manifest.kubernetes.fenceposts import resolve_fenceposts
from kubeinfer_sim.manifest.kubernetes.field_errors import DECODE, UNKNOWN, Errors, Root
from kubeinfer_sim.manifest.kubernetes.pod import pod_errors
from kubeinfer_sim.manifest.kubernetes.pod_template import read_pod_template
from kubeinfer_sim.manifest.kubernetes.schema import types
from kubeinfer_sim.manifest.kubernetes.service import read_service_spec
from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.source import SourceText


@pytest.mark.vectors("golden_pod_templates")
def test_a_pod_template_is_answered_as_by_the_api_server(case):
    reading = assert_same_verdict(case, read_pod_template)
    if case["valid"]:
        assert_same_defaults(case, reading, "PodTemplateSpec")
        # Where the template is accepted, the Pods made from it may yet be refused.
        found = sorted((error.field, error.type) for error in pod_errors(reading))
        assert found == sorted((error["field"], error["type"]) for error in case.get("pod_errors", ()))


@pytest.mark.vectors("golden_services")
def test_a_service_is_answered_as_by_the_api_server(case):
    reading = assert_same_verdict(case, read_service_spec)
    if case["valid"]:
        assert_same_defaults(case, reading, "ServiceSpec", "spec")


@pytest.mark.vectors("golden_rolling_update")
def test_a_rolling_update_is_answered_as_by_the_api_server(case):
    reading = assert_same_verdict(case, read_rolling_update)
    if reading is None:
        return
    effective = {name: reading.effective.get(name, 0) for name in case["effective"]}
    assert effective == case["effective"]
    budgets = reading.effective["strategy"].get("rollingUpdate")
    for post in case.get("fenceposts", ()):
        if "error" in post:
            with pytest.raises(ValueError, match="must be"):
                resolve_fenceposts(budgets["maxSurge"], budgets["maxUnavailable"], post["replicas"])
            continue
        found = resolve_fenceposts(budgets["maxSurge"], budgets["maxUnavailable"], post["replicas"])
        assert (found.surge, found.unavailable) == (post["surge"], post["unavailable"])
        if effective["strategy"]["type"] == "RollingUpdate":  # the controller asks only then
            assert found.max_unavailable == post["max_unavailable_used"]
            assert found.min_available == post["min_available"]


@pytest.mark.vectors("golden_yaml_scalars")
def test_a_scalar_at_a_typed_field_is_taken_or_refused_as_by_the_api_server(case):
    if case.get("nondeterministic"):
        pytest.skip("the API server's answer changes from run to run")
    if case.get("decode_class") == "no_kind":
        with pytest.raises(InputError) as caught:
            load_manifest([SourceText("case", case["input"])])
        assert len(caught.value.diagnostics) == 1
        return
    value, duplicates, unreadable = load(case["input"])
    errors = Errors()
    schema = types()["Deployment"]
    typed = decode(value, schema, Root(), errors)
    decode_errors = unreadable or any(error.type == DECODE for error in errors.found)
    assert decode_errors == bool(case["decode_error"]), errors.found
    if decode_errors:
        return
    unknown = any(error.type == UNKNOWN for error in errors.found)
    strict = case["strict_errors"]
    if "<<" in case["input"]:
        strict = case.get("strict_errors_json", strict)  # as through kubectl, where merge keys are fine
        assert not duplicates
    assert (unknown or duplicates) == bool(strict)
    found = stored(typed, schema)
    for part in case["path"]:
        within = part in found if isinstance(found, dict) else isinstance(found, list) and len(found) > part
        found = found[part] if within else None
    assert found == (None if case.get("value_absent") else case["value"])
    assert type(found) is type(None if case.get("value_absent") else case["value"])
