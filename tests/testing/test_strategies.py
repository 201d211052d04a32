"""The strategies make what a user may write: all of it, valid by construction, and small when it has shrunk."""

from __future__ import annotations

from collections import Counter

import pytest
import yaml
from command_line import sim
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from testing.drawn import all_there_is, drawn, written
from testing.generated import UNHURRIED, generated

from kubeinfer_sim.scenario.actions.forms import ActionForm
from kubeinfer_sim.scenario.assumption_forms import AssumptionsForm
from kubeinfer_sim.scenario.faults.kinds import KINDS as FAULT_KINDS
from kubeinfer_sim.scenario.timings.forms import DistributionForm
from kubeinfer_sim.scenario.workloads import time_line
from kubeinfer_sim.scenario.workloads.objects import READERS
from kubeinfer_sim.testing.strategies import WrittenScenario, scenarios
from kubeinfer_sim.testing.strategies.actions import ACTIONS, ALL, Then, draw_action
from kubeinfer_sim.testing.strategies.clusters import WrittenCluster
from kubeinfer_sim.testing.strategies.faults import possible_kinds
from kubeinfer_sim.testing.strategies.objects import OBJECTS
from kubeinfer_sim.testing.strategies.profiles import PROFILES
from kubeinfer_sim.testing.strategies.spec_parts import ASSUMED, choices_of
from kubeinfer_sim.testing.strategies.values import DISTRIBUTIONS
from kubeinfer_sim.testing.strategies.workloads import KINDS, NAMES, Workload
from kubeinfer_sim.testing.strategies.written import Raw

# -- valid by construction ------------------------------------------------------------------------------------


@settings(UNHURRIED, max_examples=40)
@given(scenarios("medium"))
def test_every_scenario_is_read_without_an_error(scenario: WrittenScenario) -> None:
    scenario.load()


@settings(UNHURRIED, max_examples=40)
@given(scenarios("small"))
def test_every_small_scenario_is_read_without_an_error(scenario: WrittenScenario) -> None:
    assert len(scenario.load().workloads) == 1
    assert len(scenario.spec.get("actions", ())) <= 3


@settings(UNHURRIED, max_examples=8)
@given(scenario=scenarios("medium"))
def test_validate_agrees_that_a_scenario_is_right(
    scenario: WrittenScenario, tmp_path_factory: pytest.TempPathFactory
) -> None:
    done = sim("validate", str(scenario.write(tmp_path_factory.mktemp("files"))))
    assert done.returncode == 0, done.stderr


@settings(UNHURRIED, max_examples=300)
@given(st.data())
def test_an_action_says_which_object_it_means_where_another_is_created_in_its_instant(
    data: st.DataObject,
) -> None:
    pods = data.draw(of_a_deployment())
    then = Then(WrittenCluster("2x8", {"node-0": 8, "node-1": 8}), [Workload(pods)])
    actions = [each for _ in range(3) if (each := draw_action(data.draw, then)) is not None]
    if any(set(each) & {"create"} and each["create"]["kind"] in KINDS for each in actions):
        named = [each for each in actions if any(ACTIONS[name].of for name in set(each) & ACTIONS.keys())]
        assert all("object" in each or "fault" in each for each in named), actions


@st.composite
def of_a_deployment(draw: st.DrawFn) -> Raw:
    return KINDS["Deployment"](draw, "web", "repo/vllm:v1", PROFILES["small"])


def test_there_is_no_profile_that_nobody_has_described() -> None:
    with pytest.raises(KeyError):
        scenarios("huge")


# -- complete -------------------------------------------------------------------------------------------------


def test_every_action_of_the_schema_is_written() -> None:
    assert ACTIONS.keys() == written(ActionForm) - {"at", "object"}


def test_every_kind_of_workload_is_written() -> None:
    assert KINDS.keys() == time_line.KINDS.keys() == set(ALL) == NAMES.keys()


def test_every_kind_of_object_of_which_more_matters_than_that_it_is_there_is_written() -> None:
    assert OBJECTS.keys() == READERS.keys() | {
        "HorizontalPodAutoscaler",
        "ConfigMap",
        "PersistentVolumeClaim",
    }


def test_every_kind_of_distribution_is_written() -> None:
    assert DISTRIBUTIONS.keys() == written(DistributionForm) - {"min", "max"}


def test_every_assumption_is_written() -> None:
    assert {name for name in AssumptionsForm.model_fields if not choices_of(name)} == ASSUMED.keys()


#: Of so many everything but what is seldom: single actions, assumptions and kinds of faults.
FEW, SELDOM = 200, ("action ", "assumption ", "fault ", "process")


def test_hundreds_of_scenarios_have_all_forms_of_objects_clusters_versions_and_distributions() -> None:
    seen = Counter(word for each in generated("medium", 0, FEW) for word in set(drawn(each)))
    assert {word for word in all_there_is() - seen.keys() if not word.startswith(SELDOM)} == set()
    assert seen.keys() <= all_there_is()
    for word in ("workload KubeInfer", "workload Deployment", "several workloads", "several pools", "budget"):
        assert seen[word] > FEW / 10, (word, seen[word])


@pytest.mark.sweep
def test_thousands_of_scenarios_are_read_and_have_all_that_there_is() -> None:
    seen: Counter[str] = Counter()

    @settings(UNHURRIED, max_examples=4000)
    @given(scenarios("medium"))
    def look(scenario: WrittenScenario) -> None:
        scenario.load()
        seen.update(set(drawn(scenario)))

    look()
    assert seen.keys() == all_there_is()


def test_every_kind_of_fault_can_strike_where_there_are_npus_and_a_storage() -> None:
    assert set(possible_kinds({"node-0": 8}, storage=True)) == FAULT_KINDS.keys()


# -- small ----------------------------------------------------------------------------------------------------


def drains(scenario: WrittenScenario) -> bool:
    return any("drain" in each for each in scenario.spec.get("actions", ()))


def test_the_simplest_scenario_is_a_screen_of_yaml() -> None:
    simplest = find(
        scenarios("small"), lambda each: True, settings=settings(UNHURRIED, phases=[Phase.generate])
    )
    assert len(repr(simplest).splitlines()) < 35, simplest


@pytest.mark.sweep
@pytest.mark.parametrize("profile", ["small", "medium"])
def test_what_is_looked_for_is_all_that_an_example_has_when_it_has_shrunk(profile: str) -> None:
    smallest = find(scenarios(profile), drains, settings=settings(UNHURRIED, max_examples=2000))
    assert [set(each) for each in smallest.spec["actions"]] == [{"at", "drain"}], smallest
    assert len(repr(smallest).splitlines()) < 60, smallest


def test_what_is_printed_is_what_stands_in_the_files() -> None:
    document = {"name": "x", "value": "8", "never": None, "list": [1.5, "1.36"]}
    scenario = WrittenScenario({"scenario.yaml": [document, document], "nodes.json": [document]})
    text = repr(scenario)
    _, yaml_text, json_text = text.split("# ")
    assert list(yaml.safe_load_all(yaml_text.removeprefix("scenario.yaml"))) == [document] * 2
    assert yaml.safe_load(json_text.removeprefix("nodes.json")) == document
