"""The tutorial, followed from its first command to its last; Python as the README shows it; their Chinese edition beside them."""

from __future__ import annotations

import re
import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path

from command_line import ROOT, python, sim

TUTORIAL = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(?:console|sh|python)\n(.*?)^```", re.M | re.S)


def blocks(page: Path) -> list[str]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def test_each_command_prints_what_the_tutorial_shows_with_what_those_before_it_wrote(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs" / "examples", tmp_path / "docs" / "examples")
    played = [block.partition("\n") for block in blocks(TUTORIAL) if block.startswith("$ ")]
    assert len(played) == 6
    for command, _, shown in played:
        words = shlex.split(command)[2:]
        wants_plotly = "--html" in words
        if wants_plotly and not find_spec("plotly"):
            words = [word for word in words if word not in ("--html", "report.html")]
        printed = sim(*words, cwd=tmp_path).stdout
        begins = shown.removesuffix("...\n")
        assert printed.startswith(begins) if begins != shown else printed.rstrip("\n") == shown.rstrip("\n")
        if wants_plotly and find_spec("plotly"):
            assert (tmp_path / "report.html").is_file()
    assert (tmp_path / "comment.md").is_file()


def test_the_ten_lines_of_the_readme_run() -> None:
    (code,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S
    )
    done = python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "The update completes in 1h6m; at least 3 of 4 instances stay ready.",
        "held",
        "{'nodes': '16'}",
    ]


def commands(page: Path) -> list[str]:
    """What a page says to type, in blocks and in the last column of its tables; comments are in its own language."""
    text = page.read_text(encoding="utf-8")
    typed = re.findall(r"^```(?:sh|python)\n(.*?)^```", text, re.M | re.S)
    lines = [re.sub(r"\s+#.*", "", line) for block in typed for line in block.splitlines()]
    return lines + re.findall(r"\| `([^`]+)` \|$", text, re.M)


def test_the_chinese_tutorial_shows_the_same_commands_and_outputs() -> None:
    assert blocks(ROOT / "docs" / "zh" / "tutorial.md") == blocks(TUTORIAL)


def test_the_chinese_readme_says_to_type_the_same() -> None:
    assert commands(ROOT / "README.zh.md") == commands(ROOT / "README.md")
