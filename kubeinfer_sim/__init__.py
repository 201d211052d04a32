"""Dry-run KubeInfer deployments, rolling updates and failures on a simulated Ascend NPU cluster.

    from kubeinfer_sim import load_scenario, simulate, assess

    print(assess(simulate(load_scenario("scenario.yaml"))).verdict.sentence)

These names are promised; everything else can be imported but may change. They are imported when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kubeinfer_sim._version import __version__

if TYPE_CHECKING:
    from kubeinfer_sim.errors import InputError, SimulatorFault
    from kubeinfer_sim.experiment.backtest.backtest import Backtest, backtest
    from kubeinfer_sim.experiment.compare import compare
    from kubeinfer_sim.experiment.dispatch import Workers
    from kubeinfer_sim.experiment.planning.plan import Plan, plan
    from kubeinfer_sim.experiment.recommending.recommend import Recommendation, recommend
    from kubeinfer_sim.experiment.replication import Variant
    from kubeinfer_sim.experiment.replications import Replications, replicate
    from kubeinfer_sim.experiment.sensitivity import Sensitivity, sensitivity
    from kubeinfer_sim.experiment.sweep import Sweep, sweep
    from kubeinfer_sim.manifest.load import load_manifest
    from kubeinfer_sim.metrics.measure import Measures, measure
    from kubeinfer_sim.report.pictures import (
        plot_accelerators,
        plot_backtest,
        plot_differences,
        plot_done,
        plot_duration,
        plot_lost_time,
        plot_min_ready,
        plot_plan,
        plot_recommendation,
        plot_sensitivity,
        plot_stages,
        plot_sweep,
        plot_timeline,
    )
    from kubeinfer_sim.report.result import build_result
    from kubeinfer_sim.report.verdict import Assessment, assess
    from kubeinfer_sim.scenario.load import load_scenario
    from kubeinfer_sim.scenario.model import Scenario
    from kubeinfer_sim.scenario.rollout import rollout_scenario
    from kubeinfer_sim.simulation.run import Run
    from kubeinfer_sim.simulation.simulate import simulate

_HOMES = {
    "InputError": "errors",
    "SimulatorFault": "errors",
    "Backtest": "experiment.backtest.backtest",
    "backtest": "experiment.backtest.backtest",
    "Variant": "experiment.replication",
    "compare": "experiment.compare",
    "Replications": "experiment.replications",
    "replicate": "experiment.replications",
    "Workers": "experiment.dispatch",
    "Plan": "experiment.planning.plan",
    "plan": "experiment.planning.plan",
    "Recommendation": "experiment.recommending.recommend",
    "recommend": "experiment.recommending.recommend",
    "Sensitivity": "experiment.sensitivity",
    "sensitivity": "experiment.sensitivity",
    "Sweep": "experiment.sweep",
    "sweep": "experiment.sweep",
    "Run": "simulation.run",
    "simulate": "simulation.simulate",
    "load_manifest": "manifest.load",
    "Measures": "metrics.measure",
    "measure": "metrics.measure",
    "build_result": "report.result",
    "Assessment": "report.verdict",
    "assess": "report.verdict",
    "plot_accelerators": "report.pictures",
    "plot_backtest": "report.pictures",
    "plot_differences": "report.pictures",
    "plot_done": "report.pictures",
    "plot_duration": "report.pictures",
    "plot_lost_time": "report.pictures",
    "plot_min_ready": "report.pictures",
    "plot_plan": "report.pictures",
    "plot_recommendation": "report.pictures",
    "plot_sensitivity": "report.pictures",
    "plot_stages": "report.pictures",
    "plot_sweep": "report.pictures",
    "plot_timeline": "report.pictures",
    "load_scenario": "scenario.load",
    "rollout_scenario": "scenario.rollout",
    "Scenario": "scenario.model",
}

__all__ = [
    "Assessment",
    "Backtest",
    "InputError",
    "Measures",
    "Plan",
    "Recommendation",
    "Replications",
    "Run",
    "Scenario",
    "Sensitivity",
    "SimulatorFault",
    "Sweep",
    "Variant",
    "Workers",
    "__version__",
    "assess",
    "backtest",
    "build_result",
    "compare",
    "load_manifest",
    "load_scenario",
    "measure",
    "plan",
    "plot_accelerators",
    "plot_backtest",
    "plot_differences",
    "plot_done",
    "plot_duration",
    "plot_lost_time",
    "plot_min_ready",
    "plot_plan",
    "plot_recommendation",
    "plot_sensitivity",
    "plot_stages",
    "plot_sweep",
    "plot_timeline",
    "recommend",
    "replicate",
    "rollout_scenario",
    "sensitivity",
    "simulate",
    "sweep",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"kubeinfer_sim.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
