"""What `kubernetesVersion` switches: a test for each row of the table of releases (docs/fidelity.md)."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from building import kubeinfer, scenario
from cluster.prober.cases import play, prober_of
from command_line import python
from msgspec.structs import replace
from scenario_files import MANIFEST, Load

from kubeinfer_sim.cluster.kubelet.backoff import BackoffLimits, PodWorkerRetry
from kubeinfer_sim.cluster.kubelet.restart_policy import consequence
from kubeinfer_sim.cluster.prober import ContainerProber
from kubeinfer_sim.cluster.records import PodDeleting
from kubeinfer_sim.cluster.scheduler.framework import judge
from kubeinfer_sim.cluster.scheduler.gang import Gang, GangPod
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.objects import Templates
from kubeinfer_sim.cluster.scheduler.plugins import balanced_allocation
from kubeinfer_sim.cluster.scheduler.plugins.interface import Cluster
from kubeinfer_sim.cluster.scheduler.pods import Pod, PodSpec
from kubeinfer_sim.cluster.scheduler.preemption import preempt
from kubeinfer_sim.cluster.scheduler.scheduler import Scheduler
from kubeinfer_sim.manifest.kubernetes.labels import Requirement
from kubeinfer_sim.manifest.model import Container, IntOrPercent, PodTemplate, StatefulSet
from kubeinfer_sim.manifest.releases import RELEASES, changes, release_of, since
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint
from kubeinfer_sim.simulation.simulate import simulate
from kubeinfer_sim.testing.reference_prober import ReferenceProber

Findings = Callable[..., list[str]]
BOTH = pytest.mark.parametrize("kind", [ReferenceProber, ContainerProber])
ROOT = Path(__file__).parents[2]
#: A release nobody has heard of yet.
NEXT = f"1.{int(RELEASES[-1].partition('.')[2]) + 1}"
#: The rows that have a test.
TESTED: set[str] = set()


def row(name: str) -> Any:
    """A test of one row, for the last release with the old behaviour (False) and the first with the new."""
    TESTED.add(name)
    last, first = next(pair for pair in pairwise(RELEASES) if pair[1] == since(name))
    return pytest.mark.parametrize(("version", "new"), [(last, False), (first, True), (RELEASES[-1], True)])


def probe(period: int) -> dict[str, int]:
    return {
        "initialDelaySeconds": 0,
        "timeoutSeconds": 1,
        "periodSeconds": period,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def played(kind: type, version: str, **case: Any) -> tuple[Any, Any]:
    whole = {
        "addpod_wall_ms": 0,
        "trigger_sees": "new",
        "container_start_ms": 1_000,
        "kill_ms": 0,
        "restart_delay_ms": 0,
        "horizon_ms": 60_000,
        **case,
    }
    prober = prober_of(kind, whole, kubernetes=release_of(version))
    return play(whole, prober), prober


@row("startup_probe_rests")
def test_the_startup_probe_rests_after_a_success(version: str, new: bool) -> None:
    scripts = {"startup": [[[0, "success", 0]]]}
    _, prober = played(ReferenceProber, version, probes={"startup": probe(1)}, scripts=scripts)
    assert prober.workers["startup"].on_hold is new


@BOTH
@row("readiness_round_restarts_ticker")
def test_a_readiness_round_out_of_turn_restarts_its_ticker(kind: type, version: str, new: bool) -> None:
    # Not ready at the sync at 14 s, which asks out of turn; it would answer from 15 s on.
    scripts = {"readiness": [[[0, "fail", 0], [14_000, "success", 0]]]}
    trace, _ = played(kind, version, probes={"readiness": probe(10)}, scripts=scripts, extra_sync_ms=[13_000])
    (ready,) = [each[0] for each in trace.status if each[1:] == ["ready", True]]
    assert ready == (23_000 if new else 20_000)


@row("stateful_set_max_unavailable")
def test_the_update_of_a_stateful_set_takes_down_several_pods_at_once(version: str, new: bool) -> None:
    template = PodTemplate((Container("main", "repo/db:v1"),), labels={"app": "db"})
    before = StatefulSet("db", template, replicas=4, max_unavailable=IntOrPercent(3))
    after = replace(before, template=replace(template, raw={"metadata": {}}))
    made = scenario(kubeinfer(1), 1, term=5, kubernetes_version=version, actions=(Apply(60_000, after),))
    run = simulate(replace(made, workloads=(before,)))
    deleted = [each.at for each in run.history.of(PodDeleting)]
    assert deleted.count(60_000) == (3 if new else 1)


@row("node_monitor_grace")
def test_the_grace_period_of_nodes_is_10_s_longer(load: Load, version: str, new: bool) -> None:
    assert load(f'kubernetesVersion: "{version}"').node_lifecycle.grace == (50_000 if new else 40_000)


@row("fixed_back_off_expiry")
def test_a_back_off_is_forgotten_after_600_s_whatever_its_maximum(version: str, new: bool) -> None:
    limits = BackoffLimits.of_kubelet(kubernetes=release_of(version), maximum=20_000)
    assert limits.expiry == (600_000 if new else 40_000)


class Least:
    def random(self) -> float:
        return 0.0


@row("retries_when_back_off_ends")
def test_a_container_in_back_off_is_looked_at_when_it_ends(version: str, new: bool) -> None:
    retry = PodWorkerRetry(release_of(version), Least())
    assert retry.next(0, 40_000) == (40_000 if new else 10_000)


def refused(load: Load, findings: Findings, spec: str, *, new: bool) -> list[str]:
    """What is wrong with a scenario of an old release, which a newer one takes."""
    if not new:
        return findings(spec)
    load(spec)
    return []


@row("max_container_restart_period")
def test_the_longest_restart_period_is_a_setting_kubelets_may_not_have(
    load: Load, findings: Findings, version: str, new: bool
) -> None:
    spec = f'kubernetesVersion: "{version}"\nkubelet: {{maxContainerRestartPeriod: 1m}}'
    found = refused(load, findings, spec, new=new)
    assert new or "kubelets have it from 1.35 on" in found[0]


@row("reduced_crash_loop_back_off")
def test_the_reduced_back_off_is_a_setting_kubelets_may_not_have(
    load: Load, findings: Findings, version: str, new: bool
) -> None:
    spec = f'kubernetesVersion: "{version}"\nkubelet: {{reducedCrashLoopBackOff: true}}'
    found = refused(load, findings, spec, new=new)
    assert new or "kubelets have it from 1.33 on" in found[0]


@BOTH
@row("new_kubelet_keeps_readiness")
def test_a_new_kubelet_keeps_the_status_of_containers(kind: type, version: str, new: bool) -> None:
    trace, _ = played(
        kind,
        version,
        probes={"startup": probe(10), "readiness": probe(10)},
        scripts={"startup": [[[0, "success", 0]]], "readiness": [[[0, "success", 0]]]},
        adopted={"age_ms": 3_600_000, "started": True, "pod_ready": True},
    )
    assert trace.status[0][0] == (1_000 if new else 10_000)


@BOTH
@row("replacement_inherits_started")
def test_a_container_started_in_the_sync_that_killed_the_one_before_counts_as_started(
    kind: type, version: str, new: bool
) -> None:
    trace, _ = played(
        kind,
        version,
        probes={"startup": probe(10), "liveness": probe(3)},
        scripts={
            "startup": [[[0, "success", 0]], [[0, "fail", 0]]],
            "liveness": [[[0, "success", 0], [20_000, "fail", 0]]],
        },
    )
    killed = next(each[0] for each in trace.container if each[1] == "kill")
    unstarted = next(each[0] for each in trace.status if each[1:] == ["started", False])
    assert (unstarted > killed) is new


def own_policy(folder: Path, action: str = "Restart") -> None:
    """Gives the engine a policy and a rule of its own."""
    engine = "            - name: engine\n"
    rules = f"[{{action: {action}, exitCodes: {{operator: In, values: [3]}}}}]"
    own = f"              restartPolicy: Never\n              restartPolicyRules: {rules}\n"
    (folder / "chat.yaml").write_text(MANIFEST.replace(engine, engine + own, 1), encoding="utf-8")


@row("takes_container_restart_policy")
def test_a_restart_policy_of_a_container_is_refused_before_api_servers_know_it(
    load: Load, findings: Findings, folder: Path, version: str, new: bool
) -> None:
    own_policy(folder)
    found = refused(load, findings, f'kubernetesVersion: "{version}"', new=new)
    assert new or f"has a restartPolicy of its own, which API servers of {version} refuse" in found[0]


@row("container_restart_policy")
def test_a_restart_policy_of_a_container_counts(load: Load, folder: Path, version: str, new: bool) -> None:
    own_policy(folder)
    dropped = [
        each.message for each in load(f'kubernetesVersion: "{version}"').warnings if "drops" in each.message
    ]
    assert bool(dropped) is not new
    (container,) = load(f'kubernetesVersion: "{version}"').kubeinfer.roles[0].template.containers
    template = PodTemplate((container,))
    assert consequence(container, template, 1, kubernetes=release_of(version)) == (
        "stays" if new else "again"
    )


@row("restart_all_containers")
def test_all_containers_may_be_restarted_by_a_rule(
    load: Load, findings: Findings, folder: Path, version: str, new: bool
) -> None:
    own_policy(folder, "RestartAllContainers")
    found = refused(load, findings, f'kubernetesVersion: "{version}"', new=new)
    assert new or f"has a rule RestartAllContainers, which API servers of {version} refuse" in found[0]


def cluster_of(version: str) -> Cluster:
    node = NodeState("a", 0, {}, (), {"cpu": 1000, "memory": 1000}, frozenset({"pods"}))
    return Cluster((node,), kubernetes=release_of(version))


@row("unnamed_taints")
def test_the_scheduler_names_the_taint_or_not(version: str, new: bool) -> None:
    scheduler = Scheduler(
        [NodeSpec("a", "a", {"cpu": 1000}, taints=(Taint("reserved", "x"),))], kubernetes=release_of(version)
    )
    message = scheduler.explain(Gang("g", (GangPod("p", PodTemplate((), requests={"cpu": 1})),))).message
    assert ("{reserved: x}" in message) is not new


@row("merges_label_keys")
def test_the_api_server_knows_label_keys_of_affinity(version: str, new: bool) -> None:
    term = {
        "topologyKey": "zone",
        "labelSelector": {"matchLabels": {"app": "chat"}},
        "matchLabelKeys": ["revision"],
        "mismatchLabelKeys": ["tenant", "none"],
    }
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    labels = {"app": "chat", "revision": "1", "tenant": "a"}
    template = PodTemplate((), labels=labels, raw={"spec": {"affinity": affinity}})
    (found,) = Templates(release_of(version)).spec_of(template).anti_affinity
    merged = (Requirement("revision", "in", ("1",)), Requirement("tenant", "notin", ("a",)))
    assert found.selector == (Requirement("app", "=", ("chat",)), *(merged if new else ()))


@row("claims_in_preemption")
def test_the_scheduler_says_that_no_claims_help_preemption(version: str, new: bool) -> None:
    cluster = cluster_of(version)
    pod = Pod("p", PodSpec(requests={"cpu": 2000}))
    message = preempt(pod, cluster, judge(pod, cluster)).message
    assert message.startswith("no new claims to deallocate, preemption: ") is new


@row("scores_change_of_balance")
def test_balance_is_scored_by_what_the_pod_changes(version: str, new: bool) -> None:
    cluster = cluster_of(version)
    uneven = Pod("p", PodSpec(requests={"cpu": 500}))
    scores = balanced_allocation.scores(uneven, cluster, cluster.nodes)
    assert scores == {"a": 50 + int((50 - 25) / 2) if new else 75}


def test_every_row_of_the_table_has_a_test() -> None:
    assert {each.name for each in changes()} == TESTED


def test_the_table_of_the_documentation_is_the_code_s() -> None:
    page = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")
    lines = ["| behaviour | up to | from |", "|---|---|---|", *(each.row() for each in changes())]
    _, table = page.split("<!-- releases: made from manifest/releases.py; a test keeps it current -->\n\n")
    assert table.partition("\n\n")[0].splitlines() == lines
    assert f"`kubernetesVersion` ({RELEASES[0]} to {RELEASES[-1]})" in page
    scenario = (ROOT / "docs" / "scenario.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| `kubernetesVersion` .*$", scenario, re.M)
    assert re.findall(r"1\.\d+", row) == [RELEASES[0], RELEASES[-1], RELEASES[-1]]


@pytest.mark.parametrize("version", ["1.28", NEXT, "2.0", "1.36.x", "", "latest"])
def test_an_unknown_release_is_an_error(version: str) -> None:
    with pytest.raises(
        ValueError, match=re.escape(f"expected a version from {RELEASES[0]} to {RELEASES[-1]}, found")
    ):
        release_of(version)


def test_a_patch_release_is_its_minor_release() -> None:
    assert release_of("v1.31.4") == release_of("1.31")
    assert not release_of("v1.31.4").startup_probe_rests


def test_a_new_release_is_one_entry_more() -> None:
    """Everything takes it: scenario, schema, simulation, report."""
    code = f"""
import json, sys
import kubeinfer_sim.manifest.releases as releases
releases.RELEASES += ("{NEXT}",)
releases.LATEST = releases.release_of("{NEXT}")
from kubeinfer_sim.cli.main import run
assert run(["schema", "scenario"]) == 0
sys.exit(run(["run", "scenarios/down-first.yaml"]))
"""
    ran = python(code)
    assert ran.returncode == 0, ran.stderr
    assert f"|{NEXT})".replace(".", r"\\.") in ran.stdout, "the schema's pattern"
    assert f"· Kubernetes {NEXT} ·" in ran.stdout
    assert f"Kubernetes {NEXT}" in ran.stdout
