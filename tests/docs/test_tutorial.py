"""Python as the README shows it, and the Chinese edition beside the English one."""

from __future__ import annotations

import re
from pathlib import Path

from command_line import ROOT, python

TUTORIAL = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(?:console|sh|python)\n(.*?)^```", re.M | re.S)


def blocks(page: Path) -> list[str]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


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


def test_the_chinese_readme_compares_the_same_tools_with_the_same_sources() -> None:
    def sources(text: str) -> list[str]:
        return sorted(set(re.findall(r"\]\((https?://[^)]+)\)", text)))

    chinese, english = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.zh.md", "README.md"))
    assert sources(chinese) == sources(english)
