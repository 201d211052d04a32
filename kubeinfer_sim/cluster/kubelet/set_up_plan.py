"""The part of a pod's set-up that can be told beforehand."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.kubelet.container import Container
from kubeinfer_sim.cluster.kubelet.start_faults import Failure
from kubeinfer_sim.cluster.stages import Stage, StageKind

#: Stages in which no sync is under way: a container has been started, and the next sync comes when it has got on.
WAITS = (StageKind.INIT, StageKind.SIDECAR)


class FailedHook(Struct, frozen=True):
    """A postStart hook that fails; the exit code is that of its container's being killed for it."""

    container: Container
    exit_code: int
    failure: Failure


class SetUpPlan(Struct, frozen=True):
    """A stretch of a pod's set-up.

    Attributes:
        stages: one after the other; the last has no duration when it never ends, or waits for the registry.
        containers: which container each stage is for.
        pull: the container whose image has to be asked for then; over a shared registry the last stage is that.
        failure: the init container of the last stage ends like this; None: all containers run after the stages.
        watched: the sidecar of the last stage is sick, so its probes say how long that lasts.
        hooks: those whose containers are dead after the stages.
    """

    stages: tuple[Stage, ...]
    containers: tuple[Container, ...]
    pull: Container | None = None
    failure: Failure | None = None
    watched: Container | None = None
    hooks: tuple[FailedHook, ...] = ()

    def now(self, elapsed: int) -> int | None:
        """The place in `stages` of what goes on so long (ms) after it began; None when all is over."""
        for index, stage in enumerate(self.stages):
            if stage.duration is None or elapsed < stage.duration:
                return index
            elapsed -= stage.duration
        return None

    def after(self, elapsed: int) -> tuple[Stage, ...]:
        """What is left of the stages so long (ms) after they began."""
        place = self.now(elapsed)
        if place is None:
            return ()
        stage = self.stages[place]
        if stage.duration is not None:
            done = elapsed - sum(each.duration or 0 for each in self.stages[:place])
            stage = replace(stage, duration=stage.duration - done)
        return (stage, *self.stages[place + 1 :])

    def in_sync(self, elapsed: int) -> bool:
        """Whether a sync is under way so long (ms) after the stages began: no container is waited for."""
        place = self.now(elapsed)
        return place is None or self.stages[place].name.kind not in WAITS

    def sync_ends(self, elapsed: int) -> int | None:
        """The place in `stages` of the container that the sync which is under way then ends with starting.

        None: it ends with the stages.
        """
        place = self.now(elapsed)
        if place is None:
            return None
        return next(
            (index for index in range(place, len(self.stages)) if self.stages[index].name.kind in WAITS), None
        )

    def is_init(self, place: int) -> bool:
        """Whether an ordinary init container runs in this stage."""
        return self.stages[place].name.kind is StageKind.INIT
