"""Random numbers by name; the history with its causes."""

from __future__ import annotations

import pickle

import pytest

from kubeinfer_sim.engine.history import NO_CAUSE, History, Record
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.errors import SimulatorFault


class Thing(Record):
    name: str


def test_a_stream_depends_on_seed_and_name_alone() -> None:
    first = [Streams(7).named("npu/3").random() for _ in range(2)]
    streams = Streams(7)
    streams.named("another").random()
    assert [streams.named("npu/3").random() for _ in range(2)] == first
    assert Streams(8).named("npu/3").random() != first[0]
    assert Streams(7).named("npu/4").random() != first[0]


def test_the_numbers_never_change_between_releases() -> None:
    stream = Streams(0).named("a")
    assert [round(stream.random(), 12) for _ in range(3)] == GOLDEN


#: Recorded once; a change would change every published result.
GOLDEN = [0.797006851322, 0.169436173632, 0.934485269496]


def test_numbers_are_uniform() -> None:
    stream = Streams(1).named("uniform")
    numbers = [stream.random() for _ in range(20_000)]
    assert all(0 <= number < 1 for number in numbers)
    mean = sum(numbers) / len(numbers)
    assert abs(mean - 0.5) < 4 * (1 / 12 / len(numbers)) ** 0.5
    below = sum(number < 0.1 for number in numbers)
    assert abs(below - 2000) < 4 * (20_000 * 0.1 * 0.9) ** 0.5


def test_the_history_numbers_its_records_and_follows_causes_back() -> None:
    history = History()
    seen: list[Record] = []
    history.subscribe(seen.append)
    first = history.append(Thing(0, NO_CAUSE, "fault"))
    second = history.append(Thing(5, first, "restart"))
    third = history.append(Thing(9, second, "ready"))
    history.append(Thing(9, third, "traffic"))
    assert [record.id for record in history] == [0, 1, 2, 3]
    assert [record.cause for record in history] == [NO_CAUSE, 0, 1, 2]
    assert [record.name for record in history.chain(2)] == ["ready", "restart", "fault"]  # type: ignore[attr-defined]
    assert list(history.of(Thing)) == seen == list(history)


@pytest.mark.parametrize("keep", [True, False])
def test_every_record_carries_the_first_of_its_causes_when_listeners_are_told(keep: bool) -> None:
    history, roots = History(keep=keep), []
    history.subscribe(lambda record: roots.append(record.root))
    start = history.append(Thing(0, NO_CAUSE, "start"))
    fault = history.append(Thing(5, NO_CAUSE, "fault"))
    history.append(Thing(6, start, "ready"))
    restart = history.append(Thing(7, fault, "restart"))
    history.append(Thing(8, restart, "ready"))
    assert roots == [0, 1, 0, 1, 1]


def test_a_kept_history_holds_each_number_once() -> None:
    """Else cause and root take as much again as a small record."""
    history = History()
    for at in range(1000):  # small numbers are Python's own
        history.append(Thing(at, NO_CAUSE, "before"))
    fault = history.append(Thing(1000, NO_CAUSE, "fault"))
    history.append(Thing(1001, history.append(Thing(1001, fault, "restart")), "ready"))
    began, restart, ready = history.since(1000)
    assert ready.cause is restart.id
    assert began.id is began.root is restart.cause is restart.root is ready.root


def test_a_history_that_is_not_kept_counts_and_holds_nothing() -> None:
    history = History(keep=False)
    cause = NO_CAUSE
    for at in range(1000):
        cause = history.append(Thing(at, cause, "again"))
    assert (history.total, history.last_at, len(history), list(history)) == (1000, 999, 0, [])
    with pytest.raises(SimulatorFault, match="record 7 was asked for in a history that is not kept"):
        history[7]
    with pytest.raises(SimulatorFault):  # an id says nothing of the root there; what append returns does
        history.append(Thing(1000, 999, "again"))


def test_a_history_pickles_without_its_listeners() -> None:
    history = History()
    history.append(Thing(0, history.append(Thing(0, NO_CAUSE, "fault")), "restart"))
    history.subscribe(lambda record: None)
    again = pickle.loads(pickle.dumps(history))
    assert list(again) == list(history)
    assert [(each.id, each.root) for each in again] == [(0, 0), (1, 0)]
