"""Numbers or percentages, ports of probes, and what containers ask for together: Kubernetes' own tables."""

import pytest
from manifest.kubernetes.typed import typed

from kubeinfer_sim.manifest.kubernetes.intstr import parse_int_or_percent, parse_port_text, scaled_value
from kubeinfer_sim.manifest.kubernetes.pod_resources import aggregate
from kubeinfer_sim.manifest.kubernetes.ports import resolve_port
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity
from kubeinfer_sim.manifest.model import IntOrPercent


@pytest.mark.vectors("k8s_int_or_string")
def test_numbers_or_percentages_are_read_as_by_kubernetes(case):
    match case["op"]:
        case "get_scaled_value":

            def run():
                return scaled_value(case["input"], case["total"], round_up=case["round_up"])

            expected = case["expected"]
        case "parse_int_or_percent":

            def run():
                return parse_int_or_percent(case["input"])

            expected = IntOrPercent(case["expected"], percent=case["expected_is_percent"])
        case "parse_string":
            assert parse_port_text(case["input"]) == case["expected"]
            return
        case op:
            pytest.fail(f"unknown operation {op}")
    if case["expect_error"]:
        with pytest.raises(ValueError, match="must be"):
            run()
    else:
        assert run() == expected


@pytest.mark.vectors("k8s_probe_handlers")
def test_a_probes_port_is_found_as_by_the_kubelet(case):
    if case["op"] != "resolve_port":
        pytest.skip("the outcome of a handler is the prober's matter")
    if case["expect_error"]:
        with pytest.raises(ValueError, match="port"):
            resolve_port(case["port"], case["container_ports"])
    else:
        assert resolve_port(case["port"], case["container_ports"]) == case["expected"]


@pytest.mark.vectors("k8s_pod_requests_limits")
def test_containers_together_ask_for_what_kubernetes_adds_up(case):
    if case["overhead"] and not case["options"].get("exclude_overhead"):
        pytest.skip("overhead is not the containers'")
    spec = {
        name: [
            {"resources": c.get("resources") or {}, "restartPolicy": c.get("restart_policy")}
            for c in case[key]
        ]
        for name, key in (("containers", "containers"), ("initContainers", "init_containers"))
    }
    found = aggregate(typed(spec, "PodSpec"), case["op"])
    assert found == {name: Quantity.from_json(value) for name, value in case["expected"].items()}
