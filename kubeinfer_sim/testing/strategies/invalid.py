"""Manifests that break exactly one rule, which they name: for tests of what is to refuse them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

from hypothesis import strategies as st
from msgspec import Struct

from kubeinfer_sim.testing.strategies.profiles import profile_named
from kubeinfer_sim.testing.strategies.values import Draw, pick
from kubeinfer_sim.testing.strategies.workloads import KINDS, Workload
from kubeinfer_sim.testing.strategies.written import Raw, WrittenManifest


class InvalidManifest(Struct, frozen=True):
    """A manifest of one object with one mistake.

    Attributes:
        rule: what it breaks, as a name of `RULES`.
        path: where, without the numbers of items: `spec.replicas`.
    """

    manifest: WrittenManifest
    rule: str
    path: str


class _Rule(Struct, frozen=True):
    """How a rule is broken, where that is found, and of which kinds of objects."""

    break_it: Callable[[Draw, Workload], None]
    path: str
    kinds: tuple[str, ...] = ("KubeInfer", "Deployment")


def _container(workload: Workload) -> Raw:
    """The first one."""
    container: Raw = next(iter(workload.templates.values()))["spec"]["containers"][0]
    return container


def _pod(workload: Workload) -> Raw:
    spec: Raw = next(iter(workload.templates.values()))["spec"]
    return spec


def _set(where: Callable[[Workload], Raw], key: str, *values: object) -> Callable[[Draw, Workload], None]:
    """Write one of some values."""

    def break_it(draw: Draw, workload: Workload) -> None:
        where(workload)[key] = pick(draw, values)

    return break_it


def _spec(workload: Workload) -> Raw:
    spec: Raw = workload.document["spec"]
    return spec


def _metadata(workload: Workload) -> Raw:
    metadata: Raw = workload.document["metadata"]
    return metadata


def _no_budget(draw: Draw, workload: Workload) -> None:
    kind = "InstanceRollingUpdate" if workload.kind == "KubeInfer" else "RollingUpdate"
    zeros = {"maxSurge": pick(draw, (0, "0%")), "maxUnavailable": pick(draw, (0, "0%"))}
    _spec(workload)["strategy"] = {"type": kind, "rollingUpdate": zeros}


def _bad_budget(draw: Draw, workload: Workload) -> None:
    kind = "InstanceRollingUpdate" if workload.kind == "KubeInfer" else "RollingUpdate"
    budget = {"maxSurge": 1, "maxUnavailable": pick(draw, ("1.5%", "many"))}
    _spec(workload)["strategy"] = {"type": kind, "rollingUpdate": budget}


def _same_container_twice(draw: Draw, workload: Workload) -> None:
    containers = _pod(workload)["containers"]
    containers.append({"name": containers[0]["name"], "image": "repo/other:v1"})


def _probe(key: str, *values: object) -> Callable[[Draw, Workload], None]:
    def break_it(draw: Draw, workload: Workload) -> None:
        _container(workload)["readinessProbe"] = {"tcpSocket": {"port": 9000}, key: pick(draw, values)}

    return break_it


def _two_handlers(draw: Draw, workload: Workload) -> None:
    handlers = {"tcpSocket": {"port": 9000}, "exec": {"command": ["check"]}}
    _container(workload)["livenessProbe"] = handlers


def _more_than_its_limit(draw: Draw, workload: Workload) -> None:
    amounts = _container(workload).setdefault("resources", {})
    amounts["limits"] = {**(amounts.get("limits") or {}), "cpu": "1"}
    amounts["requests"] = {**(amounts.get("requests") or {}), "cpu": pick(draw, ("1001m", "2"))}


def _same_role_twice(draw: Draw, workload: Workload) -> None:
    roles = workload.document["spec"]["template"]["spec"]["roles"]
    roles.append(copy.deepcopy(roles[0]))


def _no_roles(draw: Draw, workload: Workload) -> None:
    workload.document["spec"]["template"]["spec"]["roles"] = []


#: How each rule is broken, by its name.
RULES: Mapping[str, _Rule] = {
    "replicas are not negative": _Rule(_set(_spec, "replicas", -1, -5), "spec.replicas"),
    "a name is a DNS name": _Rule(_set(_metadata, "name", "Chat", "chat_1", "-chat"), "metadata.name"),
    "a field that there is": _Rule(_set(_spec, "replica", 3), "spec.replica"),
    "one of surge and unavailability": _Rule(_no_budget, "spec.strategy.rollingUpdate"),
    "a budget is a number or a percentage": _Rule(_bad_budget, "spec.strategy.rollingUpdate.maxUnavailable"),
    "names of containers are unique": _Rule(_same_container_twice, "containers.name"),
    "periods are positive": _Rule(_probe("periodSeconds", -1, -10), "readinessProbe.periodSeconds"),
    "thresholds are positive": _Rule(_probe("failureThreshold", -1), "readinessProbe.failureThreshold"),
    "one handler for each probe": _Rule(_two_handlers, "livenessProbe"),
    "requests are within limits": _Rule(_more_than_its_limit, "containers.resources"),
    "an image is named": _Rule(
        lambda draw, workload: _container(workload).__setitem__("image", ""), "containers.image"
    ),
    "pods of a Deployment are restarted always": _Rule(
        _set(_pod, "restartPolicy", "Never", "OnFailure"), "restartPolicy", ("Deployment",)
    ),
    "roles have names of their own": _Rule(_same_role_twice, "roles.name", ("KubeInfer",)),
    "at least one role": _Rule(_no_roles, "spec.template.spec.roles", ("KubeInfer",)),
    "labels as the selector wants them": _Rule(
        lambda draw, workload: workload.document["spec"].__setitem__(
            "selector", {"matchLabels": {"app": "x"}}
        ),
        "labels",
        ("Deployment",),
    ),
}


@st.composite
def invalid_manifests(draw: Draw, *rules: str) -> InvalidManifest:
    """A manifest that is valid but for one rule, of those named or of all.

    Raises:
        KeyError: there is no such rule.
    """
    name = pick(draw, rules or tuple(RULES))
    rule = RULES[name]
    kind = pick(draw, rule.kinds)
    workload = Workload(KINDS[kind](draw, "chat", "repo/vllm:v1", profile_named("small")))
    rule.break_it(draw, workload)
    return InvalidManifest(WrittenManifest([workload.document]), name, rule.path)
