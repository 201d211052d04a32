"""Learned timings as a file of kind Timings, with counts and goodness of fit beside each stage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic.alias_generators import to_camel

from kubeinfer_sim.scenario.timings.calibration.fit import fit
from kubeinfer_sim.scenario.timings.calibration.observe import Observed
from kubeinfer_sim.scenario.timings.calibration.rates import Rate, rate_lines
from kubeinfer_sim.scenario.timings.profiles import LOAD
from kubeinfer_sim.scenario.units import format_duration, format_size

#: In the order a pod goes through them, with what has to be said of each.
_STAGES = {
    "bind": "creation to PodScheduled of the instance's last pod, where none waited for a place",
    "image": "pulls, cached or not, and container start: without events they cannot be told apart",
    "imageCold": "pulls of the engine's image, without waiting for other pulls",
    "create": "sandbox and containers",
    "frameworkImport": "container start to Ready, less the probes' share",
    "weights": "start of the instance's last pod to Ready, less the probes' share: the whole load",
    "weightsWarm": "the same after a container restart, when weights and graphs are on the node",
}
#: The load is learned as one; these stages of it then take no time of their own.
_IN_LOAD = tuple(map(to_camel, (*LOAD[:-1], "graph", LOAD[-1])))
#: What no object in the cluster tells.
_UNKNOWN = (
    "imageWarm, postStart, preStop, exit, cleanup and probeLatency leave no trace in pods and events: set by the "
    "profile."
)


def timings_document(
    observed: Observed, name: str, sources: Sequence[str], rates: Sequence[Rate] = ()
) -> str:
    """The text of the file; failure rates are comments, since a scenario has them elsewhere."""
    return "\n".join(_lines(observed, name, sources, rates)) + "\n"


def _lines(observed: Observed, name: str, sources: Sequence[str], rates: Sequence[Rate]) -> Iterator[str]:
    pods = ", ".join(f"{count} of {role}" for role, count in sorted(observed.pods.items()))
    told = " and ".join([", ".join(sources[:-1]), sources[-1]] if len(sources) > 1 else sources)
    yield f"# Learned by kubeinfer-sim calibrate from {told}: {pods}."
    yield "# Kubernetes writes times in whole seconds, so a length is right to 1 s. Use it in a scenario with"
    yield "# spec: {timings: {file: ...}}; what stands in the scenario itself goes before what stands here."
    yield f"# {_UNKNOWN}"
    for note in observed.told():
        yield f"# {note}."
    if observed.image_sizes:
        yield "# Image sizes, for spec.transfers.imageSizes:"
        for image, size in sorted(observed.image_sizes.items()):
            yield f"#   {json.dumps(image, ensure_ascii=False)}: {format_size(size)}"
    if rates:
        yield "# Failure rates, with exact intervals of 95 %, for spec.faults.processes of a scenario; of which kind"
        yield "# they were is not told, so choose it (docs/faults.md):"
        yield from (f"# {line}" for line in rate_lines(rates))
    yield "apiVersion: kubeinfer-sim/v1"
    yield "kind: Timings"
    yield f"metadata: {{name: {json.dumps(name, ensure_ascii=False)}}}"
    yield "spec:"
    yield "  roles:"
    for role in sorted(observed.lengths):
        yield f"    {json.dumps(role, ensure_ascii=False)}:"
        stages = observed.lengths[role]
        for stage, what in _STAGES.items():
            if stage in stages:
                fitted = fit(stages[stage])
                yield f"      # {what}"
                yield f"      # {fitted.note}"
                yield f"      {stage}: {_written(fitted.written)}"
        if "weights" in stages or "weightsWarm" in stages:
            yield "      # part of the load above"
            for each in _IN_LOAD:
                yield f"      {each}: 0s"


def _written(value: Any) -> str:
    """A distribution on one line; every number of seconds as a duration, shapes and switches as they are."""
    if isinstance(value, dict):
        inner = ", ".join(
            f"{key}: {json.dumps(each) if key in ('shape', 'interpolate') else _written(each)}"
            for key, each in value.items()
        )
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return format_duration(round(value * 1000))
