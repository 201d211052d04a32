"""A state machine for Hypothesis that plays a scenario as people might, with the invariants watching."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.accelerators import accelerator_count
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.testing.fuzz.cases import read
from kubeinfer_sim.testing.fuzz.single_faults import kinds_alike, meant_by
from kubeinfer_sim.testing.invariants import CATALOGUE, Checked
from kubeinfer_sim.testing.stateful.session import Session

#: How far time goes on in one step: to what follows at once, through stages, and past them.
STEPS = ("1ms", "1s", "10s", "1m", "5m", "20m", "1h", "6h")
#: Replicas at most.
_MOST_REPLICAS = 5


class ScenarioMachine(RuleBasedStateMachine):
    """Updates, scales, breaks, repairs, drains and deletes at random, lets time go on, and looks after each step.

    A subclass says which scenario, and may have rules, invariants and preconditions of its own, as Hypothesis has them:
    `self.session` is what they do it with. One that adds nothing is `ScenarioMachine.of("chat.scenario.yaml")`. An
    action that the reader refuses for this scenario is not done.

    Attributes:
        scenario: the path of its file, or a document that names no other file.
        watching: the invariants that are checked after each step, those of `kubeinfer_sim.testing.invariants`.
        session: what is played.
    """

    scenario: ClassVar[str | Path | Mapping[str, Any]]
    watching: ClassVar[Iterable[Checked]] = CATALOGUE

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(self.scenario, invariants=self.watching)
        known = read(self.session.document)
        self._objects = [f"{each.kind}/{each.name}" for each in known.workloads]
        self._kinds = list(kinds_alike(known))
        self._nodes = {node.name: accelerator_count(node.allocatable) for node in known.nodes_ever}

    @classmethod
    def of(
        cls, scenario: str | Path | Mapping[str, Any], *, watching: Iterable[Checked] = CATALOGUE
    ) -> type[ScenarioMachine]:
        """A machine of a scenario, with these invariants."""
        return type("MachineOfScenario", (cls,), {"scenario": scenario, "watching": tuple(watching)})

    @rule(time=st.sampled_from(STEPS))
    def advance(self, time: str) -> None:
        """Time goes on."""
        self.session.advance(time)

    @rule(data=st.data())
    def apply(self, data: st.DataObject) -> None:
        """A new revision of a workload."""
        self._do({"apply": {"newRevision": True}}, self._workload(data))

    @rule(data=st.data(), replicas=st.integers(0, _MOST_REPLICAS))
    def scale(self, data: st.DataObject, replicas: int) -> None:
        """A workload to so many replicas."""
        self._do({"scale": replicas}, self._workload(data))

    @rule(data=st.data())
    def fault(self, data: st.DataObject) -> None:
        """A fault of any kind that there is something to strike for."""
        kind = data.draw(st.sampled_from(self._kinds), label="kind")
        strikes = KINDS[kind].strikes
        whose, target = "", dict[str, Any]()
        if strikes in ("node", "npu"):
            target["node"] = node = data.draw(st.sampled_from(list(self._nodes)), label="node")
        if strikes == "npu":
            target["npu"] = data.draw(st.integers(0, max(0, self._nodes[node] - 1)), label="npu")
        if strikes == "pod":
            if not self.session.look().pods:
                return
            whose, target = self._pod(data)
        self._do({"fault": {"kind": kind, **target}}, whose)

    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        """A machine dies, and nobody says so."""
        self._do({"nodeDown": data.draw(st.sampled_from(list(self._nodes)), label="node")})

    @rule(data=st.data())
    def repair(self, data: st.DataObject) -> None:
        """A node that may be down or cordoned is neither any more."""
        node = data.draw(st.sampled_from(list(self._nodes)), label="node")
        self._do({"nodeUp": node})
        self._do({"uncordon": node})

    @rule(data=st.data())
    def drain(self, data: st.DataObject) -> None:
        """Of one node."""
        self._do({"drain": data.draw(st.sampled_from(list(self._nodes)), label="node")})

    @precondition(lambda self: self.session.look().pods)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """A pod."""
        whose, target = self._pod(data)
        self._do({"deletePod": target}, whose)

    @invariant()
    def holds(self) -> None:
        """All invariants hold up to now."""
        self.session.look()

    def _pod(self, data: st.DataObject) -> tuple[str, dict[str, Any]]:
        pods = {each.ref.name: each.ref for each in self.session.look().pods}
        return meant_by(pods[data.draw(st.sampled_from(sorted(pods)), label="pod")])

    def _workload(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(self._objects), label="object")

    def _do(self, action: Mapping[str, Any], object: str = "") -> None:
        with suppress(InputError):  # nothing of the kind can be done to this scenario
            self.session.act(action, object=object)
