"""What checking a long manifest costs, in function calls: times say little on a busy machine."""

from __future__ import annotations

from cProfile import Profile
from pathlib import Path

from kubeinfer_sim.manifest.lint.catalogue import lint
from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.timings.expectations import expectations

SMALL = Path(__file__).parent / "data" / "valid" / "06-mixed-single-role.yaml"


def check(text: str) -> None:
    loaded = load_manifest([SourceText("long.yaml", text)])
    lint(loaded.written, expectations())


def test_a_line_of_a_long_manifest_costs_no_more_calls() -> None:
    """With all rules and lint; the calls were counted with Python 3.11."""
    one = SMALL.read_text(encoding="utf-8")
    text = "---\n".join(
        one.replace("infer-qwen3-mix", f"infer-{i}").replace("30093", str(30100 + i)) for i in range(10)
    )
    check(text)  # what is worked out once in a process has been
    profile = Profile()
    profile.runcall(check, text)
    # The events of the C parser are counted as calls with some builds of PyYAML, and are none of ours.
    ours = [entry for entry in profile.getstats() if "yaml._yaml" not in str(entry.code)]
    assert sum(entry.callcount for entry in ours) / text.count("\n") <= 71
