"""What a scenario file says is what is simulated."""

from __future__ import annotations

from pathlib import Path

import pytest
from scenario_files import HEAD, MANIFEST, SMALLEST, Load

from kubeinfer_sim.errors import InputError, UsageError
from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.model import IntOrPercent, KubeInfer
from kubeinfer_sim.manifest.releases import RELEASES
from kubeinfer_sim.scenario.actions.model import Apply, Cordon, Drain, Health, Scale, Target
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.rollout import rollout_scenario
from kubeinfer_sim.scenario.timings.model import Link


def applied(scenario: Scenario) -> list[KubeInfer]:
    return [each.workload for each in scenario.actions if isinstance(each, Apply)]


def images(kubeinfer: KubeInfer) -> list[str]:
    return [role.template.containers[0].image for role in kubeinfer.roles]


def test_the_smallest_scenario_is_a_manifest_and_a_number_of_nodes(load: Load) -> None:
    scenario = load()
    assert scenario.kubeinfer.replicas == 4
    assert images(scenario.kubeinfer) == ["vllm:1", "proxy:1"]
    assert len(scenario.nodes) == 16
    assert scenario.initial == "empty"
    assert scenario.actions == ()
    assert scenario.horizon is None
    assert scenario.seed == 0
    assert scenario.kubernetes_version == RELEASES[-1]


def test_every_default_in_force_is_listed(load: Load) -> None:
    text = "\n".join(load().defaults)
    for field in ("initial: empty", "horizon: settled", "seed: 0", f"kubernetesVersion: {RELEASES[-1]}"):
        assert field in text
    assert "16 nodes with huawei.com/ascend-1980: 8" in text
    assert "labels pool=infer" in text
    assert "cpu, ephemeral-storage, memory, pods unlimited" in text
    assert "timings.weightsLocal: constant 6m (vllm-ascend #16983)" in text
    assert "timings.roles.proxy: no NPUs" in text


def test_what_the_user_set_is_no_default(load: Load) -> None:
    scenario = load("seed: 0\nkubernetesVersion: '1.36'\ntimings: {profile: typical, weightsLocal: 6m}")
    text = "\n".join(scenario.defaults)
    for field in ("seed", "kubernetesVersion", "timings.profile", "weightsLocal"):
        assert field not in text


@pytest.mark.parametrize(
    "what",
    ["update: {newRevision: true}", "actions: [{at: 1h, scale: 5}]", "actions: [{at: 1h, drain: node-0}]"],
)
def test_instances_run_at_the_start_when_something_is_done_to_them(load: Load, what: str) -> None:
    assert load(what).initial == "running"
    assert load(what + "\ninitial: empty").initial == "empty"


def test_an_update_may_be_the_same_manifest_with_other_values(load: Load) -> None:
    scenario = load("update: {set: {image: 'vllm:2'}}")
    (new,) = applied(scenario)
    assert images(new) == ["vllm:2", "proxy:1"]
    assert new.replicas == 4
    assert new.revision != scenario.kubeinfer.revision
    assert scenario.actions[0] == Apply(0, new, "image=vllm:2")


def test_an_update_may_be_another_manifest(load: Load, folder: Path) -> None:
    (folder / "new.yaml").write_text(MANIFEST.replace("${replicas}", "7"), encoding="utf-8")
    scenario = load("update: {path: new.yaml, set: {image: 'vllm:2'}}")
    assert [each.replicas for each in applied(scenario)] == [7]
    (folder / "new.yaml").write_text(
        MANIFEST.replace("${replicas}", "7").replace("${image}", "x"), encoding="utf-8"
    )
    assert [images(each)[0] for each in applied(load("update: new.yaml"))] == ["x"]


def test_new_revisions_differ_from_each_other_in_the_templates_alone(load: Load) -> None:
    again = "{newRevision: true}"
    scenario = load(f"update: {again}\nactions:\n- {{at: 1h, apply: {again}}}")
    versions = [scenario.kubeinfer, *applied(scenario)]
    assert len({each.revision for each in versions}) == 3
    assert len({(each.replicas, each.rolling_update, tuple(images(each))) for each in versions}) == 1


