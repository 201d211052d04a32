"""The reader of recorded runs: what a case becomes in the words of a scenario."""

from __future__ import annotations

from typing import Any

from e2e.recorded import Case
from e2e.scenarios import Written, write


def container(
    name: str = "main", command: str = "sim", image: str = "sim/here:v1", **fields: Any
) -> dict[str, Any]:
    return {"name": name, "image": image, "command": command.split(), **fields}


def deployment(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": list(containers), **spec}}
    return {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 2, "template": template}}


def probe(command: str, **fields: int) -> dict[str, Any]:
    return {"exec": {"command": command.split()}, **fields}


def case_of(*steps: list[Any], nodes: Any = "shared", answers: tuple[str, ...] = ()) -> Case:
    run = [[0, "step", each] for each in answers] or [[0, "step", f"{step[1]} [] -> 200"] for step in steps]
    return {
        "id": "x",
        "what": "",
        "nodes": nodes,
        "steps": list(steps),
        "end_s": 60,
        "runs": {"r1": run, "r2": run},
    }


def actions(written: Written) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = written.scenario["spec"]["actions"]
    return found


def test_the_load_and_the_end_of_a_process_are_timings_of_its_role() -> None:
    main = container(command="sim --term=4s", readinessProbe=probe("probe --ready-after=5s"))
    written = write(case_of([0, "create", deployment(main)]))
    assert written.scenario["spec"]["timings"]["roles"] == {"web": {"frameworkImport": "5s", "exit": "4s"}}
    assert not written.needs
    assert not written.unknown


def test_a_revision_that_behaves_otherwise_gets_an_image_of_its_own() -> None:
    steps = (
        [0, "create", deployment(container())],
        [20, "command", "web", ["sim", "--term=9s"]],
    )
    written = write(case_of(*steps))
    patch = actions(written)[0]["patch"]
    assert patch["spec"]["template"]["spec"]["containers"][0]["image"] == "sim/here:v1-2"
    assert written.scenario["spec"]["timings"]["images"] == {
        "sim/here:v1-2": {"frameworkImport": "0s", "exit": "9s"}
    }
    assert written.needs == ["field timings.images"]


def test_a_process_that_ends_by_itself_crashes_in_every_run_that_begins_from_then_on() -> None:
    steps = [0, "create", deployment(container(command="sim --exit-after=2s --exit-code=3 --exit-times=2"))]
    crash = {"container": "main", "after": "2s", "exitCode": 3, "times": 2}
    assert actions(write(case_of(steps))) == [{"at": "0s", "object": "Deployment/web", "crash": crash}]


def test_a_check_that_is_wrong_in_the_first_run_alone_is_wrong_until_it_has_killed() -> None:
    liveness = probe("probe --fail-from=20s --only-attempt=0", periodSeconds=5, failureThreshold=3)
    written = write(case_of([0, "create", deployment(container(livenessProbe=liveness))]))
    health = {"probes": ["liveness"], "container": "main", "lasts": "15.5s"}
    assert actions(written) == [{"at": "20.355s", "object": "Deployment/web", "health": health}]


def test_what_the_api_server_refused_leaves_the_object_as_it_was() -> None:
    steps = (
        [0, "create", deployment(container())],
        [5, "patch", "Deployment", "web", {"spec": {"replicas": -1}}],
        [9, "image", "web", "sim/here:v2"],
    )
    written = write(case_of(*steps, answers=("create -> 201", "patch -> 422 invalid", "image -> 200")))
    refused, changed = actions(written)
    assert refused["patch"] == {"spec": {"replicas": -1}}
    assert list(changed["patch"]["spec"]) == ["template"]


def test_a_kubelet_that_comes_back_was_restarted_and_one_that_does_not_is_down() -> None:
    nodes = [{"role": "a"}, {"role": "b"}]
    steps = (
        [0, "create", deployment(container())],
        [20, "kill", "a", "keep"],
        [23, "start", "a"],
        [30, "kill", "b"],
        [40, "kill", "a", "die"],
        [50, "start", "a", True, 12],
    )
    written = write(case_of(*steps, nodes=nodes))
    assert actions(written) == [
        {"at": "20s", "kubeletRestart": {"nodes": ["a-0"], "takes": "3s"}},
        {"at": "30s", "nodeDown": {"nodes": ["b-0"], "mode": "silent"}},
        {"at": "40s", "reboot": {"nodes": ["a-0"], "takes": "10s", "devicePluginAfter": "12s"}},
    ]
    assert written.needs == ["field reboot.devicePluginAfter"]


def test_a_device_is_unhealthy_until_it_is_healthy_again() -> None:
    nodes = [{"role": "a", "devices": 8}]
    steps = (
        [0, "create", deployment(container())],
        [20, "health", "a", [3], False],
        [60, "health", "a", [3], True],
    )
    fault = {"kind": "NpuFault", "node": "a-0", "npu": 3, "symptom": "none", "clearsAfter": "40s"}
    assert actions(write(case_of(*steps, nodes=nodes))) == [{"at": "20s", "fault": fault}]


def test_a_verb_or_a_word_nobody_knows_is_said() -> None:
    written = write(
        case_of([0, "create", deployment(container(command="sim --dance"))], [5, "juggle", "web"])
    )
    assert written.unknown == ["--dance", "step juggle"]
