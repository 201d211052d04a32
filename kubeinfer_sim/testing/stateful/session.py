"""A scenario played step by step: what is done now goes on its time line, time goes on, and what is then is looked at.

A run is a function of its scenario, so nothing is kept alive between two steps: to look, the scenario is played from
its start up to now, with the invariants watching. What has happened stays so, whatever is done later: that is checked.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile, zip_longest
from pathlib import Path as FilePath
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.errors import InputError, SimulatorFault
from kubeinfer_sim.metrics.moment import Moment
from kubeinfer_sim.metrics.moment import look as look_at
from kubeinfer_sim.report.moment import headline
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.self_contained import whole_scenario
from kubeinfer_sim.scenario.units import format_duration, parse_duration
from kubeinfer_sim.simulation.pod_objects import PodAt
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.testing.fuzz.cases import read, with_actions
from kubeinfer_sim.testing.invariants import CATALOGUE, Checked, checked

#: Fields of a scenario that are about a whole run.
_OF_WHOLE_RUNS = ("objectives", "horizon")
#: A mapping of a YAML document.
Raw = dict[str, Any]
#: Nodes as an action has them: a name, names, or what chooses them (`{"pool": "node"}`).
Nodes = str | Sequence[str] | Mapping[str, Any]


class Look(Struct, frozen=True):
    """What is at one time. As text it is how many are ready of how many.

    Attributes:
        at: ms.
        run: the run up to then.
        moment: instances and pods as `kubeinfer-sim why` has them, what lasts, what was refused.
    """

    at: int
    run: Run
    moment: Moment

    @property
    def ready(self) -> int:
        """How many instances of KubeInfers are ready, and pods of Deployments and their like."""
        return self.moment.ready + sum(each.ready for each in self.moment.deployments)

    @property
    def wanted(self) -> int:
        """How many of them there should be."""
        return self.moment.wanted + sum(each.wanted for each in self.moment.deployments)

    @property
    def pods(self) -> tuple[PodAt, ...]:
        """The pods that exist, as `kubectl get pods` shows them."""
        return self.run.pods or ()

    def __str__(self) -> str:
        return headline(self.moment)


class Session:
    """A scenario from its start on, somebody at the keyboard. Everything done is done `now`.

    Attributes:
        now: ms from the start.
        actions: what was done, as the scenario would have it.
    """

    def __init__(
        self,
        scenario: str | FilePath | Mapping[str, Any],
        *,
        seed: int | None = None,
        invariants: Iterable[Checked] = CATALOGUE,
    ) -> None:
        """Begin.

        Args:
            scenario: the path of its file, or a document that names no other file.
            seed: instead of its own.
            invariants: watch each time it is looked at.

        Raises:
            InputError: something in it is wrong.
        """
        if isinstance(scenario, Mapping):
            self._given: Raw = copy.deepcopy(dict(scenario))
        else:
            self._given = whole_scenario(str(scenario))
        self.now = 0
        self.actions: list[Raw] = []
        self._invariants = tuple(invariants)
        try:
            if not isinstance(self._given.get("spec"), Mapping):
                read(self._given)  # which says that there has to be one
            if seed is not None:
                self._given["spec"] = {**self._given["spec"], "seed": seed}
            self._scenario = self._read(self.actions)
        except InputError as error:
            raise _about(error, "the scenario given") from None
        # Left out, it would be another once something is done: how it began stays as it was.
        self._given["spec"] = {**self._given["spec"], "initial": self._scenario.initial}
        self._seen: Look | None = None
        self._past: Run | None = None

    @property
    def document(self) -> Raw:
        """The scenario with all that was done, which `kubeinfer-sim run` plays on to its end; JSON is YAML, too."""
        return with_actions(self._given, self.actions)

    def act(self, action: Mapping[str, Any], *, object: str = "") -> None:
        """Do now what an action of a scenario does, written as there but for its time.

        Args:
            action: `{"cordon": "node-0"}`, `{"crash": {"roles": ["decode"]}}`: all that `spec.actions` takes.
            object: whose spec or pods are meant, `Deployment/router`; the only one that there is, if none is named.

        Raises:
            InputError: it cannot be done to this scenario, or says when; nothing was done then.
        """
        step = f"the step at {format_duration(self.now)}"
        if "at" in action:
            message = "a step is done now; leave out `at`, and let time go on with `advance`"
            raise InputError([Diagnostic(step, 0, 0, message, ("at",))])
        done = {
            "at": f"{self.now}ms",
            **({"object": object} if object else {}),
            **copy.deepcopy(dict(action)),
        }
        actions = [*self.actions, done]
        try:
            self._scenario = self._read(actions)
        except InputError as error:
            line = with_actions(self._given, actions)["spec"]["actions"]
            own = "spec", "actions", next(place for place, each in enumerate(line) if each is done)
            raise _about(error, step, own) from None
        self.actions.append(done)
        self._seen = None

    def apply(self, change: Mapping[str, Any] | None = None, *, object: str = "") -> None:
        """`kubectl apply` of a new revision, or of what a change makes of it, written as the scenario's `update`."""
        self.act({"apply": dict(change or {"newRevision": True})}, object=object)

    def scale(self, replicas: int, *, object: str = "") -> None:
        """`kubectl scale`."""
        self.act({"scale": replicas}, object=object)

    def fault(self, kind: str, *, object: str = "", **target: Any) -> None:
        """A fault of a kind of docs/faults.md: `fault("NpuFault", node="node-0", npu=3)`."""
        self.act({"fault": {"kind": kind, **target}}, object=object)

    def fail(self, nodes: Nodes) -> None:
        """Machines die, and nobody says so."""
        self.act({"nodeDown": nodes})

    def repair(self, nodes: Nodes) -> None:
        """Machines that somebody had `fail` come back; what a fault has broken its own time mends."""
        self.act({"nodeUp": nodes})

    def uncordon(self, nodes: Nodes) -> None:
        """`kubectl uncordon`: they take pods again, after a drain, say."""
        self.act({"uncordon": nodes})

    def drain(self, nodes: Nodes) -> None:
        """`kubectl drain`."""
        self.act({"drain": nodes})

    def delete(self, *, object: str = "", **target: Any) -> None:
        """`kubectl delete pod` of those meant: `delete(instances=[0], roles=["decode"])`; all of them, if none are."""
        self.act({"deletePod": target}, object=object)

    def advance(self, time: str | int) -> None:
        """Let time go on: `5m`, or so many ms.

        Raises:
            ValueError: it is no time, or goes back.
        """
        if isinstance(time, bool) or not isinstance(time, str | int):
            raise ValueError(f"{time!r} is no time: write 5m, or so many whole ms")
        passed = parse_duration(time) if isinstance(time, str) else time
        if passed < 0:
            raise ValueError(f"time goes on: {passed} ms is less than nothing")
        self.now += passed
        self._seen = None

    def look(self) -> Look:
        """What is now, after all that happens at this time. Nothing changes by it.

        Raises:
            InvariantsBroken: one of the invariants does not hold up to now.
            SimulatorFault: what had happened by the last look has now happened otherwise.
        """
        if self._seen is None:
            run = checked(replace(self._scenario, horizon=self.now), invariants=self._invariants)
            self._check_past(run)
            self._seen = Look(self.now, run, look_at(run.history, self.now, run.ended_at))
        return self._seen

    def finish(self) -> Run:
        """The run to its end, if nothing more is done.

        Raises:
            InvariantsBroken: one of the invariants does not hold.
        """
        return checked(self._scenario, invariants=self._invariants)

    def _read(self, actions: Sequence[Raw]) -> Scenario:
        """As the public reader reads it; what it says of the whole run is not asked of a part of it.

        Raises:
            InputError: something in it is wrong.
        """
        spec = {key: value for key, value in self._given["spec"].items() if key not in _OF_WHOLE_RUNS}
        return read(with_actions({**self._given, "spec": spec}, actions))

    def _check_past(self, run: Run) -> None:
        """What had happened before the last look has happened just so, whatever was done since."""
        past, self._past = self._past, run
        if past is None:
            return
        for before, after in zip_longest(_until(past, past.ended_at), _until(run, past.ended_at)):
            if before != after:
                raise SimulatorFault(
                    f"what was done at {format_duration(self.now)} changes what was before: {after}, not {before}"
                )


def _about(error: InputError, what: str, own: Path = ()) -> InputError:
    """The error without the lines of a document that only the reader has seen, and paths in what is meant alone."""
    return InputError(
        [
            replace(
                each,
                file=what,
                line=0,
                column=0,
                text="",
                path=each.path[len(own) :] if each.path[: len(own)] == own else each.path,
            )
            for each in error.diagnostics
        ]
    )


def _until(run: Run, at: int) -> Iterator[Record]:
    """What happened before a time: at the instant of a look something more may be done."""
    return takewhile(lambda record: record.at < at, run.history)
