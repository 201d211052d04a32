"""The same questions put to KubeInfer's assumed rules, to Deployment and to the tables of their relatives.

A question is a state (wanted replicas, resolved budgets, groups with revision and readiness) of an update
that is under way; the answer is how many groups are created and deleted before anything else happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from building import budget
from msgspec.structs import replace

from kubeinfer_sim.controllers.deployment import rolling
from kubeinfer_sim.controllers.deployment.replica_set import ReplicaSet, ReplicaSetStatus
from kubeinfer_sim.controllers.kubeinfer.budget import BothZero, Budget, resolve
from kubeinfer_sim.controllers.kubeinfer.instance import InstanceState
from kubeinfer_sim.controllers.kubeinfer.rollout import next_step
from kubeinfer_sim.manifest.kubernetes.fenceposts import resolve_fenceposts
from kubeinfer_sim.manifest.model import Container, Deployment, IntOrPercent, PodTemplate, RollingUpdate
from kubeinfer_sim.scenario.model import Assumptions

Table = dict[str, Any]
TEMPLATE = PodTemplate(containers=(Container("c", "image"),))


class Answer(NamedTuple):
    """Groups created and deleted at once."""

    created: int
    deleted: int

    def __str__(self) -> str:
        return f"+{self.created} -{self.deleted}"


class Group(NamedTuple):
    """A group (instance, pod) as the question has it; `overdue`: not ready, and not for a moment only."""

    ordinal: int
    old: bool
    ready: bool
    terminating: bool = False
    overdue: bool = True
    was_ready: bool = True


@dataclass
class Question:
    """A state and what the relative does in it."""

    name: str
    replicas: int
    surge: int
    unavailable: int
    groups: list[Group]
    theirs: Answer


# -- KubeInfer ---------------------------------------------------------------------------------------------


class _Ref(NamedTuple):
    ordinal: int


@dataclass(eq=False)
class _Instance:
    """What the rules look at of an instance."""

    ref: _Ref
    group: Group

    @property
    def ready(self) -> bool:
        return self.group.ready and not self.group.terminating

    @property
    def terminating(self) -> bool:
        return self.group.terminating

    @property
    def state(self) -> InstanceState:
        return InstanceState.READY if self.ready else InstanceState.CONCERNING

    @property
    def was_ready(self) -> bool:
        return self.ready or self.group.was_ready

    @property
    def grace_timer(self) -> object | None:
        return None if self.group.ready or self.group.overdue else object()


@dataclass
class _Instances:
    """The counts the rules decide on."""

    by_ordinal: dict[int, _Instance]
    ready_old: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        every = self.by_ordinal.values()
        living = [each for each in every if not each.terminating]
        self.terminating = len(self.by_ordinal) - len(living)
        self.old = sum(each.group.old for each in every)
        self.new_active = sum(not each.group.old for each in living)
        self.ready = sum(each.ready for each in living)
        self.ready_old = sorted(-o for o, each in self.by_ordinal.items() if each.group.old and each.ready)
        unready = [each for each in living if each.group.old and not each.ready]
        self.overdue_old = {each: None for each in unready if each.group.overdue}
        self.in_grace = len(unready) - len(self.overdue_old)

    def is_old(self, instance: _Instance) -> bool:
        return instance.group.old


AT_ONCE = Assumptions(replacement="TerminationStarted")


def kubeinfer(question: Question, assumptions: Assumptions = Assumptions()) -> Answer:  # noqa: B008 - immutable
    """What the simulator's KubeInfer controller does."""
    groups = {each.ordinal: each for each in question.groups}
    limits = Budget(question.replicas, question.surge, min(question.unavailable, question.replicas))
    created = deleted = 0
    while True:
        instances = _Instances({o: _Instance(_Ref(o), each) for o, each in groups.items()})
        step = next_step(instances, limits, assumptions)  # type: ignore[arg-type]
        if not any(step):
            return Answer(created, deleted)
        victims = dict.fromkeys(instance.ref.ordinal for instance, _ in step.victims)
        for ordinal in victims:
            groups[ordinal] = groups[ordinal]._replace(terminating=True)
        for _ in range(step.creates):
            free = next(each for each in range(len(groups) + 1) if each not in groups)
            groups[free] = Group(free, old=False, ready=False)
        created += step.creates
        deleted += len(victims)


