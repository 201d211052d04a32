"""The API server's validation, part by part, against the tables of its own unit tests (release 1.29).

Where 1.36 has another rule, that rule is asserted instead.
"""

import re

import pytest
from manifest.kubernetes.typed import pairs, place, typed, typed_list

from kubeinfer_sim.manifest.kubernetes.field_errors import Errors
from kubeinfer_sim.manifest.kubernetes.names import relaxed_env_var_name
from kubeinfer_sim.manifest.kubernetes.validation import resources as resource_rules
from kubeinfer_sim.manifest.kubernetes.validation.containers import PodContext, validate_containers
from kubeinfer_sim.manifest.kubernetes.validation.environment import validate_env, validate_ports
from kubeinfer_sim.manifest.kubernetes.validation.handlers import validate_handler, validate_probe
from kubeinfer_sim.manifest.kubernetes.validation.pod_objects import validate_pod
from kubeinfer_sim.manifest.kubernetes.validation.pods import validate_pod_spec
from kubeinfer_sim.manifest.kubernetes.validation.scheduling import validate_spread_constraints


def of_1_29(field, type):
    """Whether an error is one that 1.36 does not have: containers may have a restart policy of their own
    (ContainerRestartRules, 1.35), and privileged containers are allowed here.
    """
    return type == "Forbidden" and field.endswith((".restartPolicy", ".securityContext.privileged"))


@pytest.mark.vectors("k8s_validation_containers")
def test_containers_are_refused_for_the_same_reasons(case):
    errors = Errors()
    pod = PodContext({"vol": {"hostPath": {}}}, grace_period=30)
    validate_containers(typed_list(case["containers"], "Container"), pod, place("containers"), errors)
    wanted = sorted((e["field"], e["type"]) for e in case["errors"] if not of_1_29(e["field"], e["type"]))
    if len(wanted) < len(case["errors"]):
        policies = [container.get("restartPolicy", "Always") for container in case["containers"]]
        known = ("Always", "Never", "OnFailure")
        wanted += [
            (f"containers[{i}].restartPolicy", "NotSupported")
            for i, policy in enumerate(policies)
            if policy not in known
        ]
    assert pairs(errors) == sorted(wanted)


def refused_before_1_32(name):
    """Whether a variable's name has more than letters, digits, '_', '-' and '.', or begins with a digit or '..'."""
    strict = re.fullmatch(r"[-._a-zA-Z][-._a-zA-Z0-9]*", name)
    return strict is None or name == "." or name.startswith("..")


@pytest.mark.vectors("k8s_validation_env")
def test_environment_variables_are_refused_for_the_same_reasons(case):
    errors = Errors()
    validate_env(typed_list(case["env"], "EnvVar"), place("field"), errors)
    names = [variable.get("name", "") for variable in case["env"]]
    if any(refused_before_1_32(name) and name and not relaxed_env_var_name(name) for name in names):
        assert not errors.found  # refused until names were relaxed in 1.32
        return
    assert (not errors.found) == case["valid"], errors.found
    if not case["valid"] and case.get("expected_error_path"):
        assert any(case["expected_error_path"] in error.field for error in errors.found)


