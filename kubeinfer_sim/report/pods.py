"""The pods at one time as `kubectl get pods` and `kubectl describe pod` show them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from kubeinfer_sim.cluster.pod_printing import ShownContainer, human_duration
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.manifest.names_apart import in_namespace
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.manifest.wrapping import wrap
from kubeinfer_sim.report.run_end import given_up_since
from kubeinfer_sim.report.sentences import deleted_for
from kubeinfer_sim.report.words import configured, count, listed, plain, rounded
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.units import format_duration, parse_duration
from kubeinfer_sim.simulation.pod_objects import PodAt
from kubeinfer_sim.simulation.pods_at import PodsAt, pods_at

#: What kubectl shows in the place of nothing. Pods have no addresses here.
_NONE = "<none>"
_COLUMNS = ("NAME", "READY", "STATUS", "RESTARTS", "AGE")
#: What `-o wide` has after them.
_WIDE = ("IP", "NODE", "NOMINATED NODE", "READINESS GATES")
#: Names said when one is not known.
MOST_NAMES = 5


def pods_of(scenario: Scenario, at: str | None, names: Sequence[str] = ()) -> PodsAt:
    """The pods at a time the user named, all or those of these names.

    Raises:
        UsageError: no time within the run, or a pod that does not exist then.
    """
    when = None
    if at is not None:
        try:
            when = parse_duration(at)
        except ValueError as error:
            raise UsageError(f"--at: {error}") from None
        if scenario.horizon is not None and when > scenario.horizon:
            end = format_duration(scenario.horizon)
            raise UsageError(f"--at {at}: the run ends at {end} (its horizon); --horizon makes it longer")
    moment = pods_at(scenario, when)
    if at is not None and moment.run.end == "quiet":
        end, longer = format_duration(moment.run.ended_at), "; --horizon makes it longer"
        longer = "" if moment.run.endlessly else longer
        raise UsageError(f"--at {at}: the run ends at {end} ({given_up_since(moment.run)}){longer}")
    if not names:
        return moment
    known = [pod.ref.name for pod in moment.pods]
    names = [_meant(name, moment) for name in names]
    for name in names:
        if name not in known:
            there = f"there are {listed(known, MOST_NAMES)}" if known else "there is none"
            raise UsageError(f"no pod {name} at {format_duration(moment.at)}; {there}")
    return replace(moment, pods=tuple(pod for pod in moment.pods if pod.ref.name in names))


def _meant(name: str, moment: PodsAt) -> str:
    """The pod that is meant by its name, with its namespace or, where only one has it, without."""
    meant = [
        pod.ref.name
        for pod in moment.pods
        if name in (own := in_namespace(pod.ref.name), f"{moment.namespace_of(pod)}/{own}")
    ]
    return meant[0] if len(meant) == 1 else name


def render_pods(
    moment: PodsAt, *, describe: bool, wide: bool = False, width: int = 80, unicode: bool = True
) -> str:
    """The pods as text, those of several namespaces with a column for that as with `-A`.

    Args:
        moment: the pods.
        describe: say of each its conditions and containers, too.
        wide: the columns of `kubectl get pods -o wide`, however wide they are.
        width: columns of the terminal; only names that are longer than that go beyond it.
        unicode: False replaces everything drawn beyond ASCII.
    """
    if not moment.pods:
        return f"No pods at {format_duration(moment.at)}.\n"
    rows: list[tuple[str, ...]] = [(*_COLUMNS, *_WIDE)] if wide else [(*_COLUMNS, "NODE")]
    rows += [(*_row(pod, moment.at), *(_wide(pod) if wide else (_node(pod.node),))) for pod in moment.pods]
    if len(moment.run.scenario.namespaces) > 1:
        namespaces = [moment.namespace_of(pod) for pod in moment.pods]
        rows = [(own, *row) for own, row in zip(("NAMESPACE", *namespaces), rows, strict=True)]
    lines = list(_table(rows, sys.maxsize if wide else width))
    if describe:
        for pod in moment.pods:
            lines += ["", *_described(pod, width)]
    lines += _notes(moment, width)
    text = "\n".join(lines) + "\n"
    return text if unicode else plain(text)


def _row(pod: PodAt, at: int) -> tuple[str, ...]:
    shown = pod.columns
    restarts = str(shown.restarts)
    if shown.restarts and shown.last_restart is not None:
        restarts += f" ({human_duration(at - shown.last_restart)} ago)"
    # How old a pod is that ran already at the beginning, nobody knows.
    age = f">{human_duration(at)}" if pod.created is None else human_duration(at - pod.created)
    return (
        printable(in_namespace(pod.ref.name)),
        f"{shown.ready}/{shown.containers}",
        shown.status,
        restarts,
        age,
    )


def _wide(pod: PodAt) -> tuple[str, ...]:
    """IP, node, nominated node and readiness gates (pkg/printers/internalversion, printPod)."""
    gates = f"{sum(pod.gates)}/{len(pod.gates)}" if pod.gates else _NONE
    return _NONE, _node(pod.node), _node(pod.nominated), gates


def _node(name: str) -> str:
    return printable(name) or _NONE


def _table(rows: Sequence[Sequence[str]], width: int, indent: int = 0) -> Iterator[str]:
    """Columns side by side, three spaces between them as kubectl does, fewer where that is too wide."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    gap = next((gap for gap in (3, 2) if indent + sum(widths) + gap * (len(widths) - 1) <= width), 1)
    for row in rows:
        cells = [f"{cell:<{size + gap}}" for cell, size in zip(row, widths, strict=True)]
        yield " " * indent + "".join(cells).rstrip()