# -- Deployment --------------------------------------------------------------------------------------------


def deployment(question: Question) -> Answer:
    """What the simulator's Deployment controller does; groups are its pods."""
    living = [each for each in question.groups if not each.terminating]

    def replica_set(number: int, *, old: bool) -> ReplicaSet:
        own = [each for each in living if each.old is old]
        ready = sum(each.ready for each in own)
        status = ReplicaSetStatus(len(own), ready, ready, 0, 1)
        return ReplicaSet(number, Deployment("d", TEMPLATE), len(own), status=status)

    before, after = replica_set(1, old=True), replica_set(2, old=False)
    unavailable = min(question.unavailable, question.replicas)
    bounds = rolling.Bounds(question.replicas, question.surge, unavailable)
    sizes = before.replicas, after.replicas
    created = deleted = 0
    while True:
        changes = rolling.reconcile_new([before, after], after, bounds) or rolling.reconcile_old(
            [before], after, bounds
        )
        if not changes:
            break
        for each, size in changes:
            created += max(0, size - each.replicas)
            deleted += max(0, each.replicas - size)
            each.replicas = size
            # Pods that are not ready go first.
            each.status = replace(each.status, available=min(each.status.available, size))
    assert (before.replicas + after.replicas) - sum(sizes) == created - deleted
    return Answer(created, deleted)


# -- the relatives' tables ---------------------------------------------------------------------------------


def lws(table: Table) -> Iterator[Question]:
    """LeaderWorkerSet: the first step after a template change, all groups ready."""
    for case in table["sequences"]["cases"]:
        config, steps = case["config"], case["steps"]
        if (
            len(steps) < 2
            or [op["op"] for op in steps[1]["ops"]] != ["templateChange"]
            or config["partition"]
        ):
            continue
        replicas, expect = config["replicas"], steps[1]["expect"]
        limits = resolve(
            RollingUpdate(budget(config["maxSurge"]), budget(config["maxUnavailable"])), replicas
        )
        groups = [Group(ordinal, old=True, ready=True) for ordinal in range(replicas)]
        theirs = Answer(expect["stsReplicas"] - replicas, max(0, replicas - expect["partition"]))
        yield Question(case["id"], replicas, limits.surge, limits.unavailable, groups, theirs)


def kthena(table: Table) -> Iterator[Question]:
    """Kthena ModelServing: outdated groups deleted in one pass; it creates in another pass of its own."""
    for case in table["rollingBudget"]["cases"]:
        groups = [
            Group(each["ordinal"], each["revision"] == "old", each["status"] == "Running")
            for each in case["groups"]
        ]
        deleted = sum(each.old for each in groups) - case["expectOutdatedLeftAfterOneReconcile"]
        surge = case["maxSurge"] or 0
        ceiling = case["replicas"] + (surge if any(each.old for each in groups) else 0)
        theirs = Answer(max(0, ceiling - len(groups)), deleted)
        yield Question(case["id"], case["replicas"], surge, case["maxUnavailable"], groups, theirs)


def rbg(table: Table) -> Iterator[Question]:
    """RoleBasedGroup: instances it must delete; creation is not part of the table, so it is taken as ours."""
    for case in table["progress"]["cases"]:
        if case["partition"]:
            continue
        groups = [
            Group(
                each["ordinal"],
                each["revision"] != "update",
                each["healthy"],
                overdue=case["stablyUnhealthy"],
            )
            for each in case["instances"]
        ]
        surge = case["endOrdinal"] - case["replicas"]
        made = Question(
            case["id"],
            case["replicas"],
            surge,
            case["maxUnavailable"],
            groups,
            Answer(0, len(case["mustDelete"])),
        )
        yield made


def aibrix(table: Table) -> Iterator[Question]:
    """AIBrix RoleSet: pods created and deleted in one sync."""
    for case in table["roleRollout"]["cases"]:
        if "expectCreate" in case:
            groups = [Group(i, pod["revision"] == "old", pod["ready"]) for i, pod in enumerate(case["pods"])]
            theirs = Answer(case["expectCreate"], case["expectDelete"])
            yield Question(
                case["id"], case["replicas"], case["maxSurge"], case["maxUnavailable"], groups, theirs
            )


