"""Restart policies of single containers in manifests, and the versions of Kubernetes that know them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scenario_files import MANIFEST, Load

from kubeinfer_sim.manifest.model import RestartRule

Findings = Callable[..., list[str]]
ENGINE = "            - name: engine\n"
OWN = ENGINE + "              restartPolicy: Never\n"
RULES = OWN + (
    "              restartPolicyRules:\n"
    "              - {action: Restart, exitCodes: {operator: NotIn, values: [0, 3]}}\n"
)
ALL = RULES.replace("action: Restart,", "action: RestartAllContainers,")
INIT = (
    "            initContainers:\n            - {name: fetch, image: fetch:1, restartPolicy: %s}\n            containers:\n"
    + ENGINE
)


def write(folder: Path, container: str) -> None:
    old = "            containers:\n" + ENGINE if container.startswith("            init") else ENGINE
    (folder / "chat.yaml").write_text(MANIFEST.replace(old, container, 1), encoding="utf-8")


def test_policy_and_rules_of_a_container_are_read(load: Load, folder: Path) -> None:
    write(folder, RULES)
    scenario = load()
    container = scenario.kubeinfer.roles[0].template.containers[0]
    assert container.restart_policy == "Never"
    assert container.restart_rules == (RestartRule("Restart", frozenset({0, 3}), none_of=True),)
    assert not [each for each in scenario.warnings if "restartPolicy" in each.message]


@pytest.mark.parametrize(
    ("version", "container", "words"),
    [
        ("1.33", OWN, "has a restartPolicy of its own, which API servers of 1.33 refuse"),
        (
            "1.29",
            RULES,
            "container engine of role serve has a restartPolicy of its own, which API servers of 1.29",
        ),
        ("1.32", INIT % "OnFailure", "container fetch of role serve has a restartPolicy of its own"),
        ("1.35", ALL, "has a rule RestartAllContainers, which API servers of 1.35 refuse"),
    ],
)
def test_what_api_servers_of_the_version_refuse_is_an_error_at_the_version(
    findings: Findings, folder: Path, version: str, container: str, words: str
) -> None:
    write(folder, container)
    (found,) = findings(f'kubernetesVersion: "{version}"')
    assert words in found
    assert "spec.kubernetesVersion" in found


@pytest.mark.parametrize("container", [OWN, RULES, INIT % "Never"])
def test_1_34_drops_it_which_is_a_warning(load: Load, folder: Path, container: str) -> None:
    write(folder, container)
    (warning,) = [each for each in load('kubernetesVersion: "1.34"').warnings if "drops" in each.message]
    assert "which Kubernetes 1.34 drops: the pod's counts" in warning.message


@pytest.mark.parametrize("version", ["1.29", "1.34", "1.36"])
def test_a_sidecar_is_known_everywhere(load: Load, folder: Path, version: str) -> None:
    write(folder, INIT % "Always")
    assert not [
        each for each in load(f'kubernetesVersion: "{version}"').warnings if "restartPolicy" in each.message
    ]
