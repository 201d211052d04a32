"""The scenario file that a command is about, with what else its command line gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from msgspec import Struct

from kubeinfer_sim.cli.command import (
    configuration_option,
    horizon_option,
    nodes_options,
    seed_option,
    timings_option,
    values_options,
)
from kubeinfer_sim.errors import UsageError

if TYPE_CHECKING:
    from kubeinfer_sim.manifest.source import SourceText
    from kubeinfer_sim.scenario.configuration import Configuration
    from kubeinfer_sim.scenario.model import Scenario

F = TypeVar("F", bound=Callable[..., Any])
ReadFile = Callable[[], "ScenarioFile"]

_READ_WITH = (
    "scenario",
    "settings",
    "files",
    "seed",
    "horizon",
    "cluster",
    "pods",
    "timings",
    "configuration",
)


class ScenarioFile(Struct, frozen=True):
    """A file that has been read, and what else `load_scenario` is given with it."""

    source: SourceText
    given: dict[str, Any]

    def load(self) -> Scenario:
        """The scenario.

        Raises:
            InputError: it is wrong.
            UsageError: a wrong override.
        """
        from kubeinfer_sim.scenario.load import load_scenario

        return load_scenario(self.source, **self.given)

    def whole(self) -> dict[str, Any]:
        """It with all that it is made of, for a file that replays it."""
        from kubeinfer_sim.scenario.self_contained import whole_scenario

        return whole_scenario(self.source, **self.given)


def read_scenario_file(
    scenario: str,
    *,
    settings: Sequence[str],
    files: Sequence[str],
    seed: int | None,
    horizon: str | None,
    cluster: str | None,
    pods: str | None,
    timings: str | None,
    configuration: Configuration | None,
) -> ScenarioFile:
    """What the options that `run`, `why` and `pods` share give.

    Raises:
        InputError: the file cannot be read.
        UsageError: standard input is named twice, or a value for the manifest is none.
    """
    from kubeinfer_sim.manifest.source import read_source
    from kubeinfer_sim.manifest.template import parse_settings

    if [scenario, cluster, pods].count("-") > 1:
        raise UsageError("only one file can come from standard input")
    given: dict[str, Any] = {
        "set_values": parse_settings(settings, files),
        "seed": seed,
        "horizon": horizon,
        "cluster": cluster,
        "pods": pods,
        "changes": None if timings is None else {("spec", "timings", "profile"): timings},
        "configuration": configuration,
    }
    return ScenarioFile(read_source(scenario), given)


def scenario_file_options(command: F) -> F:
    """What a scenario file is read with, of a command that looks at one run; it gets `read_file`."""

    @wraps(command)
    def gathered(**given: Any) -> Any:
        ours = {name: given.pop(name) for name in _READ_WITH}
        return command(read_file=partial(read_scenario_file, **ours), **given)

    decorated = cast("F", gathered)
    for one in (seed_option, timings_option, configuration_option, nodes_options, horizon_option):
        decorated = one(decorated)
    return values_options("the manifest")(decorated)
