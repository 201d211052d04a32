"""How a user writes rules of recovery: in the scenario, or in a file of kind Recovery."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from kubeinfer_sim.scenario.forms import Duration, Form, PositiveDuration, ShortForm, exactly_one
from kubeinfer_sim.scenario.recovery.faults import Phase
from kubeinfer_sim.scenario.recovery.rules import (
    IN_PLACE,
    ActionName,
    GiveUp,
    Isolation,
    Limit,
    RecoveryRule,
)


class LimitForm(Form):
    """How often a rule may act, and what is done instead when it is used up."""

    count: Annotated[int, Field(ge=1)]
    window: PositiveDuration = Field(description="Only times within it count.")
    then: ActionName


class GiveUpForm(ShortForm):
    """A role that gives up pods."""

    short: ClassVar[dict[str, Any]] = {"type": "string", "description": "The role; it keeps one pod."}
    role: str
    keep: Annotated[int, Field(ge=0)] = Field(
        1, description="Pods it keeps; with 0 it gives up all of its pods at once."
    )

    @classmethod
    def expand(cls, value: Any) -> Any:
        """A name → `{role: …}`."""
        return {"role": value} if isinstance(value, str) else value


class RuleForm(Form):
    """What to do about some failures; conditions that are left out match everything."""

    roles: list[str] = Field([])
    faults: list[str] = Field([], description="Names of what failed; docs/recovery.md lists them.")
    phase: Phase | None = Field(None, description="Before or after the pod was ready.")
    exit_codes: list[Annotated[int, Field(ge=0, le=255)]] = Field([])
    action: ActionName
    delay: Duration | None = Field(
        None, description="Wait; nothing is done when the pod is ready again by then, or the fault is gone."
    )
    isolate: Isolation = Field("None", description="What takes no new pods from then on.")
    limit: LimitForm | None = None
    give_up: Annotated[list[GiveUpForm], Field(min_length=1)] | None = Field(
        None, description="For Degrade: the roles that give up pods, in order."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        actions = [self.action, *([self.limit.then] if self.limit else [])]
        if "Degrade" in actions and self.give_up is None:
            raise ValueError("Degrade needs giveUp: the roles that give up pods")
        if self.give_up is not None and "Degrade" not in actions:
            raise ValueError("giveUp is for action Degrade")
        if self.delay is not None and self.action in IN_PLACE:
            raise ValueError(f"{self.action} has no delay: the kubelet restarts containers in its own time")
        if self.limit is not None and self.limit.then == self.action:
            raise ValueError(f"limit.then must be another action than {self.action}")
        return self

    def rule(self) -> RecoveryRule:
        """The rule as it is simulated."""
        limit = self.limit
        return RecoveryRule(
            self.action,
            tuple(self.roles),
            tuple(self.faults),
            self.phase,
            tuple(self.exit_codes),
            self.delay or 0,
            self.isolate,
            None if limit is None else Limit(limit.count, limit.window, limit.then),
            tuple(GiveUp(each.role, each.keep) for each in self.give_up or ()),
        )


class RulesForm(Form):
    """An ordered list of rules; the first that matches decides, and where none does, the kubelet."""

    rules: Annotated[list[RuleForm], Field(min_length=1)]


class RecoveryForm(ShortForm):
    """Rules for roles with `restart: Custom`, or the path of a file of kind Recovery."""

    short: ClassVar[dict[str, Any]] = {
        "type": "string",
        "description": "Path of a file of kind Recovery, relative to this file.",
    }
    path: str | None = Field(None, description="Path of a file of kind Recovery, relative to this file.")
    rules: Annotated[list[RuleForm], Field(min_length=1)] | None = None

    @classmethod
    def expand(cls, value: Any) -> Any:
        """A path → `{path: …}`."""
        return {"path": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, "path", "rules")
        return self
