"""From what kubectl prints of pods and events to a timings file."""

from __future__ import annotations

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.cluster.kubectl.listing import Wrong, empty, items_of
from kubeinfer_sim.scenario.timings.calibration.document import timings_document
from kubeinfer_sim.scenario.timings.calibration.observe import observe, usable


def calibrate(
    pods: SourceText, events: SourceText | None, *, role_label: str | None = None, name: str = "calibrated"
) -> tuple[str, str]:
    """Learn stage timings; returns the file's text, and in a line what it rests on.

    Args:
        pods: what kubectl get pods wrote.
        events: what kubectl get events wrote, if at hand.
        role_label: the label that names a pod's role; None for the usual ones.
        name: of the Timings object.

    Raises:
        InputError: the files hold other things than pods and events, or nothing could be learned.
    """
    wrong = Wrong()
    listed = list(usable(items_of(pods, "Pod"), wrong))
    found_events = None if events is None else list(items_of(events, "Event"))
    wrong.raise_if_any(pods)
    if not listed:
        raise InputError([empty(pods, "it holds no pods", "Pod")])
    observed = observe(listed, found_events, role_label)
    samples = sum(len(lengths) for stages in observed.lengths.values() for lengths in stages.values())
    if not samples:
        why = "; ".join(observed.told())
        message = f"no length of any stage can be learned from {_number(len(listed), 'pod')}"
        raise InputError([pods.diagnostic(None, f"{message}: {why}" if why else message, code="calibrate")])
    sources = [pods.name, *([events.name] if events is not None else [])]
    stages = sum(map(len, observed.lengths.values()))
    roles = len(observed.lengths)
    told = f"{_number(stages, 'stage')} of {_number(roles, 'role')}"
    summary = f"learned {told} from {_number(samples, 'length')} of {_number(len(listed), 'pod')}"
    return timings_document(observed, name, sources), summary


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
