"""Random numbers by name; the history with its causes."""

from __future__ import annotations

from dataclasses import dataclass

from kubeinfer_sim.engine.history import NO_CAUSE, History, Record
from kubeinfer_sim.engine.streams import Streams


@dataclass(slots=True)
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
    assert [record.name for record in history.chain(third)] == ["ready", "restart", "fault"]  # type: ignore[attr-defined]
    assert list(history.of(Thing)) == seen == list(history)
    assert history[1].id == second
