"""The pods of a scenario at one time; it is simulated up to that time and no further."""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.assembly import assemble
from kubeinfer_sim.simulation.pod_objects import PodAt
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import play


class PodsAt(Struct, frozen=True):
    """All pods that exist at `at` ms, the KubeInfer's first; `run` goes no further than that."""

    at: int
    pods: tuple[PodAt, ...]
    run: Run

    def namespace_of(self, pod: PodAt) -> str:
        """The namespace of one of them: its owner's, or its own."""
        instance = pod.ref.instance
        return self.run.scenario.version_of(instance.kind, instance.owner).namespace


def pods_at(scenario: Scenario, at: int | None = None, *, seed: int | None = None) -> PodsAt:
    """The pods at `at` ms after all that happens in that instant; None: at the end of the run.

    `PodsAt.run.ended_at` is before `at` when the run ends earlier; nothing changes after a run that is settled.

    Raises:
        SimulatorFault: the simulator broke one of its own rules.
    """
    simulation = assemble(scenario, scenario.seed if seed is None else seed)
    run = play(simulation, until=at)
    when = run.ended_at if at is None else at
    assert simulation.objects is not None
    return PodsAt(when, tuple(simulation.objects.at(when)), run)
