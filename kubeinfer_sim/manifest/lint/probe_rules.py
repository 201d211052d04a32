"""Rules about probes: whether they kill a loading engine, see a hanging one, and when they let traffic in."""

from __future__ import annotations

from collections.abc import Iterator

from kubeinfer_sim.diagnostics import Severity
from kubeinfer_sim.manifest.lint.probe_arithmetic import (
    detection,
    earliest_ready,
    successes,
    verdict,
    window,
)
from kubeinfer_sim.manifest.lint.rule import (
    ContainerAt,
    Finding,
    LintContext,
    duration,
    has_npus,
    npus_of,
    rule,
)
from kubeinfer_sim.manifest.model import Probe

_PROBER = "the kubelet's prober (pkg/kubelet/prober/worker.go, prober_manager.go)"


def _probes(each: ContainerAt) -> Iterator[tuple[str, Probe]]:
    container = each.container
    for name, probe in (
        ("startupProbe", container.startup_probe),
        ("livenessProbe", container.liveness_probe),
        ("readinessProbe", container.readiness_probe),
    ):
        if probe is not None:
            yield name, probe


def _is_engine(each: ContainerAt) -> bool:
    """Whether a container is the one that loads: it asks for NPUs, or it is alone in its pod."""
    return npus_of(each.container.requests) is not None or len(each.pods.template.containers) == 1


def _product(probe: Probe) -> str:
    delay = f"{probe.initial_delay_seconds} s + " if probe.initial_delay_seconds else ""
    return f"{delay}{probe.failure_threshold} x {probe.period_seconds} s"


@rule(
    "KI005",
    "liveness-kills-during-load",
    Severity.WARNING,
    summary="liveness without a startupProbe gives the engine less time than it needs to load",
    reason="""Without a startupProbe the liveness probe begins with the container. An engine that is still
    loading answers no check; when the failures run out it is killed and begins again, for ever. Nothing in
    the manifest looks wrong, and the instance never becomes Ready.""",
    right="""A startupProbe with failureThreshold x periodSeconds well above the slowest load (the vendor's
    guide: 720 x 10 s). Liveness waits for it.""",
    source=f"{_PROBER}; Kubernetes documentation, Configure Liveness, Readiness and Startup Probes",
)
def liveness_kills_during_load(context: LintContext) -> Iterator[Finding]:
    """Fires where the liveness window is shorter than a cold load."""
    for each in context.containers():
        liveness, load = each.container.liveness_probe, context.load(each.pods.template)
        if (
            liveness is None
            or each.container.startup_probe is not None
            or load is None
            or not _is_engine(each)
        ):
            continue
        if (high := window(liveness).high) < load.cold:
            warm = ", even with everything warm" if high < load.warm else ""
            yield Finding(
                (*each.path, "livenessProbe"),
                f"kills the container {duration(high)} after its start ({_product(liveness)}), while loading takes "
                f"about {duration(load.cold)}: it would never start{warm}",
                f"add a startupProbe, e.g. periodSeconds: 10, failureThreshold: {_threshold(load.slowest, 10)}",
                key=True,
            )


