"""What a run is about and the figures that matter most, as words for every kind of report."""

from __future__ import annotations

from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.manifest.names_apart import full_name
from kubeinfer_sim.metrics import Change, Measures, Outcome, Service
from kubeinfer_sim.report import bare_pods, deployments
from kubeinfer_sim.report.run_end import ending
from kubeinfer_sim.report.verdict import Assessment, focus, npus_of_cluster
from kubeinfer_sim.report.words import count, instance_seconds, percent, point, rounded
from kubeinfer_sim.scenario.units import format_duration


def subject(assessment: Assessment) -> list[str]:
    """The scenario, its objects, its cluster and the seed."""
    scenario = assessment.run.scenario
    nodes = len(scenario.nodes)
    total = npus_of_cluster(scenario)
    parts = [
        *(text for each in scenario.kubeinfers for text in (full_name(each), _size(each))),
        *(
            f"Pod {each.name}"
            if each.kind == "Pod"
            else f"DaemonSet {each.name}: a pod per node"
            if each.kind == "DaemonSet"
            else f"{each.kind} {each.name}: {count(each.replicas, 'pod')}"
            for each in scenario.workloads
            if each.kind != "KubeInfer"
        ),
        f"{count(nodes, 'node')} with {count(total, scenario.accelerator_family.noun)}"
        if total
        else count(nodes, "node"),
        f"seed {assessment.run.seed}",
    ]
    if scenario.name and scenario.name not in [each.name for each in scenario.kubeinfers]:
        parts.insert(0, scenario.name)
    return parts


def _size(kubeinfer: KubeInfer) -> str:
    pods = sum(role.replicas for role in kubeinfer.roles)
    roles = " + ".join(f"{role.replicas} {role.name}" for role in kubeinfer.roles)
    return f"{count(kubeinfer.replicas, 'instance')} of {count(pods, 'pod')} ({roles})"


def key_figures(assessment: Assessment) -> list[tuple[str, str]]:
    """Name and text of each; of several KubeInfers after their names."""
    return [*_own_figures(assessment), *cluster_figures(assessment)]


def _own_figures(assessment: Assessment) -> list[tuple[str, str]]:
    of_instances, due = bool(assessment.run.scenario.kubeinfers), bool(assessment.run.due)
    if len(assessment.kubeinfers) > 1:
        return [
            (f"{name}: {title}", text)
            for name, each in assessment.kubeinfers.items()
            for title, text in kubeinfer_figures(each.measures, due=due)
        ]
    return kubeinfer_figures(assessment.measures, of_instances=of_instances, due=due)


def figures_of_all(assessment: Assessment) -> list[tuple[str, str]]:
    """Those, and what there is to say of Deployments and their like, and of bare Pods.

    Each after the name of its workload where there are several.
    """
    scenario = assessment.run.scenario
    several = scenario.number_of_workloads > 1
    if len(assessment.kubeinfers) > 1 or not several:
        own = _own_figures(assessment)
    else:
        own = [
            (f"{each.name}: {title}", text)
            for each in scenario.kubeinfers
            for title, text in _own_figures(assessment)
        ]
    for each in assessment.measures.deployments:
        name = f"{each.kind} {each.name}: " if several else ""
        own += [(f"{name}{title}", str(text)) for title, text in deployments.rows_of(each)]
    if pods := assessment.measures.bare_pods:
        own.append(("Pods", "\n".join(map(str, bare_pods.lines(pods)))))
    return [*own, *cluster_figures(assessment)]


def kubeinfer_figures(
    measures: Measures, *, of_instances: bool = True, due: bool = False
) -> list[tuple[str, str]]:
    """What became of the instances of one KubeInfer.

    `of_instances`: there is one; `due`: something was still to be mended when the run ended.
    """
    rows: list[tuple[str, str]] = []
    change = focus(measures)
    if change is not None:
        name = change_title(change)
        if change.duration is not None:
            rows.append((name, f"{format_duration(change.duration)}, {_span(change.at, change.completed)}"))
        else:
            rows.append((name, f"not finished, since {format_duration(change.at)}"))
        if change.is_update:
            rows.append(("Budgets", _budgets(change)))
    service, whole = measures.service, measures.whole
    if measures.outcome is not Outcome.NOTHING and of_instances:
        if service.since < service.until or measures.outcome is Outcome.NEVER:
            rows.append(("Ready", _ready(measures, service, due=due)))
            rows.append(("Lost", _lost(measures, service)))
        if (whole.lost, whole.min_ready.value) != (service.lost, service.min_ready.value):
            title = _since(measures, whole).capitalize() or "Whole run"
            if whole.until < measures.ended_at:
                title = f"From {point(whole.since)} to {point(whole.until)}"
            rows.append((title, f"{_ready(measures, whole, due=due)}; {_lost(measures, whole)}"))
    return rows


