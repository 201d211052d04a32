"""What people see of the API server's rules: places, suggestions, defaults, and that nothing makes them fail."""

import copy
import json
import random

import pytest
from manifest.kubernetes.golden import read_rolling_update

from kubeinfer_sim.manifest.kubernetes.field_errors import DECODE, INVALID, REQUIRED, UNKNOWN
from kubeinfer_sim.manifest.kubernetes.pod import pod_errors
from kubeinfer_sim.manifest.kubernetes.pod_template import read_pod_template
from kubeinfer_sim.manifest.kubernetes.schema import types
from kubeinfer_sim.manifest.kubernetes.service import default_service_spec, read_service_spec


def template(**container):
    return {"spec": {"containers": [{"name": "main", "image": "repo/engine:1", **container}]}}


def test_a_good_template_has_no_errors():
    assert read_pod_template(template()).errors == []


def test_an_error_has_its_place_in_the_document_and_in_the_servers_words():
    value = template()
    value["metadata"] = {"labels": {"a b": "x"}}
    (error,) = read_pod_template(value, ("spec", "roles", 0, "template")).errors
    assert error.path == ("spec", "roles", 0, "template", "metadata", "labels", "a b")
    assert error.field == "labels"
    assert error.type == INVALID


def test_the_place_of_a_missing_field_names_it():
    value = template(name="")
    (error,) = read_pod_template(value).errors
    assert (error.path, error.type) == (("spec", "containers", 0, "name"), REQUIRED)


@pytest.mark.parametrize(
    ("name", "suggestion"), [("livenesProbe", "livenessProbe"), ("ImagePullPolicy", "imagePullPolicy")]
)
def test_an_unknown_field_gets_the_nearest_name_that_exists(name, suggestion):
    (error,) = read_pod_template(template(**{name: None})).errors
    assert error.type == UNKNOWN
    assert error.field == f"spec.containers[0].{name}"
    assert suggestion in error.message


def test_wrong_types_are_all_told_and_nothing_else():
    value = template(ports=[{"containerPort": "80", "name": "BAD"}], env=[{"name": "A", "value": True}])
    errors = read_pod_template(value).errors
    assert [error.type for error in errors] == [DECODE, DECODE]
    assert "without quotes" in errors[0].message
    assert "quotes" in errors[1].message


def test_messages_say_what_was_found_and_what_would_be_right():
    probe = {"tcpSocket": {"port": 80}, "periodSeconds": -2}
    (error,) = read_pod_template(template(livenessProbe=probe)).errors
    assert error.message == "must be greater than or equal to 0, got -2"


