"""Runs to report on: one for each way a run comes out, and sizes from 1 to 1,000 instances."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from building import kubeinfer, scenario
from msgspec.structs import replace

from kubeinfer_sim.report.verdict import Assessment, assess
from kubeinfer_sim.scenario.actions.model import Action, Apply, Drain, Scale
from kubeinfer_sim.scenario.model import Objectives, Scenario
from kubeinfer_sim.scenario.timings.distributions import Never
from kubeinfer_sim.scenario.timings.model import Timings
from kubeinfer_sim.scenario.timings.profiles import Profile, profile_timings
from kubeinfer_sim.simulation.simulate import simulate

MINUTE = 60_000
ROLES = {"prefill": 2, "decode": 1}


def spec(
    replicas: int, surge: int | str = 1, unavailable: int | str = 1, revision: str = "old", **fields: str
):  # type: ignore[no-untyped-def]
    return kubeinfer(replicas, surge, unavailable, revision, ROLES, **fields)


def made(
    replicas: int,
    nodes: int,
    *actions: Action,
    surge: int | str = 1,
    unavailable: int | str = 1,
    profile: Profile = "typical",
    **fields: object,
) -> Scenario:
    update = Apply(10 * MINUTE, spec(replicas, surge, unavailable, "new"))
    base = scenario(spec(replicas, surge, unavailable), nodes, actions=actions or (update,))
    return replace(base, timings=Timings(profile_timings(profile)), **fields)  # type: ignore[arg-type]


SAMPLES: dict[str, Callable[[], Scenario]] = {
    "one instance": lambda: made(1, 8, unavailable=0),
    "five instances": lambda: made(5, 18),
    "twenty instances": lambda: made(20, 75, surge="20%", unavailable="20%", profile="range"),
    "a thousand instances": lambda: made(1000, 3600, surge="20%", unavailable="20%", profile="range"),
    "no room": lambda: made(4, 12, unavailable=0, objectives=Objectives(4, True, 60 * MINUTE, 0.0, True)),
    "bad image": lambda: made(
        4,
        12,
        Apply(10 * MINUTE, spec(4, 0, 1, "new", image="bad:1")),
        surge=0,
        broken_images=frozenset({"bad:1"}),
    ),
    "never ready": lambda: replace(
        made(4, 12, surge=0), timings=Timings(profile_timings("typical", {"weights_warm": Never()}))
    ),
    "same template": lambda: made(4, 12, Apply(10 * MINUTE, spec(4))),
    "no action": lambda: replace(made(4, 12), actions=()),
    "rollback": lambda: made(
        4, 18, Apply(10 * MINUTE, spec(4, 1, 1, "new")), Apply(43 * MINUTE, spec(4, 1, 1))
    ),
    "scale": lambda: made(4, 18, Apply(10 * MINUTE, spec(4, 1, 1, "new")), Scale(43 * MINUTE, 6)),
    "scale to zero": lambda: made(4, 18, Scale(10 * MINUTE, 0)),
    "drain": lambda: made(4, 18, Drain(10 * MINUTE, ("node-0",))),
    "creation": lambda: replace(made(4, 18), initial="empty", actions=()),
    "creation without room": lambda: replace(made(4, 9), initial="empty", actions=()),
    "horizon": lambda: made(4, 18, horizon=33 * MINUTE),
    "objective missed": lambda: made(4, 18, objectives=Objectives(min_ready_instances=4)),
}


@cache
def sample(name: str) -> Assessment:
    return assess(simulate(SAMPLES[name]()))
