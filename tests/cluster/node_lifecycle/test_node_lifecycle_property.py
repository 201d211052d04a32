"""The computed node lifecycle and the tick-by-tick one agree on random scripts."""

from __future__ import annotations

import random
from typing import Any

import pytest
from cluster.node_lifecycle.reference import Reference
from cluster.node_lifecycle.simulated import Simulated
from cluster.node_lifecycle.traces import by_zone, settled
from sweeps import blocks

from kubeinfer_sim.manifest.model import Toleration

pytestmark = pytest.mark.any_version

NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
TOLERATIONS: dict[str, tuple[Toleration, ...]] = {
    "none": (),
    "all": (Toleration("", "Exists"),),
    "s0": tuple(Toleration(key, "Exists", "", "NoExecute", 0) for key in (NOT_READY, UNREACHABLE)),
    "s30": tuple(Toleration(key, "Exists", "", "NoExecute", 30) for key in (NOT_READY, UNREACHABLE)),
    "mixed": (
        Toleration(NOT_READY, "Exists", "", "NoExecute", 30),
        Toleration(UNREACHABLE, "Exists", "", "NoExecute", 90),
        Toleration("example.com/maintenance", "Exists", "", "NoExecute", 10),
    ),
}
TAINTS = [
    ("example.com/maintenance", "NoExecute"),
    ("node.kubernetes.io/out-of-service", "NoExecute"),
    ("node.kubernetes.io/out-of-service", "NoSchedule"),
    (UNREACHABLE, "NoExecute"),
    (NOT_READY, "NoSchedule"),
]
DEEDS = [
    "die",
    "die",
    "die",
    "return",
    "return",
    "ready_false",
    "ready_true",
    "taint_add",
    "taint_remove",
    "cordon",
    "uncordon",
]
DEEDS += ["create_pod", "create_node", "delete_node"]


def case_of(seed: int) -> dict[str, Any]:
    """A random cluster and what happens to it; no two causes fall on one millisecond.

    Passes end in 3, pod collections in 7, leases in 1, status checks in 5, the script in 9, and pods take
    whole hundreds of ms plus 20 to stop, so that nothing hangs on the order within an instant.
    """
    rng = random.Random(seed)
    zones = rng.choice([["a"], ["a"], ["a", "b"], ["a", "b", "c"]])
    count = rng.choice([1, 2, 3, 5, 8])
    nodes = [
        {
            "name": f"n{i}",
            "zone": rng.choice(zones),
            "lease_phase": rng.randrange(1000) * 10 + 1,
            "status_phase": rng.randrange(1000) * 10 + 5,
            "last_status": -rng.randrange(30_000) * 10 - 1,
            "exclude_disruption": rng.random() < 0.1,
            "dead_at_start": rng.random() < 0.05,
        }
        for i in range(count)
    ]

    def pod(name: str) -> dict[str, Any]:
        return {
            "name": name,
            "node": rng.choice(nodes)["name"],
            "tol": rng.choice(list(TOLERATIONS)),
            "terminate_ms": rng.randrange(1, 300) * 100 + 20,
        }

    script: list[dict[str, Any]] = []
    for index in range(rng.randrange(1, 14)):
        step: dict[str, Any] = {"t": rng.randrange(60_000) * 10 + 9, "node": rng.choice(nodes)["name"]}
        step["do"] = rng.choice(DEEDS)
        match step["do"]:
            case "return":
                step["mode"] = rng.choice(["heal", "restart"])
            case "taint_add" | "taint_remove":
                step["key"], step["effect"] = rng.choice(TAINTS)
            case "create_pod":
                step["pod"] = pod(f"x{index}")
            case "create_node":
                step["new_node"] = {
                    "name": f"new{index}",
                    "zone": rng.choice(zones),
                    "lease_phase": 1,
                    "status_phase": 5,
                    "last_status": 0,
                    "bare": True,
                }
        script.append(step)
    script.sort(key=lambda step: step["t"])
    # A kubelet that restarts begins its periods at that time; keep those apart from everything else too.
    times = [step["t"] for step in script]
    return {
        "nodes": nodes,
        "pods": [pod(f"p{i}") for i in range(rng.randrange(2 * count + 1))],
        "script": [step for step, t in zip(script, times, strict=True) if times.count(t) == 1],
        "first_tick": rng.randrange(500) * 10 + 3,
        "pass_ms": rng.choice([0, 10, 20, 50]),
        "podgc_first": rng.randrange(2000) * 10 + 7,
        "podgc_pass_ms": 10,
        "end": 900_000,
        "anon": False,
    }


