"""A scenario of many files and the same one in a single file are the same scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import ROOT
from scenario_files import HEAD, MANIFEST

from kubeinfer_sim.experiment.fingerprint import differences, fingerprint
from kubeinfer_sim.experiment.replication import Variant
from kubeinfer_sim.manifest.file_kinds import only_document
from kubeinfer_sim.manifest.scalars import resolve
from kubeinfer_sim.manifest.source import SourceText, read_source
from kubeinfer_sim.manifest.yaml_text import one_line, yaml_text
from kubeinfer_sim.manifest.yaml_tree import load_documents
from kubeinfer_sim.scenario.configuration import Configuration
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.self_contained import self_contained, whole_scenario

#: Where something is written, and what a version of a manifest is called: that is another thing in one file.
_TOLD = ("scenario.lint", ".where:", ".label:")

CLUSTER = "apiVersion: kubeinfer-sim/v1\nkind: Cluster\nmetadata: {name: lab}\nspec: {nodes: 12x8}\n"
TIMINGS = """\
apiVersion: kubeinfer-sim/v1
kind: Timings
metadata: {name: seen}
spec:
  image: {empirical: {csv: seen.csv, column: seconds, unit: s}}
  bind: 2s
  roles: {serve: {bind: 3s, weightsShared: 4m}, gone: {bind: 9s}}
"""
RECOVERY = """\
apiVersion: kubeinfer-sim/v1
kind: Recovery
metadata: {name: rules}
spec: {rules: [{action: RecreateInstance, delay: 5s}]}
"""
SPEC = """\
  manifest: {path: chat.yaml, set: {replicas: 4}, setFile: {image: image.txt}}
  cluster: lab.yaml
  update: {set: {image: "vllm:2"}}
  actions:
  - {at: 10m, apply: {path: chat.yaml, set: {replicas: 5, image: "vllm:3"}}}
  - {at: 20m, create: quota.yaml}
  timings: {profile: range, file: seen.yaml, exit: 7s, roles: {proxy: {exit: 1s}}}
  recovery: rules.yaml
"""


def differ(name: str, text: str) -> list[str]:
    """What differs in the scenario of a file when all of it stands in one file elsewhere."""
    source = SourceText(name, text)
    alone = yaml_text([self_contained(only_document(source, "Scenario"))])
    one, other = (load_scenario(each) for each in (source, SourceText("/elsewhere/scenario.yaml", alone)))
    found = differences(fingerprint(Variant("", one)), fingerprint(Variant("", other)))
    return [each for each in found if not any(told in each for told in _TOLD)]


def test_all_that_a_scenario_names_is_written_in_it(tmp_path: Path) -> None:
    custom = MANIFEST.replace("replicas: 2\n", "replicas: 2\n        recoveryPolicy: {restart: Custom}\n")
    quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: prod}\nspec: {hard: {pods: 99}}\n"
    files = {
        "chat.yaml": custom,
        "image.txt": "vllm:1\n",
        "lab.yaml": CLUSTER,
        "seen.yaml": TIMINGS,
        "seen.csv": "seconds\n10\n20.5\n",
        "rules.yaml": RECOVERY,
        "quota.yaml": quota,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    scenario = tmp_path / "scenario.yaml"
    assert differ(str(scenario), HEAD + SPEC) == []
    alone = yaml_text([self_contained(only_document(SourceText(str(scenario), HEAD + SPEC), "Scenario"))])
    assert not any(name in alone for name in files), alone


def test_what_the_command_line_and_a_configuration_say_is_written_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (
        ("chat.yaml", MANIFEST),
        ("lab.yaml", CLUSTER),
        ("config.yaml", "timings: {profile: zero}\n"),
    ):
        (tmp_path / name).write_text(text, "utf-8")
    given: dict[str, Any] = {
        "set_values": {"image": "vllm:9"},
        "seed": 5,
        "horizon": "2h",
        "cluster": "lab.yaml",
        "changes": {("spec", "quietAfter"): "3h"},
        "configuration": Configuration(only_document(read_source("config.yaml"), "Configuration")),
    }
    manifest = "  manifest: {path: ../chat.yaml, set: {replicas: 3}}\n  cluster: 1x8\n"
    (tmp_path / "elsewhere").mkdir()
    source = SourceText("elsewhere/scenario.yaml", HEAD + manifest)
    alone = SourceText("/nowhere/scenario.yaml", yaml_text([whole_scenario(source, **given)]))
    one, other = load_scenario(source, **given), load_scenario(alone)
    assert (other.seed, other.horizon, len(other.nodes), other.quiet_after) == (5, 7_200_000, 12, 10_800_000)
    found = differences(fingerprint(Variant("", one)), fingerprint(Variant("", other)))
    assert [each for each in found if not any(told in each for told in _TOLD)] == []


def test_what_kubectl_wrote_and_a_load_in_csv_stay_files_with_their_whole_path(tmp_path: Path) -> None:
    spec = (
        HEAD
        + "  manifest: chat.yaml\n  cluster: {file: nodes.json, pods: pods.json}\n  load: {csv: load.csv}\n"
    )
    (tmp_path / "chat.yaml").write_text(
        MANIFEST.replace("${replicas}", "4").replace("${image}", "x:1"), "utf-8"
    )
    document = only_document(SourceText(str(tmp_path / "scenario.yaml"), spec), "Scenario")
    written = self_contained(document)["spec"]
    assert written["cluster"] == {
        "file": str(tmp_path / "nodes.json"),
        "pods": str(tmp_path / "pods.json"),
    }
    assert written["load"] == {"csv": str(tmp_path / "load.csv")}


@pytest.mark.parametrize("name", ["rolling-update-2p1d", "router-beside-kubeinfer", "no-spare-degrade"])
def test_a_story_is_the_same_in_one_file(name: str) -> None:
    path = str(ROOT / "scenarios" / f"{name}.yaml")
    assert differ(path, read_source(path).text) == []


@pytest.mark.parametrize(
    "value",
    ["y", "1e3", "0o10", "1_000", "~", "", "on", "3:30", " x ", "a: b", "-", "two\nlines\n", "#", "12" * 600],
)
def test_a_text_is_a_text_when_our_reader_reads_it_again(value: str) -> None:
    document: Any = (
        {"text": value, "list": [value], value: 1} if len(value) < 100 and value else {"text": value}
    )
    for text in (yaml_text([document]), one_line(document)):
        (read,) = load_documents(SourceText("x", text))
        assert read.value == document, text
    assert yaml.safe_load(one_line(document)) == document


def test_what_needs_no_quotes_has_none() -> None:
    assert (
        one_line({"at": "10m", "image": "repo/vllm:v1", "seed": 3})
        == "{at: 10m, image: 'repo/vllm:v1', seed: 3}"
    )
    assert resolve("10m") == "10m"
