"""Numbers, explanations and objects say the same of a run."""

from __future__ import annotations

from collections import Counter
from random import Random

from kubeinfer_sim.cluster.records import InstanceRef, PodDeleting, PodRef
from kubeinfer_sim.engine.meter import Handlers, OnePass
from kubeinfer_sim.metrics.deployments import DeploymentMeasures, DeploymentOutcome
from kubeinfer_sim.metrics.loss_stages import LossStages
from kubeinfer_sim.metrics.losses import Losses
from kubeinfer_sim.metrics.measure import Measures
from kubeinfer_sim.metrics.moment import look
from kubeinfer_sim.metrics.steps import segments
from kubeinfer_sim.metrics.workloads import ByWorkload, Workload
from kubeinfer_sim.report.complaints import complaint
from kubeinfer_sim.report.deployments import why
from kubeinfer_sim.report.verdict import culprits
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.testing.invariants.invariant import Finished, Report
from kubeinfer_sim.testing.invariants.pods_there import PodsThere


class ChargesAddUp:
    """INV-12: every missing instance is charged to one cause, and its stages fill its time."""

    number = "INV-12"
    statement = "what is charged to causes and stages is all that was lost, each millisecond once"
    reason = "the causes are what people act upon: one left out, or counted twice, sends them the wrong way"
    caught = "a cause is not charged"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._losses = {each.name: Losses() for each in scenario.kubeinfers}
        self._pass = OnePass(
            [ByWorkload({Workload("KubeInfer", name): [each] for name, each in self._losses.items()})]
        )

    def handlers(self) -> Handlers:
        """What the losses of each KubeInfer are made of."""
        return dict.fromkeys(Losses().handlers(), self._pass.observe)

    def finish(self, finished: Finished) -> None:
        """Add up."""
        run = finished.run
        for name, own in finished.figures.kubeinfers.items():
            measures = own.measures
            charged = sum(each.total for each in own.causes)
            if charged != measures.whole.lost:
                self._report(f"of {measures.whole.lost} ms lost of {name}, {charged} are charged to causes")
            if any(length <= 0 for each in own.causes for length in each.lost.values()):
                self._report(f"{name}: a cause is charged with no time")
            losses = self._losses[name].finish(run.ended_at, run.end)
            spans = [(loss.since, loss.until) for loss in losses]
            for since, _, (wanted, ready) in segments((measures.desired, measures.ready), 0, run.ended_at):
                missing, open_ = max(0, wanted - ready), sum(begin <= since < end for begin, end in spans)
                if missing != open_:
                    self._report(
                        f"at {since} ms {missing} instances of {name} are missing, {open_} are charged"
                    )
                    break
            stages = LossStages({life.instance.uid: life for life in measures.instances})
            for loss in losses:
                if loss.since == loss.until:
                    continue  # it lasts, and begins as the run ends: there is nothing to fill
                edges = [edge for begin, end, _ in stages.of(loss) for edge in (begin, end)]
                if (edges[0], edges[-1]) != (loss.since, loss.until) or edges[1:-1:2] != edges[2:-1:2]:
                    self._report(f"the stages of a loss of {name} do not fill it: {edges}")
                    break


