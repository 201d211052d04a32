"""Everything that is wrong with a scenario is said at once, where it stands and with what would be right."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import sim
from scenario_files import HEAD, MANIFEST, SMALLEST, Load
from sweeps import blocks

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.releases import RELEASES
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.load import load_scenario

Findings = Callable[..., list[str]]

#: The lines of SMALLEST; what a case adds begins on the next one.
FIRST = SMALLEST.count("\n") + 1


@pytest.mark.parametrize(
    ("spec", "line", "words"),
    [
        # Fields and types
        ("sede: 1", 0, 'spec.sede: unknown field; did you mean "seed"?'),
        ("timings: {weightsLocl: 5m}", 0, 'spec.timings.weightsLocl: unknown field; did you mean "weightsLocal"?'),
        ("timings: {roles: {serve: {grph: 5m}}}", 0, 'did you mean "graph"?'),
        ("update: {newRevison: true}", 0, 'did you mean "newRevision"?'),
        ("zzz: 1", 0, "known here: manifest, cluster, initial"),
        ("seed: x", 0, "spec.seed: expected a whole number, found 'x'"),
        ("seed: -1", 0, "spec.seed must be at least 0, found -1"),
        ("actions: {}", 0, "spec.actions: expected a list, found a mapping"),
        ("assumptions: 5", 0, "spec.assumptions: expected a mapping, found 5"),
        ("assumptions: {traffic: perpod}", 0, 'found \'perpod\'; did you mean "perPod"?'),
        ("assumptions: {keepNodes: 1}", 0, "expected true or false, found 1"),
        ("brokenImages: [1]", 0, "spec.brokenImages[0]: expected a text, in quotes, found 1"),
        # Units
        ("horizon: 1:30", 0, "spec.horizon: '1:30' is a time of day: write 1m30s or 1h30m"),
        ("horizon: 90", 0, "spec.horizon: 90 has no unit: write 90s"),
        ("horizon: .nan", 0, "YAML"),
        ("quietAfter: -5m", 0, "spec.quietAfter: -5m: a duration cannot be negative"),
        ("assumptions: {backoff: [0s, 30]}", 0, "spec.assumptions.backoff[1]: 30 has no unit"),
        ("transfers: {registry: {bandwidth: 55}}", 0, "spec.transfers.registry.bandwidth: 55 has no unit: write 55MB/s"),
        ("transfers: {imageSizes: {'vllm:1': 16Gi}}", 0, "write 16GiB"),
        # Distributions
        ("timings: {bind: soon}", 0, "spec.timings.bind: expected a duration such as 90s, found 'soon'"),
        ("timings: {bind: {uniform: {low: 5s, high: 1s}}}", 0, "spec.timings.bind.uniform: low must not be above high"),
        ("timings: {bind: {uniform: {low: 5s}}}", 0, 'spec.timings.bind.uniform: "high" is required'),
        ("timings: {bind: {triangular: {low: 1s, mode: 9s, high: 5s}}}", 0, "expected low <= mode <= high"),
        ("timings: {bind: {lognormal: {p50: 9s, p95: 5s}}}", 0, "expected 0s < p50 <= p95"),
        ("timings: {bind: {exponential: 5}}", 0, "spec.timings.bind.exponential: 5 has no unit"),
        ("timings: {bind: {gamma: {shape: 0, mean: 5s}}}", 0, "spec.timings.bind.gamma.shape must be at least 0.01"),
        ("timings: {bind: {weibull: {shape: 1}}}", 0, "expected exactly one of scale and mean"),
        ("timings: {bind: {empirical: []}}", 0, "must not be empty"),
        ("timings: {bind: {mixture: [{weight: 0, value: 5s}]}}", 0, "mixture[0].weight must be more than 0"),
        ("timings: {bind: {uniform: {low: 1s, high: 2s}, constant: 1s}}", 0, "found constant and uniform"),
        ("timings: {bind: {constant: 1s, min: 5s, max: 2s}}", 0, "min must not be above max"),
        ("timings: {bind: {}}", 0, "expected exactly one of constant, uniform"),
        ("timings: {bind: {empirical: {csv: no.csv}}}", 0, "spec.timings.bind.empirical.csv: cannot read"),
        # Actions
        ("actions: [{scale: 1}]", 0, 'spec.actions[0]: "at" is required'),
        ("actions:\n- {at: 1m}", 1, "spec.actions[0]: expected exactly one of apply, patch, scale"),
        ("actions:\n- {at: 1m, scale: 1, drain: node-0}", 1, "found scale and drain"),
        ("actions: [{at: 1m, drain: node-16}]", 0, "there is no node 'node-16'"),
        ("actions: [{at: 1m, drain: []}]", 0, "must not be empty"),
        ("actions: [{at: 1m, cordon: {pool: nodes}}]", 0, "there is no pool 'nodes'; did you mean \"node\"?"),
        ("actions: [{at: 1m, cordon: {nodeSelector: {a: b}}}]", 0, "no node has the labels a=b"),
        ("horizon: 1h\nactions:\n- {at: 2h, scale: 1}", 2, "spec.actions[0].at: is after the horizon, 1h"),
        ("actions: [{at: 1m, health: {roles: [serv]}}]", 0, 'no role is called \'serv\'; did you mean "serve"?'),
        ("actions: [{at: 1m, health: {instances: [99]}}]", 0, "there is never an instance 99"),
        ("actions: [{at: 1m, health: {roles: [serve], pods: [2]}}]", 0, "there is no pod 2: the role has 2"),
        ("actions: [{at: 1m, health: {probes: [liveness]}}]", 0, "none of these pods has a liveness probe"),
        ("actions: [{at: 1m, health: {roles: [proxy]}}]", 0, "none of these pods has a readiness probe"),
        ("actions: [{at: 1m, health: {until: 30s}}]", 0, "ends at 30s, not after it begins at 1m"),
        ("actions: [{at: 1m, health: {until: 2m, lasts: 1m}}]", 0, "found both"),
        ("actions: [{at: 1m, health: {hang: true, healthy: true}}]\nobjectives: {minReadyInstances: 1}", 0, "does not hang"),
        ("actions: [{at: 1m, patch: {spec: {replicas: -1}}}]", 0, "spec.actions[0].patch.spec.replicas: -1 must not be negative"),
        ("actions: [{at: 1m, patch: {spec: {template: null}}}]", 0, "spec.actions[0].patch.spec.template"),
        ("actions: [{at: 1m, patch: {metadata: {name: x}}}]", 0, "an update keeps name and namespace"),
        ("update: {newRevision: false}", 0, "write true, or leave it out"),
        ("update: {newRevision: true, patch: {a: 1}}", 0, "expected exactly one of a manifest"),
        ("update: nowhere.yaml", 0, "spec.update: cannot read"),
        ("update: {path: nowhere.yaml}", 0, "spec.update.path: cannot read"),
        ("update: {setFile: {image: nowhere}}", 0, "spec.update.setFile.image: cannot read"),
        # What contradicts
        ("update: {newRevision: true}\nobjectives: {minReadyInstances: 5}", 1, "cannot hold: 5 are asked for, and spec.replicas is 4"),
        ("update: {newRevision: true}\nobjectives: {minReadyInstances: 101%}", 1, "101% is more than 100%"),
        ("update: {newRevision: true}\nobjectives: {minReadyInstances: '3'}", 1, "a percentage such as 80%"),
        ("actions: [{at: 1m, scale: 0}]\nobjectives: {minReadyInstances: 1}", 1, "spec.replicas is 0 at some time"),
        ("initial: running\nobjectives: {completes: true}", 1, "there is no update or scaling that could complete"),
        ("objectives: {completes: false}", 0, "write true, or leave it out"),
        ("horizon: 1h\nobjectives: {completesWithin: 2h}", 1, "cannot be judged by the horizon, 1h"),
        ("brokenImages: ['vllm:2']", 0, "no pod uses image 'vllm:2'; did you mean \"vllm:1\"?"),
        ("timings: {roles: {srve: {bind: 1s}}}", 0, 'no role is called \'srve\'; did you mean "serve"?'),
        ("transfers: {weightsSizes: {srve: 1GB}}", 0, "no role is called 'srve'"),
        ("transfers: {registry: {}}", 0, "expected bandwidth, perClient or both"),
        ("transfers: {parallelPulls: 0}", 0, "expected a whole number of at least 1, or unlimited"),
        ("transfers: {registryBurst: 0}", 0, "must be at least 1, found 0"),
        ("transfers: {registryPullQPS: -1}", 0, "must be at least 0, found -1"),
        ("transfers: {registryPullQps: 5}", 0, "registryPullQPS"),
        ("timings: {imageCold: 1m}\ntransfers: {registry: {bandwidth: 1GB/s}}", 1, "timings.imageCold says how long"),
        # Versions
        ("kubernetesVersion: 1.30", 0, f'write it in quotes, as in "{RELEASES[-1]}"'),
        ("kubernetesVersion: '1.28'", 0, f"expected a version from {RELEASES[0]} to {RELEASES[-1]}"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_where_it_stands(findings: Findings, spec: str, line: int, words: str) -> None:
    (found,) = findings(spec)
    assert found.startswith(f"{FIRST + line}: ")
    assert words in found


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        ("8", "write 8x8 for 8 nodes of 8 NPUs each"),
        ("'0x8'", "between 1 and 100,000 nodes"),
        ("nowhere.yaml", "spec.cluster: cannot read"),
        ("{nodes: 8x8, pools: []}", "must not be empty"),
        ("{nodes: eight}", "write 8x8 for 8 nodes of 8 NPUs each"),
        ("{}", "expected exactly one of path, nodes, pools, file; found none"),
        ("{pools: [{name: a, count: 0, allocatable: {cpu: 1}}]}", "count must be at least 1, found 0"),
        ("{pools: [{name: a, count: 1, allocatable: {}}]}", "allocatable must not be empty"),
        ("{pools: [{name: a, count: 1, allocatable: {cpu: 1x}}]}", "spec.cluster.pools[0].allocatable.cpu"),
        ("{pools: [{name: a, count: 1, allocatable: {cpu: -1}}]}", "must not be negative, found -1"),
        ("{pools: [{name: a, count: 1, allocatable: {a.b/npu: 500m}}]}", "comes in whole units, found 500m"),
        ("{pools: [{name: A_1, count: 1, allocatable: {cpu: 1}}]}", "lower case letters, digits and -"),
        (
            "{pools: [{name: a, count: 1, allocatable: {cpu: 1}}, {name: a, count: 1, allocatable: {cpu: 1}}]}",
            "spec.cluster.pools[1].name: there is another pool 'a' above",
        ),
        ("{pools: [{name: a, count: 1, labels: {a: 1}, allocatable: {cpu: 1}}]}", "expected a text, in quotes, found 1"),
        ("{pools: [{name: a, count: 1, taints: [{key: a, effect: NoRun}], allocatable: {cpu: 1}}]}", "NoExecute"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_cluster_is_found(findings: Findings, cluster: str, words: str) -> None:
    found = findings(text=SMALLEST.replace("16x8", cluster))
    assert len(found) == 1
    assert words in found[0]


def test_all_mistakes_are_said_at_once(findings: Findings) -> None:
    found = findings(
        "sede: 1\nhorizon: 2h\nactions:\n- {at: 90, scale: 3}\n- {at: 3h, drain: node-99}\n"
        "objectives: {minReadyInstances: 9}\nbrokenImages: [x]\ntimings: {bnd: 5s}"
    )
    assert [int(each.partition(":")[0]) - FIRST for each in found] == [0, 3, 4, 4, 5, 6, 7]


def test_mistakes_in_other_files_are_said_as_well(findings: Findings, folder: Path) -> None:
    (folder / "lab.yaml").write_text(
        "apiVersion: kubeinfer-sim/v1\nkind: Cluster\nmetadata: {name: x}\nspec: {nodse: 1x8}\n",
        encoding="utf-8",
    )
    (folder / "times.csv").write_text("node,load\na,40s\nb,41\n", encoding="utf-8")
    (folder / "new.yaml").write_text(
        MANIFEST.replace("replicas: ${replicas}", "replicas: x"), encoding="utf-8"
    )
    spec = "timings: {weights: {empirical: {csv: times.csv, column: load}}}\nupdate: new.yaml\nhorizon: 5"
    text = SMALLEST.replace("16x8", "lab.yaml") + "".join(f"  {line}\n" for line in spec.splitlines())
    found = findings(text=text)
    assert any(each.startswith(f"{FIRST + 2}: spec.horizon") for each in found)
    assert any(each.startswith("lab.yaml:4: spec.nodse") for each in found)
    assert any(each.startswith("times.csv:3: column 'load': '41' has no unit") for each in found)
    assert any(each.startswith("new.yaml:5: spec.replicas") for each in found)
    assert any(each.startswith("new.yaml:17: ") and "image" in each for each in found)


@pytest.mark.parametrize(
    ("csv", "form", "words"),
    [
        ("a,b\n1s,2s\n", "{csv: t.csv}", "name the column of t.csv: one of a, b"),
        ("a,b\n1s,2s\n", "{csv: t.csv, column: c}", "t.csv has no column 'c'"),
        ("a\n", "{csv: t.csv}", "no values below its header"),
        ("", "{csv: t.csv}", "the file is empty"),
        ('a\n"1s\n', "{csv: t.csv}", "CSV"),
        ("a\n1\n", "{csv: t.csv, unit: us}", "expected one of ms, s, m, h"),
        ("a\n-1\n", "{csv: t.csv, unit: s}", "cannot be negative"),
        ("a\nnan\n", "{csv: t.csv, unit: s}", "expected a duration"),
        ("a\n1s\n", "{values: [1s], unit: s}", "column and unit belong to csv"),
    ],
)
def test_a_mistake_in_measured_values_is_found(
    findings: Findings, folder: Path, csv: str, form: str, words: str
) -> None:
    (folder / "t.csv").write_text(csv, encoding="utf-8")
    (found,) = findings(f"timings: {{bind: {{empirical: {form}}}}}")
    assert words in found


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("5", "spec.cluster: write 5x8 for 5 nodes of 8 NPUs each"),
        ("1", "spec.cluster: write 1x8 for 1 node of 8 NPUs each"),
        ("{nodes: 5}", "spec.cluster.nodes: write 5x8 for 5 nodes of 8 NPUs each"),
        ("-5", "spec.cluster: -5: between 1 and 100,000 nodes: write 8x8 for 8 nodes of 8 NPUs each"),
        ("-5x8", "'-5x8' is not a number of nodes: write 8x8 for 8 nodes of 8 NPUs each"),
        ("[8, 8]", "spec.cluster: expected 8x8, a file of nodes, or a mapping with pools; found a list"),
        ("null", "spec.cluster: expected 8x8, a file of nodes, or a mapping with pools; found nothing"),
    ],
)
def test_nodes_without_devices_are_told_how_they_are_written(
    tmp_path: Path, written: str, words: str
) -> None:
    (tmp_path / "s.yaml").write_text(
        HEAD + f"  manifest: chat.yaml\n  cluster: {written}\n", encoding="utf-8"
    )
    done = sim("run", "s.yaml", cwd=tmp_path)
    assert (done.returncode, words in done.told) == (2, True)
    if written.startswith("{"):
        text = f"apiVersion: kubeinfer-sim/v1\nkind: Cluster\nmetadata: {{name: c}}\nspec: {written}\n"
        (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
        done = sim("validate", "c.yaml", cwd=tmp_path)
        assert words.replace("spec.cluster.", "spec.") in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty; expected one document of kind Scenario"),
        ("a: 1\n---\nb: 2\n", "found 2"),
        ("[1, 2]\n", "which is a mapping, found a list"),
        (MANIFEST, "expected kind Scenario, found KubeInfer"),
        ("apiVersion: kubeinfer-sim/v1\nkind: Cluster\n", "expected kind Scenario, found Cluster"),
        ("kind: Scenario\n", '"apiVersion" is required'),
        (SMALLEST.replace("sim/v1", "sim/v2"), "expected kubeinfer-sim/v1, found 'kubeinfer-sim/v2'"),
        (HEAD + "  cluster: 8x8\n", 'spec: "manifest" is required'),
        (HEAD + "  manifest: chat.yaml\n", 'spec: "cluster" is required'),
        (SMALLEST.replace("chat.yaml", "nowhere.yaml"), "spec.manifest.path: cannot read"),
        (SMALLEST.replace("image", "imaeg"), "there is no hole ${imaeg}"),
        (SMALLEST.replace(', image: "vllm:1"', ""), "image"),
        (HEAD + "  manifest: {kind: KubeInfer}\n  cluster: 8x8\n", "spec.manifest"),
        (SMALLEST + "  seed: 1\n  seed: 2\n", "duplicate key"),
        ("\tspec:\n", "tab"),
        ("a: [\n", "YAML"),
    ],
)
def test_what_is_no_scenario_at_all_is_said_so(findings: Findings, text: str, words: str) -> None:
    assert any(words in each for each in findings(text=text))


def test_roles_that_want_different_nodes_cannot_share_the_short_form(
    findings: Findings, folder: Path
) -> None:
    text = MANIFEST.replace("- {name: proxy, image", "- {name: proxy, image").replace(
        "          spec:\n            containers:\n            - {name: proxy",
        "          spec:\n            nodeSelector: {pool: web}\n            containers:\n            - {name: proxy",
    )
    (folder / "chat.yaml").write_text(text, encoding="utf-8")
    (found,) = findings()
    assert "pool=infer and for nodes with pool=web: give a pool for each" in found


FULL = {
    "apiVersion": "kubeinfer-sim/v1",
    "kind": "Scenario",
    "metadata": {"name": "full", "description": "everything"},
    "spec": {
        "manifest": {"path": "chat.yaml", "set": {"replicas": 4, "image": "a"}, "name": "chat"},
        "cluster": {
            "pools": [
                {
                    "name": "a",
                    "count": 3,
                    "labels": {"pool": "infer"},
                    "taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}],
                    "allocatable": {"cpu": "4", "memory": "16Gi", "huawei.com/ascend-1980": 8},
                    "images": ["a"],
                    "weights": ["*"],
                }
            ]
        },
        "initial": "running",
        "update": {"set": {"image": "b"}},
        "timings": {
            "profile": "range",
            "weights": {"mixture": [{"weight": 1, "value": {"lognormal": {"p50": "1s", "p95": "2s"}}}]},
            "roles": {"serve": {"graph": {"empirical": {"values": ["1s", "2s"], "interpolate": True}}}},
        },
        "actions": [
            {"at": "1m", "scale": 5},
            {"at": "2m", "patch": {"spec": {"replicas": 6}}},
            {"at": "3m", "health": {"roles": ["serve"], "instances": [0], "lasts": "5s"}},
            {"at": "4m", "drain": {"nodes": ["a-0"]}},
            {"at": "5m", "apply": {"newRevision": True}},
        ],
        "transfers": {"registry": {"bandwidth": "1GB/s"}, "imageSizes": {"a": "16GiB"}},
        "assumptions": {"backoff": ["0s"], "traffic": "perPod", "progressDeadline": "1h"},
        "objectives": {"minReadyInstances": 3, "completesWithin": "2h"},
        "horizon": "3h",
        "seed": 1,
        "kubernetesVersion": "1.35",
        "brokenImages": ["b"],
    },
}
ODD: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, "", "x", "5", "5s", "-5s", "é\u2028", [], [None], {}, {"a": None}, {"kind": "x"}, "8x8",
    "/", "chat.yaml", {"nodes": ["a-0", 1]}, [[[]]], "a" * 1000, "never", "20%", "🙂\x7f",
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    held = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(inner for key, each in held for inner in places(each, (*path, key)))]


def mutated(source: random.Random) -> Any:
    value = copy.deepcopy(FULL)
    for _ in range(source.choice((1, 1, 2, 4))):
        *path, last = source.choice(places(value)[1:])
        parent: Any = value
        for step in path:
            parent = parent[step]
        what = source.random()
        if what < 0.7:
            parent[last] = copy.deepcopy(source.choice(ODD))
        elif what < 0.85:
            del parent[last]
        elif isinstance(parent, dict):
            parent[str(last) + "x"] = parent.pop(last)
    return value


def fuzz(folder: Path, count: int, seed: int) -> int:
    """How many of `count` mutated scenarios load; anything but an InputError is a failure."""
    source = random.Random(seed)
    loaded = 0
    for _ in range(count):
        text = yaml.safe_dump(mutated(source), allow_unicode=True, default_flow_style=False)
        try:
            load_scenario(SourceText(str(folder / "scenario.yaml"), text))
            loaded += 1
        except InputError as error:
            assert error.diagnostics
            assert all(each.message for each in error.diagnostics)
            assert str(error)
    return loaded


def test_the_scenario_that_is_mutated_is_itself_right(folder: Path) -> None:
    load_scenario(SourceText(str(folder / "scenario.yaml"), yaml.safe_dump(FULL)))


def test_no_mutation_of_a_scenario_ends_in_a_traceback(folder: Path) -> None:
    assert 0 < fuzz(folder, 100, seed=1) < 100


@pytest.mark.parametrize("seed", blocks(5, of_ci=1, first=2))
def test_no_mutation_of_five_thousand_ends_in_a_traceback(folder: Path, seed: int) -> None:
    fuzz(folder, 1_000, seed=seed)


def test_a_finding_names_the_file_as_the_user_did(load: Load, folder: Path) -> None:
    with pytest.raises(InputError) as caught:
        load("horizon: 5")
    assert caught.value.diagnostics[0].file == str(folder / "scenario.yaml")
    assert caught.value.diagnostics[0].text == "  horizon: 5"