def test_defaults_are_those_of_the_api_server_and_the_input_is_left_alone():
    value = template(image="repo/engine", livenessProbe={"httpGet": {"port": 80}, "periodSeconds": 0})
    before = copy.deepcopy(value)
    spec = read_pod_template(value).effective["spec"]
    assert value == before
    assert spec["terminationGracePeriodSeconds"] == 30
    container = spec["containers"][0]
    assert container["imagePullPolicy"] == "Always"
    assert container["livenessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "periodSeconds": 10,
        "timeoutSeconds": 1,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def test_the_effective_template_is_its_own_effective_template():
    resources = {"limits": {"cpu": 8, "memory": "0.5Gi", "huawei.com/ascend-1980": "8000m"}}
    once = read_pod_template(template(resources=resources)).effective
    assert once["spec"]["containers"][0]["resources"]["limits"]["huawei.com/ascend-1980"] == "8"
    assert read_pod_template(once).effective == once


def test_a_template_that_makes_no_pods_is_found_out():
    reading = read_pod_template(template(image=" repo/engine:1"))
    assert not reading.errors
    (error,) = pod_errors(reading, ("template",))
    assert error.path == ("template", "spec", "containers", 0, "image")


def test_warnings_have_a_place_too():
    value = template(resources={"limits": {"memory": "0.1"}})
    (warning,) = read_pod_template(value, ("template",)).warnings
    assert warning.path == ("template", "spec", "containers", 0, "resources", "limits", "memory")
    assert warning.text.startswith("spec.containers[0].resources.limits[memory]: fractional byte value")


def test_a_service_is_read_alike():
    spec = {"ports": [{"port": 80}], "selector": {"app": "infer"}, "trafficDistribution": "PreferClose"}
    assert read_service_spec(spec).errors == []
    assert default_service_spec(spec)["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert [warning.path for warning in read_service_spec(spec, ("spec",)).warnings] == [
        ("spec", "trafficDistribution")
    ]
    (error,) = read_service_spec({"ports": []}, ("spec", "networkServices", 0, "spec")).errors
    assert error.path == ("spec", "networkServices", 0, "spec", "ports")
    assert error.field == "spec.ports"


def test_a_bad_cluster_ip_is_told_where_it_is_written():
    (error,) = read_service_spec({"clusterIP": "none", "ports": [{"port": 80}]}).errors
    assert (error.path, error.field) == (("clusterIP",), "spec.clusterIPs[0]")


TEXTS = (
    *("", "a", "A b", "a" * 300, "é", "../x", "/x", "1Gi", "None", "Always", "Localhost", "windows", "25%"),
    *("10.0.0.1", "::1", "fe80::1%e", "a/b/c", "huawei.com/x", "[", "metadata.labels['a']", "v1", "\n"),
)
SCALARS = {
    "string": TEXTS,
    "int32": (0, 1, -1, 70000, 2**31 - 1, 1.0),
    "int64": (0, -5, 2**63 - 1, 30),
    "bool": (True, False),
    "Time": ("2026-01-01T00:00:00Z",),
    "Quantity": ("1", "-1", "1e999999999", "0.5", "1500m", "7Ei", 2, 1e-300),
    "IntOrString": (0, 80, "http", "", "25%"),
    "FieldsV1": ({},),
}
KEYS = (
    *("app", "a/b", "huawei.com/ascend-1980", "cpu", "memory", "", "x y", "hugepages-2Mi", "hugepages-x"),
    "scheduler.alpha.kubernetes.io/tolerations",
    "controller.kubernetes.io/pod-deletion-cost",
    "container.apparmor.security.beta.kubernetes.io/a",
    "seccomp.security.alpha.kubernetes.io/pod",
)
JUNK = [None, 1, "x", [], {}, True, [None], {"a": None}, 1e300, float("nan"), 10**400, {1: 2}, {None: 1}]


def some(rng, type, junk, depth=0):
    """A random value of a type of the schema, now and then of another."""
    if rng.random() < junk:
        return copy.deepcopy(rng.choice(JUNK))
    if type.kind in SCALARS:
        return rng.choice(SCALARS[type.kind])
    if type.kind == "list":
        return [some(rng, type.item, junk, depth + 1) for _ in range(rng.choice([0, 1, 1, 2, 3]))]
    if type.kind == "map":
        return {rng.choice(KEYS): some(rng, type.item, junk, depth + 1) for _ in range(rng.choice([0, 1, 3]))}
    share = 1 if depth == 0 else min(1, rng.choice([2, 4, 8]) / len(type.fields))
    return {
        name: some(rng, field.type, junk, depth + 1)
        for name, field in type.fields.items()
        if rng.random() < share or (field.always and rng.random() < 0.8)
    }


@pytest.mark.parametrize("junk", [0, 0.02])
@pytest.mark.parametrize(
    ("type_name", "read"),
    [
        ("PodTemplateSpec", read_pod_template),
        ("ServiceSpec", read_service_spec),
        ("DeploymentSpec", read_rolling_update),
    ],
)
def test_no_input_makes_reading_fail(type_name, read, junk):
    rng = random.Random(type_name)
    for _ in range(400):
        value = some(rng, types()[type_name], junk)
        before = repr(value)
        reading = read(value, ("spec",))
        assert repr(value) == before
        json.dumps(reading.effective)
        if not reading.errors:
            assert read(reading.effective).effective == reading.effective


@pytest.mark.parametrize(
    ("finalizers", "expected"),
    [
        (["orphan", "kubernetes", "example.com/mine"], []),
        (["mine"], ["metadata.finalizers[0]"]),
        (["-x/y"], ["metadata.finalizers"]),
        (["y-"], ["metadata.finalizers", "metadata.finalizers[0]"]),
        (["orphan", "foregroundDeletion"], ["metadata.finalizers"]),
    ],
)
def test_finalizers_of_a_pod_are_held_to_both_of_kubernetes_rules(finalizers, expected):
    template = {
        "metadata": {"finalizers": finalizers},
        "spec": {"containers": [{"name": "engine", "image": "engine:1"}]},
    }
    assert sorted(error.field for error in pod_errors(read_pod_template(template))) == expected
