"""Listings of large clusters: as much of them is decoded as is used, to the same effect as all of it."""

from __future__ import annotations

import tracemalloc
from cProfile import Profile
from pathlib import Path
from typing import Any

import pytest
from kubectl_objects import listed, node, pod

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.source import SourceText, read_source
from kubeinfer_sim.scenario.cluster.compile import read_real_cluster
from kubeinfer_sim.scenario.cluster.kubectl import listing

TERM = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"a": "b"}}}
AFFINITY = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [TERM]}}
#: Lists that are read well, and such in which something is odd: in what is used, and in what is not.
PODS: list[list[Any]] = [
    [
        pod("a"),
        pod("b", "n1", npus=2, initContainers=[{"name": "i"}], priority=10**30),
        pod("c", phase="Failed"),
    ],
    [pod("a", affinity=AFFINITY, hostNetwork=True), pod("b", labels={"x": "\ud800"})],
    [pod("a", containers=[1]), pod("b"), pod("a"), "text"],
    [pod("a", containers={"name": "c"}), {"kind": "Pod", "metadata": [], "spec": {}}],
    [pod("a"), node("n7")],
    [pod("a", containers=[{"resources": {"requests": {"cpu": "much"}}}])],
]


def outcome(pods: str) -> object:
    """What comes of reading a list of pods: the cluster, or all that is wrong."""
    try:
        return read_real_cluster(
            SourceText("nodes", listed(node("n0"), node("n1"))), SourceText("pods", pods), ()
        )
    except InputError as error:
        return error.diagnostics


@pytest.mark.parametrize("pods", PODS, ids=range(len(PODS)))
@pytest.mark.parametrize("cut", [0, 30])
def test_decoding_what_is_used_comes_to_the_same_as_decoding_all(
    pods: list[Any], cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = listed(*pods)
    text = text[: len(text) - cut]
    quick = outcome(text)
    monkeypatch.setattr(listing, "_decoded", lambda source: None)
    assert quick == outcome(text)


def test_a_pod_of_a_large_list_costs_few_calls() -> None:
    text = listed(*(pod(f"web-{i}", f"n{i % 2}") for i in range(1000)))
    outcome(text)  # what is worked out once in a process has been
    profile = Profile()
    profile.runcall(outcome, text)
    assert sum(entry.callcount for entry in profile.getstats()) / 1000 <= 40


def test_a_file_is_never_held_as_bytes_and_as_text_at_once(tmp_path: Path) -> None:
    file = tmp_path / "long.json"
    file.write_text('"' + "x" * 20_000_000 + '"')
    tracemalloc.start()
    try:
        source = read_source(str(file), 30_000_000)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(source.text) == 20_000_002
    assert most < 26_000_000
