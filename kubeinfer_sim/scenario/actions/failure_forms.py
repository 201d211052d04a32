"""How a user writes what goes wrong in pods: checks, processes, hooks, init containers, pulls."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from kubeinfer_sim.scenario.actions.pods_form import PodsForm
from kubeinfer_sim.scenario.forms import Duration, Form


class HealthForm(PodsForm):
    """The health check of some pods fails, or answers again; what is left out matches everything."""

    healthy: bool = Field(False, description="false: the probes fail from then on; true: they answer again.")
    probes: list[Literal["startup", "liveness", "readiness"]] = Field(["readiness"], min_length=1)
    container: str = Field("", description="By name; default: all that have such a probe.")
    new_pods: bool = Field(False, description="true: also in pods that come while it lasts.")
    hang: bool = Field(False, description="The checks do not fail at once but hang until their timeout.")
    flapping: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Each check fails only with this probability."
    )
    latency: Duration | None = Field(None, description="The checks succeed, but only after this long.")
    answer: Annotated[int, Field(ge=0, le=599)] | str | None = Field(
        None,
        description="What the checks get instead: a status of HTTP (200 to 399 passes), the exit code of a command, a "
        "serving status of gRPC (SERVING passes); error: the check cannot be run, which counts for nothing.",
    )
    after: Duration | None = Field(
        None,
        description="Not then, but so long after the start of each run of a container that begins from then on, in "
        "pods that are there or come; those under way go on.",
    )
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="With after: so many runs of each container; pods count by name. Default: all."
    )
    until: Duration | None = Field(
        None,
        description="When it ends by itself, from the start of the run; with after: runs that begin later are well.",
    )
    lasts: Duration | None = Field(
        None, description="When it ends by itself, from its own start; with after: how long in each run."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.after is not None and (self.healthy or self.new_pods):
            raise ValueError("with after pods that come are struck, too: leave out newPods and healthy")
        if self.after is None and self.times is not None:
            raise ValueError(
                "times counts runs whose checks go wrong some time after their start: give after, too"
            )
        if self.after is None and self.until is not None and self.lasts is not None:
            raise ValueError("expected one of until and lasts, found both")
        if self.healthy and self.hang:
            raise ValueError("a check that answers does not hang: leave out hang, or healthy: true")
        if self.healthy and (self.flapping is not None or self.latency is not None):
            raise ValueError("healthy: true ends what was wrong: leave out flapping and latency")
        if self.healthy and self.new_pods:
            raise ValueError("pods that come are healthy: leave out newPods, or healthy: true")
        if self.hang and (self.flapping is not None or self.latency is not None):
            raise ValueError("a check that hangs neither flaps nor answers late: expected one of them")
        ways = (self.healthy, self.hang, self.flapping is not None, self.latency is not None)
        if self.answer is not None and any(ways):
            raise ValueError("answer says all: leave out healthy, hang, flapping and latency")
        return self


class CrashForm(PodsForm):
    """A container's process ends by itself in some pods; what is left out matches everything.

    With `after`, not at once but so long after each start, in pods that are there or come; pods count by name.
    """

    after: Duration | None = Field(
        None, description="Runs that begin from then on end so long after their start; those under way go on."
    )
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="With after: so many runs of each pod, the next one goes on; default: all."
    )
    until: Duration | None = Field(
        None, description="With after: runs that begin later go on; from the start of the run."
    )
    lasts: Duration | None = Field(None, description="The same, from its own start.")

    exit_code: Annotated[int, Field(ge=0, le=255)] | None = Field(
        None, description="Default 1, with OOMKilled 137, with Completed 0."
    )
    reason: Literal["Error", "OOMKilled", "Completed"] = "Error"
    container: str = Field(
        "",
        description="By name; default: an init container that runs at the time, else the one that asks for NPUs, else "
        "the first.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        one_end(self)
        ends = [name for name in ("times", "until", "lasts") if getattr(self, name) is not None]
        if self.after is None and ends:
            raise ValueError(f"{ends[0]} counts runs that end some time after their start: give after, too")
        if self.reason == "Completed" and self.exit_code not in (None, 0):
            raise ValueError("a container that is Completed has exit code 0")
        if self.reason != "Completed" and self.exit_code == 0:
            raise ValueError("exit code 0 is reason: Completed")
        return self


def one_end(form: Form) -> None:
    """What goes wrong ends after so many times, or at a time, or never.

    Raises:
        ValueError: it ends twice.
    """
    ends = [name for name in ("times", "until", "lasts") if getattr(form, name) is not None]
    if len(ends) > 1:
        raise ValueError(f"expected one of times, until and lasts, found {' and '.join(ends)}")


class InitFaultForm(PodsForm):
    """Runs of init containers that fail from then on, in pods that are there or come; pods count by name."""

    container: str = Field("", description="By name; default: every init container that has to end.")
    exit_code: Annotated[int, Field(ge=0, le=255)] | None = Field(
        None, description="Default 1, with OOMKilled 137."
    )
    reason: Literal["Error", "OOMKilled"] = "Error"
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="So many runs of each pod, the next one ends well; default: all."
    )
    until: Duration | None = Field(
        None, description="Runs that begin later end well; from the start of the run."
    )
    lasts: Duration | None = Field(None, description="The same, from its own start.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        one_end(self)
        if self.exit_code == 0:
            raise ValueError("an init container that ends with exit code 0 has not failed")
        return self


class PostStartFaultForm(PodsForm):
    """postStart hooks that fail from then on, in pods that are there or come; pods count by name."""

    container: str = Field("", description="By name; default: every container with a postStart hook.")
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="So many in each pod, the next one succeeds; default: all."
    )
    until: Duration | None = Field(
        None, description="Hooks that begin later succeed; from the start of the run."
    )
    lasts: Duration | None = Field(None, description="The same, from its own start.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        one_end(self)
        return self


class ImageFaultForm(Form):
    """Images that cannot be pulled for a time."""

    images: list[str] = Field([], description="Left out: all, the registry is down.")
    after: Duration = Field(
        "0s",
        validate_default=True,
        description="How long a pull takes to fail, while it holds its node's queue; default: at once.",
    )
    until: Duration | None = Field(None, description="When it ends by itself, from the start of the run.")
    lasts: Duration | None = Field(None, description="When it ends by itself, from its own start.")

    @model_validator(mode="after")
    def _end(self) -> Self:
        if self.until is not None and self.lasts is not None:
            raise ValueError("expected one of until and lasts, found both")
        return self
