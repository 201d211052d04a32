"""What goes wrong while containers start, as a scenario says it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scenario_files import MANIFEST, SMALLEST, Load

from kubeinfer_sim.scenario.actions.model import Crash, Health, StartFault, Target

Findings = Callable[..., list[str]]
FIRST = SMALLEST.count("\n") + 1
INIT = """\
            initContainers:
            - {name: fetch, image: "fetch:1"}
            - {name: log, image: "log:1", restartPolicy: Always}
            containers:
            - name: engine
"""


@pytest.fixture
def with_init(folder: Path) -> Path:
    """The manifest with an init container `fetch` and a sidecar `log` in role serve."""
    text = MANIFEST.replace("            containers:\n            - name: engine\n", INIT)
    (folder / "chat.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.usefixtures("with_init")
def test_an_init_fault_says_which_runs_fail_and_how(load: Load) -> None:
    fault = "{container: fetch, times: 3, roles: [serve], instances: [0], nodes: [node-3]}"
    scenario = load(f"actions:\n- {{at: 1m, initFault: {fault}}}")
    target = Target(("node-3",), {}, (0,), ("serve",), name="chat")
    assert scenario.actions == (StartFault(60_000, target, "fetch", "Error", 1, 3),)
    scenario = load("actions: [{at: 1m, initFault: {reason: OOMKilled, lasts: 30s}}]")
    assert scenario.actions == (StartFault(60_000, Target(name="chat"), "", "OOMKilled", 137, None, 90_000),)


@pytest.mark.usefixtures("with_init")
def test_a_crash_may_name_an_init_container(load: Load) -> None:
    scenario = load("actions: [{at: 1m, crash: {container: fetch, exitCode: 3}}]")
    assert scenario.actions == (Crash(60_000, Target(name="chat"), "Error", 3, "fetch"),)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("container: fecth", "none of these pods has an init container 'fecth'; did you mean \"fetch\"?"),
        ("container: engine", "'engine' is no init container: that it dies is said with crash"),
        ("container: log", "'log' is a sidecar (restartPolicy: Always) and does not have to end"),
        ("roles: [proxy]", "none of these pods has an init container that has to end, so nothing would fail"),
        ("times: 2, lasts: 5m", "expected one of times, until and lasts, found times and lasts"),
        ("until: 1h, lasts: 5m", "expected one of times, until and lasts, found until and lasts"),
        ("until: 1s", "ends at 1s, not after it begins at 1m"),
        ("exitCode: 0", "an init container that ends with exit code 0 has not failed"),
        ("times: 0", "times must be at least 1, found 0"),
        ("reason: Completed", "found 'Completed'"),
        ("probability: 0.5", "unknown field"),
        ("instances: [20]", "there is never an instance 20"),
    ],
)
@pytest.mark.usefixtures("with_init")
def test_what_is_wrong_with_an_init_fault_is_said_where_it_stands(
    findings: Findings, fault: str, words: str
) -> None:
    (found,) = findings(f"actions:\n- {{at: 1m, initFault: {{{fault}}}}}")
    assert words in found
    assert found.startswith(f"{FIRST + 1}: spec.actions[0]")


@pytest.mark.usefixtures("with_init")
def test_all_that_is_wrong_with_it_is_said_at_once(findings: Findings) -> None:
    assert len(findings("actions: [{at: 1m, initFault: {container: x, nodes: [node-99], lasts: 0s}}]")) == 3


@pytest.mark.usefixtures("with_init")
def test_a_health_action_may_be_about_one_container_and_pods_to_come(load: Load) -> None:
    scenario = load("actions: [{at: 0s, health: {container: engine, newPods: true, lasts: 5m}}]")
    (action,) = scenario.actions
    assert isinstance(action, Health)
    assert (action.container, action.new_pods, action.until) == ("engine", True, 300_000)


@pytest.mark.parametrize(
    ("health", "words"),
    [
        (
            "container: engin",
            'did you mean "engine"? (there are: engine, log, proxy)',
        ),
        ("container: fetch", "none of these pods has a container 'fetch' that may have probes"),
        ("container: log", "container log has no readiness probe, so nothing would fail"),
        ("healthy: true, newPods: true", "pods that come are healthy: leave out newPods, or healthy: true"),
    ],
)
@pytest.mark.usefixtures("with_init")
def test_what_is_wrong_with_the_container_of_a_health_action_is_said(
    findings: Findings, health: str, words: str
) -> None:
    (found,) = findings(f"actions:\n- {{at: 1m, health: {{{health}}}}}")
    assert words in found
    assert found.startswith(f"{FIRST + 1}: spec.actions[0]")


HOOKED = INIT.replace(
    "- name: engine\n",
    "- name: engine\n              lifecycle: {postStart: {exec: {command: [/warm.sh]}}}\n",
)


@pytest.fixture
def with_hook(folder: Path) -> None:
    """The manifest whose engine has a postStart hook, and whose sidecar has none."""
    text = MANIFEST.replace("            containers:\n            - name: engine\n", HOOKED)
    (folder / "chat.yaml").write_text(text, encoding="utf-8")


@pytest.mark.usefixtures("with_hook")
def test_a_post_start_fault_says_whose_hooks_fail(load: Load) -> None:
    scenario = load("actions: [{at: 1m, postStartFault: {container: engine, times: 2, roles: [serve]}}]")
    expected = StartFault(60_000, Target(roles=("serve",), name="chat"), "engine", times=2, what="postStart")
    assert scenario.actions == (expected,)
    assert scenario.kubeinfer.roles[0].template.containers[0].post_start is not None


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("container: engin", "none of these pods has a container 'engin'; did you mean \"engine\"?"),
        ("container: log", "'log' has no postStart hook that could fail"),
        ("roles: [proxy]", "none of these pods has a container with a postStart hook, so nothing would fail"),
        ("times: 2, until: 5m", "expected one of times, until and lasts, found times and until"),
        ("exitCode: 3", "unknown field"),
    ],
)
@pytest.mark.usefixtures("with_hook")
def test_what_is_wrong_with_a_post_start_fault_is_said_where_it_stands(
    findings: Findings, fault: str, words: str
) -> None:
    (found,) = findings(f"actions:\n- {{at: 1m, postStartFault: {{{fault}}}}}")
    assert words in found
    assert found.startswith(f"{FIRST + 1}: spec.actions[0]")