def storm_of(seed: int) -> dict[str, Any]:
    """A random cluster of up to 60 nodes of which many fall silent, or report NotReady, in one or two waves."""
    rng = random.Random(f"storm {seed}")
    zones = rng.choice([["a"], ["a", "b"], ["a", "b", "c"], ["", "a"]])
    case = case_of(seed)
    case["nodes"] = [
        {
            "name": f"n{i}",
            "zone": rng.choice(zones),
            "lease_phase": rng.randrange(1000) * 10 + 1,
            "status_phase": rng.randrange(1000) * 10 + 5,
            "last_status": -rng.randrange(30_000) * 10 - 1,
            "exclude_disruption": rng.random() < 0.03,
        }
        for i in range(rng.choice([4, 6, 10, 20, 51, 60]))
    ]
    case["pods"] = [
        {
            "name": f"p{i}",
            "node": rng.choice(case["nodes"])["name"],
            "tol": rng.choice(list(TOLERATIONS)),
            "terminate_ms": rng.randrange(1, 300) * 100 + 20,
        }
        for i in range(20)
    ]
    steps: dict[int, dict[str, Any]] = {}
    share = rng.choice([0.3, 0.5, 0.55, 0.6, 0.8, 1.0])
    for _ in range(rng.choice([1, 1, 2])):
        begins, lasts = rng.randrange(30_000, 200_000), rng.choice([2000, 6000, 15_000, 200_000])
        for node in case["nodes"]:
            if rng.random() < share:
                dies = rng.random() < 0.8
                at = begins + rng.randrange(lasts)
                steps[at // 10 * 10 + 9] = {"node": node["name"], "do": "die" if dies else "ready_false"}
                if rng.random() < 0.5:
                    back = at + 10 + rng.randrange(rng.choice([5000, 50_000, 120_000, 400_000]))
                    steps[back // 10 * 10 + 9] = {
                        "node": node["name"],
                        "do": "return" if dies else "ready_true",
                        "mode": rng.choice(["heal", "restart"]),
                    }
    case["script"] = [{"t": at, **steps[at]} for at in sorted(steps)]
    return case


def assert_agreement_in_a_storm(seed: int) -> None:
    """By zones: which of several waiting nodes is tainted first is arbitrary."""
    case = storm_of(seed)
    simulated, reference = Simulated(case, TOLERATIONS), Reference(case, TOLERATIONS)
    found, wanted = (by_zone(case, settled(each.run())) for each in (simulated, reference))
    assert found == wanted, f"seed {seed}"


def assert_agreement(seed: int) -> None:
    case = case_of(seed)
    simulated, reference = Simulated(case, TOLERATIONS), Reference(case, TOLERATIONS)
    assert settled(simulated.run()) == settled(reference.run()), f"seed {seed}"


# 1095, 1201: a machine dies after its node has been deleted.
@pytest.mark.parametrize("seed", [*range(20), 1095, 1201])
def test_the_computed_passes_come_to_the_same_as_all_of_them(seed: int) -> None:
    assert_agreement(seed)


@pytest.mark.parametrize("seed", [0, 5, *blocks(6, of_ci=1, first=6)])
def test_the_computed_passes_come_to_the_same_when_many_nodes_fail_together(seed: int) -> None:
    assert_agreement_in_a_storm(seed)


@pytest.mark.parametrize("block", blocks(12, of_ci=2))
def test_the_computed_passes_come_to_the_same_as_all_of_them_in_a_long_sweep(block: int) -> None:
    for seed in range(1000 + 25 * block, 1025 + 25 * block):
        assert_agreement(seed)
        assert_agreement_in_a_storm(seed)
