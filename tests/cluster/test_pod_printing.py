"""The columns of `kubectl get pods`."""

from __future__ import annotations

import pytest

from kubeinfer_sim.cluster.kubelet.pod_phase import ContainerStatus
from kubeinfer_sim.cluster.pod_printing import Columns, Kind, ShownContainer, columns, human_duration

RUNS = ContainerStatus("running", started=True, ready=True)
UNREADY = ContainerStatus("running", started=True)
DONE = ContainerStatus("terminated", ready=True)
FAILED = ContainerStatus("terminated", 1)
WAITS = ContainerStatus()


def each(status: ContainerStatus, reason: str = "", kind: Kind = "container", **more: int) -> ShownContainer:
    return ShownContainer("c", kind, status, reason, **more)


def shown(phase: str, *containers: ShownContainer, **conditions: bool) -> Columns:
    given = {"initialized": False, "ready": False, "deleting": False} | conditions
    wanted = sum(one.kind != "init" for one in containers)
    return columns(phase, containers, wanted, **given)  # type: ignore[arg-type]


def test_a_pod_of_which_no_kubelet_has_said_anything_shows_its_phase() -> None:
    assert shown("Pending").status == "Pending"


def test_running_counts_the_containers_that_are_ready() -> None:
    got = shown("Running", each(RUNS), each(UNREADY))
    assert (got.ready, got.containers, got.status) == (1, 2, "Running")


def test_the_first_container_in_trouble_gives_the_word() -> None:
    bad = each(ContainerStatus(last_exit_code=1), "CrashLoopBackOff")
    worse = each(FAILED, "OOMKilled")
    assert shown("Running", each(RUNS), bad, worse, ready=True).status == "CrashLoopBackOff"
    assert shown("Running", worse, bad).status == "OOMKilled"


def test_a_container_that_has_completed_beside_one_that_runs_is_running_or_not_ready() -> None:
    done = each(DONE, "Completed")
    assert shown("Running", done, each(RUNS), ready=True).status == "Running"
    assert shown("Running", done, each(RUNS)).status == "NotReady"
    assert shown("Succeeded", done, done).status == "Completed"


def test_init_containers_are_counted_until_the_last_is_done() -> None:
    first, second = each(DONE, "Completed", "init"), each(ContainerStatus("running"), "", "init")
    later = each(WAITS, "PodInitializing")
    assert shown("Pending", second, each(WAITS, "PodInitializing", "init"), later).status == "Init:0/2"
    assert shown("Pending", first, second, later).status == "Init:1/2"
    assert shown("Pending", first, first, later, initialized=True).status == "PodInitializing"


def test_an_init_container_in_trouble_says_init_and_its_reason() -> None:
    later = each(WAITS, "PodInitializing")
    for status, reason in ((FAILED, "Error"), (WAITS, "CrashLoopBackOff"), (WAITS, "ImagePullBackOff")):
        assert shown("Pending", each(status, reason, "init"), later).status == f"Init:{reason}"


def test_a_sidecar_counts_as_started_before_it_is_ready() -> None:
    side = each(UNREADY, "", "sidecar")
    got = shown("Running", side, each(RUNS), initialized=True)
    assert (got.ready, got.containers, got.status) == (1, 2, "Running")


def test_restarts_of_init_containers_count_only_while_they_go_on() -> None:
    init = each(ContainerStatus("running"), "", "init", restarts=3, finished=5000)
    assert (
        shown("Pending", init, each(WAITS)).restarts,
        shown("Pending", init, each(WAITS)).last_restart,
    ) == (3, 5000)
    done = each(DONE, "Completed", "init", restarts=3, finished=5000)
    side = each(RUNS, "", "sidecar", restarts=2, finished=7000)
    main = each(RUNS, restarts=1, finished=6000)
    got = shown("Running", done, side, main, initialized=True)
    assert (got.restarts, got.last_restart) == (3, 7000)


def test_a_deletion_timestamp_says_terminating_unless_the_pod_has_ended() -> None:
    assert shown("Running", each(RUNS), deleting=True).status == "Terminating"
    assert shown("Failed", each(FAILED, "Error"), deleting=True).status == "Error"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (330, "5m30s"),
        (600, "10m"),
        (10_799, "179m"),
        (10_800, "3h"),
        (12_000, "3h20m"),
        (28_800, "8h"),
        (172_799, "47h"),
        (172_800, "2d"),
        (187_200, "2d4h"),
        (691_200, "8d"),
        (63_071_999, "729d"),
        (63_072_000, "2y"),
        (64_022_400, "2y11d"),
        (252_288_000, "8y"),
    ],
)
def test_ages_are_written_as_kubectl_writes_them(seconds: int, text: str) -> None:
    assert human_duration(seconds * 1000) == text
