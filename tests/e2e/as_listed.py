"""A recorded whole run as `kubectl get pods,events -o json` would have listed it at some time.

Only what the recording tells: pods with their conditions and containers, deletions, and the kubelet's events. Its
times are in ms; an API server writes whole seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Case = dict[str, Any]
Raw = dict[str, Any]

BEGIN = datetime(2026, 11, 29, 8, tzinfo=UTC)
_CONDITION = re.compile(r"(\w+)=(True|False)(?:\((\w+)\))?")
_CONTAINER = re.compile(r"container (\S+): (running|waiting|terminated)\b.* restarts=(\d+)")
_STARTS = re.compile(r"cri (\S+) starts \(attempt \d+\)")
_EVENT = re.compile(r"event (\w+)(?:\[(\S+)\])?: (.*)", re.DOTALL)
_PULL = re.compile(r"cri pull-(begin|end) (\S+)")


def time_of(ms: float) -> str:
    """A time of the recording as the API server writes it."""
    return (BEGIN + timedelta(milliseconds=ms)).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def listing(case: Case, run: str, at: int, metadata: Callable[[str, str], Raw | None], images: Images) -> Raw:
    """What was there at `at` ms.

    Args:
        case: the case.
        run: which of its runs.
        at: ms.
        metadata: of a pod by its subject and what is said of its creation; None: it is none of the workload's.
        images: the images of a pod's containers, by its subject.
    """
    pods: dict[str, _Pod] = {}
    events: list[Raw] = []
    for when, subject, what in case["runs"][run]:
        if when > at:
            break
        if what == "created" or what.startswith("created "):
            own = metadata(subject, what)
            if own is not None:
                own |= {"namespace": "default", "uid": f"{run}/{subject}", "creationTimestamp": time_of(when)}
                pods[subject] = _Pod(own, images(subject))
        elif subject in pods:
            events += pods[subject].told(when, what)
            if what == "gone":
                del pods[subject]
    return {"apiVersion": "v1", "kind": "List", "items": [*(each.raw for each in pods.values()), *events]}


Images = Callable[[str], dict[str, str]]


class _Pod:
    """The object of one pod."""

    def __init__(self, metadata: Raw, images: dict[str, str]) -> None:
        self._conditions: dict[str, Raw] = {}
        self._containers: dict[str, Raw] = {}
        self._starts: dict[str, float] = {}
        self._pulls: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self.raw: Raw = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {"containers": [{"name": name, "image": image} for name, image in images.items()]},
            "status": {"phase": "Pending"},
        }

    def told(self, at: int, what: str) -> Iterator[Raw]:
        """A line about it; yields the events that it is."""
        status, metadata = self.raw["status"], self.raw["metadata"]
        if what.startswith("phase "):
            status["phase"] = what.split()[1]
        elif (condition := _CONDITION.fullmatch(what)) is not None:
            kind, value, _ = condition.groups()
            self._conditions[kind] = {"type": kind, "status": value, "lastTransitionTime": time_of(at)}
            status["conditions"] = list(self._conditions.values())
        elif (started := _STARTS.fullmatch(what)) is not None:
            self._starts[started[1]] = at
        elif (pull := _PULL.match(what)) is not None:
            self._pulls[pull[2]] = at if pull[1] == "begin" else at - self._pulls.get(pull[2], at)
        elif (container := _CONTAINER.match(what)) is not None:
            name, state, restarts = container.groups()
            told = {"startedAt": time_of(self._starts.get(name, at))} if state == "running" else {}
            self._containers[name] = {"name": name, "restartCount": int(restarts), "state": {state: told}}
            status["containerStatuses"] = list(self._containers.values())
        elif what.startswith("deleting grace=") and "deletionTimestamp" not in metadata:
            grace = int(what.partition("=")[2].split()[0])
            metadata["deletionTimestamp"] = time_of(at + 1000 * grace)
            metadata["deletionGracePeriodSeconds"] = grace
        elif (event := _EVENT.match(what)) is not None:
            yield self._event(at, *event.groups())

    def _event(self, at: int, reason: str, container: str | None, message: str) -> Raw:
        image = message.partition('"')[2].partition('"')[0]
        if reason == "Pulling":
            self._asked[image] = at
        elif reason == "Pulled" and image in self._asked:  # the table has left out how long it took
            took, waited = self._pulls.get(image, 0) / 1000, (at - self._asked[image]) / 1000
            message = message.replace("DUR", f"{took:g}s ({waited:g}s including waiting)")
        metadata = self.raw["metadata"]
        about = {"kind": "Pod", "fieldPath": f"spec.containers{{{container or 'main'}}}"}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{metadata['name']}.{at}",
                "namespace": "default",
                "uid": f"{metadata['uid']}@{at}",
            },
            "involvedObject": about | {key: metadata[key] for key in ("name", "namespace", "uid")},
            "reason": reason,
            "message": message,
            "firstTimestamp": time_of(at),
            "lastTimestamp": time_of(at),
        }
