"""What a command imports before it can begin: as counts, since a time is another on every machine."""

from __future__ import annotations

import json
from functools import cache

import pytest
from command_line import python

STORY = "scenarios/drain-a-node.yaml"
UPDATE = "scenarios/up-first.yaml"
OLD = "tests/manifest/data/valid/06-mixed-single-role.yaml"

LINES: dict[str, list[str]] = {
    "--help": ["--help"],
    "--version": ["--version"],
    "validate": ["validate", OLD],
    "diff": ["diff", OLD, OLD],
    "explain": ["explain"],
    "run": ["run", STORY],
    "run -o json": ["run", STORY, "-o", "json"],
    "rollout": ["rollout", OLD, OLD, "--nodes", "8x8"],
    "compare": ["compare", UPDATE, "--vary", "maxSurge=1,2", "-n", "1"],
    "why": ["why", STORY, "--at", "5m"],
    "pods": ["pods", STORY, "--at", "5m"],
}

#: Command -> the most modules of ours it may import, some 1 % more than it does; the most Pydantic models it may define.
MOST = {
    "--help": (6, 0),
    "--version": (6, 0),
    "validate": (118, 0),
    "diff": (106, 0),
    "explain": (50, 0),
    "run": (421, 19),
    "rollout": (425, 21),
    "compare": (426, 19),
    "why": (375, 19),
    "pods": (375, 19),
}

SIMULATION = ("cluster", "controllers", "engine", "experiment", "metrics", "simulation")
DOCUMENTS = ("report.result", "report.result_part", "report.markdown", "testing")

#: What a scenario without faults, Deployments and timings of its own has no use for.
UNWRITTEN = (
    "manifest.apps_object",
    "manifest.bare_pod",
    "manifest.lint.catalogue",
    "manifest.other_objects",
    "manifest.yaml_errors",
    "scenario.actions.apply_form",
    "scenario.actions.node_forms",
    "scenario.faults.forms",
    "scenario.recovery.forms",
    "scenario.demand.forms",
    "scenario.timings.forms",
    "scenario.cluster.kubectl",
    "scenario.faults.compile_process",
    "scenario.workloads.plain",
    "simulation.faults.assembly",
    "controllers.deployment.replica_set",
    "controllers.deployment.workload",
    "controllers.pod.workload",
    "report.details",
    "cluster.devices.manager",
    "cluster.nodes.node_lifecycle",
    "cluster.quota",
    "cluster.scheduler.explain",
    "cluster.scheduler.framework",
    "cluster.scheduler.ways",
    "manifest.kubernetes.rolling_update",
    "manifest.kubernetes.validation.claims",
    "manifest.refusals",
    "metrics.traffic",
    "scenario.demand.compile",
    "simulation.node_controllers",
    "simulation.pod_objects",
)

#: Command -> what it has no use for: libraries, and rooms of ours after a dot.
WITHOUT = {
    "--help": ("msgspec", "pydantic", "rich", "simpy", "yaml", "scipy", ".manifest", ".scenario"),
    "--version": ("msgspec", "pydantic", "rich", "simpy", "yaml", "scipy", ".manifest", ".scenario"),
    "validate": ("pydantic", "rich", "simpy", "scipy", ".report", *(f".{each}" for each in SIMULATION)),
    "diff": ("pydantic", "rich", "simpy", "scipy", ".scenario", *(f".{each}" for each in SIMULATION)),
    "explain": ("pydantic", "rich", "simpy", "scipy", ".scenario", *(f".{each}" for each in SIMULATION)),
    "run": ("scipy", "hypothesis", "rich", *(f".{each}" for each in (*DOCUMENTS, *UNWRITTEN))),
    "run -o json": ("scipy", ".report.terminal", ".report.markdown", ".testing"),
    "rollout": ("scipy", "hypothesis", *(f".{each}" for each in DOCUMENTS)),
    "compare": ("scipy", ".report.terminal", *(f".{each}" for each in DOCUMENTS)),
    "why": ("rich", "scipy", ".experiment", ".report.terminal", *(f".{each}" for each in DOCUMENTS)),
    "pods": ("rich", "scipy", ".experiment", ".report.terminal", *(f".{each}" for each in DOCUMENTS)),
}

COUNT = """
import contextlib, io, json, sys
from kubeinfer_sim.cli.main import run

with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())), contextlib.redirect_stderr(io.StringIO()):
    code = run({line})


def models(base):
    below = [each for each in base.__subclasses__() if each.__module__.startswith("kubeinfer_sim")]
    return len(below) + sum(map(models, below))


pydantic = sys.modules.get("pydantic.main")
print(json.dumps([code, sorted(sys.modules), models(pydantic.BaseModel) if pydantic else 0]))
"""


@cache
def imported(command: str) -> tuple[list[str], int]:
    """The modules a command imports in an interpreter of its own, and how many models it defines."""
    done = python(COUNT.replace("{line}", repr(LINES[command])))
    code, modules, models = json.loads(done.stdout)
    assert code in (0, 1), done.stderr
    return modules, models


@pytest.mark.parametrize("command", MOST)
def test_a_command_imports_few_modules_and_defines_few_models(command: str) -> None:
    modules, models = imported(command)
    most, most_models = MOST[command]
    ours = [each for each in modules if each.startswith("kubeinfer_sim.")]
    assert len(ours) <= most
    assert models <= most_models


@pytest.mark.parametrize("command", WITHOUT)
def test_a_command_imports_nothing_it_has_no_use_for(command: str) -> None:
    modules, _ = imported(command)
    without = [f"kubeinfer_sim{each}" if each.startswith(".") else each for each in WITHOUT[command]]
    assert [each for each in without if each in modules] == []
