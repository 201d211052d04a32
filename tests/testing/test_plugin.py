"""The pytest plugin, as a user's pytest runs it: in this process, or in others where they matter."""

from __future__ import annotations

import importlib.metadata
import json
import pkgutil
import re
import shutil
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from command_line import ROOT, sim
from field.user import User, asking, deployment, kubeinfer

import kubeinfer_sim

pytest_plugins = ["pytester"]

PLUGIN = "kubeinfer_sim.testing.plugin"
#: Not where the package is installed with its entry point.
GIVEN = (
    []
    if any(each.value == PLUGIN for each in importlib.metadata.entry_points(group="pytest11"))
    else ["-p", PLUGIN]
)
PROBE = {"readinessProbe": {"tcpSocket": {"port": 1}}}


@pytest.fixture(scope="module", autouse=True)
def everything_imported() -> None:
    """pytester forgets after a run which modules it imported; of some there would be two then, with two of each class."""
    ours = [each.name for each in pkgutil.walk_packages(kubeinfer_sim.__path__, "kubeinfer_sim.")]
    libraries = [
        "scipy.optimize",
        "scipy.special",
        "scipy.stats",
        "rich.console",
        "rich.progress",
        "xdist.plugin",
    ]
    for name in (*ours, *libraries):
        if not name.endswith("__main__"):
            importlib.import_module(name)


def scenario(folder: Path, name: str, objectives: object, **spec: object) -> Path:
    """A file `NAME.scenario.yaml`: two instances on nodes for three, of which one is updated after the other."""
    pods = kubeinfer({**asking(npu=8), **PROBE}, replicas=2)
    spec = {"timings": {"profile": "zero", "weights": "1m"}, **spec}
    if objectives:
        spec["objectives"] = objectives
    User(folder).plans(pods, cluster="3x8", actions=[{"at": "10s", "apply": {"newRevision": True}}], **spec)
    return (folder / "scenario.yaml").rename(folder / f"{name}.scenario.yaml")


def run(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess(*GIVEN, "-p", "no:cacheprovider", *args)


def test_a_scenario_file_is_a_test_for_what_it_comes_to_and_one_for_each_objective(
    pytester: pytest.Pytester,
) -> None:
    scenario(
        pytester.path,
        "chat",
        {"completesWithin": "1h", "minReadyInstances": 2, "availability": [{"longestOutage": "1s"}]},
    )
    done = run(pytester, "-v")
    done.assert_outcomes(passed=2, failed=2)
    done.stdout.fnmatch_lines(
        [
            "chat.scenario.yaml::outcome PASSED*",
            "chat.scenario.yaml::minReadyInstances FAILED*",
            "chat.scenario.yaml::completesWithin PASSED*",
            "chat.scenario.yaml::longestOutage?all? FAILED*",
            "missed: at least 2 ready (measured: 1)",
            "The update * 1 of 2 *",
            "why, at 10s:",
            "  At 10s 1 of 2 instances *",
            "*kubeinfer-sim run chat.scenario.yaml --seed 0",
            "*kubeinfer-sim why chat.scenario.yaml --seed 0 --at 10s",
        ]
    )
    done.stdout.no_fnmatch_line("*Traceback*")
    # What a failing test says to type shows the same.
    again = sim("why", "chat.scenario.yaml", "--seed", "0", "--at", "10s", cwd=pytester.path)
    assert again.stdout.splitlines()[0] in done.stdout.str()
    assert sim("run", "chat.scenario.yaml", "--seed", "0", cwd=pytester.path).returncode == 1


def test_what_never_finishes_says_why_at_the_end(pytester: pytest.Pytester) -> None:
    pods = deployment({**asking(npu=8), **PROBE}, replicas=2, surge=1)
    User(pytester.path).plans(
        pods,
        cluster="2x8",
        actions=[{"at": "10s", "apply": {"newRevision": True}}],
        timings={"profile": "zero"},
    )
    (pytester.path / "scenario.yaml").rename(pytester.path / "full.scenario.yaml")
    done = run(pytester, "-q")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*never*", "*waits for a place*"])


def test_a_file_that_is_wrong_is_told_with_its_line(pytester: pytest.Pytester) -> None:
    path = scenario(pytester.path, "wrong", None)
    path.write_text(path.read_text("utf-8").replace("3x8", "3y8"), "utf-8")
    done = run(pytester)
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["wrong.scenario.yaml:*: error: spec.cluster*"])
    done.stdout.no_fnmatch_line("*Traceback*")


def test_an_objective_with_a_probability_is_judged_by_many_runs(pytester: pytest.Pytester) -> None:
    drawn = {"timings": {"profile": "zero", "weights": {"uniform": {"low": "1m", "high": "3m"}}}}
    wanted = {"time": "5m", "probability": "50%"}
    scenario(pytester.path, "drawn", {"completesWithin": wanted, "noStall": True}, **drawn)
    done = run(pytester, "-v", "--kubeinfer-runs=12")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(
        [
            "*::completesWithin FAILED*",
            "*::noStall PASSED*",
            "? undecided: completes within 5m, P*of 12 runs*--kubeinfer-runs=120",
        ]
    )
    assert "kubeinfer-sim run drawn.scenario.yaml -n 12" in done.stdout.str()


