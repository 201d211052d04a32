"""`diff --predict`: what a change does to time and availability, and what it must not be worse than."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
from msgspec import Struct

from kubeinfer_sim.cli.command import (
    NO_CONFIGURATION,
    Whole,
    first_nodes_options,
    found_configuration,
    option,
    seed_option,
    timings_option,
)
from kubeinfer_sim.cli.manifests import version_of
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.manifest.model import KINDS_ROLLED_OUT, WorkloadSpec
from kubeinfer_sim.manifest.names_apart import NamesApart

if TYPE_CHECKING:
    from kubeinfer_sim.experiment.prediction import Prediction
    from kubeinfer_sim.manifest.diff import Diff
    from kubeinfer_sim.manifest.load import Manifests

#: So few seeds are met sooner than other processes have begun.
_FEW = 50

F = TypeVar("F", bound=Callable[..., Any])


class Predicted(Struct, frozen=True):
    """The options, as they are typed; all but `predict` are about it."""

    predict: bool = False
    cluster: str | None = None
    pods: str | None = None
    name: str | None = None
    replications: int | None = None
    max_duration_increase: int | None = None
    min_ready: int | None = None
    max_lost_increase: int | None = None
    timings: str | None = None
    seed: int | None = None
    no_config: bool = False

    def check(self) -> None:
        """Refuse what is about a prediction where none is asked for.

        Raises:
            UsageError: something is.
        """
        if self.predict:
            return
        for each in self.__struct_fields__:
            if each not in ("predict", "no_config") and getattr(self, each) is not None:
                typed = {"cluster": "--nodes", "replications": "-n"}.get(each, f"--{each.replace('_', '-')}")
                raise UsageError(f"{typed} is about what is predicted: add --predict")

    def of(
        self, before: Manifests, after: Manifests, files: tuple[str, str], differences: Sequence[Diff]
    ) -> Prediction:
        """What is predicted of an update from one file's objects to another's, which differ so.

        Raises:
            InputError, UsageError: the nodes or an object are wrong, the second is another object than the first.
        """
        from kubeinfer_sim.cli.progress import ProgressBar
        from kubeinfer_sim.experiment.dispatch import HERE, Workers
        from kubeinfer_sim.experiment.prediction import Bounds, predict
        from kubeinfer_sim.scenario.rollout import rollout_scenario

        given: Any = {
            "profile": self.timings,
            "seed": self.seed or 0,
            "pods": self.pods,
            "configuration": None if self.no_config else found_configuration(),
        }
        old, new = self._updated(before, after, files, differences)

        def again(updated: Sequence[WorkloadSpec], side: Manifests, others: Sequence[WorkloadSpec]) -> Any:
            one, *more = updated
            beside = [*more, *others]
            return rollout_scenario(
                one, None, self.cluster, beside=beside, restarted=more, objects=side.others, **given
            )

        keys = {_key(each) for each in old}
        beside, beside_new = (
            [each for each in side.workloads if _key(each) not in keys]
            for side in (before, after if self.name is None else before)
        )
        this = rollout_scenario(
            old[0],
            new[0],
            self.cluster,
            beside=[*old[1:], *beside],
            beside_new=[*new[1:], *beside_new],
            objects=before.others,
            objects_new=after.others,
            **given,
        )
        names = NamesApart()
        names.note(before.workloads)
        bounds = Bounds(self.max_duration_increase, self.min_ready, self.max_lost_increase)
        with ProgressBar("runs") as bar:
            return predict(
                again(old, before, beside),
                this,
                again(new, after, beside_new),
                bounds,
                n=self.replications,
                updated=[f"{each.kind}/{each.name}" for each in map(names.named, new)],
                workers=Workers(None) if (self.replications or 0) > _FEW else HERE,
                progress=lambda done, total, _: bar.update(done, total, lambda: ""),
            )

    def _updated(
        self, before: Manifests, after: Manifests, files: tuple[str, str], differences: Sequence[Diff]
    ) -> tuple[Sequence[WorkloadSpec], Sequence[WorkloadSpec]]:
        """What each of the three updates is of, in both versions: what this one replaces pods of.

        Where it replaces none those that differ are updated today and the next time, else all. `--name` names one.
        """
        pairs = [each for each in differences if each.old is not None and each.new is not None]
        if self.name is not None or not pairs:
            one, other = (
                version_of(side, self.name, file)[0]
                for side, file in zip((before, after), files, strict=True)
            )
            return [one], [other]
        chosen = [each for each in pairs if each.rollout] or [each for each in pairs if each.differs] or pairs
        chosen.sort(key=lambda each: KINDS_ROLLED_OUT.index(each.object.kind))
        return [each.old for each in chosen if each.old], [each.new for each in chosen if each.new]


def _key(workload: WorkloadSpec) -> tuple[str, str, str]:
    return workload.kind, workload.namespace, workload.name


def prediction_options(command: F) -> F:
    """The options of a prediction; the command gets them as `predicted`."""

    @wraps(command)
    def gathered(**given: Any) -> Any:
        own = {name: given.pop(name) for name in Predicted.__struct_fields__}
        return command(predicted=Predicted(**own), **given)

    made: Any = gathered
    for each in (
        # Looked for only where something is predicted: that takes rooms which a plain diff does without.
        click.option("--no-config", is_flag=True, help=NO_CONFIGURATION),
        seed_option,
        timings_option,
        option(
            "--max-lost-increase",
            metavar="TIME",
            callback_value=_time,
            help="Of --predict: exit with 1 where either loses so much more instance time (of a Deployment pod time).",
        ),
        option(
            "--min-ready",
            type=Whole(min=0),
            metavar="N",
            help="Of --predict: exit with 1 where fewer are ready in any run of either (of a Deployment available).",
        ),
        option(
            "--max-duration-increase",
            metavar="TIME",
            callback_value=_time,
            help="Of --predict: exit with 1 where either update takes so much longer (10m) than one of OLD does.",
        ),
        option(
            "-n",
            "--replications",
            "--seeds",
            "replications",
            type=Whole(min=1, max=1_000_000),
            metavar="N",
            help="Of --predict: how many seeds each update meets; if not given one, and ten where anything is drawn.",
        ),
        option(
            "--name",
            metavar="[NAMESPACE/|KIND/]NAME",
            help="Of --predict: what is updated, where several differ; the others run beside it as in OLD.",
        ),
        first_nodes_options,
        click.option(
            "--predict",
            is_flag=True,
            help="Simulate, too, what the change does to time and availability: this update, and the next one after "
            "it, beside an update of OLD. Wants --nodes.",
        ),
    ):
        made = each(made)
    return cast("F", made)


def code_of(prediction: Prediction) -> int:
    """0 the bounds hold, or none is given; 1 one is missed; 4 one is undecided; 2, 3, 130 a run came to no end."""
    from kubeinfer_sim.cli.replications import INTERRUPTED, UNDECIDED, failure_code
    from kubeinfer_sim.experiment.judging import Decision

    if prediction.comparison.interrupted:
        return INTERRUPTED
    code = failure_code(each for _, each in prediction.comparison.failures)
    return code or {Decision.MISSED: 1, Decision.UNDECIDED: UNDECIDED}.get(prediction.decision, 0)


def _time(text: str) -> int:
    from kubeinfer_sim.scenario.units import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
