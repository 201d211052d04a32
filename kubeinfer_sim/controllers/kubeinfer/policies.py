"""What a failure calls for: the policy of the role, the scenario's rules, or a function of the user's.

A function may stand in for the rules: it is given to `simulate` (or named on the command line) and asked about
every failure of a pod whose role has `restart: Custom`. A scenario file cannot name code: files are passed
around, and simulating one must not run what its author wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.controllers.kubeinfer.instance import Instance, InstanceState
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.scenario.recovery.faults import Phase
from kubeinfer_sim.scenario.recovery.rules import IN_PLACE, ActionName, GiveUp, Isolation, RecoveryRule

#: Actions from narrow to wide; of several at one instant the widest wins.
WIDTH: dict[ActionName, int] = {
    "Ignore": 0,
    "RestartContainer": 0,
    "RecreatePod": 1,
    "RecreateRole": 2,
    "Degrade": 3,
    "RecreateInstance": 4,
    "Fail": 5,
}


class Failure(Struct, frozen=True):
    """A failure, as rules and functions see it.

    Attributes:
        at: ms since the start of the simulation.
        instance: ordinal; `incarnation` counts its gangs, from 0.
        fault: what failed, by the names of docs/recovery.md.
        phase: `starting` until the pod (or its instance as a whole) was ready, then `serving`.
        exit_code: of the container that died; None where none did.
        container_restarts: how often the kubelet has restarted containers of this pod.
    """

    at: int
    instance: int
    incarnation: int
    role: str
    replica: int
    fault: str
    phase: Phase
    exit_code: int | None
    container_restarts: int


class Decision(Struct, frozen=True):
    """What is done about a failure; `delay` in ms, `by` names the rule or function that decided."""

    action: ActionName
    delay: int = 0
    isolate: Isolation = "None"
    give_up: tuple[GiveUp, ...] = ()
    by: str = ""

    @property
    def in_place(self) -> bool:
        """Whether the pod stays and the kubelet sees to it."""
        return self.action in IN_PLACE


#: Decides about a failure: a `Decision`, the name of an action, or None to leave it to the kubelet.
RecoveryPlugin = Callable[[Failure], "Decision | ActionName | None"]

#: Nobody decides: the kubelet restarts the container as the pod's restartPolicy says.
KUBELET = Decision("RestartContainer")


class Policies:
    """Decides about failures; remembers how often each rule acted for each instance."""

    def __init__(
        self, rules: Sequence[RecoveryRule], plugin: RecoveryPlugin | None, startup_crash: str
    ) -> None:
        self._rules = rules
        self._plugin = plugin
        self._startup_crash = startup_crash
        self._acted: dict[tuple[int, int], list[int]] = {}

    def decide(
        self, instance: Instance, pod: Pod, fault: str, now: int, *, exit_code: int | None = None
    ) -> Decision:
        """What is done about a failure of the pod; `exit_code` when a container of it died.

        Raises:
            UsageError: the user's function failed, or returned something else than a decision.
        """
        role = next(role for role in instance.spec.roles if role.name == pod.ref.role)
        phase: Phase = "starting" if starting(instance, pod) else "serving"
        restart = role.recovery_policy.restart
        if restart != "Custom":
            if exit_code is not None and phase == "starting" and self._startup_crash == "kubelet":
                return KUBELET
            return Decision("RecreateInstance" if restart == "Instance" else "RecreatePod")
        if self._plugin is not None:
            failure = Failure(
                now,
                instance.ref.ordinal,
                instance.incarnation,
                role.name,
                pod.ref.replica,
                fault,
                phase,
                exit_code,
                pod.restarts,
            )
            return _ask(self._plugin, failure)
        for index, rule in enumerate(self._rules):
            if rule.matches(role.name, fault, phase, exit_code):
                return self._of_rule(index, rule, instance, now)
        return KUBELET

    def _of_rule(self, index: int, rule: RecoveryRule, instance: Instance, now: int) -> Decision:
        action, delay, by = rule.action, rule.delay, f"rule {index + 1}"
        limit = rule.limit
        if limit is not None:
            key = (instance.ref.uid, index)
            times = self._acted[key] = [at for at in self._acted.get(key, ()) if now - at < limit.window]
            if now not in times:  # several pods at one instant are one time
                if len(times) >= limit.count:
                    action, delay, by = limit.then, 0, f"{by}, limit used up"
                else:
                    times.append(now)
        return Decision(action, delay, rule.isolate, rule.give_up, by)


def starting(instance: Instance, pod: Pod) -> bool:
    """Whether the pod, or its instance as a whole, has yet to become ready."""
    return instance.state is InstanceState.STARTING or pod not in instance.served


def _ask(plugin: RecoveryPlugin, failure: Failure) -> Decision:
    name = getattr(plugin, "__name__", "the recovery function")
    try:
        answer: object = plugin(failure)
    except Exception as error:
        raise UsageError(
            f"recovery function {name} failed on {failure}: {type(error).__name__}: {error}"
        ) from error
    if answer is None:
        return KUBELET
    if isinstance(answer, str) and answer in WIDTH:
        answer = Decision(answer, by=name)
    if not isinstance(answer, Decision) or answer.action not in WIDTH or answer.delay < 0:
        known = ", ".join(WIDTH)
        raise UsageError(
            f"recovery function {name} returned {answer!r}: expected a Decision, None or one of {known}"
        )
    if answer.action == "Degrade" and not answer.give_up:
        raise UsageError(
            f"recovery function {name} returned Degrade without roles that give up pods (give_up)"
        )
    return answer if answer.by else replace(answer, by=name)
