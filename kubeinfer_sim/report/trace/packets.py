"""What a trace is made of, in the protobuf classes of the package `perfetto`: tracks, slices, marks and counters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from kubeinfer_sim._version import __version__
from kubeinfer_sim.manifest.file_kinds import TRACE_SAYS

_NS = 1_000_000
#: All that writes to one trace in one order has one number.
_SEQUENCE = 1


class Track(Struct, frozen=True):
    """A row of the trace, and the number of the process to which it belongs."""

    uuid: int
    pid: int


class Packets:
    """A trace as it grows; times are in ms of the simulation.

    Raises:
        ImportError: the package `perfetto` is not installed.
    """

    def __init__(self) -> None:
        from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as classes

        self._classes: Any = classes
        self._trace: Any = classes.Trace()
        self._tracks = 0

    def process(self, name: str) -> Track:
        """A process, below those made before; the first one says whose trace it is."""
        first = not self._tracks
        descriptor = self._track()
        if first:
            descriptor.description = f"{TRACE_SAYS} {__version__}"
        descriptor.process.pid = descriptor.uuid
        descriptor.process.process_name = name
        descriptor.process.process_labels.append("simulated")
        return Track(descriptor.uuid, descriptor.uuid)

    def thread(self, process: Track, name: str) -> Track:
        """A thread of a process."""
        descriptor = self._track()
        descriptor.thread.pid = process.pid
        descriptor.thread.tid = descriptor.uuid
        descriptor.thread.thread_name = name
        return Track(descriptor.uuid, process.pid)

    def counter(self, process: Track, name: str) -> Track:
        """A counter of a process."""
        descriptor = self._track()
        descriptor.parent_uuid, descriptor.name = process.uuid, name
        descriptor.counter.SetInParent()
        return Track(descriptor.uuid, process.pid)

    def slice(
        self, track: Track, name: str, since: int, until: int, category: str, told: Mapping[str, str]
    ) -> None:
        """A stretch of time; of what is told of it, all that is not empty is shown beside it."""
        event = self._event(track, since, self._classes.TrackEvent.TYPE_SLICE_BEGIN)
        event.name = name
        event.categories.append(category)
        for key, value in told.items():
            if value:
                event.debug_annotations.add(name=key, string_value=value)
        self._event(track, until, self._classes.TrackEvent.TYPE_SLICE_END)

    def mark(self, track: Track, name: str, at: int, begun: Iterable[int], ended: Iterable[int]) -> None:
        """A moment, with the numbers of the arrows that begin and end there."""
        event = self._event(track, at, self._classes.TrackEvent.TYPE_INSTANT)
        event.name = name
        event.flow_ids.extend(begun)
        event.terminating_flow_ids.extend(ended)

    def count(self, track: Track, points: Iterable[tuple[int, int]]) -> None:
        """(ms, value from then on)."""
        for at, value in points:
            self._event(track, at, self._classes.TrackEvent.TYPE_COUNTER).counter_value = value

    def written(self) -> bytes:
        """The trace as a file holds it."""
        data: bytes = self._trace.SerializeToString(deterministic=True)
        return data

    def _track(self) -> Any:
        self._tracks += 1
        packet = self._trace.packet.add(trusted_packet_sequence_id=_SEQUENCE)
        if self._tracks == 1:
            packet.sequence_flags = self._classes.TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
        packet.track_descriptor.uuid = self._tracks
        return packet.track_descriptor

    def _event(self, track: Track, at: int, kind: int) -> Any:
        packet = self._trace.packet.add(timestamp=at * _NS, trusted_packet_sequence_id=_SEQUENCE)
        packet.track_event.type = kind
        packet.track_event.track_uuid = track.uuid
        return packet.track_event
