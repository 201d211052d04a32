"""The Events of a run at one time, as `kubectl get events` shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from kubeinfer_sim.cluster.pod_printing import human_duration
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics.events import Event
from kubeinfer_sim.report.calendar import api_time
from kubeinfer_sim.report.words import plain


def render_events(events: Sequence[Event], at: int, *, namespaces: bool = False, unicode: bool = True) -> str:
    """The table; messages are never cut, as kubectl does not. `namespaces`: with a column for them, as with `-A`."""
    if not events:
        return "No events found.\n"
    own = ("NAMESPACE",) if namespaces else ()
    rows: list[tuple[str, ...]] = [(*own, "LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE")]
    for each in events:
        own = (each.subject.namespace,) if namespaces else ()
        subject = f"{each.subject.kind.lower()}/{printable(each.subject.name)}"
        row = (
            *own,
            human_duration(at - each.last),
            each.type,
            each.reason,
            subject,
            printable(each.message.rstrip()),
        )
        rows.append(row)
    *widths, _ = (max(map(len, column)) + 3 for column in zip(*rows, strict=True))
    lines = (
        "".join(f"{cell:<{size}}" for cell, size in zip(row, (*widths, 0), strict=True)).rstrip()
        for row in rows
    )
    text = "\n".join(lines) + "\n"
    return text if unicode else plain(text)


def events_json(events: Sequence[Event]) -> str:
    """A List as `kubectl get events -o json` writes it; the run begins with 2026."""
    return listing_json(event_objects(events))


def event_objects(events: Sequence[Event]) -> list[dict[str, Any]]:
    """The Events as objects of the API."""
    return [_item(number, each) for number, each in enumerate(events)]


def listing_json(items: Sequence[Mapping[str, Any]]) -> str:
    """Objects of the API as kubectl lists them."""
    return (
        json.dumps({"apiVersion": "v1", "items": items, "kind": "List"}, indent=2, ensure_ascii=False) + "\n"
    )


def _item(number: int, event: Event) -> dict[str, Any]:
    subject = event.subject
    about = {"kind": subject.kind, "namespace": subject.namespace, "name": subject.name}
    if subject.uid:
        about["uid"] = subject.uid
    if subject.field:
        about["fieldPath"] = subject.field
    uid = str(uuid5(NAMESPACE_OID, f"{subject.name}/{number}/{event.first}"))
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{subject.name}.{uid[:16].replace('-', '')}",
            "namespace": subject.namespace,
            "uid": uid,
            "creationTimestamp": api_time(event.first),
        },
        "involvedObject": about,
        "type": event.type,
        "reason": event.reason,
        "message": event.message,
        "source": {"component": event.source},
        "reportingComponent": event.source,
        "firstTimestamp": api_time(event.first),
        "lastTimestamp": api_time(event.last),
        "count": event.count,
    }
