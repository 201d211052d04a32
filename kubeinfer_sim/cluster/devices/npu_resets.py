"""Resets of NPUs: when nobody holds any NPU of the group that resets together, in several attempts.

Section 4 of the semantics page; the numbers are `NpuHandling`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kubeinfer_sim.cluster.devices.manager import Devices
from kubeinfer_sim.cluster.devices.npu import Npu, NpuFault
from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.fault_records import NpuResetTried, ResetHeld
from kubeinfer_sim.scenario.faults.model import NpuHandling
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.units import Millis

#: Who holds NPUs of a group, by name, and their numbers; "": pods that are not played.
Holders = tuple[tuple[str, tuple[int, ...]], ...]


def _holders(group: Sequence[Npu]) -> Holders:
    """In the order of their first NPUs."""
    held: dict[str, list[int]] = {}
    for npu in group:
        if not npu.idle:
            held.setdefault("" if npu.holder is None else npu.holder.ref.name, []).append(npu.number)
    return tuple((name, tuple(numbers)) for name, numbers in held.items())


class NpuResets:
    """The groups of NPUs that wait for a reset or are being reset.

    `draw(what, length)` gives a length; `mended(faults)` is told of those a reset ended, `beyond(npu, fault)` of NPUs
    that no reset brings back.
    """

    def __init__(
        self,
        env: Environment,
        devices: Devices,
        settings: NpuHandling,
        *,
        draw: Callable[[str, Distribution], Millis],
        mended: Callable[[list[NpuFault]], None],
        beyond: Callable[[Npu, NpuFault], None],
    ) -> None:
        self._clock = env.clock
        self._history = env.history
        self._devices = devices
        self._settings = settings
        self._draw = draw
        self._mended = mended
        self._beyond = beyond
        # Groups that wait for all of their NPUs to be idle, by their first one: the fault to reset for.
        self._waiting: dict[Npu, NpuFault] = {}
        # The same of groups that are being reset, for NPUs that have come back and broken meanwhile.
        self._later: dict[Npu, NpuFault] = {}
        self._resetting: set[Npu] = set()
        # Who held NPUs of such a group when that was last told.
        self._told: dict[Npu, Holders] = {}
        # Since when a group that waits for its reset is idle, where it has to be for a while.
        self._idle_since: dict[Npu, Millis] = {}
        # When attempts for an NPU's faults began, as far as they count: of those that count for a time.
        self._attempts: dict[Npu, list[Millis]] = {}

    def want(self, fault: NpuFault) -> None:
        """Reset the NPU with its group, as soon as that is idle."""
        group = fault.npu.group
        waiting = self._later if group[0] in self._resetting else self._waiting
        waiting.setdefault(group[0], fault)
        self._try_reset(group)

    def freed(self, npus: Sequence[Npu]) -> None:
        """A pod gave NPUs back: their groups may be idle now."""
        for group in self._waiting_groups(npus):
            self._try_reset(group)

    def allocated(self, npus: Sequence[Npu]) -> None:
        """A pod got NPUs: their groups are not idle any more."""
        for group in self._waiting_groups(npus):
            self._idle_since.pop(group[0], None)
            self._tell_held(group)

    def _waiting_groups(self, npus: Sequence[Npu]) -> list[Sequence[Npu]]:
        """The groups of these NPUs that wait for their reset, each once."""
        if not self._waiting:
            return []
        return list({npu.group[0]: npu.group for npu in npus if npu.group[0] in self._waiting}.values())

    def _tell_held(self, group: Sequence[Npu]) -> None:
        """Say who holds up the reset, where that is not what was said last."""
        first, holders = group[0], _holders(group)
        if holders and first not in self._resetting and self._told.get(first) != holders:
            self._told[first], fault = holders, self._waiting[first]
            self._history.append(
                ResetHeld(self._clock.now, fault.cause, fault.npu.node, fault.npu.number, len(group), holders)
            )

    def repaired(self, npu: Npu) -> None:
        """The attempts before count no more."""
        self._attempts.pop(npu, None)

    def _try_reset(self, group: Sequence[Npu]) -> None:
        """Reset the group once nobody holds any of it (and has not for `idle_before`)."""
        if group[0] in self._resetting or not all(npu.idle for npu in group):
            self._tell_held(group)
            return
        if self._settings.idle_before:
            if group[0] in self._idle_since:
                return
            since = self._idle_since[group[0]] = self._clock.now
            self._clock.after(self._settings.idle_before, self._still_idle, group, since)
        else:
            self._begin_reset(group, 1)

    def _still_idle(self, group: Sequence[Npu], since: Millis) -> None:
        if self._idle_since.get(group[0]) == since:
            del self._idle_since[group[0]]
            self._begin_reset(group, 1)

    def _begin_reset(self, group: Sequence[Npu], attempt: int) -> None:
        """One attempt; none of the group is offered meanwhile."""
        settings, now, first = self._settings, self._clock.now, self._waiting[group[0]]
        window = settings.attempts_window
        tried: list[Millis] = []
        if window is not None:
            tried = self._attempts[first.npu] = [
                at for at in self._attempts.get(first.npu, ()) if at > now - window
            ]
        if (attempt - 1 if window is None else len(tried)) >= settings.attempts:
            self._give_up(group)
            return
        tried.append(now)
        self._resetting.add(group[0])
        self._told.pop(group[0], None)
        ready = [each for each in group if each.state in ("inService", "isolated")]
        first.cause = self._devices.set_state(ready, "resetting", first.cause)
        length = self._draw(f"reset/{group[0].name}", settings.attempt)
        self._clock.after(min(length, settings.attempt_timeout), self._reset_over, group, attempt)

    def _reset_over(self, group: Sequence[Npu], attempt: int) -> None:
        first = self._waiting[group[0]]
        faults = [
            fault
            for npu in group
            if npu.state == "resetting"
            for fault in npu.faults
            if not fault.beyond_reset
        ]
        success = all(fault.spec.failed_resets < attempt for fault in faults)
        numbers = tuple(npu.number for npu in group)
        first.cause = self._history.append(
            NpuResetTried(self._clock.now, first.cause, first.npu.node, numbers, attempt, success)
        )
        if not success:
            self._begin_reset(group, attempt + 1)
            return
        del self._waiting[group[0]]
        self._resetting.discard(group[0])
        self._mended(faults)
        reset = [npu for npu in group if npu.state == "resetting"]
        beyond = {npu: fault for npu in reset for fault in npu.faults if fault.handled and fault.beyond_reset}
        self._devices.set_state([npu for npu in reset if npu not in beyond], "inService", first.cause)
        for npu, fault in beyond.items():
            self._beyond(npu, fault)
        if (later := self._later.pop(group[0], None)) is not None and not later.cleared:
            self.want(later)

    def _give_up(self, group: Sequence[Npu]) -> None:
        """No attempt is left: the broken NPUs are out until repaired, the others are offered again."""
        first = self._waiting.pop(group[0])
        self._later.pop(group[0], None)
        self._resetting.discard(group[0])
        serious = {npu: [fault for fault in npu.faults if fault in npu.kept_out_for] for npu in group}
        broken = [npu for npu in group if serious[npu] and npu.state in ("resetting", "isolated")]
        well = [npu for npu in group if npu.state == "resetting" and npu not in broken]
        self._devices.set_state(well, "inService", first.cause)
        for npu in broken:
            self._beyond(npu, serious[npu][0])
