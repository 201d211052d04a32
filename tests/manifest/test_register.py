"""The register: it knows every field that the reader accepts, and its page tells of every row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubeinfer_sim.manifest.kubernetes.schema import Type
from kubeinfer_sim.manifest.register import keys, kinds
from kubeinfer_sim.manifest.register.check import FIELD_ROWS, _beginning, key_row, owner_of, row_of
from kubeinfer_sim.manifest.register.page import fields_markdown
from kubeinfer_sim.manifest.register.row import ALL, Standing
from kubeinfer_sim.manifest.schema_facts import kubeinfer_types

#: Types a manifest is read by, from the top.
ROOTS = ("KubeInfer", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")
DOCS = Path(__file__).parents[2] / "docs"


def reached() -> dict[str, Type]:
    """Every type, by its owner's name, whose fields are read: not below one that has no effect or is not simulated."""
    found: dict[str, Type] = {}

    def walk(owner: str, schema: Type) -> None:
        if owner in found:
            return
        found[owner] = schema
        for name, field in schema.fields.items():
            row, inner = row_of(owner, name), field.type
            if row is None or row.standing is not Standing.SIMULATED or inner.kind == "map":
                continue
            while inner.item is not None:
                inner = inner.item
            if inner.kind == "object":
                walk(owner_of(owner, name, inner), inner)

    for root in ROOTS:
        walk(root, kubeinfer_types()[root])
    return found


def test_every_field_that_is_read_has_a_row() -> None:
    missing = [
        f"{owner}.{name}"
        for owner, schema in reached().items()
        for name in schema.fields
        if row_of(owner, name) is None
    ]
    assert missing == []


def test_every_row_is_about_a_field_that_is_read() -> None:
    types = reached()
    unknown = [
        f"{row.owner}.{name}"
        for row in FIELD_ROWS
        for name in row.names
        if row.owner not in types or (name != ALL and name not in types[row.owner].fields)
    ]
    assert unknown == []


def test_no_field_or_kind_stands_at_two_places() -> None:
    fields = [(row.owner, name) for row in FIELD_ROWS for name in row.names]
    assert len(fields) == len(set(fields))
    names = [kind for row in kinds.ROWS for kind in row.kinds]
    assert len(names) == len(set(names))


def test_what_is_simulated_is_said_field_by_field() -> None:
    assert not [row.owner for row in FIELD_ROWS if row.standing is Standing.SIMULATED and ALL in row.names]


def test_what_is_not_simulated_says_what_could_differ() -> None:
    for row in (*FIELD_ROWS, *keys.ROWS, *kinds.ROWS):
        assert row.standing is Standing.SIMULATED or row.why, row


@pytest.mark.parametrize(
    ("place", "key", "standing"),
    [
        ("annotations", "scheduling.volcano.sh/group-min-member", Standing.NOT_SIMULATED),
        ("annotations", "scheduling.k8s.io/group-name", Standing.SIMULATED),
        ("labels", "volcano.sh/queue-name", Standing.NOT_SIMULATED),
        ("annotations", "volcano.sh/job-name", Standing.WITHOUT_EFFECT),
        ("labels", "fault-scheduling", Standing.NOT_SIMULATED),
        ("labels", "ring-controller.atlas", Standing.WITHOUT_EFFECT),
        ("annotations", "huawei.com/schedule_policy", Standing.NOT_SIMULATED),
        ("annotations", "huawei.com/Ascend910", Standing.WITHOUT_EFFECT),
        ("annotations", "huawei.com/schedule.filter.faultCode", Standing.NOT_SIMULATED),
        ("annotations", "recover-strategy", Standing.NOT_SIMULATED),
        ("labels", "super-pod-affinity", Standing.NOT_SIMULATED),
        ("annotations", "linkerd.io/inject", Standing.NOT_SIMULATED),
        ("annotations", "proxy.istio.io/config", Standing.WITHOUT_EFFECT),
        ("annotations", "reloader.stakater.com/auto", Standing.NOT_SIMULATED),
        ("annotations", "cluster-autoscaler.kubernetes.io/safe-to-evict", Standing.WITHOUT_EFFECT),
        ("annotations", "k8s.v1.cni.cncf.io/networks", Standing.WITHOUT_EFFECT),
        ("annotations", "cpu-load-balancing.crio.io", Standing.WITHOUT_EFFECT),
        ("labels", "modelarts-infer-npu-reset-enable", Standing.SIMULATED),
    ],
)
def test_keys_of_schedulers_and_device_plugins_are_known(place: str, key: str, standing: Standing) -> None:
    row = key_row(place, key)
    assert row is not None
    assert row.standing is standing


def test_a_key_of_somebody_else_s_has_no_row() -> None:
    assert key_row("labels", "app") is None
    assert key_row("annotations", "fault-scheduling") is None


@pytest.mark.parametrize(
    ("pattern", "beginning"),
    [
        (r"volcano\.sh/queue-name", "volcano.sh/queue-name"),
        (r"huawei\.com/schedule_.*", "huawei.com/schedule_"),
        (r"accelerator(-type)?", "accelerator"),
        (r"(no)?use-.*", ""),
        (r"abc?", "ab"),
        (r"a\.*", "a"),
        (r"a\w", "a"),
        (r"ab{2}", "a"),
    ],
)
def test_keys_are_held_against_patterns_that_begin_as_they_do(pattern: str, beginning: str) -> None:
    assert _beginning(pattern) == beginning


def test_no_pattern_has_alternatives_outside_of_brackets() -> None:
    for name in (name for row in keys.ROWS for name in row.names):
        outside = name
        while "(" in outside:
            outside = re.sub(r"\([^()]*\)", "", outside)
        assert "|" not in outside


def test_the_page_is_made_from_the_register() -> None:
    """`python -m kubeinfer_sim.manifest.register.page > docs/fields.md` makes it anew."""
    assert (DOCS / "fields.md").read_text(encoding="utf-8") == fields_markdown()