def test_it_works_with_xdist_and_in_junit(pytester: pytest.Pytester) -> None:
    scenario(pytester.path, "chat", {"minReadyInstances": 2, "noStall": True})
    pods = kubeinfer({**asking(npu=8)}, replicas=1)
    deploy = pytester.mkdir("deploy")
    (deploy / "chat.yaml").write_text(json.dumps(pods), "utf-8")
    more = ["--kubeinfer-manifests", "deploy/*.yaml", "--kubeinfer-cluster", "1x8"]
    done = pytester.runpytest_subprocess(
        *GIVEN, "-p", "no:cacheprovider", "-n", "2", "--junitxml", "out.xml", *more
    )
    outcomes = done.parseoutcomes()
    assert (outcomes["passed"], outcomes["failed"]) == (4, 2), done.stdout.str()  # lint: no probes
    cases = ElementTree.parse(pytester.path / "out.xml").getroot().findall(".//testcase")
    by_name = {case.get("name"): case for case in cases}
    assert set(by_name) == {"outcome", "minReadyInstances", "noStall", "valid", "lint", "settles"}
    (failure,) = by_name["minReadyInstances"].findall("failure")
    assert "missed: at least 2 ready" in (failure.text or "")
    (command,) = by_name["noStall"].findall(".//property")
    assert (command.get("name"), command.get("value")) == (
        "command",
        "kubeinfer-sim run chat.scenario.yaml --seed 0",
    )


MANIFESTS = "--kubeinfer-manifests=deploy/**/*.yaml"


def test_manifests_are_checked_linted_and_brought_up_on_the_cluster_named(pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("deploy") / "prod"
    folder.mkdir()
    probed = deployment({**asking(npu=8), **PROBE}, replicas=3)
    (folder / "web.yaml").write_text(json.dumps(probed), "utf-8")
    broken = {**probed, "spec": {**probed["spec"], "replicas": -1}}
    (folder / "broken.yaml").write_text(json.dumps(broken), "utf-8")
    pytester.makepyfile(test_other="def test_it(): pass")
    done = run(pytester, "-v", MANIFESTS, "--kubeinfer-cluster=2x8")
    done.stdout.fnmatch_lines(
        [
            "deploy/prod/broken.yaml::valid FAILED*",
            "deploy/prod/broken.yaml::lint SKIPPED (the file is not valid)*",
            "deploy/prod/broken.yaml::settles SKIPPED*",
            "deploy/prod/web.yaml::valid PASSED*",
            "deploy/prod/web.yaml::lint PASSED*",
            "deploy/prod/web.yaml::settles FAILED*",
            "test_other.py::test_it PASSED*",
            "* broken.yaml: valid *",
            "deploy/prod/broken.yaml:1:*: error: spec.replicas*",
            "* web.yaml: settles *",
            "*chat-2 needs 1 node*",
            "*waiting for a place since 0s",
        ]
    )
    done.stdout.no_fnmatch_line("*Traceback*")
    alone = run(
        pytester,
        "-v",
        "--kubeinfer-manifests=deploy/prod/web.yaml",
        "--kubeinfer-cluster=3x8",
        "test_other.py",
    )
    alone.stdout.fnmatch_lines(["*web.yaml::settles PASSED*"])
    without = run(
        pytester, "-q", "--kubeinfer-manifests=deploy/prod/web.yaml", "test_other.py", "--collect-only"
    )
    without.stdout.no_fnmatch_line("*::settles*")


def test_holes_are_filled_and_a_pattern_that_finds_nothing_is_an_error(pytester: pytest.Pytester) -> None:
    pods = json.dumps(deployment({**asking(npu=8), **PROBE})).replace("repo/vllm:v1", "${image}")
    (pytester.mkdir("deploy") / "chat.yaml").write_text(pods, "utf-8")
    assert (
        run(pytester, MANIFESTS, "--kubeinfer-cluster=4x8", "--kubeinfer-set", "image=repo/vllm:v9").ret == 0
    )
    done = run(pytester, "--kubeinfer-manifests=missing/*.yaml")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*--kubeinfer-manifests missing/?.yaml: there is no such file"])


USES = """
import pytest
from kubeinfer_sim.testing import assert_objectives, min_ready


def test_objectives(kubeinfer):
    assert_objectives(kubeinfer.simulate("chat.scenario.yaml"))


def test_ready(kubeinfer):
    run = kubeinfer.simulate(kubeinfer.load("chat.scenario.yaml"), seed=3)
    assert min_ready(run) == 1
    assert min_ready(run) >= 2


def test_many(kubeinfer):
    assert len(kubeinfer.replicate("chat.scenario.yaml", 2).runs) == 2
    comparison = kubeinfer.compare("chat.scenario.yaml", "maxSurge=0,1", seeds=[0])
    assert [each.variant.name for each in comparison.outcomes] == ["maxSurge=0", "maxSurge=1"]


def test_own_invariant(kubeinfer):
    from kubeinfer_sim.testing.invariants import InvariantsBroken

    def nothing_happens(finished):
        return [f"{finished.run.history.total} things do"]

    with pytest.raises(InvariantsBroken, match="things do"):
        kubeinfer.simulate("chat.scenario.yaml", invariants=[nothing_happens])


def test_which(kubeinfer):
    with pytest.raises(ValueError, match="no workload web; there are: chat"):
        min_ready(kubeinfer.simulate("chat.scenario.yaml"), "web")
"""


def test_a_fixture_simulates_and_assertions_explain(pytester: pytest.Pytester) -> None:
    scenario(pytester.path, "chat", {"minReadyInstances": 2})
    pytester.makepyfile(test_uses=USES)
    done = run(pytester, "-q", "test_uses.py")
    done.assert_outcomes(passed=3, failed=2)
    done.stdout.fnmatch_lines(
        [
            "*AssertionError: missed: at least 2 ready (measured: 1)",
            "*why, at 10s:",
            "*scenario field, seed 0",
            "*assert 1 (at 10s) >= 2",
            "*1 were ready at 10s:",
            "*At 10s 1 of 2 instances *",
        ]
    )


def test_the_page_shows_what_is_so(pytester: pytest.Pytester) -> None:
    page = (ROOT / "docs" / "testing.md").read_text("utf-8")
    (scenario,) = re.findall(r"```yaml\n(.*?)```", page, re.S)
    (pytester.path / "chat.scenario.yaml").write_text(scenario, "utf-8")
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page, re.S)):
        (pytester.path / f"test_{number}.py").write_text(block, "utf-8")
    shutil.copy(ROOT / "scenarios" / "manifests" / "chat.yaml", pytester.path)
    run(pytester, "-q").assert_outcomes(passed=9)


