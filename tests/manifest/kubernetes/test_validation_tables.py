"""The API server's validation, part by part, against the tables of its own unit tests (release 1.29).

Where 1.36 has another rule, that rule is asserted instead.
"""

import pytest
from manifest.kubernetes.typed import pairs, place, typed, typed_list

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors
from kubeinfer_sim.manifest.kubernetes.names import env_var_name, relaxed_env_var_name
from kubeinfer_sim.manifest.kubernetes.validation import resources as resource_rules
from kubeinfer_sim.manifest.kubernetes.validation.containers import PodContext, validate_containers
from kubeinfer_sim.manifest.kubernetes.validation.environment import validate_env, validate_ports
from kubeinfer_sim.manifest.kubernetes.validation.handlers import validate_handler, validate_probe
from kubeinfer_sim.manifest.kubernetes.validation.pods import validate_pod_spec, validate_pod_template
from kubeinfer_sim.manifest.kubernetes.validation.scheduling import validate_spread_constraints


@pytest.mark.vectors("k8s_validation_containers")
def test_containers_are_refused_for_the_same_reasons(case):
    errors = Errors()
    containers = typed_list(case["containers"], "Container")
    pod = PodContext({"vol": {"hostPath": {}}}, grace_period=30)
    validate_containers(containers, pod, place("field"), errors)
    # Since 1.35 (ContainerRestartRules) a container may have a restart policy of its own.
    wanted = [
        (error["field"], error["type"])
        for error in case["errors"]
        if not (error["type"] == "Forbidden" and error["field"].endswith("restartPolicy"))
    ]
    found = [
        pair for pair in pairs(errors) if len(wanted) == len(case["errors"]) or "restartPolicy" not in pair[0]
    ]
    assert found == sorted(wanted)


@pytest.mark.vectors("k8s_validation_env")
def test_environment_variables_are_refused_for_the_same_reasons(case):
    errors = Errors()
    validate_env(typed_list(case["env"], "EnvVar"), place(""), errors)
    names = [variable.get("name", "") for variable in case["env"]]
    if any(env_var_name(name) and name and not relaxed_env_var_name(name) for name in names):
        assert not errors.found  # refused until names were relaxed in 1.32
        return
    assert (not errors.found) == case["valid"], errors.found
    if not case["valid"] and case.get("expected_error_path"):
        assert any(error.field.startswith(case["expected_error_path"]) for error in errors.found)


@pytest.mark.vectors("k8s_validation_ports")
def test_ports_are_refused_for_the_same_reasons(case):
    errors = Errors()
    validate_ports(typed_list(case["ports"], "ContainerPort"), place("field"), errors)
    assert (not errors.found) == case["valid"], errors.found
    if not case["valid"]:
        assert any(
            case["error_type"] in error.type
            and case["error_field_contains"] in error.field
            and (not case["error_detail_contains"].isdigit() or case["error_detail_contains"] in error.message)
            for error in errors.found
        )


@pytest.mark.vectors("k8s_validation_probe")
def test_probes_and_handlers_are_refused_for_the_same_reasons(case):
    errors = Errors()
    at = place(case.get("path") or "field")
    if case["op"] == "validate_handler":
        handler = case["handler"]
        type_name = "LifecycleHandler" if "sleep" in handler else "Probe"
        validate_handler(typed(handler, type_name), case.get("grace_period"), at, errors)
    else:
        probe = None if case["probe"] is None else {"successThreshold": 1, **case["probe"]}
        kind = {"validate_liveness_probe": "livenessProbe", "validate_startup_probe": "startupProbe"}.get(
            case["op"], "readinessProbe"
        )
        if case["op"] not in ("validate_probe", "validate_readiness_probe"):
            probe = case["probe"]
        value = None if probe is None else typed(probe, "Probe")
        validate_probe(kind, value, case.get("grace_period"), at, errors)
    assert (not errors.found) == case["valid"], errors.found
    if case.get("errors"):
        assert pairs(errors) == sorted((error["field"], error["type"]) for error in case["errors"])


@pytest.mark.vectors("k8s_validation_resources")
def test_resources_are_refused_for_the_same_reasons(case):
    errors = Errors()
    match case["op"]:
        case "resource_requirements":
            resources = typed(case["resources"], "ResourceRequirements")
            claims = case.get("claim_names") or case.get("claimNames") or ()
            resource_rules.validate_resource_requirements(resources, claims, place("resources"), errors)
            found = not errors.found
        case "resource_name":
            found = resource_rules.validate_resource_name(case["name"], place("name"), errors)
        case "is_standard_container_resource":
            found = resource_rules.is_container_resource(case["name"])
        case "is_overcommit_allowed":
            found = resource_rules.is_overcommit_allowed(case["name"])
        case op:
            pytest.fail(f"unknown operation {op}")
    assert found == case["valid"], errors.found


@pytest.mark.vectors("k8s_validation_topology_spread")
def test_spread_constraints_are_refused_for_the_same_reasons(case):
    errors = Errors()
    constraints = typed_list(case["constraints"], "TopologySpreadConstraint")
    validate_spread_constraints(constraints, place("field"), errors)
    assert (not errors.found) == case["valid"], errors.found
    assert pairs(errors) == sorted((error["field"], error["type"]) for error in case["errors"])


@pytest.mark.vectors("k8s_validation_pod_spec")
def test_pod_specs_are_refused_or_taken(case):
    errors = Errors()
    spec = {"terminationGracePeriodSeconds": 30, **case["spec"]}
    validate_pod_spec(typed(spec, "PodSpec"), place("field"), errors)
    assert (not errors.found) == case["valid"], errors.found


@pytest.mark.vectors("k8s_validation_pod")
def test_pods_are_refused_or_taken(case):
    errors = Errors()
    pod = case["pod"]
    template = {
        "metadata": pod.get("metadata", {}),
        "spec": {"terminationGracePeriodSeconds": 30, **pod["spec"]},
    }
    validate_pod_template(typed(template, "PodTemplateSpec"), place(""), errors)
    assert (not errors.found) == case["valid"], errors.found
    if case["expected_error_substring"]:
        assert any(
            case["expected_error_substring"] in f"{error.field}: {error.message}" for error in errors.found
        ), errors.found
