"""The answer a health action gives to checks, looked at with the handlers these have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.kubernetes.probe_answers import verdict
from kubeinfer_sim.manifest.model import Container
from kubeinfer_sim.scenario.actions.model import CANNOT_BE_RUN
from kubeinfer_sim.scenario.context import Context

_ANSWERED = {
    "httpGet": "a status of HTTP, 100 to 599",
    "grpc": "a serving status such as NOT_SERVING",
    "exec": "the exit code of its command, 0 to 255",
    "tcpSocket": "nothing: a connection is made or not",
}


def passes(
    answer: int | str, kinds: Sequence[str], containers: Iterable[Container], context: Context, path: Path
) -> bool:
    """Whether checks that get this answer pass; an answer that one of them cannot get is an error at `path`."""
    if answer == CANNOT_BE_RUN:
        return False
    probes = (getattr(each, f"{kind}_probe") for each in containers for kind in kinds)
    verdicts = {probe.handler: verdict(probe.handler, answer) for probe in probes if probe is not None}
    for handler, each in verdicts.items():
        if each is None:
            context.error(path, f"a probe by {handler} never gets {answer!r}, it gets {_ANSWERED[handler]}")
    passing = {each != "failure" for each in verdicts.values()}
    if None not in verdicts.values() and len(passing) > 1:
        context.error(
            path,
            f"{answer} passes for some of these probes and fails for others ({', '.join(sorted(verdicts))}): name the "
            "container, the roles or the probes",
        )
    return passing == {True}