def test_switched_off_it_leaves_no_trace(pytester: pytest.Pytester) -> None:
    scenario(pytester.path, "chat", {"minReadyInstances": 2})
    pytester.makepyfile(
        test_other="def test_it(request): assert not hasattr(request.config.option, 'kubeinfer_runs')"
    )
    # By the name it has as an entry point, and by that of its module.
    off = ["-p", f"no:{PLUGIN}", "-p", "no:kubeinfer-sim"]
    pytester.runpytest_inprocess(*off, "-p", "no:cacheprovider").assert_outcomes(passed=1)
    pytester.runpytest_inprocess(*off, "--help").stdout.no_fnmatch_line("*--kubeinfer*")
    pytester.runpytest_inprocess(*GIVEN, "--help").stdout.fnmatch_lines(["*--kubeinfer-manifests*"])


def test_unused_it_imports_nothing_of_the_simulator(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_modules="""
        import sys

        def test_it(pytestconfig):
            assert pytestconfig.pluginmanager.get_plugins()
            ours = sorted(each for each in sys.modules if each.startswith("kubeinfer_sim"))
            assert [each for each in ours if "vectors_option" not in each] == [
                "kubeinfer_sim", "kubeinfer_sim._version", "kubeinfer_sim.testing", "kubeinfer_sim.testing.plugin"
            ]
            heavy = {"pydantic", "msgspec", "simpy", "scipy", "hypothesis", "yaml", "click", "rich"}
            assert not heavy & sys.modules.keys()
        """
    )
    done = pytester.runpytest_subprocess(*GIVEN, "-p", "no:hypothesispytest", "-p", "no:cacheprovider")
    done.assert_outcomes(passed=1)


def test_it_is_an_entry_point_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"]["kubeinfer-sim"] == PLUGIN
    assert "pytest" not in sys.modules[PLUGIN.rpartition(".")[0]].__dict__


def test_the_invariant_on_the_page_says_so_where_it_is_broken(pytester: pytest.Pytester) -> None:
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    section = page[page.index("## Write an invariant") :]
    block = re.search(r"^```python\n(.*?)^```", section, re.M | re.S)
    assert block is not None
    pytester.makepyfile(block[1])
    scenario(pytester.path, "chat", {})
    text = (pytester.path / "chat.scenario.yaml").read_text(encoding="utf-8")
    killed = '"actions": [{"at": "2m", "fault": {"kind": "OutOfMemory", "instances": [0]}},'
    (pytester.path / "chat.scenario.yaml").write_text(text.replace('"actions": [', killed), encoding="utf-8")
    done = run(pytester, "-k", "memory")
    done.assert_outcomes(failed=1, deselected=1)
    done.stdout.fnmatch_lines(["*No container is killed for its memory*"])


def test_what_init_ci_writes_passes(pytester: pytest.Pytester) -> None:
    User(pytester.path).has("m.yaml", kubeinfer(asking(npu=8), replicas=2))
    assert sim("init", "ci", "m.yaml", "--nodes", "3x8", cwd=pytester.path).returncode == 0
    test = pytester.path / "kubeinfer-sim" / "test_near_m.py"
    test.write_text(
        test.read_text(encoding="utf-8").replace("max_examples=25", "max_examples=3"), encoding="utf-8"
    )
    run(pytester, "kubeinfer-sim").assert_outcomes(passed=5)