@pytest.mark.vectors("k8s_validation_ports")
def test_ports_are_refused_for_the_same_reasons(case):
    errors = Errors()
    validate_ports(typed_list(case["ports"], "ContainerPort"), place("field"), errors)
    assert (not errors.found) == case["valid"], errors.found
    if not case["valid"]:
        assert any(
            case["error_type"] in error.type
            and case["error_field_contains"] in error.field
            and (
                not case["error_detail_contains"].isdigit() or case["error_detail_contains"] in error.message
            )
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
        value = None if probe is None else typed(probe, "Probe")
        validate_probe("probe", value, case.get("grace_period"), at, errors)
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
    found = pairs(errors)
    if case.get("options", {}).get("allowInvalidTopologySpreadConstraintLabelSelector"):
        # Only for objects that were stored before the selector was checked; ours are always new.
        found = [pair for pair in found if ".labelSelector." not in pair[0]]
    wanted = sorted((error["field"], error["type"]) for error in case["errors"])
    # Since 1.34 (MatchLabelKeysInPodTopologySpreadSelectorMerge) a key may be in the selector once.
    wanted = [pair for pair in wanted if not in_selector_once(pair[0], case)]
    assert found == wanted


def in_selector_once(field, case):
    """Whether a place is that of a key of matchLabelKeys which the selector has exactly once."""
    for i, constraint in enumerate(case["constraints"]):
        selector = constraint.get("labelSelector") or {}
        keys = [*(selector.get("matchLabels") or ())]
        keys += [expression["key"] for expression in selector.get("matchExpressions") or ()]
        for j, key in enumerate(constraint.get("matchLabelKeys") or ()):
            if field == f"field[{i}].matchLabelKeys[{j}]" and keys.count(key) == 1:
                return True
    return False


def whole(case, spec):
    """A spec of a table in full: what the table's extraction lost is put back.

    The API server keeps some fields of the pod in its security context; upstream's tests change variables
    between good and bad cases, and the table has the first value of each.
    """
    spec = {"terminationGracePeriodSeconds": 30, **spec}
    context = dict(spec.get("securityContext") or {})
    for name in ("hostNetwork", "hostPID", "hostIPC", "hostUsers", "shareProcessNamespace"):
        if name in context:
            spec[name] = context.pop(name)
    step = {"large than": (2**31 - 1, 2**31), "less than 0": (0, -1)}
    for words, (good, bad) in step.items():
        if words in case["name"]:
            context = {k: change(v, good, bad) for k, v in context.items()}
    if "securityContext" in spec:
        spec["securityContext"] = context
    if case["name"] == "bad-active-deadline-seconds":
        spec["activeDeadlineSeconds"] = 0
    return spec


def change(value, good, bad):
    if isinstance(value, list):
        return [change(each, good, bad) for each in value]
    return bad if value == good and value is not False else value


@pytest.mark.vectors("k8s_validation_pod_spec")
def test_pod_specs_are_refused_or_taken(case):
    errors = Errors()
    validate_pod_spec(typed(whole(case, case["spec"]), "PodSpec"), place("field"), errors)
    # Init containers may have a resizePolicy since 1.33.
    valid = case["valid"] or "resize policy for init" in case["name"]
    assert (not errors.found) == valid, errors.found


ANNOTATIONS = {
    "core.SeccompContainerAnnotationKeyPrefix": "container.seccomp.security.alpha.kubernetes.io/",
    "core.SeccompPodAnnotationKey": "seccomp.security.alpha.kubernetes.io/pod",
    "v1.AppArmorBetaContainerAnnotationKeyPrefix": "container.apparmor.security.beta.kubernetes.io/",
    "core.MirrorPodAnnotationKey": "kubernetes.io/config.mirror",
    "core.TolerationsAnnotationKey": "scheduler.alpha.kubernetes.io/tolerations",
    "core.PodDeletionCost": "controller.kubernetes.io/pod-deletion-cost",
}


@pytest.mark.vectors("k8s_validation_pod")
def test_pods_are_refused_or_taken(case):
    errors = Errors()
    metadata = dict(case["pod"].get("metadata", {}))
    annotations = metadata.get("annotations") or {}
    for constant, text in ANNOTATIONS.items():
        annotations = {key.replace(constant, text): value for key, value in annotations.items()}
    metadata["annotations"] = annotations
    pod = {"metadata": metadata, "spec": whole({"name": "", **case}, case["pod"]["spec"])}
    validate_pod(typed(pod, "PodTemplateSpec"), place(""), errors)
    assert (not errors.found) == case["valid"], errors.found
    where = (case["expected_error_substring"] or "").partition(": ")[0]
    if where.startswith(("spec.", "metadata.")):
        assert any(where in error.field for error in errors.found), errors.found
