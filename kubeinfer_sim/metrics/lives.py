"""The life of every instance and pod, cut into named stages that add up to it.

A pod's spans follow one another without gap from its creation until it is gone (or the run ends), so
whatever is charged to stages adds up to the time that passed.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec import Struct, field

from kubeinfer_sim.cluster.reasons import Refusal
from kubeinfer_sim.cluster.records import (
    GangPending,
    InstanceRef,
    PodRef,
)
from kubeinfer_sim.cluster.stages import (
    BARRIER,
    PENDING,
    PROBES,
    SERVING,
    Stage,
    StageName,
)


class Span(Struct, frozen=True):
    """A stretch of a pod's life in ms; `cut`: something else happened before it was over."""

    stage: StageName
    since: int
    until: int
    regime: str = ""
    cut: bool = False


#: What of a pod fails: an init container, which holds up the others; what a readiness gate asks for; or anything.
FailingPart = Literal["init", "gate", "pod"]


class PastFailure(NamedTuple):
    """What a pod failed of until it was ready again at `over` (ms); see `PodLife`."""

    over: int
    reason: str
    detail: str
    trouble: str


class PodLife(Struct):
    """One pod.

    Attributes:
        ready: when it was ready first; None when it never was.
        deleting: when it was deleted, or its object removed, and `deletion` why.
        finished: when its phase was final, where it was not being deleted; `rejected`: for its node did not take it.
        restarts: how often the kubelet restarted a container of it before it was deleted.
        reason: why something of it failed last (ImagePullBackOff, StartupProbeFailed …), `detail` what else is known.
        trouble: both in words.
        past: what it failed of before it was ready the last time.
        broken_by: the fault of a device it holds for which it is not ready: its engine has started on that device, and
            gets no further, or its checks fail.
        idle_since: since when its engine has computed nothing though its checks pass, ms; `was_idle`: that has been so.
        hung: from when until when its engine computed nothing at last behind checks that passed, ms; it is over.
        ready_since: since when it is Ready, ms.
        held: the finalizers that keep its object, of which nothing else is left.
        since: from then on it goes through the stages of `plan`, one after the other, and is in `then` afterwards
            (None: it is gone); what was before is in `spans`.
    """

    pod: PodRef
    created: int
    node: str = ""
    ready: int | None = None
    deleting: int | None = None
    deletion: str = ""
    finished: int | None = None
    rejected: bool = False
    gone: int | None = None
    restarts: int = 0
    reason: str = ""
    detail: str = ""
    trouble: str = ""
    past: PastFailure | None = None
    broken_by: str = ""
    idle_since: int | None = None
    was_idle: bool = False
    hung: tuple[int, int] | None = None
    ready_since: int | None = None
    held: tuple[str, ...] = ()
    spans: list[Span] = field(default_factory=list)
    since: int = 0
    plan: tuple[Stage, ...] = ()
    then: StageName | None = PENDING
    _load: tuple[int, tuple[Stage, ...]] | None = (0, ())
    _failing: FailingPart = "pod"
    _endless: StageName | None = None
    _entered: int = -1
    _first: StageName | None = None

    @property
    def stays(self) -> bool:
        """Whether it is neither deleted nor finished, nor its object gone, at the end of the run."""
        return self.deleting is None and self.finished is None and self.gone is None

    @property
    def dead_since(self) -> int | None:
        """Since when it serves nothing, though it is Ready to the end of the run; None where it is not so."""
        return self.idle_since if self.stays and self.stage == SERVING else None

    def fails(self, reason: str, detail: str = "", *, words: str = "", of: FailingPart = "pod") -> None:
        """Something of it fails for this reason; in these words, or in those of reason and detail."""
        self.reason, self.detail, self._failing = reason, detail, of
        self.trouble = words or (f"{reason}: {detail}" if detail else reason)

    def recovers(self, of: FailingPart = "pod") -> None:
        """What failed does no more; told of a part, only where it was that one."""
        if of in ("pod", self._failing):
            self.reason = self.detail = self.trouble = ""
            self._failing = "pod"

    def is_ready(self, at: int) -> None:
        """It is ready now; what it failed of so far is past."""
        if self.ready is None:
            self.ready = at
        self.ready_since = at
        if self.trouble:
            self.past = PastFailure(at, self.reason, self.detail, self.trouble)
        self.recovers()

    def hangs_until(self, at: int) -> None:
        """If its engine has computed nothing so far though it served, that is over at `at` (ms)."""
        if self.idle_since is not None and self.then == SERVING:
            self.hung = self.idle_since, at

    def loses_readiness(self, at: int) -> int:
        """It is not Ready any more; for how long it was, ms."""
        since, self.ready_since = self.ready_since, None
        return at - (self.created if since is None else since)

    def relapses(self, since: int) -> None:
        """What it has recovered from after `since` (ms) comes again: it fails of that, whatever it is in right now."""
        if self.past is not None and self.past.over >= since and not self.trouble and self.stays:
            _, self.reason, self.detail, self.trouble = self.past

    def enter(self, at: int, then: StageName, plan: tuple[Stage, ...] = ()) -> None:
        """From `at` on it goes through `plan`, one stage after the other, and stays in `then` afterwards."""
        if self.since < at:  # else there is nothing to write down
            self.close(at)
        self.since, self.plan, self.then = at, plan, then
        self._entered, self._first = at, plan[0].name if plan else then
        self._endless = None
        for stage in plan:
            if stage.duration is None:
                self._endless = stage.name
                break

    def load(self, at: int, stages: tuple[Stage, ...]) -> None:
        """Its engine starts to load."""
        self._load = at, stages
        self.enter(at, PROBES, stages)

    def waits_for_gang(self, at: int) -> None:
        """Its engine runs, and waits for those of the others."""
        self._load = None
        self.enter(at, BARRIER)

    def load_on(self, at: int) -> None:
        """A container beside its engine runs again: the engine has gone on to wait, or to load, meanwhile."""
        if self._load is None:
            self.enter(at, BARRIER)
            return
        since, stages = self._load
        while stages and (length := stages[0].duration) is not None and since + length <= at:
            since, stages = since + length, stages[1:]
        if stages and (length := stages[0].duration) is not None:
            stages = (Stage(stages[0].name, since + length - at, stages[0].regime), *stages[1:])
        self.enter(at, PROBES, stages)

    def close(self, at: int, *, over: bool = False) -> None:
        """Write down what it went through until `at`; `over`: the stage that had no length ended there."""
        since = self.since
        for stage in self.plan:
            if since >= at:
                break
            if stage.duration is None:
                until, cut = at, not over
            else:
                until = since + stage.duration
                cut = until > at
                if cut:
                    until = at
            if until > since:
                self.spans.append(Span(stage.name, since, until, stage.regime, cut))
            since = until
        if since < at and self.then is not None:
            self.spans.append(Span(self.then, since, at))
        self.since, self.plan = at, ()

    @property
    def stage(self) -> StageName | None:
        """What it is in at the end of the run, or bound to get stuck in; None when it is gone."""
        if self.gone is not None:
            return None
        if self._endless is not None:
            return self._endless
        if self._entered == self.since:  # what began in the last instant has no span
            return self._first
        return self.spans[-1].stage if self.spans else self.then

    def start_up(self) -> list[Span]:
        """The spans from its creation until it was ready first, or until its deletion or the end."""
        end = self.ready if self.ready is not None else self.deleting
        return self.spans if end is None else [span for span in self.spans if span.until <= end]