def _threshold(seconds: int, period: int) -> int:
    """A failure threshold that covers `seconds` with a tenth to spare, rounded up to tens."""
    needed = seconds * 11 // 10 // period + 1
    return -(-needed // 10) * 10


@rule(
    "KI006",
    "startup-window-too-short",
    Severity.WARNING,
    summary="the startup window is shorter than the engine's expected load",
    reason="""A startupProbe gives a container initialDelaySeconds + failureThreshold x periodSeconds; then it
    is killed, whatever it has loaded so far, and begins anew. A window that holds for a warm start and not
    for a cold one lets every test pass and the first update onto new nodes loop for ever. (Known from
    practice: 150 x 30 s looped, 240 x 30 s survived.)""",
    right="""A window above the slowest load to be expected. It costs nothing when loading is quick: the probe
    ends with its first success.""",
    source=f"{_PROBER}; expected loads: this project's stage timings",
)
def startup_window_too_short(context: LintContext) -> Iterator[Finding]:
    """Fires where the window is shorter than a cold load; a note where only the slowest one exceeds it."""
    for each in context.containers():
        startup, load = each.container.startup_probe, context.load(each.pods.template)
        if startup is None or load is None or not _is_engine(each):
            continue
        high = window(startup).high
        if high >= load.slowest:
            continue
        cold = high < load.cold
        what = f"a cold load takes about {duration(load.cold)}"
        if not cold:
            what = f"a slow cold load takes up to {duration(load.slowest)} (typically {duration(load.cold)})"
        threshold = _threshold(load.slowest, startup.period_seconds)
        yield Finding(
            (*each.path, "startupProbe", "failureThreshold"),
            f"the startup window is {duration(high)} ({_product(startup)}), while {what}: the container is killed "
            "and begins again",
            f"write failureThreshold: {threshold} with periodSeconds: {startup.period_seconds}",
            None if cold else Severity.NOTE,
        )


@rule(
    "KI007",
    "timeout-longer-than-period",
    Severity.NOTE,
    summary="a check that hangs outlasts its period, so that detection takes longer than the numbers suggest",
    reason="""Checks of one probe never overlap. One that hangs lasts its timeoutSeconds, and the next begins
    only then: with a timeout above the period, it is the timeout that sets the pace. periodSeconds: 5,
    timeoutSeconds: 10, failureThreshold: 6 sees an engine that answers "unhealthy" in about 30 s, and one
    that hangs in 60 to 65 s. Hanging is how a stuck NPU usually shows.""",
    right="timeoutSeconds at most periodSeconds, or reckon with failureThreshold x timeoutSeconds.",
    source=f"{_PROBER}; held to recorded traces of the real prober",
)
def timeout_longer_than_period(context: LintContext) -> Iterator[Finding]:
    """Fires for liveness and readiness, once for both; at startup a longer check only widens the window."""
    for each in context.containers(sidecars=True):
        slow = [
            (name, probe)
            for name, probe in _probes(each)
            if name != "startupProbe" and probe.timeout_seconds > probe.period_seconds
        ]
        if not slow:
            continue
        name, probe = slow[0]
        seen = [
            f"{other.removesuffix('Probe')} sees a hang after {one.failure_threshold} x {one.timeout_seconds} s = "
            f"{duration(verdict(one, hangs=True))} (not {one.failure_threshold} x {one.period_seconds} s), "
            f"{detection(one, hangs=True)} from when it begins"
            for other, one in slow
        ]
        yield Finding(
            (*each.path, name, "timeoutSeconds"),
            f"{probe.timeout_seconds} s is longer than the period of {probe.period_seconds} s, so that a check that "
            f"hangs sets the pace: {'; '.join(seen)}",
            f"write timeoutSeconds: {probe.period_seconds} or less, or reckon with the longer time",
        )


@rule(
    "KI008",
    "ready-after-n-successes",
    Severity.NOTE,
    summary="readiness needs several successes: when the pod can be Ready at the earliest",
    reason="""With successThreshold N the pod takes traffic N - 1 periods after its first successful check, at
    every start and after every short loss of readiness. In return a flapping engine is not let in too early.
    The counter survives a restart of the container: after a long run of successes the first one can be
    enough.""",
    right="Nothing to mend; count the time in. successThreshold: 1 makes the pod Ready at once.",
    source=f"{_PROBER}; held to recorded traces of the real prober",
)
def ready_after_n_successes(context: LintContext) -> Iterator[Finding]:
    """Fires where successThreshold is above 1; not for a router beside engines, which are what is waited for."""
    any_npus = any(has_npus(each.template) for each in context.templates)
    for each in context.containers(sidecars=True):
        readiness, startup = each.container.readiness_probe, each.container.startup_probe
        if (
            readiness is None
            or readiness.success_threshold == 1
            or (any_npus and not has_npus(each.pods.template))
        ):
            continue
        more = successes(readiness)
        load = context.load(each.pods.template) if _is_engine(each) else None
        when = ""
        if load is not None:
            ready = earliest_ready(startup, readiness, load.cold)
            when = f"; with a cold load of {duration(load.cold)}, {duration(ready.low)} after the container's start"
        yield Finding(
            (*each.path, "readinessProbe", "successThreshold"),
            f"{readiness.success_threshold} successes, {readiness.period_seconds} s apart: Ready {duration(more)} "
            f"after the first successful check at the earliest{when}",
        )


@rule(
    "KI009",
    "liveness-stricter-than-readiness",
    Severity.WARNING,
    summary="a failing engine is killed before it is taken out of traffic",
    reason="""Readiness takes a container out of traffic and gives it time to recover; liveness kills it, and
    with Instance recovery the whole instance goes with it. When liveness fails first, every hiccup costs a
    full reload and no request is ever spared.""",
    right="Liveness clearly slower than readiness, as in the vendor's guide: 6 x 5 s against 3 x 5 s.",
    source=f"{_PROBER}; KubeInfer semantics, recovery triggers",
)
def liveness_stricter_than_readiness(context: LintContext) -> Iterator[Finding]:
    """Fires where the failure verdict of liveness comes before that of readiness."""
    for each in context.containers(sidecars=True):
        liveness, readiness = each.container.liveness_probe, each.container.readiness_probe
        if liveness is None or readiness is None:
            continue
        for hangs in (False, True):
            killed, unready = detection(liveness, hangs=hangs), detection(readiness, hangs=hangs)
            if killed.high < unready.high:
                how = "hangs" if hangs else "fails its checks"
                yield Finding(
                    (*each.path, "livenessProbe"),
                    f"a container that {how} is killed after {killed}, before readiness takes it out of traffic "
                    f"after {unready}",
                    f"write failureThreshold: {_slower(liveness, readiness)} or more for liveness",
                    key=True,
                )
                break


def _slower(liveness: Probe, readiness: Probe) -> int:
    """A failure threshold for liveness that lets it take twice as long as readiness."""
    longest = max(detection(readiness, hangs=hangs).high for hangs in (False, True))
    return -(-2 * longest // liveness.period_seconds)


@rule(
    "KI016",
    "no-probes",
    Severity.WARNING,
    summary="a container has no probe at all",
    reason="""A container without probes is Ready the moment it runs: traffic reaches an engine that is still
    loading, an update counts the new instance as Ready and takes the next old one down, and a hang is never
    seen.""",
    right="All three: a startupProbe as long as the slowest load, readiness for traffic, liveness for hangs.",
    source=f"{_PROBER}, UpdatePodStatus; the vendor's YAML guide",
)
def no_probes(context: LintContext) -> Iterator[Finding]:
    """Fires for engines, and for pods none of whose containers has a probe."""
    for each in context.templates:
        containers = list(each.containers())
        probed = [at for at in containers if any(_probes(at))]
        for at in containers:
            if any(_probes(at)) or (probed and not (_is_engine(at) and has_npus(each.template))):
                continue
            load = context.load(each.template) if _is_engine(at) else None
            early = f", {duration(load.cold)} before a cold engine can answer" if load is not None else ""
            yield Finding(
                (*at.path, "name"),
                f"container {at.container.name} has no probes: it is Ready as soon as it runs{early}, and a hang is "
                "never seen",
                "add startupProbe, readinessProbe and livenessProbe",
            )


@rule(
    "KI017",
    "hang-without-end",
    Severity.NOTE,
    summary="no liveness probe: an engine that hangs is taken out of traffic and never restarted",
    reason="""Losing readiness is no reason for KubeInfer to recover anything; only an exit, a failed liveness
    probe or a hardware fault is. An engine that hangs without a liveness probe leaves its instance not Ready
    until somebody deletes a pod by hand.""",
    right="A livenessProbe, clearly slower than readiness (the vendor's guide: 6 x 5 s).",
    source="KubeInfer semantics, recovery triggers",
)
def hang_without_end(context: LintContext) -> Iterator[Finding]:
    """Fires for containers with NPUs that have other probes."""
    for each in context.containers():
        container = each.container
        if npus_of(container.requests) and container.liveness_probe is None and any(_probes(each)):
            what = "is never seen"
            if container.readiness_probe is not None:
                seen = detection(container.readiness_probe, hangs=True)
                what = f"takes the {context.unit} out of traffic after {seen}"
            yield Finding(
                (*each.path, "name"),
                f"container {container.name} has no livenessProbe: a hang {what}, and nothing ever restarts it",
                "add a livenessProbe with periodSeconds: 5, failureThreshold: 6",
            )
