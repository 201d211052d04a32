"""Every kind of record says something in plain words."""

from __future__ import annotations

import importlib
import pkgutil
import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest

import kubeinfer_sim
from kubeinfer_sim.cluster.records import InstanceRef, NodeVerdict, PodRef
from kubeinfer_sim.cluster.stages import Stage, StageKind, StageName
from kubeinfer_sim.controllers.deployment.progress import Counts
from kubeinfer_sim.controllers.deployment.records import DeploymentApplied
from kubeinfer_sim.engine.history import NO_CAUSE, Record
from kubeinfer_sim.report.sentences import OF_ACCELERATORS, SENTENCES, plain_sentence, sentence

INSTANCE = InstanceRef(0, "chat", 3)
POD = PodRef(INSTANCE, "serve", 1, 0)
VALUES: dict[Any, Any] = {
    int: 2,
    str: "word",
    bool: True,
    InstanceRef: INSTANCE,
    PodRef: POD,
    StageName: StageName(StageKind.IMAGE, "a:1"),
    Stage: Stage(StageName(StageKind.IMAGE, "a:1"), 1000),
    NodeVerdict: NodeVerdict(("Insufficient cpu",), ("node-0",)),
    Counts: Counts(1, 1, 1, 1, 0, 0),
}


def record_types(base: type[Record] = Record) -> Iterator[type[Record]]:
    if base is Record:
        for module in pkgutil.walk_packages(kubeinfer_sim.__path__, "kubeinfer_sim."):
            if "records" in module.name:
                importlib.import_module(module.name)
    for each in base.__subclasses__():
        if each.__module__.startswith("kubeinfer_sim."):
            yield each
        yield from record_types(each)


def value_of(kind: Any) -> Any:
    """Something of an annotated type."""
    if kind in VALUES:
        return VALUES[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return tuple(value_of(each) for each in arguments if each is not Ellipsis)
    if origin in (typing.Union, types.UnionType):
        return value_of(arguments[0])
    if origin is typing.Literal:
        return arguments[0]
    if isinstance(kind, type) and issubclass(kind, tuple):
        hints = typing.get_type_hints(kind)
        return kind(*(value_of(hint) for hint in hints.values()))
    if isinstance(kind, type) and kind.__module__.startswith("kubeinfer_sim."):
        hints = typing.get_type_hints(kind)
        return kind(**{name: value_of(hints[name]) for name in kind.__struct_fields__})
    return None


def some(kind: type[Record]) -> Record:
    hints = typing.get_type_hints(kind)
    given = {name: value_of(hints[name]) for name in kind.__struct_fields__}
    return kind(**{**given, "at": 0, "cause": NO_CAUSE})


TYPES = sorted(set(record_types()), key=lambda each: (each.__module__, each.__name__))


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_every_kind_of_record_has_a_sentence(kind: type[Record]) -> None:
    for text in (sentence(some(kind)), plain_sentence(some(kind))):
        assert len(text.split()) >= 2
        assert not text.endswith((".", ":", " "))
        assert "Ref(" not in text
        assert "\n" not in text


def test_the_table_has_the_records_of_cluster_and_controllers() -> None:
    told = [each for each in TYPES if each.__module__.endswith("records")]
    assert len(told) > 45
    assert [each.__name__ for each in told if each not in SENTENCES | OF_ACCELERATORS] == []


def test_a_kind_without_a_sentence_of_its_own_is_told_by_its_name_and_fields() -> None:
    class DiskFilled(Record):
        node: str
        percent: int
        pod: PodRef
        reason: str = ""

    record = DiskFilled(0, NO_CAUSE, "node-0", 98, POD)
    assert sentence(record) == "disk filled (node node-0, percent 98, pod chat-3-serve-1)"


@pytest.mark.parametrize(
    ("changed", "label", "says"),
    [
        (("created",), "running", "Deployment prod/chat runs: 3 pods"),
        (("created",), "", "Deployment prod/chat is created: 3 pods"),
        (("deleted",), "", "Deployment prod/chat is deleted: 3 pods"),
        (("paused",), "", "Deployment prod/chat is paused: 3 pods"),
        (("template", "replicas"), "", "an update of Deployment prod/chat is applied: revision abc, 3 pods"),
        (("replicas",), "scale to 3", "Deployment prod/chat is scaled to 3 pods"),
        (("nothing",), "", "Deployment prod/chat is applied as it is: 3 pods"),
        (
            ("strategy", "minReadySeconds"),
            "",
            "a change of strategy, minReadySeconds of Deployment prod/chat is applied: 3 pods",
        ),
    ],
)
def test_what_is_applied_is_told_by_what_it_does(changed: tuple[str, ...], label: str, says: str) -> None:
    assert sentence(DeploymentApplied(0, NO_CAUSE, "prod/chat", 2, "abc", 3, 1, 0, changed, label)) == says
