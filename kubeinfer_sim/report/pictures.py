"""Pictures of results for notebooks, as figures of Plotly's: those of the HTML page, one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec

from kubeinfer_sim.errors import UsageError, expect
from kubeinfer_sim.experiment.backtest.backtest import Backtest
from kubeinfer_sim.experiment.compare import Comparison
from kubeinfer_sim.experiment.planning.plan import Plan
from kubeinfer_sim.experiment.recommending.recommend import Recommendation
from kubeinfer_sim.experiment.replications import Replications
from kubeinfer_sim.experiment.sensitivity import Sensitivity
from kubeinfer_sim.experiment.sweep import Sweep
from kubeinfer_sim.report.plots.accelerators import accelerators_plot
from kubeinfer_sim.report.plots.differences import differences_plot
from kubeinfer_sim.report.plots.distributions import done_plot, durations_plot, fewest_plot
from kubeinfer_sim.report.plots.figure import figure
from kubeinfer_sim.report.plots.intervals import intervals_plot
from kubeinfer_sim.report.plots.lost_time import lost_time_plot
from kubeinfer_sim.report.plots.planes import plane_plot
from kubeinfer_sim.report.plots.stages import stages_plot
from kubeinfer_sim.report.plots.timeline import timeline_plot
from kubeinfer_sim.report.plots.tornado import tornado_plot
from kubeinfer_sim.report.series.accelerators import accelerators
from kubeinfer_sim.report.series.changes import effects_of_changes
from kubeinfer_sim.report.series.differences import differences
from kubeinfer_sim.report.series.distributions import durations, fewest, lost_a_run
from kubeinfer_sim.report.series.intervals import intervals
from kubeinfer_sim.report.series.lost_time import lost_time
from kubeinfer_sim.report.series.planes import frontier, sweep_plane
from kubeinfer_sim.report.series.readiness import courses
from kubeinfer_sim.report.series.stages import stages
from kubeinfer_sim.report.series.tornado import tornado
from kubeinfer_sim.report.verdict import Assessment, assess
from kubeinfer_sim.simulation.run import Run

_P = ParamSpec("_P")
#: What makes what is drawn, in the words of docs/python.md.
_MADE_BY: dict[type, str] = {
    Run: "simulate(scenario)",
    Assessment: "assess(simulate(scenario))",
    Replications: "replicate(scenario, 100)",
    Comparison: "compare([Variant('a', scenario), …])",
    Plan: "plan(file, ['nodes=8..16'])",
    Sweep: "sweep(file, ['nodes=8..16'])",
    Sensitivity: "sensitivity(file)",
    Backtest: "backtest(file, ['pods.json'])",
    Recommendation: "recommend(file, '8x8')",
}


def _draws(*kinds: type) -> Callable[[Callable[_P, Any]], Callable[_P, Any]]:
    """A picture of these kinds of results, its first argument; of anything else it says what to draw it of.

    Raises:
        UsageError: it is given something else.
    """

    def checked(plot: Callable[_P, Any]) -> Callable[_P, Any]:
        first = next(iter(signature(plot).parameters))

        @wraps(plot)
        def drawn(*given: _P.args, **named: _P.kwargs) -> Any:
            result = given[0] if given else named.get(first)
            if result is not None:
                expect(result, kinds, plot.__name__, f"{plot.__name__}({_MADE_BY[kinds[0]]})")
            return plot(*given, **named)

        return drawn

    return checked


@_draws(Run, Assessment)
def plot_timeline(run: Run | Assessment, workload: str | None = None) -> Any:
    """Instances ready, starting and terminating over time, with actions and faults as marks; of the first workload.

    Raises:
        UsageError: Plotly is not installed, or there is no such workload.
    """
    shown = {each.name: each for each in courses(_assessed(run))}
    if not shown or (workload is not None and workload not in shown):
        named = "" if workload is None else f" {workload}"
        raise UsageError(f"no workload{named} to draw; there are: {', '.join(shown) or 'none'}")
    return figure(timeline_plot(shown[workload] if workload is not None else next(iter(shown.values()))))


@_draws(Run, Assessment)
def plot_stages(run: Run | Assessment) -> Any:
    """Pods as bars coloured by stage; of many pods a bar for each instance, or how many were in which stage.

    Raises:
        UsageError: Plotly is not installed, or there was no pod.
    """
    assessment = _assessed(run)
    series = stages(assessment.cluster.instances, _end(assessment))
    if series is None:
        raise UsageError("there was no pod: no stages to draw")
    return figure(stages_plot(series))


@_draws(Run, Assessment)
def plot_accelerators(run: Run | Assessment) -> Any:
    """Accelerators in use against capacity.

    Raises:
        UsageError: Plotly is not installed, or nothing took an accelerator.
    """
    assessment = _assessed(run)
    series = accelerators(assessment, _end(assessment))
    if series is None:
        raise UsageError("nothing took an accelerator: none to draw")
    return figure(accelerators_plot(series))


@_draws(Run, Assessment, Replications)
def plot_lost_time(result: Run | Assessment | Replications) -> Any:
    """Where the lost time went, by cause and stage; of many runs the mean.

    Raises:
        UsageError: Plotly is not installed, or no time was lost.
    """
    if isinstance(result, Replications):
        rows, scenario, what = lost_a_run(result), result.scenario, "lost time a run"
    else:
        assessment = _assessed(result)
        rows, scenario, what = lost_time(assessment), assessment.run.scenario, "lost time"
    if not rows:
        raise UsageError("no time was lost: nothing to draw")
    return figure(lost_time_plot(rows, scenario.waited_for, what))


@_draws(Replications)
def plot_duration(runs: Replications) -> Any:
    """How long it takes, in how many runs.

    Raises:
        UsageError: Plotly is not installed, or fewer than two runs finish.
    """
    series = durations(runs)
    if series is None or not series.bins:
        raise UsageError("too few runs finish: no durations to draw")
    return figure(durations_plot(series))


@_draws(Replications)
def plot_done(runs: Replications) -> Any:
    """By when what part of the runs is done, with the band that holds the true curve.

    Raises:
        UsageError: Plotly is not installed, or no run finishes.
    """
    series = durations(runs)
    if series is None or not series.done:
        raise UsageError("no run finishes: no durations to draw")
    return figure(done_plot(series))


@_draws(Replications)
def plot_min_ready(runs: Replications) -> Any:
    """The fewest instances ready, in how many runs.

    Raises:
        UsageError: Plotly is not installed, or nothing is to be ready.
    """
    series = fewest(runs)
    if not series:
        raise UsageError("nothing was to be ready: no picture of how few were")
    return figure(fewest_plot(series[0]))


@_draws(Comparison)
def plot_differences(comparison: Comparison) -> Any:
    """Each variant less the first, paired by seed, of the first number in which they differ.

    Raises:
        UsageError: Plotly is not installed, or the variants do not differ.
    """
    series = differences(comparison)
    if not series:
        raise UsageError("the variants come out the same: no differences to draw")
    return figure(differences_plot(series[0]))


@_draws(Plan)
def plot_plan(plan: Plan) -> Any:
    """What combinations cost and in which part of the runs all is held with them, the chosen one marked.

    Raises:
        UsageError: Plotly is not installed, or no combination was played.
    """
    if not plan.options:
        raise UsageError("no combination was played: nothing to draw")
    return figure(plane_plot(frontier(plan)))


@_draws(Sweep)
def plot_sweep(sweep: Sweep) -> Any:
    """Combinations by two figures in which they differ, or by the one knob and a figure, with the Pareto front.

    Raises:
        UsageError: Plotly is not installed, or there are no such two figures.
    """
    plane = sweep_plane(sweep)
    if plane is None or not plane.spots:
        raise UsageError("the combinations do not differ in two figures of the front: nothing to draw")
    return figure(plane_plot(plane))


@_draws(Sensitivity)
def plot_sensitivity(found: Sensitivity) -> Any:
    """A tornado: a bar for each value of each input that moves the figure, those that move it most on top.

    Raises:
        UsageError: Plotly is not installed, or nothing moves it.
    """
    series = tornado(found)
    if series is None:
        raise UsageError("nothing that was turned moves it: no tornado to draw")
    return figure(tornado_plot(series))


@_draws(Backtest)
def plot_backtest(backtest: Backtest, figure_name: str = "duration") -> Any:
    """What happened beside the predicted intervals, a row for each rollout, of one figure.

    Args:
        backtest: of one rollout, or of several.
        figure_name: `duration`, `fewestReady`, `order`, `schedule`, `setUp` or `start`.

    Raises:
        UsageError: Plotly is not installed, or there is no such figure.
    """
    shown = {each.name: each for each in intervals(backtest)}
    if figure_name not in shown:
        raise UsageError(f"no figure {figure_name} was predicted; there are: {', '.join(shown) or 'none'}")
    return figure(intervals_plot(shown[figure_name]))


@_draws(Recommendation)
def plot_recommendation(made: Recommendation) -> Any:
    """What sets of changes do against the manifest as it is, of the first figure in which they differ.

    Raises:
        UsageError: Plotly is not installed, or no set changes anything.
    """
    series = effects_of_changes(made)
    if not series:
        raise UsageError("no change that was played does anything: nothing to draw")
    return figure(differences_plot(series[0]))


def _assessed(run: Run | Assessment) -> Assessment:
    return run if isinstance(run, Assessment) else assess(run)


def _end(assessment: Assessment) -> int:
    """Until when is drawn: nothing changes after the last point of any workload, ms."""
    ended_at = assessment.run.ended_at
    return min(ended_at, max((each.at[-1] for each in courses(assessment)), default=ended_at))
