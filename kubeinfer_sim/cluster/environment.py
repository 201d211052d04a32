"""What every component of a simulated cluster is given."""

from __future__ import annotations

from msgspec import Struct

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import History
from kubeinfer_sim.engine.streams import Streams


class Environment(Struct, frozen=True):
    """Time, the record of what happens, luck, and the API server."""

    clock: Clock
    history: History
    streams: Streams
    api: Api
