"""Each invariant sees what it is there to see: a record that is tampered with, a number that does not add up."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest
from building import kubeinfer, scenario, seconds
from command_line import ROOT
from msgspec.structs import replace

import kubeinfer_sim.testing.invariants.numbers as numbers_module
from kubeinfer_sim.cluster.fault_records import FaultCleared, FaultInjected
from kubeinfer_sim.cluster.records import (
    ContainerDied,
    GangScheduled,
    PodBound,
    PodCreated,
    PodGone,
    PodReady,
    PodStarted,
)
from kubeinfer_sim.controllers.kubeinfer.records import InstanceRestarting, SpecApplied
from kubeinfer_sim.engine.history import NO_CAUSE, Record
from kubeinfer_sim.scenario.actions.model import Apply, Crash, Target
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.simulate import simulate
from kubeinfer_sim.testing.invariants import (
    CATALOGUE,
    OF_TWO_RUNS,
    Finished,
    Invariant,
    InvariantsBroken,
    checked,
    same_in_any_order,
    same_twice,
)
from kubeinfer_sim.testing.invariants.page import invariants_markdown
from kubeinfer_sim.testing.invariants.same import in_another_order
from kubeinfer_sim.testing.strategies import WrittenScenario

R = TypeVar("R", bound=Record)
Records = list[Record]


@cache
def story() -> Scenario:
    """Two instances of three pods each, created, updated one after the other, and one of them crashes."""
    old, new = (kubeinfer(2, 0, 1, revision, {"prefill": 1, "decode": 2}) for revision in ("old", "new"))
    return scenario(
        old,
        8,
        10,
        5,
        stages={"bind": seconds(1)},
        initial="empty",
        actions=(Apply(100_000, new, "update"), Crash(300_000, Target(instances=(0,), roles=("prefill",)))),
    )


@cache
def recorded() -> Records:
    return list(simulate(story()).history)


def seen(kind: type[Invariant], records: Records) -> list[str]:
    """What an invariant says of these records."""
    said: list[str] = []
    invariant = kind(story(), lambda what, *records: said.append(what))
    handlers = invariant.handlers()
    for record in records:
        for of in (Record, type(record)):
            if of in handlers:
                handlers[of](record)
    return said


# -- what is planted ------------------------------------------------------------------------------------------


def changed(records: Records, kind: type[R], which: int = 0, **fields: Any) -> Records:
    """The records with one of a kind changed."""
    place = [number for number, record in enumerate(records) if type(record) is kind][which]
    other = copy.copy(records[place])
    for name, value in fields.items():
        setattr(other, name, value)
    return [*records[:place], other, *records[place + 1 :]]


def the(records: Records, kind: type[R], which: int = 0) -> R:
    return [record for record in records if isinstance(record, kind)][which]


def twice(records: Records, kind: type[Record], which: int = 0) -> Records:
    """One of a kind is there once more at once."""
    record = the(records, kind, which)
    place = records.index(record) + 1
    return [*records[:place], record, *records[place:]]


def on_one_node(records: Records) -> Records:
    second = the(records, GangScheduled, 1)
    taken = the(records, GangScheduled).nodes[0][1]
    return changed(records, GangScheduled, 1, nodes=tuple((pod, taken) for pod, _ in second.nodes))


def half_a_gang(records: Records) -> Records:
    return changed(records, GangScheduled, nodes=the(records, GangScheduled).nodes[1:])


def mended_in_use(records: Records) -> Records:
    ready = the(records, PodReady)
    place = records.index(ready) + 1
    where = "node-0/npu1"
    broke = FaultInjected(ready.at, NO_CAUSE, "CardDrop", "SeparateNPU", where, ready.pod)
    return [
        *records[:place],
        broke,
        FaultCleared(ready.at, 0, "CardDrop", where, "repaired"),
        *records[place:],
    ]


def made_under_its_name(records: Records) -> Records:
    first = the(records, PodCreated)
    again = copy.copy(first)
    again.pod = first.pod._replace(generation=9)
    place = records.index(first) + 1
    return [*records[:place], again, *records[place:]]


#: number -> what is planted, and what is said of it.
PLANTED: dict[str, list[tuple[Callable[[Records], Records], str]]] = {
    "INV-01": [
        (
            lambda records: changed(records, GangScheduled, in_use=25),
            "25 are said to be in use, and pods hold 24",
        ),
        (lambda records: changed(records, PodGone, in_use=-8), "-8 are in use"),
    ],
    "INV-02": [(on_one_node, "has 8, and its pods hold 32")],
    "INV-03": [(half_a_gang, "infer-0-prefill-0 came with them and got no place")],
    "INV-04": [
        (lambda records: changed(records, PodBound, node="node-7"), "is bound to node-7 and had node-"),
        (lambda records: twice(records, GangScheduled), "and had a place"),
    ],
    "INV-05": [(lambda records: twice(records, ContainerDied), "engine of infer-0-prefill-0 dies twice")],
    "INV-06": [
        (lambda records: twice(records, PodReady), "becomes Ready and cannot"),
        (lambda records: twice(records, PodGone), "does not exist"),
    ],
    "INV-07": [
        (lambda records: changed(records, SpecApplied, replicas=1), "2 instances are live, and at most 1")
    ],
    "INV-08": [
        (
            lambda records: changed(records, SpecApplied, 1, unavailable=0),
            "1 instances stay ready, and at least 2",
        ),
    ],
    "INV-09": [
        (lambda records: changed(records, InstanceRestarting, incarnation=2), "restart 1 is counted as 2"),
        (lambda records: twice(records, InstanceRestarting), "restarts twice, with no pod between"),
    ],
    "INV-10": [
        (lambda records: changed(records, PodReady, at=0), "ms already"),
        (lambda records: changed(records, PodReady, cause=10_000), "has not happened"),
        (lambda records: changed(records, PodReady, root=3), "its first cause is another one"),
    ],
    "INV-17": [(made_under_its_name, "infer-0-prefill-0 is made, and the one before is there")],
    "INV-18": [
        (
            lambda records: changed(records, InstanceRestarting, cause=NO_CAUSE),
            "infer-0 is rebuilt for nothing",
        )
    ],
    "INV-11": [(mended_in_use, "node-0/npu1 is repaired, and infer-")],
    "INV-24": [
        (
            lambda records: changed(records, PodReady, at=the(records, PodReady).at + 1000),
            "is started at 1000 ms and ready at 12000 ms; with every tick fired it is started at 1000 ms and ready at 11000 ms",
        ),
        (
            lambda records: changed(records, PodStarted, at=the(records, PodStarted).at - 1000),
            "is started at 0 ms and ready at 11000 ms",
        ),
        (
            lambda records: [record for record in records if record is not the(records, PodReady)],
            "is started at 1000 ms by ",
        ),
    ],
}


@pytest.mark.parametrize(
    ("number", "plant", "said"),
    [(number, *each) for number, planted in PLANTED.items() for each in planted],
    ids=[f"{number}-{place}" for number, planted in PLANTED.items() for place, _ in enumerate(planted)],
)
def test_a_planted_violation_is_seen(number: str, plant: Callable[[Records], Records], said: str) -> None:
    kind = next(each for each in CATALOGUE if each.number == number)
    assert seen(kind, recorded()) == []
    assert any(said in each for each in seen(kind, plant(recorded()))), seen(kind, plant(recorded()))


def broken(run: Callable[[], object]) -> list[str]:
    with pytest.raises(InvariantsBroken) as caught:
        run()
    return [each.number for each in caught.value.violations]


def test_an_instance_that_is_missing_for_no_reason_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        numbers_module, "complaint", lambda life, stuck: f"{life.instance.name} does not become ready"
    )
    stalled = scenario(kubeinfer(2, 0, 1, "old"), 1, initial="empty")
    assert set(broken(lambda: checked(stalled))) == {"INV-13"}


def test_a_run_that_comes_out_otherwise_the_second_time_is_seen() -> None:
    run = simulate(story())
    same_twice(story(), run)
    assert broken(lambda: same_twice(replace(story(), actions=()), run)) == ["INV-15"]


def test_a_scenario_that_depends_on_the_order_of_its_keys_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    document = WrittenScenario.read(ROOT / "scenarios" / "up-first.yaml").files["scenario.yaml"][0]
    shuffled = in_another_order(document, Random(0))
    assert shuffled == document
    assert list(shuffled["spec"]) != list(document["spec"])
    same_in_any_order(document)
    other = {**document, "spec": {**document["spec"], "cluster": "6x8"}}
    monkeypatch.setattr("kubeinfer_sim.testing.invariants.same.in_another_order", lambda *args: other)
    assert broken(lambda: same_in_any_order(document)) == ["INV-20"]


AGAIN = """
apiVersion: infer.modelarts.huaweicloud/v1
kind: KubeInfer
metadata: {name: code}
spec:
  replicas: 1
  template:
    spec:
      roles:
      - name: decode
        replicas: 1
        template:
          metadata: {labels: {modelarts-infer-npu-reset-enable: "true"}}
          spec:
            containers:
            - name: engine
              image: repo/vllm:v1
              resources: {limits: {huawei.com/ascend-1980: 4}}
