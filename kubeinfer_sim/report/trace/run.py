"""The trace of one run: a process a node, a thread a pod, slices for stages, arrows from cause to effect, counters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubeinfer_sim.cluster.records import PodRef
from kubeinfer_sim.metrics import PodLife
from kubeinfer_sim.metrics.cause_kinds import record_name
from kubeinfer_sim.report.causes import cause_text
from kubeinfer_sim.report.series.accelerators import accelerators
from kubeinfer_sim.report.series.stages import PHASES, phase_of
from kubeinfer_sim.report.trace.accelerators import accelerator_threads
from kubeinfer_sim.report.trace.flows import flows, pod_of
from kubeinfer_sim.report.trace.packets import Packets, Track
from kubeinfer_sim.report.verdict import Assessment


def run_trace(assessment: Assessment, *, every_accelerator: bool = False) -> bytes:
    """As protobuf; the same run gives the same bytes.

    `every_accelerator`: a thread for each, not for those alone that ever were out of service.

    Raises:
        ImportError: the package `perfetto` is not installed.
    """
    packets = Packets()
    cluster = packets.process("cluster")
    done = packets.thread(cluster, "actions and faults")
    for name, points in _counters(assessment):
        packets.count(packets.counter(cluster, name), points)
    nodes = {each.name: packets.process(each.name) for each in assessment.run.scenario.nodes}
    pods: dict[PodRef, Track] = {}
    for life in sorted(_lives(assessment), key=lambda each: (each.pod.name, each.created)):
        home = _process(packets, nodes, life.node or "pods without a node")
        pods[life.pod] = packets.thread(home, life.pod.name)
        for span in life.spans:
            told = {"regime": span.regime, "cut off": "yes" if span.cut else ""}
            phase = PHASES[phase_of(span.stage.kind)]
            packets.slice(pods[life.pod], str(span.stage), span.since, span.until, phase, told)
    _accelerators(assessment, packets, nodes, every=every_accelerator)
    _arrows(assessment, packets, done, pods)
    return packets.written()


def _process(packets: Packets, nodes: dict[str, Track], name: str) -> Track:
    """Of a node, which may have joined later."""
    if name not in nodes:
        nodes[name] = packets.process(name)
    return nodes[name]


def _lives(assessment: Assessment) -> Iterator[PodLife]:
    return (pod for life in assessment.cluster.instances for pod in life.pods)


def _counters(assessment: Assessment) -> Iterator[tuple[str, Iterable[tuple[int, int]]]]:
    """By name, (ms, value from then on)."""
    for name, own in assessment.kubeinfers.items():
        yield f"instances of {name} ready", own.measures.ready.points
    for each in assessment.cluster.deployments:
        yield f"pods of {each.kind} {each.name} ready", each.ready.points
    told = accelerators(assessment, assessment.run.ended_at)
    if told is not None:
        free = [there - used for there, used in zip(told.capacity, told.in_use, strict=True)]
        out = [there - serving for there, serving in zip(told.capacity, told.in_service, strict=True)]
        yield f"{told.noun}s free", zip(told.at, free, strict=True)
        yield f"{told.noun}s out of service", zip(told.at, out, strict=True)


def _accelerators(assessment: Assessment, packets: Packets, nodes: dict[str, Track], *, every: bool) -> None:
    noun = assessment.run.scenario.accelerator_family.noun
    for each in accelerator_threads(assessment, every=every):
        thread = packets.thread(_process(packets, nodes, each.node), f"{noun} {each.number}")
        for state, since, until in each.slices:
            packets.slice(thread, state, since, until, state, {})


def _arrows(assessment: Assessment, packets: Packets, done: Track, pods: dict[PodRef, Track]) -> None:
    """A mark for each cause and each effect, at its pod or at what was done; the arrows lead from one to the other."""
    marks: dict[int, tuple[Track, int, str, list[int], list[int]]] = {}
    for number, flow in enumerate(flows(assessment.run.history), 1):
        for record in (flow.cause, flow.effect):
            if record.id not in marks:
                pod = pod_of(record)
                track, name = (done, cause_text(record)) if pod is None else (pods[pod], record_name(record))
                marks[record.id] = track, record.at, name, [], []
        marks[flow.cause.id][3].append(number)
        marks[flow.effect.id][4].append(number)
    for track, at, name, begun, ended in marks.values():
        packets.mark(track, name, at, begun, ended)
