"""A lint rule: a small function that yields findings, and the metadata `explain` and the docs are made from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Protocol, get_args

from msgspec import Struct

from kubeinfer_sim.diagnostics import Path, Severity
from kubeinfer_sim.manifest.accelerators import ASCEND, accelerators_of, family_of, main_accelerator
from kubeinfer_sim.manifest.model import (
    BarePod,
    Container,
    Kind,
    KubeInfer,
    PodTemplate,
    Resources,
    Role,
    WorkloadSpec,
)

#: What a rule is about: whatever owns pods, those of which the scheduler alone says where their pods go, KubeInfers.
ALL_KINDS: tuple[Kind, ...] = get_args(Kind)
PLACED_KINDS: tuple[Kind, ...] = tuple(kind for kind in ALL_KINDS if kind != "DaemonSet")
KUBEINFERS: tuple[Kind, ...] = ("KubeInfer",)


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
    """How long an engine takes from container start to its first good answer, in seconds.

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
        load: of the engine in a pod of a template; None: that is not compared.
        drain: how long a preStop hook takes whose length the manifest does not tell.
        exit: from SIGTERM to the end of the process.
        grace_over_time: after this the scheduler (Volcano with Ascend's plug-in) deletes a terminating pod by
            force, without waiting for its grace period.
        peer_timeout: how long the rest of a collective group waits for a lost member (HCCL's default).
        nodes: the cluster, if it is known.
    """

    load: Callable[[PodTemplate], LoadTime | None] = lambda template: None
    drain: int = 60
    exit: int = 30
    grace_over_time: int = 900
    peer_timeout: int = 1800
    nodes: Sequence[Node] = ()


class Finding(Struct, frozen=True):
    """What a rule found.

    Attributes:
        path: where in the document.
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
    """A container of a pod template, and its place in the document."""

    pods: TemplateAt
    container: Container
    path: Path
    sidecar: bool = False


class TemplateAt(Struct, frozen=True):
    """A pod template, whoever owns it, and its place in the document.

    Attributes:
        role: the name of the role; "" where the workload has no roles.
        replicas: pods of it in each instance.
    """

    template: PodTemplate
    path: Path
    role: str = ""
    replicas: int = 1

    @property
    def pod_path(self) -> Path:
        """The place of its pod spec."""
        return (*self.path, "spec")

    def containers(self, *, sidecars: bool = False) -> Iterator[ContainerAt]:
        """Its containers; with `sidecars` also the init containers that run on beside them."""
        for index, each in enumerate(self.template.containers):
            yield ContainerAt(self, each, (*self.pod_path, "containers", index))
        for index, each in enumerate(self.template.init_containers if sidecars else ()):
            if each.restart_policy == "Always":
                yield ContainerAt(self, each, (*self.pod_path, "initContainers", index), sidecar=True)


class RoleAt(Struct, frozen=True):
    """A role of a KubeInfer, and its place in the document."""

    role: Role
    path: Path

    @property
    def pods(self) -> TemplateAt:
        """Its pod template."""
        return TemplateAt(self.role.template, (*self.path, "template"), self.role.name, self.role.replicas)


class LintContext(Struct, frozen=True, dict=True):
    """What owns pods, or is one, and what is expected of where it will run."""

    workload: WorkloadSpec
    expectations: Expectations = Expectations()

    @property
    def kubeinfer(self) -> KubeInfer:
        """The workload of a rule that is about KubeInfers."""
        assert isinstance(self.workload, KubeInfer)
        return self.workload

    @property
    def instances(self) -> int:
        """How many instances there are; each pod that stands for itself is one."""
        return self.workload.replicas

    @property
    def unit(self) -> str:
        """What is taken out of traffic as a whole."""
        return "instance" if isinstance(self.workload, KubeInfer) else "pod"

    def roles(self) -> Iterator[RoleAt]:
        """The roles of a KubeInfer that have pods."""
        for index, role in enumerate(self.kubeinfer.roles):
            if role.replicas:
                yield RoleAt(role, ("spec", "template", "spec", "roles", index))

    @cached_property
    def templates(self) -> tuple[TemplateAt, ...]:
        """The templates of which there are pods, those of a KubeInfer by role."""
        match self.workload:
            case KubeInfer():
                return tuple(each.pods for each in self.roles())
            case BarePod(template=template):
                return (TemplateAt(template, ()),)
            case _:
                return (TemplateAt(self.workload.template, ("spec", "template")),)

    def containers(self, *, sidecars: bool = False) -> Iterator[ContainerAt]:
        """The containers of all of them."""
        for each in self.templates:
            yield from each.containers(sidecars=sidecars)

    def part_of(self, path: Path) -> Path:
        """The part of a document in which a place is: a role of a KubeInfer, a container of any other template."""
        whole: Path = ("spec", "template", "spec")
        if not isinstance(self.workload, KubeInfer):
            whole = self.templates[0].pod_path
        return path[len(whole) : len(whole) + 2]

    def load(self, template: PodTemplate) -> LoadTime | None:
        """How long the engine takes to start in a pod of this template."""
        return self.expectations.load(template)

    def pending(self, pods: TemplateAt) -> str:
        """`3 pods would stay Pending`: all of a template."""
        return f"{plural(pods.replicas * (self.instances or 1), 'pod')} would stay Pending"


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
        kinds: what it is about.
    """

    code: str
    name: str
    severity: Severity
    summary: str
    reason: str
    right: str
    source: str
    check: Check
    kinds: tuple[Kind, ...] = ALL_KINDS

    @property
    def about(self) -> str:
        """`KubeInfers`, `all but DaemonSets`; "" for all kinds."""
        left_out = [kind for kind in ALL_KINDS if kind not in self.kinds]
        if not left_out:
            return ""
        if len(left_out) < len(self.kinds):
            return f"all but {', '.join(f'{kind}s' for kind in left_out)}"
        return ", ".join(f"{kind}s" for kind in self.kinds)


RULES: dict[str, Rule] = {}
"""All rules by code; filled by the modules of this package."""


def rule(
    code: str,
    name: str,
    severity: Severity,
    *,
    summary: str,
    reason: str,
    right: str,
    source: str,
    kinds: tuple[Kind, ...] = ALL_KINDS,
) -> Callable[[Check], Check]:
    """Register a function as the check of a rule; its code and its name must be its own."""

    def register(check: Check) -> Check:
        assert all(code != each.code and name != each.name for each in RULES.values()), code

        def flat(text: str) -> str:
            return " ".join(text.split())

        RULES[code] = Rule(
            code, name, severity, flat(summary), flat(reason), flat(right), flat(source), check, kinds
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


def is_ascend(template: PodTemplate) -> bool:
    """Whether pods ask for NPUs of Ascend, which its device plugin looks at."""
    return any(family_of(name) is ASCEND for name in accelerators_of(template.requests))


def has_npus(template: PodTemplate) -> bool:
    """Whether pods ask for accelerators."""
    return npus_of(template.requests) is not None


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