def test_applying_the_manifest_again_is_a_rollback(load: Load) -> None:
    scenario = load("actions:\n- {at: 0s, apply: {set: {image: 'vllm:2'}}}\n- {at: 20m, apply: {set: {}}}")
    assert applied(scenario)[1].revision == scenario.kubeinfer.revision


def test_a_patch_changes_the_version_in_force_and_a_manifest_replaces_it(load: Load) -> None:
    scenario = load(
        "actions:\n"
        "- {at: 3m, apply: {set: {}}}\n"
        "- {at: 1m, scale: 6}\n"
        "- {at: 2m, patch: {spec: {strategy: {rollingUpdate: {maxSurge: 50%}}}}}\n"
    )
    assert isinstance(scenario.actions[0], Scale)
    patched, manifest = applied(scenario)
    assert patched.replicas == 6
    assert patched.rolling_update.max_surge == IntOrPercent(50, percent=True)
    assert patched.revision == scenario.kubeinfer.revision
    assert (manifest.replicas, manifest.rolling_update) == (4, scenario.kubeinfer.rolling_update)


def test_a_patch_removes_what_it_sets_to_null(load: Load) -> None:
    (patched,) = applied(load("update: {patch: {spec: {strategy: null}}}"))
    assert patched.rolling_update.max_surge == IntOrPercent(20, percent=True)


def test_actions_come_in_order_of_time_and_ties_in_the_order_written(load: Load) -> None:
    scenario = load(
        "update: {newRevision: true}\n"
        "actions:\n"
        "- {at: 5m, drain: node-1}\n"
        "- {at: 0s, scale: 5}\n"
        "- {at: 5m, cordon: node-2}\n"
        "- {at: 1m, uncordon: [node-3, node-4]}\n"
    )
    assert scenario.actions[1:] == (
        Scale(0, 5, name="chat"),
        Cordon(60_000, ("node-3", "node-4"), uncordon=True),
        Drain(300_000, ("node-1",)),
        Cordon(300_000, ("node-2",)),
    )
    assert isinstance(scenario.actions[0], Apply)


def test_nodes_are_named_by_pool_or_label_as_well(load: Load) -> None:
    scenario = load(
        "actions:\n- {at: 1m, cordon: {pool: node}}\n- {at: 1m, drain: {nodeSelector: {pool: infer}}}"
    )
    every = tuple(f"node-{i}" for i in range(16))
    assert scenario.actions == (Cordon(60_000, every), Drain(60_000, every))


def test_a_health_action_says_which_pods_fail_and_for_how_long(load: Load) -> None:
    health = "{instances: [0], roles: [serve], pods: [1], nodes: [node-3], hang: true, lasts: 30s}"
    scenario = load(f"actions:\n- {{at: 1m, health: {health}}}")
    target = Target(("node-3",), {}, (0,), ("serve",), (1,), name="chat")
    assert scenario.actions == (Health(60_000, target, False, 90_000, ("readiness",), True),)


def test_values_come_from_files_as_well(load: Load, folder: Path) -> None:
    (folder / "image.txt").write_text("vllm:from-file\n", encoding="utf-8")
    scenario = load("update: {setFile: {image: image.txt}}")
    assert images(applied(scenario)[0])[0] == "vllm:from-file"


def test_values_given_to_the_loader_win_over_the_scenario_s(load: Load) -> None:
    scenario = load("update: {set: {image: 'vllm:2'}}", set_values={"replicas": "9", "image": "vllm:9"})
    assert images(scenario.kubeinfer)[0] == "vllm:9"
    assert images(applied(scenario)[0])[0] == "vllm:2"
    assert applied(scenario)[0].replicas == 9


def test_one_of_several_kubeinfers_is_chosen_by_name(load: Load, folder: Path) -> None:
    plain = MANIFEST.replace("${replicas}", "1").replace("${image}", "x")
    other = plain.replace("name: chat", "name: other")
    (folder / "two.yaml").write_text(f"{other}---\n{plain}", encoding="utf-8")
    text = HEAD + "  manifest: {path: two.yaml, name: chat}\n  cluster: 8x8\n  update: two.yaml\n"
    scenario = load(text=text)
    assert scenario.kubeinfer.name == "chat"
    assert applied(scenario)[0].name == "chat"


