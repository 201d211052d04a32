"""What all commands read alike: one value where one is meant, files with -f, forms of output, colour."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from command_line import process, sim

S = "scenarios/down-first.yaml"
STALLED = "scenarios/full-cluster-stall.yaml"
OLD, NEW = "docs/examples/qwen3.yaml", "docs/examples/qwen3-next.yaml"


@pytest.mark.parametrize(
    "line",
    [
        f"run {S} --seed 1 --seed 2",
        f"run {S} --horizon 1h --horizon 2h",
        f"run {S} --cluster 3x8 --cluster 4x8",
        f"run {S} --json - --json -",
        f"run {S} -o json -o text",
        f"rollout {OLD} {NEW} --nodes 8x8 --nodes 15x8",
        f"rollout {OLD} {NEW} --nodes 15x8 --timings range --timings typical",
        f"rollout {OLD} {NEW} --nodes 15x8 --name a --name b",
        f"why {S} --at 1m --at 2m",
        f"why {S} --at 1m --instance 1 --instance 2",
        f"pods {S} --at 1m --at 2m",
        f"compare {S} --recovery Instance --recovery Pod",
        f"compare {S} --assume startupCrash=rebuild --assume startupCrash=kubelet",
        f"compare {S} --vary maxSurge=0,1 --seeds 2 --seeds 3",
        f"validate {OLD} --nodes 8x8 --cluster 9x8",
        f"validate {OLD} --format json -o json",
        "calibrate pods.json --output a --output b",
    ],
)
def test_an_option_given_twice_is_an_error_where_it_takes_one_value(line: str) -> None:
    done = sim(*line.split())
    assert done.returncode == 2
    assert " is there twice: " in done.stderr


@pytest.mark.parametrize(
    "line",
    [
        f"diff -f {OLD} -f {NEW}",
        f"diff {OLD} -f {NEW}",
        f"diff -f {OLD} {NEW}",
        f"diff --filename={OLD} --filename {NEW}",
        f"diff -f{OLD} {NEW}",
    ],
)
def test_a_file_may_have_a_flag_and_keeps_its_place(line: str) -> None:
    assert sim(*line.split()).stdout == sim("diff", OLD, NEW).stdout


def test_with_a_flag_the_scenario_comes_before_the_names_of_pods() -> None:
    pods = sim("pods", S, "--at", "1m", "chat-0-serve-0").stdout
    assert "CONTAINER" in pods
    assert sim("pods", "chat-0-serve-0", "--at", "1m", "-f", S).stdout == pods


def test_a_flag_without_a_file_is_said() -> None:
    done = sim("run", "-f")
    assert done.returncode == 2
    assert "'-f' requires an argument" in done.stderr


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (f"run {S}", "Result"),
        (f"rollout {OLD} {NEW} --nodes 60x8", "Result"),
        (f"compare {S} --vary maxSurge=0,1", "Comparison"),
        (f"why {S} --at 20m", "Why"),
        (f"pods {S} --at 20m", "Pods"),
        (f"validate {OLD}", "Findings"),
        (f"diff {OLD} {NEW}", "Diff"),
    ],
)
def test_the_form_of_standard_output_is_chosen_the_same_way_everywhere(line: str, kind: str) -> None:
    done = sim(*line.split(), "-o", "json")
    assert json.loads(done.stdout)["kind"] == kind
    assert sim(*line.split(), "--json", "-").stdout == done.stdout
    assert sim(*line.split(), "--format", "json").stdout == done.stdout


def test_two_things_for_one_output_are_refused() -> None:
    done = sim("run", S, "-o", "markdown", "--json", "-")
    assert done.returncode == 2
    assert "both go to standard output" in done.stderr


def test_a_file_is_written_beside_any_form(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    done = sim("run", S, "-o", "markdown", "--json", str(target))
    assert done.stdout.startswith("**✔ ")
    assert target.read_text(encoding="utf-8") == sim("run", S, "-o", "json").stdout


def test_a_comment_is_written_beside_any_form_and_known_as_ours_again(tmp_path: Path) -> None:
    target = tmp_path / "comment.md"
    for line in (
        f"run {S}",
        f"run {S} -n 2 --workers 1",
        f"compare {S} --vary maxSurge=0,1",
        f"diff {OLD} {NEW}",
    ):
        printed = sim(*line.split(), "-o", "markdown").stdout
        done = sim(*line.split(), "--markdown", str(target))
        assert target.read_text(encoding="utf-8") == printed  # the earlier one was ours
        assert done.stdout == sim(*line.split()).stdout
        assert printed == sim(*line.split(), "--markdown", "-").stdout
    target.write_text("# Notes\n", encoding="utf-8")
    refused = sim("run", S, "--markdown", str(target))
    assert (refused.returncode, target.read_text(encoding="utf-8")) == (2, "# Notes\n")
    assert "`-o markdown`" in refused.told
    one_file = sim("run", S, "--markdown", "a", "--json", "a")
    assert "--json and --markdown are both a: give each its own file" in one_file.told


def test_quiet_leaves_out_the_report_and_not_what_is_asked_for() -> None:
    assert sim("run", S, "-q", "-o", "junit").stdout.startswith("<?xml")
    assert sim("run", S, "-q", "-o", "text").stdout == ""


def test_a_run_is_a_test_suite_of_its_outcome_and_its_objectives() -> None:
    done = sim("run", STALLED, "-o", "junit")
    suite = ElementTree.fromstring(done.stdout).find("testsuite")
    assert suite is not None
    cases = {case.get("name"): case.find("failure") for case in suite}
    assert list(cases) == ["outcome", "at least 1 ready", "completes"]
    assert [name for name, failure in cases.items() if failure is not None] == ["outcome", "completes"]
    assert (suite.get("tests"), suite.get("failures"), done.returncode) == ("3", "2", 1)
    held = sim("run", S, "-o", "junit")
    assert ElementTree.fromstring(held.stdout).get("failures") == "0"
    assert held.returncode == 0


def test_a_run_annotates_what_does_not_hold() -> None:
    lines = sim("run", STALLED, "-o", "github").stdout.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::notice", "::error"]
    assert all(f"file={STALLED}," in line for line in lines)
    assert {line.split(" ")[0] for line in sim("run", S, "-o", "github").stdout.splitlines()} == {"::notice"}


def test_markdown_is_short_and_nothing_in_a_name_acts() -> None:
    text = sim("run", STALLED, "-o", "markdown").stdout
    assert text.startswith("**✘ The update never finishes: infer-2p1d-1 needs 8 nodes")
    assert "| ✘ missed | completes (measured: it does not) |" in text
    assert len(text.splitlines()) <= 30
    for line in (f"compare {S} --vary maxSurge=0,1", f"diff {OLD} {NEW}"):
        other = sim(*line.split(), "-o", "markdown").stdout
        assert 3 < len(other.splitlines()) <= 30


def test_markdown_of_a_large_change_stays_short(tmp_path: Path) -> None:
    text = Path(OLD).read_text(encoding="utf-8")
    changed = text.replace("  labels:", "  labels:" + "".join(f"\n    a{i}: b" for i in range(60)), 1)
    assert changed != text
    (tmp_path / "new.yaml").write_text(changed, encoding="utf-8")
    done = sim("diff", OLD, str(tmp_path / "new.yaml"), "-o", "markdown")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) <= 30
    assert "more changes" in done.stdout


def test_a_difference_is_an_exit_code_only_when_asked_for() -> None:
    assert sim("diff", OLD, NEW).returncode == 0
    assert sim("diff", OLD, NEW, "--exit-code").returncode == 1
    assert sim("diff", OLD, OLD, "--exit-code").returncode == 0


def test_an_object_that_is_only_in_one_file_is_a_difference(tmp_path: Path) -> None:
    both = Path(OLD).read_text(encoding="utf-8")
    both += "---\n" + both.replace("name: infer-qwen3-mix", "name: other", 1).replace("30093", "30094")
    (tmp_path / "both.yaml").write_text(both, encoding="utf-8")
    assert sim("diff", OLD, str(tmp_path / "both.yaml"), "--exit-code").returncode == 1
    assert sim("diff", str(tmp_path / "both.yaml"), OLD, "--exit-code").returncode == 1


def test_colour_is_forced_and_refused() -> None:
    plain = sim("run", S).stdout
    assert "\x1b[" in sim("run", S, FORCE_COLOR="1").stdout
    assert sim("run", S, FORCE_COLOR="0").stdout == plain
    assert sim("run", S, FORCE_COLOR="1", NO_COLOR="1").stdout == plain
    assert sim("run", S, "--no-color", FORCE_COLOR="1").stdout == plain
    assert "\x1b[" in sim("compare", S, "--vary", "maxSurge=0,1", FORCE_COLOR="1").stdout


def test_errors_are_coloured_by_the_same_rule() -> None:
    assert "\x1b[" in sim("validate", "no-such-file.yaml", FORCE_COLOR="1").stdout
    assert "\x1b[" in sim("run", "no-such-file.yaml", FORCE_COLOR="1").stderr
    assert "\x1b[" not in sim("run", "no-such-file.yaml", "--no-color", FORCE_COLOR="1").stderr


def test_verbose_tells_on_standard_error_how_long_each_step_takes() -> None:
    plain, told = sim("run", S), sim("run", S, "-v")
    assert told.stdout == plain.stdout
    assert "judged in" in told.stderr
    assert "judged in" not in plain.stderr


def test_verbose_tells_what_is_read_and_each_step_also_without_a_report() -> None:
    told = sim("-v", "run", "-f", S, "-q").stderr.splitlines()
    read = [each for each in told if each.startswith("read ") and each.endswith(" bytes")]
    assert any(each.startswith(f"read {S}, ") for each in read)
    assert any("manifests/chat.yaml, " in each for each in read)
    steps = [each.partition(" in ")[0] for each in told if each not in read]
    assert steps[:-1] == ["read and checked", "simulated", "judged", "reported"]
    assert told[-1].startswith("run took ")
    again = sim("-v", "run", "-f", S, "-q").stderr.splitlines()
    assert [each for each in again if each.endswith(" bytes")] == read


def test_the_version_has_all_its_usual_flags() -> None:
    texts = {sim(flag).stdout for flag in ("-v", "-V", "--version")}
    assert len(texts) == 1
    assert "kubeinfer-sim, version" in texts.pop()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"run {OLD} {NEW}", f"kubeinfer-sim rollout {OLD} {NEW} --nodes 8x8"),
        (f"run {S} {STALLED}", "run takes one scenario"),
        (f"rollout {OLD} {NEW} {OLD}", "from one manifest, OLD, to another, NEW"),
        (f"diff {OLD} {NEW} {OLD}", "diff compares two manifests"),
    ],
)
def test_too_many_files_are_told_what_was_meant(line: str, says: str) -> None:
    done = sim(*line.split())
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())


def test_several_knobs_are_a_grid_and_one_that_is_there_twice_is_no_silence() -> None:
    done = sim("compare", S, "--vary", "maxSurge=1,2", "--vary", "spareNodes=0,3", "-o", "json")
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["variants"]) == 4
    done = sim("compare", S, "--vary", "maxSurge=1,2", "--vary", "maxSurge=1,2")
    assert done.returncode == 2
    assert "error: maxSurge is there twice" in done.stderr


def test_the_new_version_alone_gets_the_values_of_set_new() -> None:
    values = ["--set", "replicas=2", "--set", "max_surge=1", "--set", "max_unavailable=0"]
    line = ["rollout", "scenarios/manifests/chat.yaml", "--nodes", "3x8", *values]
    both = sim(*line, "--set", "image=r/a:2", "-o", "json")
    new = sim(*line, "--set", "image=r/a:1", "--set-new", "image=r/a:2", "-o", "json")
    assert both.returncode == new.returncode == 0
    lengths = [json.loads(done.stdout)["changes"][-1]["durationMs"] for done in (both, new)]
    assert lengths[1] > lengths[0] + 200_000  # the new image is nowhere yet
    done = sim(*line, "--set", "image=r/a:1", "--set-new", "imaeg=r/a:2")
    assert done.returncode == 2
    assert "--set-new imaeg" in done.stderr
    manifest = line[1]
    done = sim("diff", manifest, manifest, *values, "--set", "image=r/a:1", "--set-new", "image=r/a:2")
    assert done.returncode == 0
    assert "r/a:1" in done.stdout
    assert "r/a:2" in done.stdout


def test_values_reach_completion_as_well_as_options() -> None:
    def completed(*words: str) -> list[str]:
        text = process(
            _KUBEINFER_SIM_COMPLETE="zsh_complete",
            COMP_WORDS=" ".join(("kubeinfer-sim", *words)),
            COMP_CWORD=str(len(words)),
        ).stdout
        return text.splitlines()[1::3]

    assert "KI007" in completed("explain", "KI")
    assert "KI007" in completed("validate", "--disable", "KI00")
    assert "startupCrash=" in completed("compare", "--assume", "startup")
    assert completed("compare", "--assume", "startupCrash=r") == ["startupCrash=rebuild"]
    assert completed("compare", "--assume", "startupCrash=rebuild,k") == ["startupCrash=rebuild,kubelet"]
    assert completed("run", "-o", "j") == ["json", "junit"]


def test_bash_gets_the_part_behind_the_equals_sign() -> None:
    words = "kubeinfer-sim compare --assume startupCrash = reb"
    done = process(_KUBEINFER_SIM_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD="5")
    assert done.stdout == "plain,rebuild\n"
    files = process(
        _KUBEINFER_SIM_COMPLETE="bash_complete", COMP_WORDS="kubeinfer-sim run sc", COMP_CWORD="2"
    )
    assert files.stdout.startswith("file,")


@pytest.mark.parametrize("number", ["abc", "1.5", "1e3", "1,000"])
@pytest.mark.parametrize("option", ["--seed", "-n", "--workers"])
def test_a_number_that_is_none_is_called_a_whole_number(option: str, number: str) -> None:
    done = sim("run", S, option, number)
    assert done.returncode == 2
    assert f"{number!r} is not a valid whole number." in " ".join(done.stderr.split())


def test_a_rule_is_switched_off_by_its_code_however_it_is_written() -> None:
    told = [sim("validate", OLD, "--disable", code).stdout for code in ("KI007", "ki7", "7,KI007")]
    assert told[0] == told[1] == told[2] != sim("validate", OLD).stdout
