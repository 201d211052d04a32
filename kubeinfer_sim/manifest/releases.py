"""What each release of Kubernetes does, as far as releases differ: one table, a row for each behaviour.

A new release is one more entry of `RELEASES`; each behaviour that it changes is one more field of `Release`, whose
row in docs/fidelity.md is made from it. The rest of the code asks a `Release`, never for a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from msgspec import Struct

#: Those that a scenario may name, the oldest first. The rules were read in 1.29.
RELEASES = ("1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36")


class Change(Struct, frozen=True):
    """A behaviour that differs between releases.

    Attributes:
        name: the field of `Release`.
        since: the first release with the new behaviour.
        what: what changed; `before` and `after` how, for people.
        values: of the field, before and since.
    """

    name: str
    since: str
    what: str
    before: str
    after: str
    values: tuple[Any, Any]

    def row(self) -> str:
        """Its row in the documentation's table."""
        after = f": {self.after}" if self.after else ""
        return f"| {self.what} | {_release_before(self.since)}: {self.before} | {self.since}{after} |"


def _since(
    since: str, what: str, before: str, after: str = "", values: tuple[Any, Any] = (False, True)
) -> Any:
    """What stands as default of a field is its row of the table; `release_of` says its value for a release."""
    return (since, what, before, after, values)


class Release(Struct, frozen=True, kw_only=True):
    """A minor release of Kubernetes, such as 1.36, and what it does where releases differ."""

    version: str
    startup_probe_rests: bool = _since(
        "1.32", "the startup probe also rests after a success", "it goes on until `started` is seen"
    )
    readiness_round_restarts_ticker: bool = _since(
        "1.32", "a readiness round out of turn restarts its ticker", "not"
    )
    #: ms
    node_monitor_grace: int = _since(
        "1.32", "default of `--node-monitor-grace-period`", "40 s", "50 s", (40_000, 50_000)
    )
    retries_when_back_off_ends: bool = _since(
        "1.35",
        "a container in back-off is looked at again",
        "every 10 to 15 s",
        "after what remains, x 1 to 1.5, at most 60 s",
    )
    fixed_back_off_expiry: bool = _since(
        "1.32",
        "a back-off is forgotten",
        "after twice its maximum (600 s)",
        "after 600 s, whatever the maximum",
    )
    max_container_restart_period: bool = _since("1.35", "`kubelet.maxContainerRestartPeriod`", "an error")
    reduced_crash_loop_back_off: bool = _since("1.33", "`kubelet.reducedCrashLoopBackOff`", "an error")
    new_kubelet_keeps_readiness: bool = _since(
        "1.35",
        "a kubelet's restart",
        "pods are not ready until their probes have passed again",
        "they stay as they are",
    )
    replacement_inherits_started: bool = _since(
        "1.35",
        "a container killed and started within one sync",
        "not started",
        "started until the next tick of its startup probe",
    )
    takes_container_restart_policy: bool = _since(
        "1.34",
        "a `restartPolicy` of a container's own, but `Always` of an init container",
        "refused: an error",
        "taken",
    )
    container_restart_policy: bool = _since(
        "1.35", "`restartPolicy` and `restartPolicyRules` of a container", "dropped: a warning", "they count"
    )
    restart_all_containers: bool = _since(
        "1.36", "the action `RestartAllContainers` of such a rule", "refused: an error", "it counts"
    )
    stateful_set_max_unavailable: bool = _since(
        "1.35",
        "`maxUnavailable` of a StatefulSet's rolling update",
        "dropped: one pod at a time",
        "it counts",
    )
    merges_label_keys: bool = _since(
        "1.31",
        "`matchLabelKeys` and `mismatchLabelKeys` of pod affinity",
        "dropped",
        "merged into the selector",
    )
    unnamed_taints: bool = _since(
        "1.34", "the scheduler on a taint that a pod does not tolerate", "named", "not named"
    )
    claims_in_preemption: bool = _since(
        "1.34",
        "the scheduler on why preemption does not help",
        "no word of claims",
        "`no new claims to deallocate`",
    )
    scores_change_of_balance: bool = _since(
        "1.36",
        "score NodeResourcesBalancedAllocation",
        "how balanced the node is with the pod",
        "how much the pod changes that",
    )


def changes() -> Iterator[Change]:
    """All rows of the table."""
    rows = Release.__struct_defaults__  # of the last fields
    for name, row in zip(Release.__struct_fields__[-len(rows) :], rows, strict=True):
        yield Change(name, *row)


def since(name: str) -> str:
    """The first release with a behaviour, by its field."""
    return next(change.since for change in changes() if change.name == name)


@cache
def release_of(version: str) -> Release:
    """The release a version belongs to: `1.36`, `v1.36.3`.

    Raises:
        ValueError: it is none of `RELEASES`.
    """
    match = re.fullmatch(r"v?(1\.[0-9]{1,3})(\.[0-9]{1,4})?", version)
    if match is None or match[1] not in RELEASES:
        raise ValueError(f"expected a version from {RELEASES[0]} to {RELEASES[-1]}, found {version!r}")
    minor = _minor(match[1])
    values = {each.name: each.values[minor >= _minor(each.since)] for each in changes()}
    return Release(version=match[1], **values)


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def _release_before(version: str) -> str:
    return f"1.{_minor(version) - 1}"


LATEST = release_of(RELEASES[-1])
