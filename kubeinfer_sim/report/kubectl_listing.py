"""Pods and Events at one time of a run as `kubectl get pods,events -o json` lists them.

What is known of a pod's object is there, and nothing else: of pods that ran before the run began nobody knows since
when, so their times are null. How the controller of KubeInfers labels its pods is not published; the hash of the
template stands in the label that other controllers use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from kubeinfer_sim.cluster.pod_printing import ShownContainer
from kubeinfer_sim.cluster.records import ContainerDied, ContainersRunning, InstanceRef, PodCreated, PodRef
from kubeinfer_sim.cluster.stages import StageKind
from kubeinfer_sim.engine.meter import OnePass
from kubeinfer_sim.manifest.kubeinfer import API_VERSION
from kubeinfer_sim.manifest.kubernetes.well_known_labels import (
    CONTROLLER_REVISION_HASH,
    POD_INDEX,
    POD_NAME,
    POD_TEMPLATE_HASH,
)
from kubeinfer_sim.manifest.names_apart import in_namespace
from kubeinfer_sim.metrics.events import events_of, uid_of
from kubeinfer_sim.metrics.lives import Span
from kubeinfer_sim.metrics.lives_meter import LivesMeter
from kubeinfer_sim.metrics.origins import Origins
from kubeinfer_sim.report.calendar import api_time
from kubeinfer_sim.report.events import event_objects, listing_json
from kubeinfer_sim.simulation.pod_objects import PodAt
from kubeinfer_sim.simulation.pods_at import PodsAt

_Object = dict[str, Any]


def kubectl_listing(moment: PodsAt, *, all_events: bool = True) -> str:
    """The pods and the Events as a List; equal runs and times give equal bytes.

    `all_events`: also those about other objects than these pods.
    """
    run = moment.run
    reader = _Reader(moment)
    events = [
        each
        for each in events_of(run.scenario, run.history, moment.at, run.end)
        if all_events or each.subject.uid in reader.uids
    ]
    return listing_json([*map(reader.pod, moment.pods), *event_objects(events)])


class _Reader:
    """Writes the objects of a run's pods."""

    def __init__(self, moment: PodsAt) -> None:
        self.uids = {uid_of(each.ref) for each in moment.pods}
        self._origins = Origins(moment.run.scenario)
        self._started: dict[tuple[PodRef, str], int] = {}
        self._died: dict[tuple[PodRef, str], ContainerDied] = {}
        lives = LivesMeter()
        history = [each for each in moment.run.history if each.at <= moment.at]
        OnePass([lives]).feed(history)
        for record in history:
            if isinstance(record, PodCreated):
                self._origins.note(record)
            elif isinstance(record, ContainersRunning):
                self._started[record.pod, record.container] = record.at
            elif isinstance(record, ContainerDied):
                self._died[record.pod, record.container] = record
        self._inits: dict[tuple[PodRef, str], Span] = {
            (life.pod, span.stage.about): span
            for instance in lives.finish(moment.at, moment.run.end)
            for life in instance.pods
            for span in life.spans
            if span.stage.kind in (StageKind.INIT, StageKind.SIDECAR)
        }

    def pod(self, pod: PodAt) -> _Object:
        """The object of a pod."""
        template = self._origins.template(pod.ref)
        raw: Mapping[str, Any] = {} if template is None else template.raw
        spec = {**(raw.get("spec") or {}), **({"nodeName": pod.node} if pod.node else {})}
        metadata: _Object = {
            "name": in_namespace(pod.ref.name),
            "namespace": self._origins.namespace(pod.ref),
            "uid": uid_of(pod.ref),
            "creationTimestamp": _time(pod.created),
            "labels": self._labels(pod.ref, {} if template is None else template.labels),
        }
        if owner := self._owner(pod.ref):
            metadata["ownerReferences"] = [owner]
        if pod.deleting is not None:
            grace = 30 if template is None else template.termination_grace_period_seconds
            metadata["deletionTimestamp"] = api_time(pod.deleting + 1000 * grace)
            metadata["deletionGracePeriodSeconds"] = grace
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": spec,
            "status": self._status(pod),
        }

    def _revision(self, pod: PodRef) -> str:
        created = self._origins.created.get(pod)
        return "" if created is None else created.revision

    def _labels(self, pod: PodRef, labels: Mapping[str, str]) -> dict[str, str]:
        key = POD_TEMPLATE_HASH if pod.instance.kind == "Deployment" else CONTROLLER_REVISION_HASH
        revision = self._revision(pod)
        if revision and pod.instance.kind == "StatefulSet":
            revision = f"{in_namespace(pod.instance.owner)}-{revision}"  # the name of its ControllerRevision
            labels = {
                **labels,
                POD_NAME: in_namespace(pod.name),
                POD_INDEX: str(pod.instance.ordinal),
            }
        return {**labels, **({key: revision} if revision and pod.instance.kind != "Pod" else {})}

    def _owner(self, pod: PodRef) -> _Object | None:
        kind: str = pod.instance.kind
        name, version = pod.instance.owner, "apps/v1"
        if kind == "Pod":
            return None
        if kind == "KubeInfer":
            kind, name, version = "Instance", pod.instance.name, API_VERSION
        elif kind == "Deployment":
            kind, name = "ReplicaSet", f"{name}-{self._revision(pod)}"
        uid = _uid_of_owner(pod.instance, name)
        return {
            "apiVersion": version,
            "kind": kind,
            "name": in_namespace(name),
            "uid": uid,
            "controller": True,
        }

    def _status(self, pod: PodAt) -> _Object:
        conditions = []
        for each in pod.conditions:
            condition: _Object = {
                "type": each.condition.type,
                "status": "True" if each.condition.status else "False",
                "lastTransitionTime": _time(each.since),
            }
            said = {"reason": each.condition.reason, "message": each.condition.message}
            conditions.append(condition | {key: text for key, text in said.items() if text})
        status: _Object = {"phase": pod.phase, "conditions": conditions}
        if pod.reason:
            status["reason"] = pod.reason
        if pod.nominated:
            status["nominatedNodeName"] = pod.nominated
        for name, kinds in (
            ("initContainerStatuses", ("init", "sidecar")),
            ("containerStatuses", ("container",)),
        ):
            own = [self._container(pod, each) for each in pod.containers if each.kind in kinds]
            status |= {name: own} if own else {}
        return status

    def _container(self, pod: PodAt, shown: ShownContainer) -> _Object:
        written: _Object = {
            "name": shown.name,
            "ready": shown.status.ready,
            "started": shown.status.started,
            "restartCount": shown.restarts,
            "state": self._state(pod.ref, shown),
        }
        if shown.restarts and shown.status.last_exit_code is not None:
            written["lastState"] = {"terminated": self._ended(pod.ref, shown, shown.status.last_exit_code)}
        return written

    def _state(self, pod: PodRef, shown: ShownContainer) -> _Object:
        span = self._inits.get((pod, shown.name))
        if shown.status.state == "running":
            at = self._started.get((pod, shown.name), self._started.get((pod, "")))
            if shown.kind != "container":
                at = None if span is None else span.since
            return {"running": {"startedAt": _time(at)}}
        if shown.status.state == "waiting":
            return {"waiting": {"reason": shown.reason} if shown.reason else {}}
        if shown.kind != "init" or span is None or shown.status.exit_code:
            return {"terminated": self._ended(pod, shown, shown.status.exit_code)}
        times = {"startedAt": _time(span.since), "finishedAt": _time(span.until)}
        return {"terminated": {"exitCode": 0, "reason": shown.reason, **times}}

    def _ended(self, pod: PodRef, shown: ShownContainer, code: int) -> _Object:
        died = self._died.get((pod, shown.name))
        reason = shown.reason or ("" if died is None else died.reason)
        return {"exitCode": code, "reason": reason, "finishedAt": _time(None if died is None else died.at)}


def _time(at: int | None) -> str | None:
    return None if at is None else api_time(at)


def _uid_of_owner(instance: InstanceRef, name: str) -> str:
    own = f"/{instance.uid}" if instance.has_roles else ""
    return str(uuid5(NAMESPACE_OID, f"{instance.kind}/{name}{own}"))
