"""Who is repaired when: crews take what broke first, spares go where one is missed longest."""

from __future__ import annotations

from kubeinfer_sim.cluster.devices.repair import RepairShop
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.streams import Streams
from kubeinfer_sim.scenario.timings.distributions import Constant, Never

ORDER = ["a", "b", "c"]


def repaired(*, crews: int | None, spares: int = 0, swap: int = 0) -> list[tuple[int, str]]:
    """When the places of three that broke one after the other are filled again; a repair takes 10 ms."""
    clock, done = Clock(), list[tuple[int, str]]()
    shop = RepairShop(clock, Streams(0), crews=crews, spares=spares, swap=swap)
    for at, name in enumerate(ORDER):
        clock.at(at, shop.repair, name, at, Constant(10), lambda name=name: done.append((clock.now, name)))
    clock.run()
    assert shop.idle
    return done


def test_a_crew_repairs_one_after_the_other_what_broke_first() -> None:
    assert repaired(crews=1) == [(10, "a"), (20, "b"), (30, "c")]
    assert repaired(crews=2) == [(10, "a"), (11, "b"), (20, "c")]
    assert repaired(crews=None) == [(10, "a"), (11, "b"), (12, "c")]


def test_what_is_repaired_goes_where_one_is_missed_longest() -> None:
    assert repaired(crews=1, spares=1, swap=5) == [(5, "a"), (15, "b"), (25, "c")]
    assert repaired(crews=None, spares=2, swap=5) == [(5, "a"), (6, "b"), (15, "c")]


def test_when_a_place_is_filled_again_is_known_once_a_crew_or_a_spare_is_there() -> None:
    clock, done = Clock(), list[str]()
    shop = RepairShop(clock, Streams(0), crews=1)
    for name, length in (("a", 10), ("b", 20), ("c", None)):
        shop.repair(
            name, 0, Never() if length is None else Constant(length), lambda name=name: done.append(name)
        )
    assert shop.due == {"a": 10, "b": None}, "nobody repairs c"
    clock.run(10)
    assert (done, shop.due) == (["a"], {"b": 30})
