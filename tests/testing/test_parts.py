"""Parts of what users write, each valid by itself; and manifests that break one rule, which is the one that is told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from testing.generated import UNHURRIED

from kubeinfer_sim.diagnostics import Severity, format_path
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity
from kubeinfer_sim.testing.strategies import (
    RULES,
    InvalidManifest,
    WrittenManifest,
    WrittenScenario,
    actions,
    clusters,
    fault_plans,
    int_or_percent,
    invalid_manifests,
    manifests,
    pod_templates,
    probes,
    quantities,
    roles,
    scenarios,
    timings,
)

FEW = settings(UNHURRIED, max_examples=20, phases=[Phase.generate])
Raw = dict[str, Any]


def with_template(template: Raw, replicas: Any = 1) -> WrittenManifest:
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    return WrittenManifest(
        [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}]
    )


def server(**more: Any) -> Raw:
    container = {"name": "engine", "image": "repo/vllm:v1", **more}
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}


def scenario(**spec: Any) -> WrittenScenario:
    manifest = with_template(server()).documents[0]
    whole = {"manifest": manifest, "cluster": "8x8", **spec}
    return WrittenScenario(
        {
            "scenario.yaml": [
                {
                    "apiVersion": "kubeinfer-sim/v1",
                    "kind": "Scenario",
                    "metadata": {"name": "x"},
                    "spec": whole,
                }
            ]
        }
    )


@FEW
@given(st.data())
def test_each_part_is_valid_where_it_belongs(data: st.DataObject) -> None:
    amount = data.draw(quantities())
    assert Quantity.parse(amount) is not None
    kind = data.draw(st.sampled_from(("readiness", "liveness", "startup")))
    with_template(server(**{f"{kind}Probe": data.draw(probes(kind))})).load()
    with_template(data.draw(pod_templates())).load()
    kubeinfer: Raw = {
        "apiVersion": "infer.modelarts.huaweicloud/v1",
        "kind": "KubeInfer",
        "metadata": {"name": "chat"},
        "spec": {"replicas": 1, "template": {"spec": {"roles": data.draw(roles())}}},
    }
    budget = {"maxSurge": data.draw(int_or_percent()), "maxUnavailable": 1}
    kubeinfer["spec"]["strategy"] = {"type": "InstanceRollingUpdate", "rollingUpdate": budget}
    WrittenManifest([kubeinfer]).load()
    scenario(cluster=data.draw(clusters())).load()
    scenario(timings=data.draw(timings())).load()
    pods = {
        **kubeinfer,
        "spec": {
            **kubeinfer["spec"],
            "template": {"spec": {"roles": [{"name": "serve", "template": server()}]}},
        },
    }
    scenario(manifest=pods, faults=data.draw(fault_plans()), horizon="2h").load()


@FEW
@given(manifests())
def test_manifests_are_valid(manifest: WrittenManifest) -> None:
    assert manifest.load().workloads


@settings(FEW, max_examples=3)
@given(scenarios("large"))
def test_large_scenarios_are_read_without_an_error(scenario: WrittenScenario) -> None:
    scenario.load()


@FEW
@given(st.data())
def test_actions_mean_something_in_the_scenario_they_are_for(data: st.DataObject) -> None:
    given_one = scenario()
    drain = data.draw(actions(given_one, "drain"))
    assert set(drain) == {"at", "drain"}
    scenario(actions=[data.draw(actions(given_one))]).load()


@pytest.mark.parametrize("rule", RULES)
def test_an_invalid_manifest_breaks_the_rule_it_names_and_no_other(rule: str) -> None:
    @settings(FEW, max_examples=4)
    @given(invalid_manifests(rule))
    def look(invalid: InvalidManifest) -> None:
        assert invalid.rule == rule
        with pytest.raises(InputError) as caught:
            invalid.manifest.load()
        errors = [each for each in caught.value.diagnostics if each.severity is Severity.ERROR]
        places = {re.sub(r"\[\d+\]", "", format_path(each.path)) for each in errors}
        assert len(errors) == 1, errors
        assert all(invalid.path in place for place in places), places

    look()


def test_what_there_is_no_rule_for_is_an_error() -> None:
    @settings(FEW, max_examples=1)
    @given(invalid_manifests("no such rule"))
    def look(invalid: InvalidManifest) -> None:
        raise AssertionError(invalid)

    with pytest.raises(KeyError, match="no such rule"):
        look()