def statefulset(table: Table) -> Iterator[Question]:
    """StatefulSet: pods created and deleted in one sync; it has no surge, and one pod may be missing."""
    for case in table["cases"]:
        if case["partition"]:
            continue
        groups = [
            Group(pod["ordinal"], pod["revision"] == "A", pod["ready"], pod["terminating"])
            for pod in case["pods"]
        ]
        kinds = [action[0] for action in case["expected_actions"]]
        theirs = Answer(kinds.count("create"), kinds.count("delete"))
        name = f"{case['policy']}: {case['name']}"
        yield Question(name, case["replicas"], 0, case["max_unavailable"] or 1, groups, theirs)


def cloneset(table: Table) -> Iterator[Question]:
    """OpenKruise CloneSet: pods created now; what it replaces it updates in place or by another rule."""
    for case in table["cases"]:
        pods = case["pods"]
        plain = all(pod["lifecycle"] == "Normal" and not pod["markedForDeletion"] for pod in pods)
        if case["partition"] not in (0, "0%") or not plain or case.get("excludePreparingDelete"):
            continue
        replicas = case["replicas"]
        limits = resolve_fenceposts(_share(case["maxSurge"]), _share(case["maxUnavailable"]), replicas)
        groups = [Group(i, pod["revision"] == "old", pod["ready"]) for i, pod in enumerate(pods)]
        theirs = Answer(case["expect"].get("scaleUpLimit", 0), 0)
        yield Question(case["id"], replicas, limits.surge, limits.unavailable, groups, theirs)


def _share(value: int | str) -> IntOrPercent:
    return budget(value)


@dataclass(frozen=True)
class Relative:
    """A table and how it is read; `parts`: which halves of an answer it tells."""

    name: str
    table: str
    questions: Callable[[Table], Iterator[Question]]
    created: bool = True
    deleted: bool = True

    def same(self, ours: Answer, theirs: Answer) -> bool:
        """Whether the answers agree as far as the table tells."""
        return (not self.created or ours.created == theirs.created) and (
            not self.deleted or ours.deleted == theirs.deleted
        )

    def told(self, answer: Answer) -> str:
        """The answer, as far as the table tells."""
        if not self.created:
            return f"-{answer.deleted}"
        return str(answer) if self.deleted else f"+{answer.created}"


RELATIVES = (
    Relative("LeaderWorkerSet", "lws_rollout", lws),
    Relative("kthena ModelServing", "kthena_rollout", kthena, created=False),
    Relative("RoleBasedGroup", "rbg_rollout", rbg, created=False),
    Relative("AIBrix RoleSet", "aibrix_rollout", aibrix),
    Relative("OpenKruise CloneSet", "kruise_cloneset", cloneset, deleted=False),
    Relative("Kubernetes StatefulSet", "k8s_statefulset_step", statefulset),
)


# -- budgets -----------------------------------------------------------------------------------------------

#: (name, replicas, maxSurge, maxUnavailable, their surge or None, their unavailable or None); None: "error" or absent.
Rounding = tuple[str, int, Any, Any, int | None, int | None]


def roundings(tables: Callable[[str], Table]) -> Iterator[Rounding]:
    """Every budget the tables resolve; where only one of the two is told, the other is 1."""
    for case in tables("kthena_rollout")["resolveMaxSurge"]["cases"]:
        if case["expect"] != "error" and case["value"] is not None:
            yield "kthena", case["replicas"], case["value"], 1, case["expect"], None
    for case in tables("kthena_rollout")["resolveMaxUnavailable"]["cases"]:
        if case["value"] is not None:
            yield "kthena", case["replicas"], 1, case["value"], None, case["expect"]
    for case in tables("aibrix_rollout")["fenceposts"]["cases"]:
        if case["expectSurge"] != "error" and case["maxSurge"] is not None:
            surge, unavailable = case["expectSurge"], case["expectUnavailable"]
            yield "AIBrix", case["desired"], case["maxSurge"], case["maxUnavailable"], surge, unavailable
    for case in tables("rbg_rollout")["maxUnavailableRounding"]["cases"]:
        yield "RBG", case["replicas"], case["maxSurge"], case["maxUnavailable"], None, case["expect"]
    for case in tables("k8s_statefulset_max_unavailable")["cases"]:
        if case["max_unavailable"] is not None:
            yield "StatefulSet", case["replicas"], 1, case["max_unavailable"], None, case["expected"]
    for case in tables("k8s_deployment_resolve_fenceposts")["cases"]:
        if not case["expect_error"] and case["max_surge"] is not None and case["max_unavailable"] is not None:
            yield (
                "Deployment",
                case["desired"],
                case["max_surge"],
                case["max_unavailable"],
                case["expect_surge"],
                case["expect_unavailable"],
            )