def test_the_manifest_may_stand_in_the_scenario_itself(load: Load) -> None:
    inline = MANIFEST.replace("${replicas}", "3").replace("${image}", "x").replace("\n", "\n    ").rstrip()
    scenario = load(
        text=f"{HEAD}  cluster: 8x8\n  manifest:\n    {inline}\n  update: {{newRevision: true}}\n"
    )
    assert scenario.kubeinfer.replicas == 3
    assert applied(scenario)[0].revision != scenario.kubeinfer.revision


def test_paths_start_at_the_file_that_names_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "s.yaml").write_text(SMALLEST.replace("chat.yaml", "../chat.yaml"), encoding="utf-8")
    monkeypatch.chdir(folder.parent)
    assert load_scenario(str(folder / "deep" / "s.yaml")).kubeinfer.name == "chat"
    monkeypatch.chdir(folder)
    assert load_scenario("deep/s.yaml").kubeinfer.name == "chat"


POOLS = """\
pools:
- name: big
  count: 2
  labels: {pool: infer}
  taints: [{key: npu, value: "yes", effect: NoExecute}]
  allocatable: {cpu: "1500m", memory: 1200Gi, huawei.com/ascend-1980: 16}
  images: ["vllm:1"]
  weights: ["*"]
- name: small
  count: 1
  allocatable: {huawei.com/ascend-1980: "8"}
"""


def indented(text: str, by: int) -> str:
    return "".join(" " * by + line + "\n" for line in text.splitlines())


def test_pools_become_nodes(load: Load) -> None:
    scenario = load(text=SMALLEST.replace("  cluster: 16x8\n", "  cluster:\n" + indented(POOLS, 4)))
    first, second, small = scenario.nodes
    assert (first.name, second.name, small.name) == ("big-0", "big-1", "small-0")
    assert first.allocatable == {"cpu": 1500, "memory": 1200 * 2**30, "huawei.com/ascend-1980": 16}
    assert first.unlimited == {"pods", "ephemeral-storage"}
    assert (first.images, first.weights) == ({"vllm:1"}, {"*"})
    assert first.labels == {
        "pool": "infer",
        "kubernetes.io/hostname": "big-0",
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "arm64",
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": "arm64",
    }
    assert [(each.key, each.value, each.effect) for each in first.taints] == [("npu", "yes", "NoExecute")]
    assert small.unlimited == {"cpu", "memory", "pods", "ephemeral-storage"}


def test_the_cluster_may_be_a_file_of_its_own(load: Load, folder: Path) -> None:
    head = "apiVersion: kubeinfer-sim/v1\nkind: Cluster\nmetadata: {name: lab}\nspec:\n"
    (folder / "lab.yaml").write_text(head + indented(POOLS, 2), encoding="utf-8")
    scenario = load(text=SMALLEST.replace("16x8", "lab.yaml"))
    assert [each.name for each in scenario.nodes] == ["big-0", "big-1", "small-0"]
    (folder / "lab.yaml").write_text(head + "  nodes: 3x8\n", encoding="utf-8")
    assert len(load(text=SMALLEST.replace("16x8", "{path: lab.yaml}")).nodes) == 3


def test_assumptions_and_objectives_are_taken_over(load: Load) -> None:
    scenario = load(
        "update: {newRevision: true}\n"
        "assumptions: {unreadyGrace: 30s, backoff: [0s, 1m], maxRestarts: 3, peerLossTimeout: 30m}\n"
        "objectives: {minReadyInstances: 70%, completesWithin: 1h30m, maxLostInstanceSeconds: 0.5, noStall: true}"
    )
    assert scenario.assumptions.unready_grace == 30_000
    assert scenario.assumptions.backoff == (0, 60_000)
    assert scenario.assumptions.max_restarts == 3
    assert scenario.assumptions.peer_loss_timeout == 1_800_000
    assert scenario.assumptions.progress_deadline is None
    objectives = scenario.objectives
    assert objectives.min_ready_instances == IntOrPercent(70, percent=True)
    assert objectives.completes_within == 5_400_000
    assert objectives.max_lost_instance_seconds == 0.5
    assert objectives.no_stall
    assert objectives.completes is None


