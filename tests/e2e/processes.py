"""What the recorded runtime's processes do, read from their commands, and the same in the words of a scenario.

The harness of `golden_e2e` obeys image names and commands: `sim --exit-after=2s --term=4s` is a container's process,
`probe --ready-after=5s` a check of it, counted from the container's start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubeinfer_sim.scenario.units import format_duration, parse_duration

Container = Mapping[str, Any]

PROBES = ("startup", "liveness", "readiness")
_PULL = re.compile(r"sim/pull-(\d+)s(-fail)?\b")


@dataclass(frozen=True, slots=True)
class Check:
    """What a probe's command answers; times in ms from the container's start.

    Attributes:
        ready_after: it fails before; None: always.
        wrong_from, wrong_to: it fails (`hangs`: does not answer) in between; None: it does not, to the end.
        only_attempt: what is wrong is so in this run of the container alone (0: the first).
    """

    ready_after: int | None = 0
    wrong_from: int | None = None
    wrong_to: int | None = None
    hangs: bool = False
    only_attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """What a container's process does; times in ms.

    Attributes:
        exits_after: it ends by itself, with `exit_code`, in the first `exit_times` runs (None: in all).
        stops: SIGTERM to its end; None: it ignores SIGTERM.
    """

    exits_after: int | None = None
    exit_code: int = 0
    exit_times: int | None = None
    stops: int | None = 0
    stop_code: int = 143
    checks: tuple[tuple[str, Check], ...] = ()

    @property
    def load(self) -> int | None:
        """Start to the first answer of the probe that is first to pass; None: it never answers."""
        times = [check.ready_after for _, check in self.checks]
        gate = next((check.ready_after for probe, check in self.checks if probe == "startup"), 0)
        return (
            gate
            if gate != 0 or not times
            else min((each for each in times if each is not None), default=None)
        )

    def slower(self) -> Iterator[tuple[str, int | None]]:
        """The probes that begin to pass later than the load has ended, and when."""
        load = self.load
        for probe, check in self.checks:
            if load is not None and (check.ready_after is None or check.ready_after > load):
                yield probe, check.ready_after


@dataclass(slots=True)
class _Flags:
    words: list[str]
    known: set[str] = field(default_factory=set)

    def text(self, name: str) -> str | None:
        self.known.add(name)
        return next((each.partition("=")[2] for each in self.words if each.startswith(f"--{name}=")), None)

    def time(self, name: str) -> int | None:
        text = self.text(name)
        return None if text is None else parse_duration(text)

    def number(self, name: str) -> int | None:
        text = self.text(name)
        return None if text is None else int(text)

    def given(self, name: str) -> bool:
        self.known.add(name)
        return f"--{name}" in self.words

    def unknown(self) -> list[str]:
        return [each for each in self.words if each.lstrip("-").partition("=")[0] not in self.known]


def process_of(container: Container) -> tuple[Process, list[str]]:
    """What its process does, and the words of its commands that are not known."""
    flags = _Flags(list(container.get("command", ["sim"]))[1:])
    checks, unknown = [], []
    for probe in PROBES:
        written = container.get(f"{probe}Probe")
        if written is not None:
            check, words = _check(written)
            checks.append((probe, check))
            unknown += words
    process = Process(
        flags.time("exit-after"),
        flags.number("exit-code") or 0,
        flags.number("exit-times"),
        None if flags.given("ignore-term") else flags.time("term") or 0,
        143 if (code := flags.number("term-code")) is None else code,
        tuple(checks),
    )
    return process, [*flags.unknown(), *unknown]


def _check(probe: Mapping[str, Any]) -> tuple[Check, list[str]]:
    command = (probe.get("exec") or {}).get("command") or [""]
    if command[0] not in ("probe", "true"):
        return Check(), [f"a probe that is no command of the harness: {' '.join(command)}"]
    flags = _Flags(list(command)[1:])
    hangs = flags.time("hang-from")
    fails = flags.time("fail-from")
    check = Check(
        None if flags.given("never") else flags.time("ready-after") or 0,
        hangs if fails is None else fails,
        flags.time("hang-to") if fails is None else flags.time("fail-to"),
        hangs is not None,
        flags.number("only-attempt"),
    )
    return check, flags.unknown()


def pull_of(image: str) -> tuple[int, bool] | None:
    """How long the pull of an image takes (ms) and whether it ends well; None: the node has it."""
    if image.startswith("sim/missing"):
        return 0, False
    found = _PULL.match(image)
    return None if found is None else (int(found[1]) * 1000, found[2] is None)


def duration(millis: int | None) -> str:
    """As a scenario has it."""
    return "never" if millis is None else format_duration(millis)