class SettledSaysWhy:
    """INV-13: when nothing more can happen, all instances and pods are ready, or what is not says why."""

    number = "INV-13"
    statement = "a run that is settled has all instances, and all pods of Deployments, ready, or a named reason why not"
    reason = "`it does not become ready` is no answer to a user whose rollout has stopped"
    caught = "nobody writes why an instance waits"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report

    def handlers(self) -> Handlers:
        """Nothing: the end alone counts."""
        return {}

    def finish(self, finished: Finished) -> None:
        """Ask each instance."""
        if finished.run.end != "settled":
            return
        verdict = finished.assessment.verdict
        for name, own in finished.figures.kubeinfers.items():
            missing = own.measures.desired.last - own.measures.ready.last
            if missing > 0:
                self._ask(name, missing, own.measures)
            if missing > 0 and verdict.holds:
                self._report(f"the verdict holds, and {missing} instances of {name} are missing")
        for each in finished.figures.measures.deployments:
            if each.missing and each.outcome is not DeploymentOutcome.PAUSED:
                self._ask_pods(each, finished.figures.measures)
            if each.missing and verdict.holds:
                self._report(
                    f"the verdict holds, and {each.missing} pods of {each.kind} {each.name} are missing"
                )

    def _ask_pods(self, deployment: DeploymentMeasures, measures: Measures) -> None:
        text = why(deployment, measures.stranded)
        if not text or text.partition(" (")[0].endswith("waits for a place"):
            self._report(
                f"{deployment.missing} pods of {deployment.kind} {deployment.name} are missing, and all that is "
                f"told is: {text or 'nothing'}"
            )

    def _ask(self, name: str, missing: int, measures: Measures) -> None:
        blamed = culprits(measures)
        if not blamed:
            self._report(f"{missing} instances of {name} are missing, and none is to blame")
        told = {life.instance.name: complaint(life, measures.stranded) for life in blamed}
        # What the scheduler says of one that waits stands for those behind it.
        if all(text == f"{instance} waits for a place" for instance, text in told.items()):
            self._report(f"all that is told is: {', '.join(told.values())}")
        for instance, text in told.items():
            if text == f"{instance} does not become ready":
                self._report(f"all that is told is: {text}")


class ExplanationsAgree:
    """INV-14: `why` at any time, and the pods' objects at the end, say what the numbers say."""

    number = "INV-14"
    statement = "`why` at any time and `pods` at the end agree with the numbers of the result"
    reason = "two answers to one question, and nobody believes either"

    #: At so many times, apart from the beginning and the end, `why` is asked.
    TIMES = 1
    caught = "why tells of another time"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._pods = PodsThere()
        self._deleting: set[PodRef] = set()

    def handlers(self) -> Handlers:
        """Which pods there are, and which are Ready."""
        return {**self._pods.handlers(), PodDeleting: self._delete}

    def finish(self, finished: Finished) -> None:
        """Ask."""
        self._look_at_pods(finished)
        run = finished.run
        if not run.history.keep:
            return
        rng = Random(run.history.total)
        for at in (0, run.ended_at, *(rng.randrange(run.ended_at + 1) for _ in range(self.TIMES))):
            self._ask_why(finished, at)

    def _look_at_pods(self, finished: Finished) -> None:
        pods = finished.run.pods
        if pods is None:
            return
        shown = {each.ref for each in pods}
        if shown != self._pods.there.keys():
            names = sorted(ref.name for ref in shown ^ self._pods.there.keys())
            self._report(
                f"`pods` and the records disagree whether these exist at the end: {', '.join(names)}"
            )
        for each in pods:
            ready = any(of.condition.type == "Ready" and of.condition.status for of in each.conditions)
            if each.ref not in self._deleting and ready != (each.ref in self._pods.ready):
                self._report(
                    f"`pods` says of {each.ref.name}: {'' if ready else 'not '}Ready; the records do not"
                )

    def _ask_why(self, finished: Finished, at: int) -> None:
        kubeinfers = finished.figures.kubeinfers
        moment = look(finished.run.history, at, finished.run.ended_at)
        ready: dict[str, list[InstanceRef]] = {name: [] for name in kubeinfers}
        for each in moment.instances:
            if each.instance.owner in ready and each.instance.has_roles and each.state == "ready":
                ready[each.instance.owner].append(each.instance)
        for name, own in kubeinfers.items():
            if len(ready[name]) != own.measures.ready.at(at):
                told = f"{len(ready[name])} instances of {name} ready at {at} ms"
                self._report(f"`why` says {told}, the numbers say {own.measures.ready.at(at)}")
        pods: Counter[tuple[str, str]] = Counter(
            (each.instance.kind, each.instance.owner) for each in moment.instances if each.state == "ready"
        )
        for deployment in finished.figures.measures.deployments:
            counted, said = pods[deployment.kind, deployment.name], deployment.ready.at(at)
            if counted != said:
                told = f"{counted} pods of {deployment.kind} {deployment.name} ready at {at} ms"
                self._report(f"`why` says {told}, the numbers say {said}")

    def _delete(self, record: PodDeleting) -> None:
        self._deleting.add(record.pod)