def _described(pod: PodAt, width: int) -> Iterator[str]:
    where = f" on {printable(pod.node)}" if pod.node else ""
    yield f"{printable(pod.ref.name)}{where}: phase {pod.phase}"
    if pod.deleting is not None:
        why = deleted_for(pod.deletion)
        yield from _wrapped(f"Deleted at {rounded(pod.deleting)}{f': {why}' if why else ''}", width, 2)
    if pod.conditions:
        rows = [("CONDITION", "STATUS", "SINCE", "REASON")]
        rows += [
            (
                each.condition.type,
                str(each.condition.status),
                _since(each.since),
                each.condition.reason,
            )
            for each in pod.conditions
        ]
        yield from _table(rows, width, 2)
    if pod.containers:
        rows = [("CONTAINER", "STATE", "READY", "RESTARTS")]
        rows += [
            (_named(each), _state(each), str(each.status.ready), str(each.restarts))
            for each in pod.containers
        ]
        yield from _table(rows, width, 2)
    for each in pod.conditions:
        if each.condition.message:
            yield from _wrapped(f"{each.condition.type}: {each.condition.message}", width, 2)


def _since(when: int | None) -> str:
    return "the start" if when is None else rounded(when)


def _named(container: ShownContainer) -> str:
    suffix = "" if container.kind == "container" else f" ({container.kind})"
    return printable(container.name) + suffix


def _state(container: ShownContainer) -> str:
    status = container.status
    if status.state == "running":
        return "running"
    text = f"{status.state}: {container.reason}" if container.reason else status.state
    return f"{text}, exit code {status.exit_code}" if status.state == "terminated" else text


def _notes(moment: PodsAt, width: int) -> Iterator[str]:
    """That nodes are not heard of, so that the state of their pods is old, and what a configuration file gave."""
    unheard: dict[tuple[str, int], int] = {}
    for pod in moment.pods:
        if pod.unheard is not None:
            unheard[pod.node, pod.unheard] = unheard.get((pod.node, pod.unheard), 0) + 1
    if unheard:
        yield ""
    for (node, since), pods in sorted(unheard.items(), key=lambda item: item[0][::-1]):
        told = f"what {count(pods, 'pod')} there did then is what the API server still shows"
        yield from _wrapped(f"{printable(node)} was last heard of at {rounded(since)}; {told}.", width, 0)
    if facts := configured(moment.run.scenario.configuration):
        yield ""
        yield from _wrapped(facts, width, 0)


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    return wrap(printable(text), width, first=" " * indent, later=" " * (indent + 2))
