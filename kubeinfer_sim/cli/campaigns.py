"""What the commands share that play a scenario again and again: how many seeds, where, and how its file is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast

from kubeinfer_sim.cli.command import Whole, configuration_option, horizon_option, option, values_options
from kubeinfer_sim.cli.replications import worker_options

if TYPE_CHECKING:
    from kubeinfer_sim.manifest.source import SourceText
    from kubeinfer_sim.report.html.origin import Origin
    from kubeinfer_sim.report.html.page import Page
    from kubeinfer_sim.scenario.configuration import Configuration

F = TypeVar("F", bound=Callable[..., Any])


class Loaded(TypedDict):
    """What a scenario file is read with, as `load_scenario` takes it."""

    set_values: Mapping[str, Any]
    seed: int | None
    horizon: str | None
    configuration: Configuration | None


def seeds_option(help_text: str) -> Callable[[F], F]:
    """`-n`: how many seeds each of what is played meets."""
    return option(
        "-n",
        "--replications",
        "--seeds",
        "replications",
        type=Whole(min=1, max=1_000_000),
        metavar="N",
        help=help_text,
    )


def campaign_options(command: F) -> F:
    """Where runs are played, which the command gets as `many`, and what its scenario is read with, as `loaded`."""

    @wraps(command)
    def gathered(**given: Any) -> Any:
        from kubeinfer_sim.manifest.template import parse_settings

        loaded = Loaded(
            set_values=parse_settings(given.pop("settings"), given.pop("files")),
            seed=given.pop("seed"),
            horizon=given.pop("horizon"),
            configuration=given.pop("configuration"),
        )
        return command(loaded=loaded, **given)

    decorated = horizon_option(configuration_option(cast("F", gathered)))
    seed = option("--seed", type=Whole(min=0), metavar="N", help="The first seed, instead of the scenario's.")
    return worker_options(seed(values_options("the manifest")(decorated)))


def campaign_page(make: Callable[[Origin], Page], source: SourceText | None, loaded: Loaded) -> str:
    """The page that `make` makes, at its end the command that runs and the scenario with all that it is made of.

    `source` None: there is no single scenario.
    """
    from kubeinfer_sim.cli.own_line import same_again
    from kubeinfer_sim.report.html.origin import Origin
    from kubeinfer_sim.report.html.render import page_html
    from kubeinfer_sim.scenario.self_contained import whole_scenario

    whole = None if source is None else lambda: whole_scenario(source, **loaded)
    return page_html(make(Origin(same_again(), whole)))