def tells_of_accelerators(assessment: Assessment) -> bool:
    """Whether anybody asks for accelerators, or took one."""
    return assessment.run.scenario.asks_for_accelerators or bool(assessment.measures.peak_npus)


def cluster_figures(assessment: Assessment) -> list[tuple[str, str]]:
    """What the workloads share, and how the run ended."""
    measures, scenario = assessment.measures, assessment.run.scenario
    rows: list[tuple[str, str]] = []
    total = npus_of_cluster(scenario)
    totals = sorted({total, *(each.npus for each in assessment.cluster.node_changes)})
    if measures.npus.points and totals[-1] and tells_of_accelerators(assessment):
        room = f", {measures.npus.at(0):,} at the start" if measures.npus.at(0) != measures.peak_npus else ""
        title = scenario.accelerator_family.title("NPUs")
        of = f"{totals[0]:,}" if len(totals) == 1 else f"{totals[0]:,} to {totals[-1]:,}"
        rows.append((title, f"peak {measures.peak_npus:,} of {of} in use{room}"))
    rows += finishes(assessment)
    rows.append(("End", f"{format_duration(measures.ended_at)} ({ending(assessment.run)})"))
    return rows


def finishes(assessment: Assessment) -> list[tuple[str, str]]:
    """With what a run would finish that does not: nothing of one that does."""
    if assessment.ways is None:
        return []
    from kubeinfer_sim.report.ways_to_finish import way_lines

    lines = way_lines(assessment.ways, several=assessment.run.scenario.number_of_workloads > 1)
    return [("Finishes", "\n".join(lines))] if lines else []


def change_title(change: Change) -> str:
    """What a change is, in a word."""
    if change.is_update:
        return "Update"
    if "created" in change.changed:
        return "Deployment"
    return "Deletion" if change.is_deletion else "Scaling"


def _budgets(change: Change) -> str:
    ceiling, floor = change.replicas + change.surge, change.replicas - change.unavailable
    return (
        f"maxSurge {change.surge:,} (up to {count(ceiling, 'instance')}), "
        f"maxUnavailable {change.unavailable:,} (at least {floor:,} ready)"
    )


def _span(since: int, until: int | None) -> str:
    return f"from {format_duration(since)} to {format_duration(until or since)}"


def _ready(measures: Measures, service: Service, *, due: bool) -> str:
    low = service.min_ready
    wanted = measures.desired.between(service.since, service.until)
    if len(wanted) == 1 and low.value >= wanted[0]:
        return f"at least {low.value:,} of {wanted[0]:,} {_since(measures, service) or 'throughout'}"
    of = f" of {wanted[0]:,}" if len(wanted) == 1 else f" (asked for: {wanted[0]:,} to {wanted[-1]:,})"
    settled = not any(life.unstable for life in measures.instances)
    to_the_end = settled and measures.outcome is Outcome.NEVER and measures.ready.last == low.value
    lasting = ("to the end" if due else "for good") if to_the_end else f"for {rounded(low.lasting)} in all"
    return f"at least {low.value:,}{of}, first at {format_duration(low.at)}, {lasting}"


def _since(measures: Measures, service: Service) -> str:
    """`from 4m54s on`, of what is owed later than the run begins: after a cold start."""
    whole = measures.whole
    return f"from {point(whole.since)} on" if 0 < whole.since == service.since else ""


def _lost(measures: Measures, service: Service) -> str:
    since = _since(measures, service)
    text = f"{instance_seconds(service.lost)}{f' {since}' if since else ''}"
    if service.availability is not None:
        text += f" ({percent(float(service.availability))} of what was asked for was ready)"
    if measures.losing and measures.outcome is Outcome.NEVER:
        text += f", and {measures.losing:,} more each second"
    return text
