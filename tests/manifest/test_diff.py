"""What a change sets in motion: rollouts exactly where the revision differs, everything else by what it touches."""

from __future__ import annotations

import pytest
from manifest.helpers import BASE, changed, load, one

from kubeinfer_sim.manifest.diff import Effect, changed_place, diff


def differences(new: str, old: str = BASE):
    (found,) = diff([one(old)], [one(new)])
    return found


def effects(new: str, old: str = BASE) -> dict[str, str]:
    found = differences(new, old)
    return {changed_place(each, found): each.effect.value for each in found.changes}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('cpu: "160"', "cpu: 160000m"),
        ("memory: 1200Gi", "memory: 1228800Mi"),
        ('cpu: "160"', "cpu: 160"),
        ("              imagePullPolicy: IfNotPresent\n", ""),
        ("                successThreshold: 1\n", ""),
        ("  namespace: default\n", ""),
        ("      maxUnavailable: 20%\n", ""),
        ("        protocol: TCP\n        targetPort: 9000\n", ""),
        ("apiVersion", "# a comment\napiVersion"),
        ("        recoveryPolicy:\n          type: Restart\n          restart: Instance\n", ""),
    ],
)
def test_what_means_the_same_is_no_difference(old: str, new: str) -> None:
    found = differences(changed((old, new)))
    assert found.changes == ()
    assert found.summary().startswith("nothing changes")


@pytest.mark.parametrize(
    ("old", "new", "place", "effect"),
    [
        ("A3.6", "A3.7", "roles[role0].template.spec.containers[0].image", Effect.ROLLOUT),
        ("        replicas: 1", "        replicas: 2", "roles[role0].replicas", Effect.ROLLOUT),
        ("restart: Instance", "restart: Pod", "roles[role0].recoveryPolicy.restart", Effect.ROLLOUT),
        ("replicas: 1\n  strategy", "replicas: 3\n  strategy", "spec.replicas", Effect.SCALE),
        ("maxSurge: 20%", "maxSurge: 2", "spec.strategy.rollingUpdate.maxSurge", Effect.NEXT_ROLLOUT),
        ("30090", "30095", "spec.networkServices[0].spec.ports[0].nodePort", Effect.SERVICES),
        ("app.model: deepseek-r1", "app.model: x", "metadata.labels[app.model]", Effect.NOTHING),
    ],
)
def test_each_change_has_its_effect(old: str, new: str, place: str, effect: Effect) -> None:
    text = changed((old, new))
    assert effects(text) == {place: effect.value}
    found = differences(text)
    assert found.rollout == (effect is Effect.ROLLOUT) == (one(text).revision != one(BASE).revision)


def test_the_summary_says_how_the_rollout_goes() -> None:
    text = changed(
        ("A3.6", "A3.7"), ("replicas: 1\n  strategy", "replicas: 5\n  strategy"), ("Surge: 20%", "Surge: 9")
    )
    found = differences(text)
    assert "1 instance replaced, up to 5 spare, up to 1 unavailable" in found.summary()
    assert found.by_effect[0].effect is Effect.ROLLOUT
    assert "4 instances created; restarts nothing" in [each.words for each in found.changes]
    none = differences(changed(("A3.6", "A3.7"), ("replicas: 1\n  strategy", "replicas: 0\n  strategy")))
    assert none.summary().endswith("there are no instances to replace")


@pytest.mark.parametrize(
    ("written", "means"), [("maxSurge: 1", 1), ("maxSurge: 100%", 1), ("maxSurge: 1%", 1)]
)
def test_a_budget_that_comes_to_the_same_number_does_nothing(written: str, means: int) -> None:
    (change,) = differences(changed(("maxSurge: 20%", written))).changes
    assert change.effect is Effect.NOTHING
    assert change.words == f"does nothing: either means {means} while replicas is 1"


def test_containers_and_volumes_are_matched_by_name() -> None:
    reordered = changed(
        (
            "            - name: dshm\n              emptyDir:\n                medium: Memory\n                sizeLimit: 256Gi\n",
            "",
        ),
        (
            "            volumes:\n",
            "            volumes:\n            - name: dshm\n              emptyDir:\n                medium: Memory\n                sizeLimit: 256Gi\n",
        ),
    )
    assert effects(reordered) == {"roles[role0].template.spec.volumes": "rollout"}
    added = changed(
        (
            "            volumes:\n",
            "            volumes:\n            - name: more\n              emptyDir: {}\n",
        )
    )
    found = differences(added)
    assert [(changed_place(each, found), each.old) for each in found.changes] == [
        ("roles[role0].template.spec.volumes[0]", None)
    ]
    gone = differences(BASE, old=added)
    assert [(changed_place(each, gone), each.new) for each in gone.changes] == [
        ("roles[role0].template.spec.volumes[0]", None)
    ]


def test_what_the_server_and_kubectl_write_is_no_difference() -> None:
    fetched = changed(
        (
            "  namespace: default\n",
            "  namespace: default\n  resourceVersion: '7'\n  uid: x\n  annotations:\n"
            "    kubectl.kubernetes.io/last-applied-configuration: '{}'\n",
        )
    )
    assert differences(fetched + "status: {conditions: []}\n").changes == ()


def test_objects_are_matched_by_namespace_and_name() -> None:
    other = changed(("name: infer-broken", "name: other"), ("30090", "30099"))
    created, gone = diff([one(BASE)], [one(other)])
    assert (created.old, created.summary()) == (None, "would be created")
    assert gone.new is None
    assert "stays as it is" in gone.summary()
    both = load(BASE, other).kubeinfers
    assert [each.changes for each in diff(both, tuple(reversed(both)))] == [(), ()]