---
apiVersion: kubeinfer-sim/v1
kind: Scenario
metadata: {name: again}
spec:
  cluster: 1x8
  initial: running
  timings: {profile: zero}
  actions:
  - {at: 1m, fault: {kind: NpuFault, node: node-0, npu: 0}}
  horizon: 2h
"""


def test_the_report_of_a_fault_restarts_pods_that_were_given_the_same_npu_meanwhile(tmp_path: Path) -> None:
    """They take no time to start: they are on the broken NPU again before the device plugin tells of it."""
    manifest, written = AGAIN.split("---")
    (tmp_path / "code.yaml").write_text(manifest, "utf-8")
    (tmp_path / "again.yaml").write_text(written.replace("spec:", "spec:\n  manifest: code.yaml", 1), "utf-8")
    run = checked(load_scenario(str(tmp_path / "again.yaml")))
    restarts = [each for each in run.history if isinstance(each, InstanceRestarting)]
    assert [(each.incarnation, each.reason) for each in restarts] == [(1, "Error"), (2, "NpuFault")]


# -- the catalogue --------------------------------------------------------------------------------------------


def test_every_invariant_has_a_number_of_its_own_and_something_planted() -> None:
    numbers = [each.number for each in CATALOGUE]
    there = len(numbers) + len(OF_TWO_RUNS)
    assert sorted([*numbers, *OF_TWO_RUNS]) == [f"INV-{place:02}" for place in range(1, there + 1)]
    # Of the others bugs are planted in the simulator: they see more than its records.
    assert set(numbers) - {"INV-12", "INV-13", "INV-14", "INV-16", "INV-19", "INV-21"} == PLANTED.keys()


def test_a_run_is_the_same_with_invariants_watching() -> None:
    assert list(checked(story()).history) == recorded()


def test_what_is_broken_is_told_with_the_records_that_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Never:
        number, statement, reason, caught = "INV-99", "nobody is ever ready", "so that it is broken", ""

        def __init__(self, scenario: Scenario, report: Any) -> None:
            self._report = report

        def handlers(self) -> Any:
            return {PodReady: lambda record: self._report("one is", record)}

        def finish(self, finished: object) -> None:
            pass

    with pytest.raises(InvariantsBroken, match=r"INV-99 \(nobody is ever ready\): one is\n  \d+: PodReady\("):
        checked(story(), invariants=[Never])


def test_a_plain_function_is_an_invariant_and_what_it_says_is_told_under_its_name() -> None:
    def nobody_crashes(finished: Finished) -> Iterator[str]:
        """No container dies.

        Never."""
        for record in finished.run.history.of(ContainerDied):
            yield f"{record.pod.name} dies"

    def all_is_well(finished: Finished) -> None:
        assert finished.figures.kubeinfers

    def one_sentence(finished: Finished) -> str:
        return "something is wrong"

    checked(story(), invariants=[*CATALOGUE, all_is_well])
    with pytest.raises(InvariantsBroken, match="something is wrong") as caught:
        checked(story(), invariants=[nobody_crashes, one_sentence])
    first = caught.value.violations[0]
    assert (first.number, first.statement, first.what) == (
        "nobody_crashes",
        "No container dies",
        "infer-0-prefill-0 dies",
    )
    assert len(caught.value.violations) == 2


def test_the_page_is_what_the_catalogue_says() -> None:
    assert (ROOT / "docs" / "invariants.md").read_text("utf-8") == invariants_markdown()


def test_a_run_that_ends_as_it_begins_for_want_of_room_holds_all_invariants() -> None:
    """What is lost lasts, and has no length yet that stages could fill."""
    run = checked(scenario(kubeinfer(1, 0, 1, "old", {"serve": 1}), 0, 10, 5, initial="empty"))
    assert run.ended_at == 0
