"""What the documents show is what the program does."""

from __future__ import annotations

import re
import shlex

import pytest
from command_line import ROOT, sim

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```console\n(.*?)^```", re.M | re.S)


def examples() -> list[tuple[str, str, str]]:
    """(document, command, output) of every console block: lines after `$ ` and what follows them."""
    found = []
    for document in DOCUMENTS:
        for block in BLOCK.findall(document.read_text(encoding="utf-8")):
            for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
                command, _, output = part.partition("\n")
                found.append((document.name, command, output))
    return found


@pytest.mark.parametrize(("document", "command", "output"), examples())
def test_the_output_shown_is_the_output_printed(document: str, command: str, output: str) -> None:
    words = shlex.split(command)
    assert words[0] == "kubeinfer-sim"
    done = sim(*words[1:])
    printed = done.stdout + (done.stderr if done.returncode == 2 else "")
    shown = output.rstrip("\n").split("\n")
    # `...` at the end: the document leaves out the rest.
    if shown[-1].strip() == "...":
        assert printed.split("\n")[: len(shown) - 1] == shown[:-1]
    else:
        assert printed.rstrip("\n") == "\n".join(shown)


def test_the_readme_has_exactly_two_set_up_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^python3 -m venv .*$", text, re.M)) == 2


def test_every_link_to_a_file_leads_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
