"""PriorityClasses that are not there: the API server refuses the pods (plugin/pkg/admission/priority)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from field.user import Raw, User, bare_pod, both, deployment, kubeinfer

CLUSTER = {"pools": [{"name": "a", "count": 1, "allocatable": {"cpu": "8"}}]}
HI = {
    "apiVersion": "scheduling.k8s.io/v1",
    "kind": "PriorityClass",
    "metadata": {"name": "hi"},
    "value": 1000,
}
NONE = "is forbidden: no PriorityClass with name hi was found"


def urgent(make: Callable[..., Raw], **more: object) -> Raw:
    return make({}, priorityClassName="hi", **more)


def test_a_pod_is_refused_before_somebody_creates_its_class(user: User) -> None:
    actions = [
        {"at": "1m", "create": urgent(bare_pod, name="early")},
        {"at": "2m", "create": HI},
        {"at": "3m", "create": urgent(bare_pod, name="late")},
    ]
    user.plans(deployment({}, replicas=1), cluster=CLUSTER, actions=actions)
    done, result = user.runs()
    assert done.returncode == 1, done.stdout
    assert f'the creation of Pod/early at 1m is refused: pods "early" {NONE}' in result["warnings"]
    assert sorted(each["name"] for each in user.pods()) == ["chat-0", "late"]
    assert "is taken to be in the cluster" not in done.stdout, "its value is known"


@both
def test_pods_of_workloads_are_asked_for_again_until_the_class_is_there(
    user: User, workload: Callable[..., Raw]
) -> None:
    actions = [{"at": "1m", "create": HI}]
    user.plans(urgent(workload, replicas=1), cluster=CLUSTER, actions=actions, initial="empty", horizon="5m")
    assert user.pods("30s") == []
    assert [each["status"] for each in user.pods()] == ["Running"]


@both
def test_absent_says_that_a_class_is_not_there(user: User, workload: Callable[..., Raw]) -> None:
    plan: Raw = {"cluster": CLUSTER, "initial": "empty", "horizon": "1m"}
    user.plans(urgent(workload, replicas=1), **plan, absent=["PriorityClass/hi"])
    done, _ = user.runs()
    assert done.returncode == 1
    assert NONE in " ".join(done.stdout.split())
    user.plans(urgent(workload, replicas=1), HI, **plan, absent=["PriorityClass/hi"])
    done, _ = user.runs()
    assert done.returncode == 2
    assert "PriorityClass hi is given, so it is there" in " ".join(done.stderr.split())


@both
def test_pods_made_after_their_class_was_deleted_are_refused(
    user: User, workload: Callable[..., Raw]
) -> None:
    actions = [
        {"at": "1m", "deleteObject": "PriorityClass/hi"},
        {"at": "2m", "object": f"{workload({})['kind']}/chat", "scale": 2},
    ]
    user.plans(urgent(workload, replicas=1), HI, cluster=CLUSTER, actions=actions, horizon="5m")
    done, _ = user.runs()
    assert done.returncode == 1
    assert NONE in " ".join(done.stdout.split())
    assert len(user.pods()) == 1


@pytest.mark.parametrize("workload", [kubeinfer, deployment, bare_pod])
def test_a_class_that_nobody_gives_is_taken_to_be_there_with_a_warning_at_its_line(
    user: User, workload: Callable[..., Raw]
) -> None:
    user.plans(urgent(workload), cluster=CLUSTER, initial="empty", horizon="1m")
    lines = (user.folder / "manifest.yaml").read_text(encoding="utf-8").splitlines()
    (line,) = (index for index, text in enumerate(lines, 1) if "priorityClassName" in text)
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout
    told = " ".join(done.stdout.split())
    assert f"manifest.yaml:{line}:" in told
    assert told.count("PriorityClass hi is taken to be in the cluster, with value 0") == 1
    # The scenario may give it.
    user.plans(urgent(workload), cluster=CLUSTER, initial="empty", horizon="1m", priorityClasses={"hi": 5})
    assert "is taken to be" not in user.runs()[0].stdout


@both
@pytest.mark.parametrize("command", [("validate", "manifest.yaml"), ("run", "scenario.yaml")])
def test_beside_an_error_nothing_is_said_of_a_class_that_the_file_gives(
    user: User, workload: Callable[..., Raw], command: tuple[str, str]
) -> None:
    """What comes after the error is not read as it would be: what is missing is told once the rest is right."""
    user.plans(HI, urgent(workload, replicas=1, os={"name": "windows"}), cluster=CLUSTER)
    done = user.types(*command)
    assert done.returncode == 2
    assert "os: not simulated" in " ".join(done.stderr.split() + done.stdout.split())
    assert "is taken to be in the cluster" not in " ".join((done.stderr + done.stdout).split())


@both
@pytest.mark.parametrize(
    ("said", "of_class", "words"),
    [
        ({"priority": 5}, {}, "the integer value of priority (5)"),
        ({"preemptionPolicy": "Never"}, {}, "the string value of PreemptionPolicy (Never)"),
        (
            {"preemptionPolicy": "PreemptLowerPriority"},
            {"preemptionPolicy": "Never"},
            "the string value of PreemptionPolicy (PreemptLowerPriority)",
        ),
        ({"priority": 1000}, {}, ""),
        ({"preemptionPolicy": "Never"}, {"preemptionPolicy": "Never"}, ""),
        ({"preemptionPolicy": "PreemptLowerPriority"}, {}, ""),
    ],
)
def test_pods_that_say_another_priority_than_their_class_are_refused(
    user: User, workload: Callable[..., Raw], said: Raw, of_class: Raw, words: str
) -> None:
    """kubernetes, plugin/pkg/admission/priority (admitPod); vcluster #1718."""
    user.plans(urgent(workload, replicas=1, **said), {**HI, **of_class}, cluster=CLUSTER, initial="empty")
    done, _ = user.runs()
    text = " ".join(done.stdout.split())
    assert done.returncode == (1 if words else 0)
    if words:
        assert f"is forbidden: {words} must not be provided in pod spec; priority admission" in text
        way = "an update whose pods leave priority and preemptionPolicy to their PriorityClass would let it go on"
        assert way in text
    assert len(user.pods()) == (0 if words else 1)


@both
def test_without_a_class_the_priority_is_none(user: User, workload: Callable[..., Raw]) -> None:
    pods = workload({}, replicas=1, priority=7)
    user.plans(pods, cluster=CLUSTER, initial="empty")
    assert "priority admission controller computed 0" in " ".join(user.runs()[0].stdout.split())
    default = {**HI, "value": 7, "globalDefault": True}
    user.plans(pods, default, cluster=CLUSTER, initial="empty")
    assert user.runs()[0].returncode == 0


@both
def test_of_a_class_that_is_taken_to_be_there_pods_may_say_the_priority(
    user: User, workload: Callable[..., Raw]
) -> None:
    user.plans(urgent(workload, replicas=1, priority=7), cluster=CLUSTER, initial="empty")
    assert user.runs()[0].returncode == 0


def test_a_pod_that_says_another_priority_is_refused_at_its_time(user: User) -> None:
    create = {"at": "1m", "create": bare_pod({}, name="early", priority=7)}
    user.plans(deployment({}, replicas=1), cluster=CLUSTER, actions=[create])
    done, result = user.runs()
    assert done.returncode == 1
    assert any("the integer value of priority (7)" in each for each in result["warnings"])