def kubeinfer_budget(replicas: int, surge: Any, unavailable: Any) -> tuple[int, int] | None:
    """KubeInfer's resolved budgets; None where it refuses them."""
    try:
        found = resolve(RollingUpdate(budget(surge), budget(unavailable)), replicas)
    except BothZero:
        return None
    return found.surge, found.unavailable


def deployment_budget(replicas: int, surge: Any, unavailable: Any) -> tuple[int, int]:
    """Deployment's resolved budgets."""
    found = resolve_fenceposts(budget(surge), budget(unavailable), replicas)
    return found.surge, found.unavailable


# -- the page ----------------------------------------------------------------------------------------------


def page(tables: Callable[[str], Table]) -> str:
    """The generated part of docs/relatives.md."""
    lines = [
        "| relative | questions | KubeInfer answers the same | Deployment answers the same |",
        "|---|---:|---:|---:|",
    ]
    differ: list[str] = []
    every: list[Question] = []
    for relative in RELATIVES:
        asked = list(relative.questions(tables(relative.table)))
        every += asked
        same = [0, 0]
        for question in asked:
            answers = kubeinfer(question), deployment(question)
            agree = [relative.same(each, question.theirs) for each in answers]
            same = [number + hit for number, hit in zip(same, agree, strict=True)]
            if not all(agree):
                told = " | ".join(relative.told(each) for each in (question.theirs, *answers))
                differ.append(f"| {relative.name} | {question.name} | {told} |")
        lines.append(f"| {relative.name} | {len(asked)} | {same[0]} | {same[1]} |")
    theirs_too = sum(kubeinfer(each) == deployment(each) for each in every)
    at_once = sum(kubeinfer(each, AT_ONCE) == deployment(each) for each in every)
    lines += [
        "",
        f"Of all {len(every)} questions KubeInfer and Deployment answer {theirs_too} alike, and {at_once} with the switch "
        "`replacement: TerminationStarted`.",
    ]
    by_name: dict[str, list[bool]] = {}
    odd: list[str] = []
    for name, replicas, surge, unavailable, *theirs in roundings(tables):
        ours = kubeinfer_budget(replicas, surge, unavailable), deployment_budget(replicas, surge, unavailable)
        agree = [
            found is not None and all(b is None or a == b for a, b in zip(found, theirs, strict=True))
            for found in ours
        ]
        by_name.setdefault(name, []).append(agree[0])
        if not agree[0]:
            mine = "refused" if ours[0] is None else f"{ours[0][0]}/{ours[0][1]}"
            other = "/".join("·" if each is None else str(each) for each in theirs)
            odd.append(f"| {name} | {surge}/{unavailable} of {replicas} | {other} | {mine} |")
    lines += [
        "",
        "Answers that differ (created + and deleted -; what a table does not tell is left out):",
        "",
    ]
    lines += [
        "| relative | question | theirs | KubeInfer | Deployment |",
        "|---|---|---|---|---|",
        *differ,
        "",
    ]
    counts = ", ".join(f"{name} {sum(hits)} of {len(hits)}" for name, hits in by_name.items())
    lines += [
        f"Budgets that KubeInfer rounds to the same number: {counts}. The others (surge/unavailable):",
        "",
    ]
    lines += ["| relative | budgets | theirs | KubeInfer |", "|---|---|---|---|", *odd]
    return "\n".join(lines) + "\n"
