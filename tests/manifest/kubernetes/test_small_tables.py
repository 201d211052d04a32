"""Numbers or percentages, ports of probes, and what containers ask for together: Kubernetes' own tables."""

import re

import pytest
from manifest.kubernetes.typed import typed

from kubeinfer_sim.manifest.kubernetes.intstr import parse_int_or_percent, scaled_value
from kubeinfer_sim.manifest.kubernetes.labels import parse_int64
from kubeinfer_sim.manifest.kubernetes.pod_resources import aggregate
from kubeinfer_sim.manifest.kubernetes.ports import resolve_port
from kubeinfer_sim.manifest.kubernetes.probe_answers import verdict
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity
from kubeinfer_sim.manifest.model import IntOrPercent


def parse_port_text(text: str) -> int | str:
    """intstr.Parse, by which a client reads a text that may be a 32-bit number."""
    number = parse_int64(text)
    return number if number is not None and -(2**31) <= number < 2**31 else text


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


def answer_of(case):
    """The handler of a case and what it gets, as people write it; None where no answer comes at all."""
    text = " ".join(str(case.get(key) or "") for key in ("condition", "redirect", "name"))
    match case["op"]:
        case "http_status":
            return "httpGet", case["final_status"]
        case "http_redirect":
            # A redirect to another host is not followed; one without end is given up.
            if re.search(r"non-?local|(other|different|another) host\b|not followed|0\.0\.0\.0", text):
                return "httpGet", 302
            found = re.search(r"\((\d{3})\)", text)
            return ("httpGet", int(found[1])) if found else None
        case "grpc":
            return "grpc", case["name"]
        case "exec":
            found = re.search(r"(?<!non-)(?:exit\w*|status|code)\D*(\d+)", case["condition"])
            if found:
                return "exec", int(found[1])
            return ("exec", 0) if "no error" in case["condition"] else None
    return None


@pytest.mark.vectors("k8s_probe_handlers")
def test_an_answer_passes_or_fails_as_for_the_kubelet(case):
    if (answer := answer_of(case)) is None:
        pytest.skip("no answer: a hang or an error of the prober")
    assert verdict(*answer) == case["expected"]
    if "counts_as" in case:
        assert (verdict(*answer) != "failure") == (case["counts_as"] == "success")


@pytest.mark.parametrize(
    ("handler", "answer"), [("tcpSocket", 200), ("grpc", 0), ("httpGet", "SERVING"), ("exec", 503)]
)
def test_a_handler_has_answers_of_its_own(handler, answer):
    assert verdict(handler, answer) is None


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