#: What loses its readiness so often without a longer pause does so again and again.
AGAIN_AND_AGAIN = 3


class ReadinessLoss(Struct, frozen=True):
    """Readiness lost at `at` (ms), after it was there for `lasted` ms; 0 where a rebuild came before it was.

    `of`: what it came of, the same of losses that one cause brings about again and again; None where checks failed, or
    a taint had pods evicted.
    """

    at: int
    lasted: int
    of: int | None


class InstanceLife(Struct):
    """One instance, by uid: an ordinal may be used again.

    Attributes:
        ran_at_start: it ran already when the simulation began.
        ready: when it was ready first.
        was_ready: ms for which it was ready in all.
        deleting: when the controller began to delete it, and `delete_reason` why.
        restarts: how often recovery rebuilt it or a part of it, and `rebuilt` when last; `concerning`: how often it
            lost readiness.
        losses: of its readiness, or of what was on the way to it, the last `AGAIN_AND_AGAIN`.
        unstable: it loses it again and again to the end of a run that was given up, or a crash loop is cut by the
            horizon: what it is in at that instant says nothing.
        refused: why the API server refuses its pods, as long as it does.
        pending: the scheduler's last word while its gang has no place.
        given_up: pods it gave up for others of its own; `degraded` for how many ms it lacked some, in all,
            and `degraded_since` when it still does.
        pods: all pods that ever stood in it.
    """

    instance: InstanceRef
    revision: str
    created: int
    ran_at_start: bool = False
    ready: int | None = None
    was_ready: int = 0
    ready_since: int | None = None
    deleting: int | None = None
    delete_reason: str = ""
    gone: int | None = None
    restarts: int = 0
    concerning: int = 0
    losses: list[ReadinessLoss] = field(default_factory=list)
    rebuilt: int = -1
    unstable: bool = False
    given_up: int = 0
    degraded: int = 0
    degraded_since: int | None = None
    failed: str = ""
    refused: Refusal | None = None
    pending: GangPending | None = None
    pods: list[PodLife] = field(default_factory=list)

    def loses_readiness(self, loss: ReadinessLoss) -> None:
        """It is ready no more."""
        self.losses.append(loss)
        del self.losses[:-AGAIN_AND_AGAIN]

    def is_rebuilt(self, at: int, of: int | None) -> None:
        """It, or a part of it, is rebuilt at `at` (ms), which comes of `of`, whether or not it was ready meanwhile."""
        self.restarts += 1
        if not self.losses or self.losses[-1].at <= self.rebuilt:
            self.loses_readiness(ReadinessLoss(at, 0, of))
        self.rebuilt = at

    def given_up_at(self, at: int) -> None:
        """The run was given up at `at` (ms): what went round until then is taken to go on for ever."""
        if self._goes_round:
            first, last = self.losses[0], self.losses[-1]
            self._is_unstable(at - last.at <= last.at - first.at)

    def cut_at(self, at: int) -> None:
        """The horizon came at `at` (ms): a crash loop is one, whatever it is in right now.

        Its containers have ended again and again of one cause, and it has not yet been ready for longer than before
        they did. Independent faults, and checks that fail now and then, are none.
        """
        if not self._goes_round or self.pending is not None:
            return
        first, *_, before, last = self.losses
        causes = {loss.of for loss in self.losses}
        # A back-off lasts twice as long as the one before.
        soon = at - last.at <= 2 * (last.at - first.at)
        one_cause = len(causes) == 1 and None not in causes
        self._is_unstable(soon and one_cause and self._ready_for(at) <= max(before.lasted, last.lasted))

    @property
    def _goes_round(self) -> bool:
        return self.gone is None and self.deleting is None and len(self.losses) == AGAIN_AND_AGAIN

    def _is_unstable(self, unstable: bool) -> None:
        self.unstable = unstable
        if unstable:
            for pod in self.pods:
                pod.relapses(self.losses[0].at)

    def _ready_for(self, at: int) -> int:
        """For how long it has been ready by then, ms; 0 while it is not."""
        since = self.ready_since if self.instance.has_roles else self.pods[0].ready_since
        return 0 if since is None else at - since

    @property
    def is_lasting(self) -> bool:
        """Whether it is ready at the end of the run, and not for a moment."""
        return self.state == "ready" and not self.unstable

    @property
    def state(self) -> str:
        """What it is at the end of the run, in a word."""
        if self.gone is not None:
            return "gone"
        if self.deleting is not None:
            return "terminating"
        if self.failed:
            return "failed"
        if self.ready_since is not None:
            return "ready"
        newest = next((pod for pod in reversed(self.pods) if pod.stays), None)
        if self.pending is not None or (newest is not None and not newest.node):
            return "pending"
        return "starting" if self.ready is None else "concerning"

    @property
    def pace(self) -> PodLife | None:
        """The pod that set the pace: the one whose readiness made the instance ready, else one that is not ready yet.

        Of several not ready, one that is in trouble before one that only waits for the others.
        """
        ready = self.ready
        if ready is not None:
            there = [pod for pod in self.pods if pod.ready is not None and pod.ready <= ready]
            return max(there, key=lambda pod: pod.ready or 0, default=None)
        waiting = [pod for pod in self.pods if pod.ready is None and pod.gone is None] or self.pods
        return min(waiting, key=lambda pod: (not pod.trouble, _waits(pod)), default=None)

    @property
    def container_restarts(self) -> int:
        """Containers the kubelet restarted, over all its pods."""
        return sum(pod.restarts for pod in self.pods)


def _waits(pod: PodLife) -> bool:
    spans = pod.start_up()
    return bool(spans) and spans[-1].stage == BARRIER
