"""Pages whose commands are typed one after the other, in a folder with the examples and the scenarios.

`PYTHONPATH=tests python -m docs.followed [PAGE…]` puts what the commands print into the pages; where a page shows the beginning alone and then
`...`, so many lines of it.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from command_line import ROOT, sim

PAGES = [
    ROOT / "docs" / "tutorial.md",
    ROOT / "docs" / "statistics.md",
    *sorted((ROOT / "docs" / "how-to").glob("*.md")),
]
BLOCK = re.compile(r"^```(console|yaml)\n(.*?)^```", re.M | re.S)
_NAMED = re.compile(r"# ([\w.-]+\.yaml)\n")


def follow(page: Path, folder: Path) -> str:
    """The page with what its commands print, typed in this folder from the first to the last.

    Besides commands of ours a block may `cat` a file that they wrote and ask for `$?`; a block of YAML that begins with the
    name of a file is saved as it.
    """
    for each in ("docs/examples", "scenarios"):
        shutil.copytree(ROOT / each, folder / each, dirs_exist_ok=True)
    code = 0

    def typed(command: str) -> str:
        nonlocal code
        words = shlex.split(command)
        if words == ["echo", "$?"]:
            return f"{code}\n"
        if words[0] == "cat":
            return (folder / words[1]).read_text(encoding="utf-8")
        assert words[0] == "kubeinfer-sim", command
        if "--html" in words and not find_spec("plotly"):
            at = words.index("--html")
            del words[at : at + 2]
        done = sim(*words[1:], cwd=folder)
        code = done.returncode
        return done.stdout + (done.stderr if code == 2 else "")

    def played(block: re.Match[str]) -> str:
        kind, text = block.groups()
        if kind == "yaml":
            if name := _NAMED.match(text):
                (folder / name[1]).write_text(text, encoding="utf-8")
            return block[0]
        lines = []
        for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
            command, _, shown = part.partition("\n")
            lines += [f"$ {command}", *_as_much_as(shown, typed(command))]
        return "```console\n" + "\n".join(lines) + "\n```"

    return BLOCK.sub(played, page.read_text(encoding="utf-8"))


def _as_much_as(shown: str, printed: str) -> list[str]:
    """The lines printed; where `...` ends what is shown, so many of them as stand before it."""
    lines, before = printed.rstrip("\n").split("\n"), shown.rstrip("\n").split("\n")
    return (
        [*lines[: len(before) - 1], "..."] if before[-1].strip() == "..." else lines if lines != [""] else []
    )


if __name__ == "__main__":
    for each in map(Path.resolve, map(Path, sys.argv[1:])) if sys.argv[1:] else PAGES:
        with tempfile.TemporaryDirectory() as scratch:
            each.write_text(follow(each, Path(scratch)), encoding="utf-8")
