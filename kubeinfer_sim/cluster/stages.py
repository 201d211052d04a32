"""The stages of a pod's life: their kinds, and the part of its life to which each belongs."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from msgspec import Struct


class Part(Enum):
    """The parts of a pod's life, in order."""

    PLACEMENT = "placement"  # until it is bound to a node
    SET_UP = "setUp"  # until its containers run
    START = "start"  # until its engine answers and its probes have found that out
    RUN = "run"  # since it was ready first
    STOP = "stop"  # since its deletion


class StageKind(Enum):
    """A kind of stage.

    Attributes:
        text: what results call it.
        part: the part of a pod's life to which it belongs.
    """

    PENDING = "pending", Part.PLACEMENT
    BIND = "bind", Part.PLACEMENT
    VOLUMES = "volumes", Part.SET_UP
    IMAGE = "image", Part.SET_UP
    PULL_BACK_OFF = "pull back-off", Part.SET_UP
    INIT = "init", Part.SET_UP
    SIDECAR = "sidecar", Part.SET_UP
    CREATE = "create", Part.SET_UP
    POST_START = "postStart", Part.SET_UP
    BARRIER = "barrier", Part.START
    RANK_TABLE = "rankTable", Part.START
    IMPORT = "import", Part.START
    COMMUNICATOR = "communicator", Part.START
    WEIGHTS = "weights", Part.START
    GRAPH = "graph", Part.START
    WARM_UP = "warmUp", Part.START
    PROBES = "probes", Part.START
    SERVING = "serving", Part.RUN
    #: Ready as far as its probes can tell, but its group has lost a member.
    HANGING = "hanging", Part.RUN
    NOT_READY = "not ready", Part.RUN
    RESTART = "restart", Part.RUN
    BACK_OFF = "back-off", Part.RUN
    PRE_STOP = "preStop", Part.STOP
    EXIT = "exit", Part.STOP
    SIDECAR_EXIT = "sidecar", Part.STOP
    CLEANUP = "cleanup", Part.STOP
    #: It has stopped, as far as that was planned, and its object is still there.
    TERMINATING = "clean-up", Part.STOP

    def __init__(self, text: str, part: Part) -> None:
        self.text = text
        self.part = part


class StageName(Struct, frozen=True):
    """A kind of stage, and the image or the container it is about ("": the pod as a whole)."""

    kind: StageKind
    about: str = ""

    def __str__(self) -> str:
        """As results have it: `create`, `image repo/x:1`, `init fetch`."""
        return f"{self.kind.text} {self.about}" if self.about else self.kind.text


#: Stages that are about the pod as a whole.
PENDING, BIND = StageName(StageKind.PENDING), StageName(StageKind.BIND)
VOLUMES = StageName(StageKind.VOLUMES)
PULL_BACK_OFF, CREATE = StageName(StageKind.PULL_BACK_OFF), StageName(StageKind.CREATE)
BARRIER, RANK_TABLE = StageName(StageKind.BARRIER), StageName(StageKind.RANK_TABLE)
IMPORT, COMMUNICATOR = StageName(StageKind.IMPORT), StageName(StageKind.COMMUNICATOR)
WEIGHTS, GRAPH = StageName(StageKind.WEIGHTS), StageName(StageKind.GRAPH)
WARM_UP, PROBES = StageName(StageKind.WARM_UP), StageName(StageKind.PROBES)
SERVING, HANGING = StageName(StageKind.SERVING), StageName(StageKind.HANGING)
NOT_READY, RESTART = StageName(StageKind.NOT_READY), StageName(StageKind.RESTART)
BACK_OFF, PRE_STOP = StageName(StageKind.BACK_OFF), StageName(StageKind.PRE_STOP)
EXIT, CLEANUP = StageName(StageKind.EXIT), StageName(StageKind.CLEANUP)
TERMINATING = StageName(StageKind.TERMINATING)


#: Regimes of an image stage before the pod's own pull: its node pulls others, or the same image for another pod.
OTHER_PULLS, SAME_PULL = "other pulls first", "another pod pulls"


class Stage(Struct, frozen=True):
    """A stage of a pod's start or end: its length in ms (None: it never ends), and why this long."""

    name: StageName
    duration: int | None
    regime: str = ""


def end_of(stages: Iterable[Stage], at: int | None) -> int | None:
    """When the last of the stages ends that begin at `at`; None if one never does."""
    for stage in stages:
        if at is None or stage.duration is None:
            return None
        at += stage.duration
    return at
