"""From a recorded run of a relative to the KubeInfer's scenario a user would write of it: groups are instances.

The leader and the workers of a LeaderWorkerSet's group are roles; so is each replica of a role of kthena's. What the
runtime of the recording was told becomes timings (`e2e/processes.py`); what cannot be said is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from e2e.objects import Raw, difference, patched
from e2e.processes import Process, duration, process_of
from e2e.scenarios import LATENCIES, MORE_S, NPU
from relatives.lives import Place
from relatives.recorded import Case, place_of, run_of

from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.units import parse_duration

MERGE = "application/merge-patch+json"
#: Who places the pods of each, and how long after the decision a pod is bound, in ms: Volcano's takes the phase of its cycle
#: of a second beside that.
SCHEDULERS = {"ModelServing": "volcano", "LeaderWorkerSet": "kube-scheduler"}
BIND = (10, 40)
#: What a start waits for Volcano's cycle in the middle.
CYCLE = 500
#: What a start takes beside the load where nobody else uses the machine, without the bind, in the middle: the volumes' and
#: the container's latency, and half the period of the probe.
CALM_START = 850
#: A pod whose check fails from now on is one of that name: so is the one that takes its place, which is looked for so often.
LOOK_AGAIN = 2_000


@dataclass(slots=True)
class Written:
    """A scenario and its manifest; `origin`: when in the recording its time 0 is; `cannot`: what of the case it cannot say."""

    scenario: Raw
    manifest: Raw
    origin: int
    cannot: list[str]


def load(written: Written, folder: Path) -> Scenario:
    """The scenario, from files.

    Raises:
        InputError: what is wrong with it.
    """
    for name, content in (("manifest.yaml", written.manifest), ("scenario.yaml", written.scenario)):
        (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
    return load_scenario(str(folder / "scenario.yaml"))


def write(case: Case) -> Written:
    """The case as a scenario."""
    return _Writer(case).written()


@dataclass(slots=True)
class _Writer:
    case: Case
    cannot: dict[str, None] = field(default_factory=dict)
    images: dict[str, Raw] = field(default_factory=dict)
    # The process each role began with.
    processes: dict[str, Process] = field(default_factory=dict)
    actions: list[Raw] = field(default_factory=list)
    # Since when the pods of these names are not ready.
    unready: dict[str, int] = field(default_factory=dict)
    # The relative's object, and the KubeInfer it stands for, as they are at the moment.
    theirs: Raw = field(default_factory=dict)
    ours: Raw = field(default_factory=dict)
    rules: list[Raw] = field(default_factory=list)
    origin: int = 0
    # Of its pods, in ms.
    grace: int = 0

    def written(self) -> Written:
        manifest: Raw = {}
        self.origin = min(
            next((at for at, _, what in run if what.startswith("created ")), 0)
            for run in self.case["runs"].values()
        )
        for at_s, verb, *arguments in self.case["steps"]:
            at = max(0, round(at_s * 1000) - self.origin)
            if verb == "create" and not manifest:
                manifest = self._create(*arguments)
            elif verb in ("merge", "exitpod", "unready", "delete"):
                getattr(self, f"_{verb}")(at, *arguments)
            else:
                self.cannot[f"step {verb}"] = None
        for pod in list(self.unready):
            self._unready_until(pod, round(self.case["end_s"] * 1000))
        self.actions.sort(key=lambda action: parse_duration(action["at"]))
        return Written(self._scenario(), manifest, self.origin, list(self.cannot))

    def _scenario(self) -> Raw:
        spec: Raw = {
            "manifest": "manifest.yaml",
            "cluster": {"pools": [self._pool(each) for each in self.case["nodes"]]},
            "initial": "empty",
            "actions": self.actions,
            "timings": {
                "profile": "zero",
                **LATENCIES,
                "bind": _between(*BIND),
                "images": self.images,
                "roles": self._measured(),
            },
            "assumptions": self._assumptions(),
            "horizon": duration(round((self.case["end_s"] + MORE_S) * 1000) - self.origin),
        }
        if self.rules:
            spec["recovery"] = {"rules": self.rules}
        return {
            "apiVersion": "kubeinfer-sim/v1",
            "kind": "Scenario",
            "metadata": {"name": self.case["id"], "description": self.case["what"]},
            "spec": spec,
        }

    def _assumptions(self) -> Raw:
        """Who places the pods; the engines of the recording start without waiting for each other."""
        scheduler = SCHEDULERS.get(self.theirs.get("kind", ""), "kube-scheduler")
        return {"placement": "default", "startBarrier": "none", "scheduler": scheduler}

    def _pool(self, node: Raw) -> Raw:
        allocatable: Raw = {"cpu": node.get("cpu", 32), "pods": node.get("maxpods", 110)}
        if node.get("devices"):
            allocatable[NPU] = node["devices"]
        return {
            "name": node["role"],
            "count": 1,
            "labels": node.get("labels", {}),
            "allocatable": allocatable,
            "images": list(self.images),
        }

    def _measured(self) -> Raw:
        """What starts and ends of each role took in this recording, beside what its processes were told.

        The machine was shared, and each step of a controller took its time; a LeaderWorkerSet makes workers a step after
        the leader. These latencies are nobody's rule: a start is measured from the creation of the group's first pod.
        """
        told_not = {place_of(step[2]) for step in self.case["steps"] if step[1] == "unready"}
        starts: dict[str, list[int]] = {}
        ends: dict[str, list[int]] = {}
        for run in (run_of(self.case, name) for name in self.case["runs"]):
            for group in run.groups:
                for life in (each for each in group.pods if each.place not in told_not):
                    role = life.place.role
                    process = self.processes.get(role, Process())
                    if life.ready and process.load is not None and life.created < group.created + LOOK_AGAIN:
                        starts.setdefault(role, []).append(life.ready[0] - group.created - process.load)
                    if life.gone is not None and life.deleted is not None and life.ready:
                        told = self.grace if process.stops is None else min(process.stops, self.grace)
                        ends.setdefault(role, []).append(life.gone - life.deleted - told)
        wait = CYCLE if self.theirs.get("kind") == "ModelServing" else 0
        timings: Raw = {role: {"create": _start(each, wait)} for role, each in starts.items()}
        for role, each in ends.items():
            timings.setdefault(role, {})["cleanup"] = _between(max(min(each), 1), max(*each, 2))
        return timings

    # -- the object ----------------------------------------------------------------------------------------

    def _create(self, theirs: Raw) -> Raw:
        self.theirs, self.ours = theirs, self._kubeinfer(theirs)
        return self.ours

    def _merge(self, at: int, kind: str, name: str, patch: Raw) -> None:
        if (kind, name) != (self.theirs.get("kind"), self.theirs.get("name")):
            self.cannot[f"change of {kind}"] = None
            return
        self.theirs = patched(self.theirs, patch, MERGE)
        before, self.ours = self.ours, self._kubeinfer(self.theirs)
        if change := difference(before, self.ours):
            self.actions.append({"at": duration(at), "patch": change})

    def _kubeinfer(self, theirs: Raw) -> Raw:
        reader = {"LeaderWorkerSet": self._of_lws, "ModelServing": self._of_kthena}.get(theirs["kind"])
        if reader is None:
            self.cannot[f"object {theirs['kind']}"] = None
            return {}
        spec = theirs["spec"]
        self._known(theirs, theirs["kind"], "kind", "name", "spec")
        strategy = spec.get("rolloutStrategy") or {}
        budget = strategy.get("rollingUpdateConfiguration") or {}
        if budget.get("partition"):
            self.cannot["a partition: an update of some instances only"] = None
        if strategy.get("type", "") == "RoleRollingUpdate":
            self.cannot["RoleRollingUpdate: an update role by role"] = None
        self._known(strategy, "rolloutStrategy", "type", "rollingUpdateConfiguration")
        self._known(budget, "rollingUpdateConfiguration", "maxSurge", "maxUnavailable", "partition")
        roles = list(reader(theirs, spec))
        return {
            "apiVersion": "infer.modelarts.huaweicloud/v1",
            "kind": "KubeInfer",
            "metadata": {"name": theirs["name"], "namespace": "default"},
            "spec": {
                "replicas": spec.get("replicas", 1),
                "strategy": {
                    "type": "InstanceRollingUpdate",
                    "rollingUpdate": {
                        "maxSurge": budget.get("maxSurge", 0),
                        "maxUnavailable": budget.get("maxUnavailable", 1),
                    },
                },
                "template": {"spec": {"roles": roles}},
            },
        }

    def _known(self, holder: Raw, name: str, *keys: str) -> None:
        """What nobody has looked at may matter."""
        for key in holder.keys() - set(keys):
            self.cannot[f"{name}.{key}"] = None

    def _of_lws(self, theirs: Raw, spec: Raw) -> Iterator[Raw]:
        template = spec["leaderWorkerTemplate"]
        self._known(spec, "spec", "replicas", "startupPolicy", "leaderWorkerTemplate", "rolloutStrategy")
        self._known(
            template, "leaderWorkerTemplate", "size", "leaderTemplate", "workerTemplate", "restartPolicy"
        )
        if spec.get("startupPolicy") == "LeaderReady":
            self.cannot["LeaderReady: workers that are created when their leader is ready"] = None
        restart = "Custom" if template.get("restartPolicy") == "None" else "Instance"
        workers = template["workerTemplate"]
        yield self._role("leader", 1, template.get("leaderTemplate", workers), restart)
        yield self._role("worker", template.get("size", 1) - 1, workers, restart)

    def _of_kthena(self, theirs: Raw, spec: Raw) -> Iterator[Raw]:
        template = spec["template"]
        self._known(
            spec, "spec", "replicas", "schedulerName", "template", "rolloutStrategy", "recoveryPolicy"
        )
        self._known(template, "template", "roles", "gangPolicy", "restartGracePeriodSeconds")
        restart = self._recovery(
            spec.get("recoveryPolicy", "RoleRecreate"), template.get("restartGracePeriodSeconds", 0)
        )
        least = (template.get("gangPolicy") or {}).get("minRoleReplicas") or {}
        for role in template["roles"]:
            self._known(role, "role", "name", "replicas", "entryTemplate", "workerReplicas", "workerTemplate")
            if least.get(role["name"], role["replicas"]) < role["replicas"]:
                # `minMember` would be of the whole group: Volcano might leave out a pod of the other role.
                self.cannot["minRoleReplicas: a gang that runs with a least number of each role"] = None
            workers = role.get("workerReplicas", 0)
            if workers and role["workerTemplate"] != role["entryTemplate"]:
                self.cannot["a role of two pod templates"] = None
            for replica in range(role["replicas"]):
                yield self._role(f"{role['name']}-{replica}", 1 + workers, role["entryTemplate"], restart)

    def _recovery(self, policy: str, grace: int) -> str:
        """`recoveryPolicy`, as KubeInfer's level and rules."""
        action = {"ServingGroupRecreate": "RecreateInstance", "RoleRecreate": "RecreateRole"}.get(policy)
        if action is None or (action == "RecreateInstance" and not grace):
            return "Custom" if action is None else "Instance"
        self.rules = [{"action": action, **({"delay": duration(grace * 1000)} if grace else {})}]
        return "Custom"

    def _role(self, name: str, pods: int, template: Raw, restart: str) -> Raw:
        spec = json.loads(json.dumps(template["spec"]))
        self.grace = spec.get("terminationGracePeriodSeconds", 30) * 1000
        for container in spec["containers"]:
            self.processes.setdefault(name, self._settle_process(container))
        labels = {**(template.get("metadata") or {}).get("labels", {}), "role": name}
        return {
            "name": name,
            "replicas": pods,
            "recoveryPolicy": {"type": "Restart", "restart": restart},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        }

    def _settle_process(self, container: Raw) -> Process:
        """What the image's process does; another process of the same image gets a name of its own."""
        process, words = process_of(container)
        self.cannot |= dict.fromkeys(words)
        stages = {"frameworkImport": duration(process.load), "exit": duration(process.stops)}
        plain, number = container["image"], 1
        while self.images.get(container["image"], stages) != stages:
            number += 1
            container["image"] = f"{plain}-{number}"
        self.images[container["image"]] = stages
        return process

    # -- pods ----------------------------------------------------------------------------------------------

    def _exitpod(self, at: int, pod: str, code: int = 1) -> None:
        self._act(at, pod, "crash", {"exitCode": code})

    def _unready(self, at: int, pod: str, unready: bool = True) -> None:
        """Its readiness check fails from now on, or (with False) no more: to the end unless that comes."""
        if unready:
            self.unready[pod] = at
            return
        self._unready_until(pod, at)

    def _unready_until(self, pod: str, until: int) -> None:
        for at in range(self.unready.pop(pod, until), until, LOOK_AGAIN):
            health = {"probes": ["readiness"], "until": duration(until)}
            self._act(at, pod, "health", health)

    def _delete(self, at: int, kind: str, name: str) -> None:
        if kind == "Pod":
            self._act(at, name, "deletePod", {})
        else:
            self.cannot[f"deletion of a {kind}"] = None

    def _act(self, at: int, pod: str, what: str, fields: Raw) -> None:
        place = place_of(pod)
        if place is None:
            self.cannot[f"pod {pod}"] = None
            return
        self.actions.append({"at": duration(at), what: {**_target(place), **fields}})


def _between(low: int, high: int) -> Raw | str:
    if low == high:
        return duration(low)
    return {"uniform": {"low": duration(low), "high": duration(high)}}


def _start(measured: Sequence[int], wait: int) -> Raw:
    """The stage `create`, so long that starts take what they took: in the middle, and at most."""
    mode = max(50, round(median(measured)) - CALM_START - wait)
    high = max(mode + 50, max(measured) - CALM_START)
    return {"triangular": {"low": "50ms", "mode": duration(mode), "high": duration(high)}}


def _target(place: Place) -> Raw:
    return {"instances": [place.ordinal], "roles": [place.role], "pods": [place.index]}
