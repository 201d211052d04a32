"""What must hold, said on the command line of `rollout`: objectives without a scenario file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.cli.command import option
from kubeinfer_sim.errors import UsageError

if TYPE_CHECKING:
    from kubeinfer_sim.cli.replications import Many
    from kubeinfer_sim.diagnostics import Path
    from kubeinfer_sim.manifest.document import Document

F = TypeVar("F", bound=Callable[..., Any])


class Gates(Struct, frozen=True):
    """The options, as they are typed; each is an objective of a scenario file.

    Attributes:
        availability: `99.9%` of the time all are ready, or `3=99.9%` three.
        probability: with which each of them must hold.
    """

    min_ready: str | None = None
    within: str | None = None
    completes: bool = False
    availability: tuple[str, ...] = ()
    probability: str | None = None

    def objectives(self) -> dict[str, Any]:
        """What a scenario file would have in `spec.objectives`.

        Raises:
            UsageError: a probability of nothing.
        """
        made: dict[str, Any] = {}
        if self.min_ready is not None:
            made["minReadyInstances"] = self._with_probability("value", _number(self.min_ready))
        if self.completes:
            made["completes"] = self._with_probability("value", True)
        if self.within is not None:
            made["completesWithin"] = self._with_probability("time", self.within)
        if self.availability:
            likely = {} if self.probability is None else {"probability": self.probability}
            made["availability"] = [{**_of_the_time(each), **likely} for each in self.availability]
        if self.probability is not None and not made:
            raise UsageError(
                "--probability is that of what must hold: add --min-ready, --within, --completes or --availability"
            )
        return made

    def places(self) -> Mapping[Path, tuple[Document, Path]]:
        """Where each stands: on the command line, for what is said of it."""
        from kubeinfer_sim.scenario.load import typed_value

        return {path: typed_value(name, value) for path, name, value in self._typed()}

    def many(self, many: Many) -> Many:
        """How many runs there are to be: with a probability as many as decide it, unless that is said otherwise."""
        if self.probability is None or many.replications is not None or many.precision is not None:
            return many
        return replace(many, until_decided=True)

    def _with_probability(self, key: str, value: object) -> Any:
        return value if self.probability is None else {key: value, "probability": self.probability}

    def _typed(self) -> Iterator[tuple[Path, str, str]]:
        here: Path = ("spec", "objectives")
        own: list[tuple[Path, str, str]] = [
            ((*here, "availability", i), "--availability", each) for i, each in enumerate(self.availability)
        ]
        if self.min_ready is not None:
            own.append(((*here, "minReadyInstances"), "--min-ready", self.min_ready))
        if self.within is not None:
            own.append(((*here, "completesWithin"), "--within", self.within))
        if self.completes:
            own.append(((*here, "completes"), "--completes", ""))
        yield from own
        if self.probability is not None:
            for path, _, _ in own:
                yield (*path, "probability"), "--probability", self.probability


def gate_options(command: F) -> F:
    """The objectives as options; the command gets them as `gates`."""

    @wraps(command)
    def gathered(**given: Any) -> Any:
        gates = Gates(**{name: given.pop(name) for name in Gates.__struct_fields__})
        return command(gates=gates, **given)

    made: Any = gathered
    for each in (
        option(
            "--probability",
            metavar="P%",
            help="Each of these must hold in at least so many of all runs (99%): as many are made as decide it, or -n.",
        ),
        click.option(
            "--availability",
            metavar="[READY=]P%",
            multiple=True,
            help="Objective: for so much of the time all are ready, or so many (3=99.9%, one=99.99%); with --horizon.",
        ),
        click.option("--completes", is_flag=True, help="Objective: the update completes."),
        option("--within", metavar="TIME", help="Objective: the update completes within this time (45m)."),
        option(
            "--min-ready",
            metavar="N|P%",
            help="Objective: at no time fewer instances are ready (of a Deployment pods).",
        ),
    ):
        made = each(made)
    return cast("F", made)


def _number(text: str) -> int | str:
    """A number where it is one; all else as it is, for the reader of scenarios to judge."""
    return int(text) if text.isascii() and text.isdecimal() else text


def _of_the_time(text: str) -> dict[str, Any]:
    """`3=99.9%` → three are ready for so much of the time; all, where no number is given."""
    ready, given, share = text.rpartition("=")
    return {"ready": _number(ready), "atLeast": share} if given else {"atLeast": share}
