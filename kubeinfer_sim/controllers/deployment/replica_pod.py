"""A pod as its ReplicaSet sees it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

#: Phases of active pods, first deleted first.
Phase = Literal["Pending", "Unknown", "Running"]
#: In place of a node: the scheduler has chosen one, and the pod is not bound to it yet.
ASSUMED = "(assumed)"


class ReplicaPod(Struct, eq=False):
    """What decides whether a pod counts and whether it is deleted first.

    Attributes:
        number: in order of creation; stands for the UID where Kubernetes compares UIDs.
        created: creation time in ms, cut to the whole second as on the wire (None: not known).
        node: empty while it has none, `ASSUMED` before it is bound.
        ready_since: when Ready turned true, in ms, whole seconds (None: not known).
        available_at: when it has been ready for minReadySeconds (ms).
        restarts: of the container that restarted most.
        deletion_cost: annotation controller.kubernetes.io/pod-deletion-cost.
        rank: active pods of the same owner on its node, as far as that counts; kept by `deletion_ranking`.
    """

    number: int
    created: int | None
    node: str = ""
    phase: Phase = "Pending"
    ready: bool = False
    ready_since: int | None = None
    available_at: int = 0
    restarts: int = 0
    deletion_cost: int = 0
    rank: int = 0
    deleting: bool = False
