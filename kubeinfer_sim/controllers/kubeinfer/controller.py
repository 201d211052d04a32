"""The KubeInfer controller: keeps the wanted number of instances of the wanted revision.

It holds the spec and decides once per instant, after everything that happened in it: first what has failed
(`recovery.py`), then what is created and deleted (`rollout.py`), then whether it goes on (`stalls.py`).
"""

from __future__ import annotations

from msgspec.structs import replace

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.controllers.kubeinfer.budget import resolve
from kubeinfer_sim.controllers.kubeinfer.instances import Instances
from kubeinfer_sim.controllers.kubeinfer.records import SpecApplied, UpdateAborted, UpdateCompleted
from kubeinfer_sim.controllers.kubeinfer.recovery import Recovery
from kubeinfer_sim.controllers.kubeinfer.rollout import next_step
from kubeinfer_sim.controllers.kubeinfer.stalls import Stalls
from kubeinfer_sim.engine.clock import Phase, Timer
from kubeinfer_sim.engine.history import NO_CAUSE
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.scenario.model import Assumptions


class KubeInferController:
    """The controller of one KubeInfer.

    Attributes:
        spec: the KubeInfer as last applied.
    """

    def __init__(
        self,
        env: Environment,
        spec: KubeInfer,
        assumptions: Assumptions,
        instances: Instances,
        recovery: Recovery,
        stalls: Stalls,
    ) -> None:
        self._clock = env.clock
        self._history = env.history
        self.spec = spec
        self._assumptions = assumptions
        self._instances = instances
        self._recovery = recovery
        self._stalls = stalls
        self._budget = resolve(spec.rolling_update, spec.replicas)
        self._generation = 0
        self._applied = NO_CAUSE
        self._in_place: KubeInfer | None = None  # what was in place last
        self._wake: Timer | None = None

    # -- what the user does --------------------------------------------------------------------------------

    def start(self, *, running: bool) -> None:
        """The KubeInfer is created; with `running`, its instances have run for long."""
        self._record_spec(("created",), "running" if running else "created")
        if running:
            self._in_place = self.spec
            for _ in range(self.spec.replicas):
                self._instances.create(self._applied, running=True)
        self.wake_up()

    def apply(self, spec: KubeInfer, label: str) -> None:
        """Another spec is applied."""
        before = self.spec
        self.spec = spec
        self._budget = resolve(spec.rolling_update, spec.replicas)  # from the new R, also mid-way (rule 10)
        self._record_spec(_changes(before, spec), label)
        self._instances.adopt_spec(spec)

    def abort(self, reason: str, cause: int) -> bool:
        """Go back to the template from before an update that does not go on; False where there is none."""
        before = self._in_place
        if before is None or before.revision == self.spec.revision:
            return False
        self._applied = self._history.append(
            UpdateAborted(self._clock.now, cause, self.spec.name, self._generation, reason, before.revision)
        )
        self.spec = replace(self.spec, roles=before.roles)
        self._record_spec(("template",), f"abort: {reason}", self._applied)
        self._instances.adopt_spec(self.spec)
        return True

    def _record_spec(self, changed: tuple[str, ...], label: str, cause: int = NO_CAUSE) -> None:
        self._generation += 1
        budget = self._budget
        self._applied = self._history.append(
            SpecApplied(
                self._clock.now,
                cause,
                self.spec.name,
                self._generation,
                self.spec.revision,
                budget.replicas,
                budget.surge,
                budget.unavailable,
                changed,
                label,
                budget.warnings,
            )
        )
        self._stalls.begin(self._generation, self._applied)

    # -- decisions -----------------------------------------------------------------------------------------

    def wake_up(self) -> None:
        """Something changed: decide once this instant's events are all in."""
        if self._wake is None:
            self._wake = self._clock.after(0, self._reconcile, phase=Phase.CONTROLLER)

    def _reconcile(self) -> None:
        self._recovery.carry_out()
        instances, budget = self._instances, self._budget
        while any(step := next_step(instances, budget, self._assumptions)):
            for _ in range(step.creates):
                instances.create(self._applied)
            for instance, reason in step.victims:
                instances.delete(instance, reason, self._applied)
        if (
            self._stalls.open
            and instances.old == 0
            and len(instances.by_ordinal) == instances.ready == instances.new_active == budget.replicas
        ):
            self._record_completion()
            self._stalls.completed()  # rule 12
        self._stalls.check()
        self._wake = None  # what it has changed itself it has also seen
        if self._recovery.pending:
            self.wake_up()

    def _record_completion(self) -> None:
        spec, now = self.spec, self._clock.now
        self._in_place = spec
        self._history.append(
            UpdateCompleted(
                now, self._applied, spec.name, self._generation, spec.revision, self._budget.replicas
            )
        )


def _changes(before: KubeInfer, after: KubeInfer) -> tuple[str, ...]:
    """What differs, in words."""
    changed = []
    if after.revision != before.revision:
        changed.append("template")
    if after.replicas != before.replicas:
        changed.append("replicas")
    if after.rolling_update != before.rolling_update:
        changed.append("strategy")
    if not changed:
        changed.append("metadata" if after.raw != before.raw else "nothing")
    return tuple(changed)