def test_shared_links_are_taken_over(load: Load) -> None:
    scenario = load(
        "transfers:\n"
        "  registry: {bandwidth: 10Gbit/s, perClient: 55MB/s}\n"
        "  imageSizes: {'vllm:1': 16GiB}\n"
        "  storage: {bandwidth: 2GB/s}\n"
        "  weightsSizes: {serve: 350GB}\n"
        "  parallelPulls: unlimited\n"
        "  registryPullQPS: 0\n"
        "  registryBurst: 20\n"
    )
    transfers = scenario.transfers
    assert transfers.registry == Link(1_250_000_000, 55_000_000)
    assert transfers.storage == Link(2_000_000_000)
    assert transfers.image_sizes == {"vllm:1": 16 * 2**30}
    assert transfers.weights_sizes == {"serve": 350 * 10**9}
    assert transfers.parallel_pulls is None
    assert (transfers.registry_pull_qps, transfers.registry_burst) == (0, 20)
    assert any("defaultImageSize: 16GB" in line for line in scenario.defaults)
    assert load("transfers: {parallelPulls: 3}").transfers.parallel_pulls == 3


@pytest.mark.parametrize("written", ["'1.31'", "v1.31", "1.31.4"])
def test_a_kubernetes_version_is_its_minor_release(load: Load, written: str) -> None:
    assert load(f"kubernetesVersion: {written}").kubernetes_version == "1.31"


def test_seed_and_horizon_may_be_overridden(load: Load) -> None:
    scenario = load("seed: 3\nhorizon: 1h", seed=5, horizon="2h")
    assert (scenario.seed, scenario.horizon) == (5, 7_200_000)
    assert load("horizon: 1h", horizon="settled").horizon is None
    with pytest.raises(UsageError, match="write 90s"):
        load(horizon="90")


def manifest(**values: str) -> KubeInfer:
    given = {"replicas": "4", "image": "vllm:1", **values}
    from kubeinfer_sim.manifest.source import SourceText

    return load_manifest([SourceText("chat.yaml", MANIFEST)], set_values=given).kubeinfers[0]


def test_a_rollout_needs_no_scenario_file() -> None:
    old, new = manifest(), manifest(image="vllm:2", replicas="5")
    scenario = rollout_scenario(old, new, "16x8", profile="range", seed=7)
    assert scenario.kubeinfer is old
    assert applied(scenario) == [new]
    assert scenario.initial == "running"
    assert len(scenario.nodes) == 16
    assert scenario.seed == 7
    assert "triangular" in scenario.timings.default.weights_local.describe()


def test_a_rollout_of_one_manifest_is_a_new_revision() -> None:
    old = manifest()
    (new,) = applied(rollout_scenario(old, None, "16x8"))
    assert new.revision != old.revision
    assert new.replicas == old.replicas


def test_a_rollout_takes_its_nodes_from_a_cluster_file(tmp_path: Path) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text(
        "apiVersion: kubeinfer-sim/v1\nkind: Cluster\nmetadata: {name: lab}\nspec:\n" + indented(POOLS, 2),
        encoding="utf-8",
    )
    assert len(rollout_scenario(manifest(), None, str(file)).nodes) == 3


@pytest.mark.parametrize("nodes", ["8", "8x", "x8", "0x8", "8x0", "1000000x8", "8*8", "", "-8x8", "８x８"])
def test_a_wrong_number_of_nodes_says_how_to_write_it(nodes: str) -> None:
    with pytest.raises(UsageError, match=r"nodes: .*(x8|between 1)"):
        rollout_scenario(manifest(), None, nodes)


def test_another_object_is_no_update() -> None:
    old = manifest()
    text = MANIFEST.replace("name: chat", "name: other").replace("${replicas}", "1").replace("${image}", "x")
    from kubeinfer_sim.manifest.source import SourceText

    other = load_manifest([SourceText("o.yaml", text)]).kubeinfers[0]
    with pytest.raises(UsageError, match="KubeInfer prod/other is another object than KubeInfer prod/chat"):
        rollout_scenario(old, other, "16x8")


def test_a_scenario_is_the_same_however_often_it_is_read(load: Load) -> None:
    spec = "update: {newRevision: true}\ntimings: {profile: range}"
    assert load(spec) == load(spec)


def test_a_missing_scenario_file_is_said_so() -> None:
    with pytest.raises(InputError, match="no such file"):
        load_scenario("nowhere.yaml")
