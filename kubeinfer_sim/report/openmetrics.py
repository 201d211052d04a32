"""The time series of a run as OpenMetrics 1.0 text, for dashboards that read the real ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kubeinfer_sim.manifest.file_kinds import OPENMETRICS_BEGINS
from kubeinfer_sim.manifest.model import WorkloadSpec
from kubeinfer_sim.manifest.names_apart import in_namespace
from kubeinfer_sim.metrics import Steps
from kubeinfer_sim.report.calendar import BEGINNING
from kubeinfer_sim.report.verdict import Assessment, npus_of_cluster

_EPOCH_MS = int(BEGINNING.timestamp()) * 1000

#: One time series: its labels, and its values.
Series = tuple[Mapping[str, str], Steps]


def run_openmetrics(assessment: Assessment) -> str:
    """All points of each series, one line each, in order of time; equal runs give equal bytes."""
    run, cluster = assessment.run, assessment.cluster
    scenario, ended_at = run.scenario, run.ended_at
    specs: dict[tuple[str, str], WorkloadSpec] = {
        (each.kind, each.name): each for each in (*scenario.workloads, *scenario.created)
    }
    desired: list[Series] = []
    ready: list[Series] = []
    for name, own in assessment.kubeinfers.items():
        labels = _labels(specs["KubeInfer", name])
        desired.append((labels, own.measures.desired))
        ready.append((labels, own.measures.ready))
    for each in cluster.deployments:
        labels = _labels(specs[each.kind, each.name])
        desired.append((labels, each.desired))
        ready.append((labels, each.ready))
    capacity = Steps(
        [(0, npus_of_cluster(scenario)), *((each.at, each.npus) for each in cluster.node_changes)]
    )
    lasted = Steps([(ended_at, ended_at)])
    lines = [
        *_family("replicas_desired", "Replicas that the workload's spec asks for.", desired, ended_at),
        *_family(
            "replicas_ready", "Instances of a KubeInfer, pods of others, that are ready.", ready, ended_at
        ),
        *_family("accelerators", "Accelerators of all nodes.", [({}, capacity)], ended_at),
        *_family("accelerators_in_use", "Accelerators that pods hold.", [({}, cluster.npus)], ended_at),
        *_family("run_seconds", "How long the run was.", [({}, lasted)], ended_at, unit="seconds"),
        "# EOF",
    ]
    return "\n".join(lines) + "\n"


def _labels(workload: WorkloadSpec) -> dict[str, str]:
    return {
        "kind": workload.kind,
        "namespace": workload.namespace,
        "name": in_namespace(workload.name),
    }


def _family(name: str, told: str, series: Iterable[Series], ended_at: int, unit: str = "") -> Iterator[str]:
    """A metric family of gauges; each series ends with its last value again, at the end of the run."""
    whole = f"kubeinfer_sim_{name}"
    yield f"{OPENMETRICS_BEGINS}{name} {told}"
    yield f"# TYPE {whole} gauge"
    if unit:
        yield f"# UNIT {whole} {unit}"
    for labels, steps in series:
        text = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
        shown = f"{whole}{{{text}}}" if text else whole
        points = [each for each in steps.points if each[0] <= ended_at]
        if points and points[-1][0] < ended_at:
            points.append((ended_at, points[-1][1]))
        for at, value in points:
            yield f"{shown} {_decimal(value) if unit else value} {_decimal(_EPOCH_MS + at)}"


def _decimal(millis: int) -> str:
    """Milliseconds as seconds, exactly."""
    seconds, rest = divmod(millis, 1000)
    return f"{seconds}.{rest:03d}" if rest else str(seconds)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
