"""Probes, grace periods and a role's recovery as knobs, of KubeInfers and of Deployments."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from field.user import User, asking, both, deployment, kubeinfer

from kubeinfer_sim.experiment.knobs import grid
from kubeinfer_sim.manifest.source import SourceText

PROBE = {"tcpSocket": {"port": 1}, "periodSeconds": 10, "failureThreshold": 3}
CONTAINER = {**asking(npu=8), "startupProbe": PROBE, "readinessProbe": PROBE}


@both
def test_a_probes_threshold_decides_whether_an_update_completes(
    user: User, workload: Callable[..., Any]
) -> None:
    pods = workload(deepcopy(CONTAINER), replicas=2, surge=1)
    timings = {"profile": "zero", "graphCold": "100s", "exit": "20s"}
    stops = {"loadsAfterSigterm": False}
    user.plans(pods, cluster="3x8", timings=timings, update={"newRevision": True}, assumptions=stops)
    knob = "startupProbe.failureThreshold=9,12"
    done = user.types("compare", "scenario.yaml", "--vary", knob, "-n", "1", "--horizon", "2h", "-o", "json")
    short, long = json.loads(done.stdout)["variants"]
    assert (short["durationMs"][0], long["durationMs"][0] is not None) == (None, True)


def two_roles() -> dict[str, Any]:
    made = kubeinfer(deepcopy(CONTAINER), terminationGracePeriodSeconds=30)
    (role,) = made["spec"]["template"]["spec"]["roles"]
    made["spec"]["template"]["spec"]["roles"] = [deepcopy({**role, "name": each}) for each in ("a", "b")]
    return made


@pytest.mark.parametrize(
    ("knob", "found"),
    [
        ("startupProbe.failureThreshold=7", (7, 7)),
        ("startupProbe.failureThreshold.a=7", (7, 3)),
        ("startupProbe.failureThreshold.chat/b=7", (3, 7)),
        ("startupProbe.failureThreshold.chat=7", (7, 7)),
    ],
)
def test_a_probe_is_turned_in_every_version_of_the_roles_meant(
    user: User, knob: str, found: tuple[int, int]
) -> None:
    user.plans(two_roles(), cluster="4x8", update={"newRevision": True})
    path = user.folder / "scenario.yaml"
    (variant,) = grid([knob], SourceText(str(path), path.read_text(encoding="utf-8")), {})
    versions = [variant.scenario.kubeinfer, variant.scenario.actions[0].workload]
    for each in versions:
        thresholds = tuple(role.template.engine.startup_probe.failure_threshold for role in each.roles)
        assert thresholds == found
        raw = each.roles[0].template.raw["spec"]["containers"][0]["startupProbe"]
        assert raw["failureThreshold"] == found[0], "revisions are made of it"
    assert versions[0].revision != versions[1].revision


def test_the_grace_period_and_the_recovery_of_a_role_are_turned(user: User) -> None:
    user.plans(two_roles(), cluster="4x8", update={"newRevision": True})
    path = user.folder / "scenario.yaml"
    source = SourceText(str(path), path.read_text(encoding="utf-8"))
    (variant,) = grid(["terminationGracePeriodSeconds.b=5", "recovery.a=Pod"], source, {})
    one, other = variant.scenario.kubeinfer.roles
    assert [each.template.termination_grace_period_seconds for each in (one, other)] == [30, 5]
    assert [each.recovery_policy.restart for each in (one, other)] == ["Pod", "Instance"]
    assert variant.name == "terminationGracePeriodSeconds.b=5, recovery.a=Pod"


@pytest.mark.parametrize(
    ("knob", "said"),
    [
        ("startupProbe=1", "say which field of the probe (there are startupProbe.initialDelaySeconds"),
        ("startupProbe.failureTreshold=1", 'did you mean "failureThreshold"?'),
        ("startupProbe.failureThreshold=0", "expected a number from 1 on, found '0'"),
        ("startupProbe.successThreshold=2", "it must be 1 of a startupProbe"),
        (
            "startupProbe.failureThreshold.cht=1",
            'no such role or workload; did you mean "chat"? (there are chat)',
        ),
        ("livenessProbe.periodSeconds=5", "no container has a livenessProbe in Deployment chat"),
        ("readinessProbe.terminationGracePeriodSeconds=5", "it ends no container"),
        ("terminationGracePeriodSeconds=-1", "expected a number from 0 on, found '-1'"),
        ("recovery.a=Pod", "there is no such role (it is KubeInfers' that have roles)"),
    ],
)
def test_a_value_of_a_template_that_cannot_be_is_refused(user: User, knob: str, said: str) -> None:
    user.plans(deployment(deepcopy(CONTAINER)), cluster="4x8")
    done = user.types("compare", "scenario.yaml", "--vary", knob)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


def test_two_of_a_name_are_told_apart(user: User) -> None:
    other = deployment(deepcopy(CONTAINER))
    other["metadata"]["name"] = "a"
    user.plans(two_roles(), other, cluster="8x8")
    done = user.types("compare", "scenario.yaml", "--vary", "startupProbe.failureThreshold.a=1,2")
    said = " ".join(done.stderr.split())
    assert (
        "say startupProbe.failureThreshold.Deployment/a or startupProbe.failureThreshold.KubeInfer/chat/a"
        in said
    )
