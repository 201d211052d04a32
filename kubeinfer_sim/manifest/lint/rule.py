"""A lint rule: a small function that yields findings, and the metadata `explain` and the docs are made from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field

from kubeinfer_sim.diagnostics import Path, Severity
from kubeinfer_sim.manifest.accelerators import ASCEND, accelerators_of, family_of, main_accelerator
from kubeinfer_sim.manifest.model import Container, KubeInfer, Resources, Role


class Node(Protocol):
    """A node of the cluster the manifest is meant for: any record with these attributes."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def labels(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def allocatable(self) -> Resources: ...  # noqa: D102
    @property
    def unlimited(self) -> frozenset[str]: ...  # noqa: D102


class LoadTime(Struct, frozen=True):
    """How long a role's engine takes from container start to its first good answer, in seconds.

    Attributes:
        warm: weights and compiled graphs are on the node.
        cold: neither is; what an update on a new node takes.
        slowest: the slow end of the measurements behind `cold`.
    """

    warm: int
    cold: int
    slowest: int


class Expectations(Struct, frozen=True):
    """What the rules compare the manifest with. Times in seconds.

    Attributes:
        load: by role name; a role that is not there is not compared.
        drain: how long a preStop hook takes whose length the manifest does not tell.
        exit: from SIGTERM to the end of the process.
        grace_over_time: after this the scheduler (Volcano with Ascend's plug-in) deletes a terminating pod by
            force, without waiting for its grace period.
        peer_timeout: how long the rest of a collective group waits for a lost member (HCCL's default).
        nodes: the cluster, if it is known.
    """

    load: Mapping[str, LoadTime] = field(default_factory=dict)
    drain: int = 60
    exit: int = 30
    grace_over_time: int = 900
    peer_timeout: int = 1800
    nodes: Sequence[Node] = ()


class Finding(Struct, frozen=True):
    """What a rule found.

    Attributes:
        path: where in the document of the KubeInfer.
        message: what is so, with the number that makes it true for this manifest.
        fix: what would mend it.
        severity: when it is not the rule's own.
        key: point to the key, not the value.
    """

    path: Path
    message: str
    fix: str = ""
    severity: Severity | None = None
    key: bool = False


class ContainerAt(Struct, frozen=True):
    """A container of a role, and its place in the document."""

    role: Role
    container: Container
    path: Path
    sidecar: bool = False


class RoleAt(Struct, frozen=True):
    """A role, and its place in the document."""

    role: Role
    path: Path

    @property
    def pod_path(self) -> Path:
        """The place of its pod spec."""
        return (*self.path, "template", "spec")

    def containers(self, *, sidecars: bool = False) -> Iterator[ContainerAt]:
        """Its containers; with `sidecars` also the init containers that run on beside them."""
        for index, each in enumerate(self.role.template.containers):
            yield ContainerAt(self.role, each, (*self.pod_path, "containers", index))
        for index, each in enumerate(self.role.template.init_containers if sidecars else ()):
            if each.restart_policy == "Always":
                yield ContainerAt(self.role, each, (*self.pod_path, "initContainers", index), sidecar=True)


class LintContext(Struct, frozen=True):
    """One KubeInfer, and what is expected of where it will run."""

    kubeinfer: KubeInfer
    expectations: Expectations = Expectations()

    def roles(self) -> Iterator[RoleAt]:
        """The roles that have pods."""
        for index, role in enumerate(self.kubeinfer.roles):
            if role.replicas:
                yield RoleAt(role, ("spec", "template", "spec", "roles", index))

    def containers(self, *, sidecars: bool = False) -> Iterator[ContainerAt]:
        """The containers of all roles that have pods."""
        for each in self.roles():
            yield from each.containers(sidecars=sidecars)

    def load(self, role: Role) -> LoadTime | None:
        """How long a role's engine takes to start."""
        return self.expectations.load.get(role.name)


Check = Callable[[LintContext], Iterator[Finding]]


class Rule(Struct, frozen=True):
    """A rule.

    Attributes:
        code: `KI001`; never given to another rule.
        name: in words that stand in a URL or a SARIF file.
        summary: what it finds, in half a sentence.
        reason: why that matters; one paragraph.
        right: what would be right.
        source: what the rule rests on.
    """

    code: str
    name: str
    severity: Severity
    summary: str
    reason: str
    right: str
    source: str
    check: Check


RULES: dict[str, Rule] = {}
"""All rules by code; filled by the modules of this package."""


def rule(
    code: str, name: str, severity: Severity, *, summary: str, reason: str, right: str, source: str
) -> Callable[[Check], Check]:
    """Register a function as the check of a rule; its code and its name must be its own."""

    def register(check: Check) -> Check:
        assert all(code != each.code and name != each.name for each in RULES.values()), code

        def flat(text: str) -> str:
            return " ".join(text.split())

        RULES[code] = Rule(
            code, name, severity, flat(summary), flat(reason), flat(right), flat(source), check
        )
        return check

    return register


def rule_named(text: str) -> Rule | None:
    """The rule of a code (KI007, ki7, 7) or of a name; None where there is none."""
    if number := re.fullmatch(r"(?:KI)?-?([0-9]{1,3})", text.upper()):
        return RULES.get(f"KI{int(number[1]):03}")
    return next((each for each in RULES.values() if each.name == text.lower()), None)


def npus_of(resources: Resources) -> tuple[str, int] | None:
    """The accelerator a pod or container asks for and how many; None when it asks for none."""
    resource, number = main_accelerator(resources)
    return (resource, number) if number else None


def is_ascend(role: Role) -> bool:
    """Whether a role's pods ask for NPUs of Ascend, which its device plugin looks at."""
    return any(family_of(name) is ASCEND for name in accelerators_of(role.template.requests))


def has_npus(role: Role) -> bool:
    """Whether a role's pods ask for accelerators."""
    return npus_of(role.template.requests) is not None


def duration(seconds: int) -> str:
    """`45 s`, `20 min 49 s`, `2 h`, `1 h 57 min`."""
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 3600:
        minutes, rest = divmod(seconds, 60)
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, rest = divmod(seconds + 30, 3600)
    return f"{hours} h" + (f" {rest // 60} min" if rest >= 60 else "")


def plural(number: int, noun: str) -> str:
    """`1 pod`, `8 pods`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
