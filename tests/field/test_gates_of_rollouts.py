"""`rollout` as a gate without a scenario file: what must hold as options, and what was simulated as a file to go on from."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, both, kubeinfer

NPUS = asking(npu=8)
LINE = ("rollout", "old.yaml", "--nodes", "4x8")


@both
def test_what_must_hold_is_said_on_the_command_line_and_decides_the_exit_code(
    user: User, workload: Callable[..., Raw]
) -> None:
    user.has("old.yaml", workload(NPUS, replicas=3, surge=1))
    held = user.types(*LINE, "--min-ready", "3", "--within", "3h", "--completes", "-o", "junit")
    assert held.returncode == 0, held.stderr
    assert "<failure" not in held.stdout
    assert all(each in held.stdout for each in ("at least 3 ready", "completes within 3h", "completes"))
    missed = user.types(*LINE, "--min-ready", "100%", "--within", "1m")
    assert missed.returncode == 1
    assert "✔ held    at least 3 ready" in missed.stdout
    assert "✘ missed  completes within 1m" in missed.stdout
    of_the_time = ("--availability", "3=99%", "--availability", "100%", "--horizon", "3h")
    done = user.types(*LINE, *of_the_time)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("✔ held") == 2


def test_a_probability_is_judged_by_as_many_runs_as_decide_it(user: User) -> None:
    user.has("old.yaml", kubeinfer(NPUS, replicas=1, surge=1))
    gates = ("--min-ready", "1", "--within", "1m", "--probability", "40%", "--workers", "1")
    done = user.types(*LINE, *gates)
    assert done.returncode == 1, done.stderr
    assert "then it was decided" in done.stdout
    assert "completes within 1m, P ≥ 40 %" in done.stdout
    again = next(line for line in done.stdout.splitlines() if "kubeinfer-sim rollout" in line)
    assert "--probability" not in again  # one run is judged as without
    few = user.types(*LINE, *gates, "-n", "2")
    assert (few.returncode, "2 runs" in few.stdout) == (4, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--min-ready", "5"), "--min-ready 5: error: cannot hold: 5 are asked for, and spec.replicas is 3"),
        (("--min-ready", "many"), "--min-ready many: error: expected a whole number or a percentage"),
        (("--within", "45"), "--within 45: error: '45' has no unit"),
        (("--completes", "--probability", "100%"), "--probability 100%: error: expected a probability"),
        (("--availability", "9=99%", "--horizon", "1h"), "--availability 9=99%: error: ready: cannot hold"),
        (("--availability", "99.9%"), "--availability 99.9%: error: atLeast: needs a horizon"),
        (("--probability", "99%"), "--probability is that of what must hold: add --min-ready, --within"),
    ],
)
def test_what_could_never_hold_is_told_of_the_option(user: User, options: tuple[str, ...], said: str) -> None:
    user.has("old.yaml", kubeinfer(NPUS, replicas=3, surge=1))
    done = user.types(*LINE, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.told


def _without_places(value: Any) -> Any:
    """All but where things stand, which is another file."""
    if isinstance(value, dict):
        places = ("label", "file", "line")
        return {key: _without_places(each) for key, each in value.items() if key not in places}
    return [_without_places(each) for each in value] if isinstance(value, list) else value


@both
def test_what_was_simulated_goes_on_as_a_file_with_the_same_result(
    user: User, workload: Callable[..., Raw]
) -> None:
    user.has("old.yaml", workload(NPUS, replicas=3))
    user.has("new.yaml", workload({**NPUS, "image": "repo/vllm:v2"}, replicas=3))
    line = ("rollout", "old.yaml", "new.yaml", "--nodes", "4x8", "--timings", "range", "--seed", "7")
    written = ("--min-ready", "2", "--write-scenario", "s.yaml")
    done = user.types(*line, *written, "-o", "json")
    assert done.returncode == 0, done.stderr
    assert "what is simulated is in s.yaml" in done.told
    (user.folder / "old.yaml").unlink()
    (user.folder / "new.yaml").unlink()
    ran = user.types("run", "s.yaml", "-o", "json")
    assert _without_places(json.loads(ran.stdout)) == _without_places(json.loads(done.stdout))
    for command in (
        ("why", "s.yaml", "--at", "10m"),
        ("pods", "s.yaml"),
        ("compare", "s.yaml", "--vary", "maxSurge=0,1", "-n", "1"),
    ):
        more = user.types(*command)
        assert more.returncode in (0, 1), more.stderr


def test_a_scenario_of_somebodys_own_is_not_written_over_and_an_earlier_one_is(user: User) -> None:
    user.has("old.yaml", kubeinfer(NPUS, replicas=1, surge=1))
    own = "# mine\napiVersion: kubeinfer-sim/v1\nkind: Scenario\n"
    (user.folder / "s.yaml").write_text(own, encoding="utf-8")
    done = user.types(*LINE, "-q", "--write-scenario", "s.yaml")
    assert done.returncode == 2
    assert (user.folder / "s.yaml").read_text(encoding="utf-8") == own
    for seed in ("1", "2"):
        assert user.types(*LINE, "-q", "--seed", seed, "--write-scenario", "t.yaml").returncode == 0
    assert "seed: 2\n" in (user.folder / "t.yaml").read_text(encoding="utf-8")
    assert "name a file" in user.types(*LINE, "--write-scenario", "-").told
    printed = user.types(*LINE, "-q", "--seed", "2", "--write-scenario", "-").stdout
    assert printed == (user.folder / "t.yaml").read_text(encoding="utf-8")
