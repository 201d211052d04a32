"""What becomes of instances of an older revision that fail, or lose pods, while an update is under way."""

from __future__ import annotations

from itertools import product

from building import kubeinfer, scenario
from controllers.playing import crash, kubeinfer_of, of, play, pod_of, seconds_of

from kubeinfer_sim.cluster.records import Place, PodCreated, PodDeleting
from kubeinfer_sim.controllers.kubeinfer.records import InstanceDeleting, InstanceReady, InstanceRestarting
from kubeinfer_sim.manifest.model import KubeInfer, Probe
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.simulation.assembly import Simulation
from kubeinfer_sim.simulation.run import Run

PD = {"prefill": 2, "decode": 1}
PATIENT = Assumptions(unready_grace=3_600_000)


def evicted(*places: Place, then: str) -> Run:
    """Pods of the old instance are deleted at 20 s of an update; at 60 s another revision is applied."""
    update = Apply(1_000, kubeinfer(1, 1, 0, "new", PD))
    again = Apply(60_000, kubeinfer(1, 1, 0, then, PD))

    def evict(simulation: Simulation) -> None:
        for place in places:
            kubeinfer_of(simulation).evict(pod_of(simulation, *place), "Deleted", -1)

    made = scenario(
        kubeinfer(1, 1, 0, "old", PD),
        6,
        600,
        10,
        actions=(update, again),
        assumptions=PATIENT,
        horizon=700_000,
    )
    return play(made, (20, evict))


def test_an_instance_that_lacks_several_pods_when_its_revision_is_wanted_again_restarts_once() -> None:
    run = evicted(("prefill", 0), ("decode", 0), then="old")
    assert seconds_of(run, InstanceRestarting) == [60.0]
    made = [record.at / 1000 for record in of(run, PodCreated) if record.pod.instance.uid == 0]
    assert made == [0.0] * 3 + [70.0] * 3, "when the last pod of it is gone"


def test_an_instance_that_lacks_all_its_pods_when_its_revision_is_wanted_again_gets_them_once() -> None:
    run = evicted(("prefill", 0), ("prefill", 1), ("decode", 0), then="old")
    (only,) = of(run, InstanceRestarting)
    made = [record.at / 1000 for record in of(run, PodCreated) if record.pod.instance.uid == 0]
    assert (only.at, made) == (60_000, [0.0] * 3 + [60.0] * 3)


def test_an_old_instance_that_lacks_a_pod_is_left_so_when_yet_another_revision_is_wanted() -> None:
    run = evicted(("decode", 0), then="newer")
    assert not of(run, InstanceRestarting)
    gone = [(record.at, record.pod.role) for record in of(run, PodDeleting) if record.pod.instance.uid == 0]
    assert gone == [(20_000, "decode")]


# -- how long a rebuild may take ----------------------------------------------------------------------------


def rebuilt(restart: str, *times: float, grace: int = 5_000) -> Run:
    """An old instance fails then, while the update finds no place; it is rebuilt, which takes a load of 60 s."""
    startup = Probe(period_seconds=1, failure_threshold=200)

    def spec(revision: str, npus: int) -> KubeInfer:
        return kubeinfer(1, 1, 0, revision, {"a": 2}, restart, npus=npus, startup=startup)

    made = scenario(
        spec("old", 8),
        2,
        60,
        10,
        actions=(Apply(1_000, spec("new", 16)),),
        assumptions=Assumptions(old_instance_failure="rebuildOld", unready_grace=grace),
        horizon=1_000_000,
    )
    return play(made, *(crash(at, "a", 0) for at in times))


def test_what_is_rebuilt_for_the_first_time_has_the_window_of_its_startup_probe_beyond_the_grace() -> None:
    for restart, grace in product(("Instance", "Pod"), (5_000, 30_000)):
        run = rebuilt(restart, 100, grace=grace)
        assert not of(run, InstanceDeleting)
        assert [round(at) for at in seconds_of(run, InstanceReady)] == [0, 170]


def test_what_fails_again_before_it_is_ready_has_none() -> None:
    run = rebuilt("Instance", 100, 130)
    assert [(each.at, each.reason) for each in of(run, InstanceDeleting)] == [(130_000, "NotReady")]
    run = rebuilt("Instance", 100, 130, grace=50_000)
    assert seconds_of(run, InstanceDeleting) == [150.0], "but the grace that all have"
