"""A scenario played step by step: by a session, and by a state machine that Hypothesis drives."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from command_line import ROOT
from field.user import User, asking, both, deployment, kubeinfer
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from kubeinfer_sim import simulate
from kubeinfer_sim.errors import InputError, SimulatorFault
from kubeinfer_sim.scenario.self_contained import whole_scenario
from kubeinfer_sim.testing.fuzz.cases import read
from kubeinfer_sim.testing.invariants import Finished, InvariantsBroken
from kubeinfer_sim.testing.stateful import ScenarioMachine, Session

READY = {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10}}


def two(folder: Path, *workloads: Any, cluster: str = "4x8", **spec: Any) -> str:
    """A scenario with two pods of each of these, ready at the start."""
    user = User(folder)
    made = [each({**asking(npu=8 // len(workloads)), **READY}, replicas=2, surge=1) for each in workloads]
    user.plans(*made, cluster=cluster, **spec)
    return str(folder / "scenario.yaml")


@both
def test_what_is_done_step_by_step_is_what_the_same_file_comes_to(tmp_path: Path, workload: Any) -> None:
    session = Session(two(tmp_path, workload), seed=3)
    assert (session.look().ready, session.look().wanted) == (2, 2)
    session.advance("1m")
    session.apply()
    session.advance("10s")
    session.drain("node-0")
    session.advance(50_000)
    session.delete(pods=[0])
    session.fault("CardDrop", node="node-3", npu=0)
    session.fail("node-1")
    session.advance("20m")
    session.repair("node-1")
    session.uncordon("node-0")
    session.scale(1)
    session.advance("1d")
    seen = session.look()
    assert (seen.ready, seen.wanted) == (1, 1)
    assert [each.columns.status for each in seen.pods] == ["Running"]
    assert str(seen).startswith("At 1d22m 1 of 1 ")
    assert [each["at"] for each in session.actions] == [
        "60000ms",
        "70000ms",
        *["120000ms"] * 3,
        *["1320000ms"] * 3,
    ]
    written = simulate(read(session.document))
    assert written.seed == 3
    assert list(written.history) == list(session.finish().history)
    shown = [record for record in seen.run.history if record.at < seen.run.ended_at]
    assert shown == list(written.history)[: len(shown)]


def test_what_the_reader_refuses_is_not_done(tmp_path: Path) -> None:
    session = Session(whole_scenario(two(tmp_path, deployment)))
    before = session.look()
    with pytest.raises(InputError, match="node-9"):
        session.drain("node-9")
    assert session.actions == []
    assert session.look() is before
    with pytest.raises(InputError, match=r"^the step at 0s: error: cordon: there is no node 'node-8'"):
        session.act({"cordon": "node-8"})
    session.advance("1m")
    with pytest.raises(InputError, match=r"^the step at 1m: error: at: a step is done now; leave out `at`"):
        session.act({"at": "3h", "cordon": "node-0"})
    assert session.actions == []
    with pytest.raises(ValueError, match="time goes on"):
        session.advance(-1)
    for wrong in (1.5, True):
        with pytest.raises(ValueError, match="is no time: write 5m, or so many whole ms"):
            session.advance(wrong)  # type: ignore[arg-type]
    assert session.now == 60_000
    document = session.document
    document["spec"]["cluster"] = "many"
    with pytest.raises(InputError, match=r"^the scenario given: error: spec\.cluster"):
        Session(document)
    del document["spec"]
    with pytest.raises(InputError, match=r'^the scenario given: error: "spec" is required'):
        Session(document, seed=1)


def test_a_machine_that_dies_and_one_that_comes_back(tmp_path: Path) -> None:
    """Of two workloads one is meant by its name; objectives and horizon are of the whole run."""
    path = two(tmp_path, kubeinfer, deployment, horizon="1h", objectives={"minReadyInstances": 2})
    session = Session(path)
    session.advance("3h")
    session.fail(["node-0", "node-1"])
    session.act({"crash": {"pods": [0]}}, object="Deployment/chat")
    session.advance("2m")
    assert session.look().ready < 4
    session.repair(["node-0", "node-1"])
    session.advance("1d")
    assert session.look().ready == 4
    assert session.document["spec"]["objectives"] == {"minReadyInstances": 2}


@both
def test_what_a_new_kubelet_rejects_is_shown_as_it_was_until_it_writes_a_status(
    tmp_path: Path, workload: Any
) -> None:
    """Its device plugin has not registered yet; `pods` and the numbers agree at any moment of it."""
    session = Session(two(tmp_path, workload))
    session.advance("1h")
    first = session.look().pods[0]
    session.fail(first.node)
    session.advance("20s")
    session.repair(first.node)
    ready = []
    for step in (0, 1, 998, 1):
        session.advance(step)
        shown = next(each for each in session.look().pods if each.ref == first.ref)
        ready.append((shown.columns.status, [of.condition.status for of in shown.conditions]))
    as_it_was = "Running", [of.condition.status for of in first.conditions]
    assert ready == [as_it_was] * 3 + [("Running", [])]


def test_a_step_that_changes_what_was_before_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(two(tmp_path, deployment))
    session.act({"crash": {}})
    session.advance("1h")
    session.look()
    right = session._scenario
    session.scale(3)
    monkeypatch.setattr(session, "_scenario", session._read([{"at": "1ms", "scale": 3}]))
    with pytest.raises(SimulatorFault, match="changes what was before"):
        session.look()
    monkeypatch.setattr(session, "_scenario", right)


def one_instance_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "kubeinfer_sim.controllers.kubeinfer.budget.Budget.ceiling"
    where, _, attribute = name.rpartition(".")
    right = vars(pkgutil.resolve_name(where))[attribute]
    monkeypatch.setattr(name, property(lambda self: right.__get__(self) + 1))


def test_an_invariant_is_broken_at_the_step_that_breaks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(two(tmp_path, kubeinfer))
    one_instance_too_many(monkeypatch)
    session.advance("1m")
    session.look()
    session.apply()
    with pytest.raises(InvariantsBroken, match="INV-07"):
        session.look()


def short(
    machine: type[ScenarioMachine],
    examples: int = 2,
    steps: int = 5,
    phases: Sequence[Phase] = (Phase.generate,),
) -> None:
    how = settings(
        phases=phases,
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=True,
    )
    run_state_machine_as_test(machine, settings=how)


def test_a_machine_finds_what_is_wrong_and_says_in_which_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_later(finished: Finished) -> list[str]:
        """Nobody does anything after the start."""
        return ["it was done"] if any(each.at for each in finished.run.scenario.actions) else []

    machine = ScenarioMachine.of(two(tmp_path, deployment), watching=[nothing_later])
    with pytest.raises(InvariantsBroken, match="it was done") as caught:
        short(machine, 30)
    told = "\n".join(caught.value.__notes__)
    assert "state.advance(time=" in told
    assert "Draw 1" in told


def test_a_short_play_of_both_kinds_of_workloads_breaks_nothing(tmp_path: Path) -> None:
    short(ScenarioMachine.of(two(tmp_path, kubeinfer, deployment)))


SCENARIOS = ("up-first", "rolling-update-2p1d", "router-beside-kubeinfer", "drain-held-by-a-budget", "")


@pytest.mark.sweep(whole=True)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_long_play_breaks_nothing(tmp_path: Path, name: str) -> None:
    path = str(ROOT / "scenarios" / f"{name}.yaml") if name else two(tmp_path, kubeinfer, deployment)
    short(ScenarioMachine.of(path), 40, 15, tuple(Phase))
