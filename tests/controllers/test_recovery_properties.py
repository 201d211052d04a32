"""Invariants of recovery over random failures at random times, during updates, under every policy.

R1  NPUs are conserved: what is in use is what placed pods hold, never above the cluster's.
R2  what is placed together is everything that was made together and is still wanted: no half gang holds NPUs.
R3  one restart for each incarnation: they are counted without gap, and between two a gang was made.
R4  no instance mixes revisions, no place of an instance has two holders.
R5  when the failures stop and there is room, every instance ends ready and the update completes.
R6  an instance counts as ready exactly while all pods it takes are ready.
R7  whatever fails, the update itself takes no ready instance below R - U, and makes none above R + S.
R8  no NPU is lost: what the device plugin took out of service is back once it is reset or repaired.
R9  an instance that is not ready in the end is named by the verdict, with the reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace

import pytest
from building import EVERY_SECOND, kubeinfer, scenario, seconds
from controllers.playing import Event, NpuFault, kubeinfer_of, play
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sweeps import blocks

from kubeinfer_sim.cluster.fault_records import NpuStateChanged
from kubeinfer_sim.cluster.records import (
    GangScheduled,
    PodCreated,
    PodDeleting,
    PodFinished,
    PodGone,
    PodNotReady,
    PodReady,
    PodRef,
)
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceConcerning,
    InstanceCreated,
    InstanceDegraded,
    InstanceDeleting,
    InstanceFailed,
    InstanceGone,
    InstanceReady,
    InstanceRestarting,
    SpecApplied,
    UpdateCompleted,
)
from kubeinfer_sim.manifest.model import Probe
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.actions.model import (
    Action,
    Apply,
    Cordon,
    Drain,
    Fault,
    Health,
    NodeDown,
    Scale,
    Target,
)
from kubeinfer_sim.scenario.faults.model import FaultPlan, NpuHandling
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.recovery.rules import GiveUp, Limit, RecoveryRule
from kubeinfer_sim.scenario.timings.distributions import Constant, Uniform
from kubeinfer_sim.simulation.assembly import Simulation
from kubeinfer_sim.simulation.run import Run

ROLES = {"prefill": 2, "decode": 1}
LABEL = {"modelarts-infer-npu-reset-enable": "true"}
GANG = sum(ROLES.values())
#: Failures stop here, ms; what was cordoned is uncordoned.
CALM = 3_000_000

RULES: dict[str, tuple[RecoveryRule, ...]] = {
    "pods": (RecoveryRule("RecreatePod"),),
    "roles": (
        RecoveryRule("RecreateRole", roles=("prefill",)),
        RecoveryRule("RecreateInstance", delay=20_000),
    ),
    "containers": (
        RecoveryRule("RestartContainer", limit=Limit(2, 600_000, "RecreateRole"), roles=("prefill",)),
        RecoveryRule("Ignore", exit_codes=(3,)),
        RecoveryRule("RecreatePod", delay=5_000, limit=Limit(1, 600_000, "RecreateInstance")),
    ),
    "degrade": (
        RecoveryRule("Degrade", roles=("decode",), give_up=(GiveUp("prefill", 1),)),
        RecoveryRule("RecreatePod"),
    ),
    "give up all": (
        RecoveryRule("Degrade", roles=("decode",), give_up=(GiveUp("prefill", 0),)),
        RecoveryRule("RecreateRole"),
    ),
    "none": (),
}

#: Some failures are not recovered from: the instance is held.
GIVING_UP = (RecoveryRule("Fail", exit_codes=(3,)), RecoveryRule("RecreateInstance"))


@dataclass(frozen=True)
class Failing:
    """A failure at `at` ms; `kind` says which."""

    at: int
    kind: str
    role: str
    replica: int
    ordinal: int


@dataclass(frozen=True)
class Case:
    replicas: int
    surge: int
    unavailable: int
    spare: int
    policy: str
    failures: tuple[Failing, ...]
    updates: tuple[int, ...]
    scales: tuple[tuple[int, int], ...]
    term: int
    peers: int | None
    keep: bool
    old: str
    startup: str
    replacement: str
    seed: int


@st.composite
def failings(draw: st.DrawFn) -> Failing:
    role = draw(st.sampled_from(list(ROLES)))
    return Failing(
        # Often at one instant, or within a second.
        draw(st.integers(0, 20)) * 100_000 + draw(st.sampled_from([0, 0, 300, 900, 5_000, 30_000])),
        draw(
            st.sampled_from(
                [
                    "crash",
                    "exit 3",
                    "platform",
                    "drain",
                    "liveness",
                    "readiness",
                    "node",
                    "node",
                    "npu",
                    "npu",
                ]
            )
        ),
        role,
        draw(st.integers(0, ROLES[role] - 1)),
        draw(st.integers(0, 4)),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    replicas = draw(st.integers(1, 4))
    surge = draw(st.integers(0, 2))
    unavailable = draw(st.integers(0 if surge else 1, replicas))
    return Case(
        replicas,
        surge,
        unavailable,
        spare=draw(st.integers(0, 4)),
        policy=draw(st.sampled_from(["Instance", "Pod", *RULES])),
        failures=tuple(draw(st.lists(failings(), max_size=8))),
        updates=tuple(sorted(draw(st.lists(st.integers(0, 2_000_000), max_size=2)))),
        scales=tuple(draw(st.lists(st.tuples(st.integers(0, 2_000_000), st.integers(0, 4)), max_size=1))),
        term=draw(st.sampled_from([0, 10, 200])),
        peers=draw(st.sampled_from([None, 60_000, 600_000])),
        keep=draw(st.booleans()),
        old=draw(st.sampled_from(["replaceNew", "rebuildOld"])),
        startup=draw(st.sampled_from(["rebuild", "kubelet"])),
        replacement=draw(st.sampled_from(["TerminationComplete", "TerminationStarted"])),
        seed=draw(st.integers(0, 3)),
    )


def run_of(case: Case) -> tuple[Run, int]:
    restart = case.policy if case.policy in ("Instance", "Pod") else "Custom"
    probes = {
        "startup": Probe(period_seconds=1, failure_threshold=3600),
        "liveness": Probe(period_seconds=1, failure_threshold=3),
        "readiness": EVERY_SECOND,
    }

    def spec(revision: str):  # type: ignore[no-untyped-def]
        return kubeinfer(
            case.replicas, case.surge, case.unavailable, revision, ROLES, restart, labels=LABEL, **probes
        )

    most = max([case.replicas, *(replicas for _, replicas in case.scales)])
    node_count = (most + max(case.surge, 1)) * GANG + case.spare
    actions: list[Action] = [Apply(at, spec(f"new{i}")) for i, at in enumerate(case.updates)]
    actions += [Scale(at, replicas) for at, replicas in case.scales]
    events: list[Event] = []
    for each in case.failures:
        if each.kind in ("liveness", "readiness"):
            target = Target(instances=(each.ordinal,), roles=(each.role,), pods=(each.replica,))
            actions.append(Health(each.at, target, False, each.at + 20_000, (each.kind,)))  # type: ignore[arg-type]
        elif each.kind == "drain":
            actions.append(Drain(each.at, (f"node-{each.ordinal * GANG + each.replica}",)))
        elif each.kind == "node":  # back before its pods are evicted, or after
            until = each.at + (200_000 if each.replica else 500_000)
            name = f"node-{each.ordinal * GANG + each.replica}"
            actions.append(
                NodeDown(each.at, (name,), "silent" if each.role == "prefill" else "cutOff", until)
            )
        elif each.kind == "npu":  # the device plugin resets it, or has it repaired
            target = Target(instances=(each.ordinal,), roles=(each.role,), pods=(each.replica,))
            # A container that is restarted in place holds its NPU for ever: only what ends by itself ends then.
            ends = 300_000 if case.policy in ("none", "containers") else None
            level = "RestartBusiness" if ends else "SeparateNPU" if each.replica else "RestartNPU"
            actions.append(
                Fault(each.at, "NpuFault", target, (0,), level, None, ends, failed_resets=each.ordinal)
            )
        else:
            events.append((each.at / 1000, failing(each)))
    actions.append(Cordon(CALM, tuple(f"node-{i}" for i in range(node_count)), uncordon=True))
    actions.sort(key=lambda action: action.at)
    made = scenario(
        spec("old"),
        node_count,
        0,
        case.term,
        stages={"warm_up": Uniform(30_000, 200_000), "bind": seconds(1), "create": seconds(1)},
        actions=tuple(action for action in actions if _names_real_nodes(action, node_count)),
        recovery=GIVING_UP if case.policy == "giving up" else RULES.get(case.policy, ()),
        faults=FaultPlan(npus=NpuHandling(repeats=0, repair=Constant(600_000))),
        assumptions=Assumptions(
            peer_loss_timeout=case.peers,
            keep_nodes=case.keep,
            old_instance_failure=case.old,  # type: ignore[arg-type]
            startup_crash=case.startup,  # type: ignore[arg-type]
            replacement=case.replacement,  # type: ignore[arg-type]
        ),
        seed=case.seed,
    )
    return play(made, *events), node_count


def _names_real_nodes(action: Action, node_count: int) -> bool:
    if not isinstance(action, Drain | NodeDown):
        return True
    return int(action.nodes[0].removeprefix("node-")) < node_count


def failing(each: Failing):  # type: ignore[no-untyped-def]
    """The failure, if there is such a pod."""

    def event(simulation: Simulation) -> None:
        for pod in list(simulation.workloads.pods()):
            ref = pod.ref
            if (ref.place, ref.instance.ordinal) == ((each.role, each.replica), each.ordinal):
                cause = len(simulation.env.history) - 1
                if each.kind == "platform":
                    kubeinfer_of(simulation).npu_fault(pod, NpuFault("CardDrop"), cause)
                else:
                    code = 3 if each.kind == "exit 3" else 1
                    simulation.cluster.kubelet.crash(pod, "Error", code, cause=cause)

    return event


def check(case: Case) -> None:
    run, node_count = run_of(case)
    in_use = 0
    holders: dict[tuple[int, tuple[str, int]], PodRef] = {}
    made_together: dict[tuple[int, int], set[PodRef]] = defaultdict(set)
    waiting: set[PodRef] = set()
    revisions: dict[int, str] = {}
    incarnations: Counter[int] = Counter()
    gangs_since: dict[int, bool] = {}
    ready_pods: dict[int, set[PodRef]] = defaultdict(set)
    given_up: Counter[int] = Counter()
    ready: set[int] = set()
    ran: set[int] = set()
    live: set[int] = set()
    going: set[int] = set()
    spec: SpecApplied | None = None
    npus: dict[tuple[str, int], str] = {}
    for record in run.history:
        match record:
            case SpecApplied():
                spec = record
            case NpuStateChanged():
                npus.update({(record.node, number): record.state for number in record.npus})
            case InstanceGone():
                live.discard(record.instance.uid)
            case InstanceCreated():
                live.add(record.instance.uid)
                assert spec is not None
                counted = live - going if case.replacement == "TerminationStarted" else live
                old = any(revisions[uid] != spec.revision for uid in live if uid in revisions)
                assert len(counted) <= spec.replicas + (spec.surge if old else 0), "R7"
                revisions[record.instance.uid] = record.revision
                gangs_since[record.instance.uid] = False
                if record.running:
                    ran.add(record.instance.uid)
            case PodCreated():
                place = (record.pod.instance.uid, record.pod.place)
                assert place not in holders, "R4: a place has one holder"
                holders[place] = record.pod
                made_together[record.pod.instance.uid, record.pod.generation].add(record.pod)
                waiting.add(record.pod)
                gangs_since[record.pod.instance.uid] = True
            case GangScheduled():
                in_use += record.npus
                assert record.in_use == in_use <= 8 * node_count, "R1"
                placed = {ref for ref, _ in record.nodes}
                generation = next(iter(placed)).generation
                assert placed == made_together[record.instance.uid, generation] & waiting, "R2"
                waiting -= placed
            case PodDeleting():
                ready_pods[record.pod.instance.uid].discard(record.pod)
                waiting.discard(record.pod)
            case PodFinished():  # rejected by its kubelet: it holds nothing from now on
                in_use -= record.npus
                assert record.in_use == in_use >= 0, "R1"
                waiting.discard(record.pod)
            case PodGone():
                in_use -= record.npus
                assert record.in_use == in_use >= 0, "R1"
                del holders[record.pod.instance.uid, record.pod.place]
            case InstanceRestarting():
                uid = record.instance.uid
                incarnations[uid] += 1
                assert record.incarnation == incarnations[uid], "R3: counted without gap"
                assert gangs_since[uid], "R3: one restart for each incarnation"
                gangs_since[uid] = False
                ready.discard(uid)
                given_up[uid] = 0
            case PodReady():
                ready_pods[record.pod.instance.uid].add(record.pod)
            case PodNotReady():
                ready_pods[record.pod.instance.uid].discard(record.pod)
            case InstanceDegraded():
                given_up[record.instance.uid] += sum(count for _, count in record.given_up)
            case InstanceReady():
                uid = record.instance.uid
                assert uid not in ready, "R6: once"
                ready.add(uid)
                if uid in ran:  # its pods were ready before anything was recorded
                    ran.discard(uid)
                    ready_pods[uid] |= {ref for (owner, _), ref in holders.items() if owner == uid}
                assert len(ready_pods[uid]) >= GANG - given_up[uid], "R6"
            case InstanceConcerning() | InstanceDeleting() | InstanceFailed():
                ready.discard(record.instance.uid)
                if isinstance(record, InstanceDeleting):
                    going.add(record.instance.uid)
                    if record.reason == "Rollout":
                        assert spec is not None
                        assert len(ready) >= spec.replicas - spec.unavailable, "R7"
    assert not list(run.history.of(InstanceFailed))
    assert run.end == "settled"
    last = list(run.history.of(SpecApplied))[-1]
    assert len(ready) == last.replicas, "R5: all are ready"
    assert {revisions[uid] for uid in ready} <= {last.revision}, "R5: of the newest revision"
    assert any(done.generation == last.generation for done in run.history.of(UpdateCompleted)), "R5"
    assert len(holders) == last.replicas * GANG
    assert not waiting
    assert set(npus.values()) <= {"inService"}, "R8"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_recovery_keeps_its_invariants(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("block", blocks(5, of_ci=1))
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_recovery_keeps_its_invariants_over_a_long_sweep(block: int, case: Case) -> None:
    check(case)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_every_instance_ends_ready_or_the_verdict_says_why_not(case: Case) -> None:
    run, _ = run_of(replace(case, policy="giving up"))
    assessment = assess(run)
    last = list(run.history.of(SpecApplied))[-1]
    if assessment.measures.ready.last == last.replicas:
        # Neither what strikes nothing nor a story in which nothing happens stands under a green verdict.
        idle = assessment.cluster.idle.unmatched or assessment.verdict.sentence.startswith("Nothing happened")
        assert assessment.verdict.holds is not bool(idle), "R5"
        return
    assert not assessment.verdict.holds
    failed = {f"{record.instance.name} has failed: " for record in run.history.of(InstanceFailed)}
    assert any(text in assessment.verdict.sentence for text in failed), assessment.verdict.sentence


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_the_same_failures_give_the_same_history(case: Case) -> None:
    assert list(run_of(case)[0].history) == list(run_of(replace(case))[0].history)
