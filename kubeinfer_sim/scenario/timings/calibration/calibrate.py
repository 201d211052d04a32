"""From what kubectl prints of pods and events to a timings file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.cluster.kubectl.listing import Item, Wrong, empty, items_of, mixed_items
from kubeinfer_sim.scenario.timings.calibration.document import timings_document
from kubeinfer_sim.scenario.timings.calibration.observe import observe, usable
from kubeinfer_sim.scenario.timings.calibration.rates import Watched

#: What a listing may hold.
KINDS = ("Pod", "Event", "Node")


def calibrate(
    pods: SourceText,
    events: SourceText | None,
    more: Sequence[SourceText] = (),
    *,
    role_label: str | None = None,
    name: str = "calibrated",
) -> tuple[str, str]:
    """Learn stage timings and failure rates; returns the file's text, and in a line what it rests on.

    Args:
        pods: what kubectl get pods wrote, maybe with events and nodes.
        events: what kubectl get events wrote, if at hand, maybe with pods and nodes.
        more: further listings of each, over time.
        role_label: the label that names a pod's role; None for the usual ones.
        name: of the Timings object.

    Raises:
        InputError: the files hold other things than pods and events, or nothing could be learned.
    """
    sources = [pods, *([] if events is None else [events]), *more]
    watched = Watched()
    for place, source in enumerate(sources):
        watched.add(list(_listed(source, "Event" if place else "Pod", has_to=not place)))
    listed = list(watched.pods.values())
    found_events = list(watched.events.values()) if events is not None or watched.events else None
    if not listed:
        raise InputError([empty(pods, "it holds no pods", "Pod")])
    observed = observe(listed, found_events, role_label)
    samples = sum(len(lengths) for stages in observed.lengths.values() for lengths in stages.values())
    if not samples:
        why = "; ".join(observed.told())
        message = f"no length of any stage can be learned from {_number(len(listed), 'pod')}"
        raise InputError([pods.diagnostic(None, f"{message}: {why}" if why else message, code="calibrate")])
    stages = sum(map(len, observed.lengths.values()))
    roles = len(observed.lengths)
    told = f"{_number(stages, 'stage')} of {_number(roles, 'role')}"
    summary = f"learned {told} from {_number(samples, 'length')} of {_number(len(listed), 'pod')}"
    return timings_document(observed, name, [each.name for each in sources], watched.rates()), summary


def _listed(source: SourceText, kind: str, *, has_to: bool) -> Iterator[Item]:
    """The objects of a listing, of `kind` and the other two that say something.

    Raises:
        InputError: it holds none of its kind, as it has to, but others; or what is wrong with its pods.
    """
    items = list(mixed_items(source, KINDS, kind))
    if has_to and items and not any(each.value["kind"] == kind for each in items):
        list(items_of(source, kind))  # says what it holds instead
    wrong = Wrong()
    yield from usable((each for each in items if each.value["kind"] == "Pod"), wrong)
    wrong.raise_if_any(source)
    yield from (each for each in items if each.value["kind"] != "Pod")


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
