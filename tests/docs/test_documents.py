"""What the documents show is what the program does."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import ROOT, sim
from docs.followed import PAGES as FOLLOWED

from kubeinfer_sim.cli.compare import command as compare
from kubeinfer_sim.cli.group import COMMANDS
from kubeinfer_sim.experiment.knobs import KNOBS

DOCS = ROOT / "docs"
#: The Chinese edition.
CHINESE = [ROOT / "README.zh.md", *sorted((DOCS / "zh").glob("*.md"))]
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if page not in CHINESE]
DOCUMENTS = [*(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")), *PAGES, *CHINESE]
#: Files of the repository, as pages name them.
FILES = re.compile(r"`((?:kubeinfer_sim|tests|docs|scenarios|\.ci)/[\w./-]*\w/?)[`:]")
BLOCK = re.compile(r"^```console\n(.*?)^```", re.M | re.S)


def examples() -> list[tuple[str, str, str]]:
    """(document, command, output) of every console block: lines after `$ ` and what follows them."""
    found = []
    for document in DOCUMENTS:
        if document in FOLLOWED or document.parent.name == "zh":
            continue  # each of their commands needs those before it: test_followed.py
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


def test_what_the_page_of_costs_shows_of_an_estimate_is_printed_but_for_the_figures() -> None:
    page = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    ((command, output),) = re.findall(r"^```text\n\$ ([^\n]*)\n(.*?)^```", page, re.M | re.S)
    done = sim(*shlex.split(command)[1:])
    assert done.returncode == 0
    shown, printed = (re.sub(r"\d[\w.,]*(?: s\b)?", "N", each) for each in (output, done.stdout))
    assert printed == shown


def test_the_readme_has_exactly_two_set_up_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^python3 -m venv .*$", text, re.M)) == 2


def anchors(document: Path) -> set[str]:
    """What headings of a page can be linked to as, by the rule of the forges that show it."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere() -> None:
    lost = []
    for document in DOCUMENTS:
        for target, anchor in re.findall(
            r"\]\(([^)#:]*)(?:#([^)]*))?\)", document.read_text(encoding="utf-8")
        ):
            there = document.parent / target if target else document
            if not there.exists() or (anchor and anchor not in anchors(there)):
                lost.append(f"{document.name}: {target}#{anchor}")
    assert not lost


def test_every_file_a_page_names_exists() -> None:
    assert not [
        f"{document.name}: {name}"
        for document in DOCUMENTS
        for name in FILES.findall(document.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    ]


def linked(document: Path, items: str) -> set[Path]:
    """The files of the repository that lines which begin so link to."""
    lines = [line for line in document.read_text(encoding="utf-8").splitlines() if line.startswith(items)]
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", "\n".join(lines))
    return {(document.parent / each).resolve() for each in links}


def test_the_index_lists_every_page() -> None:
    index = DOCS / "index.md"
    pages = {page for page in PAGES if page not in (index, DOCS / "tutorial.md")}
    assert linked(index, "* ") >= pages | {ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"}
    assert {*(ROOT / "notebooks").glob("*.ipynb")} <= linked(index, "* ")
    assert {DOCS / "tutorial.md", *CHINESE} <= linked(index, "")


def questions(document: Path) -> list[tuple[str, str]]:
    """The table from question to command of a document."""
    text = document.read_text(encoding="utf-8")
    table = text[text.index("| question | command |") :].partition("\n\n")[0]
    return re.findall(r"^\| (.+?) \| `([^`]+)` \|", table, re.M)


def test_the_index_asks_what_the_readme_asks() -> None:
    assert questions(DOCS / "index.md") == questions(ROOT / "README.md")


def test_the_readme_has_a_question_for_every_command() -> None:
    asked = [command.split()[0] for _, command in questions(ROOT / "README.md")]
    assert sorted(asked) == sorted(COMMANDS)


def test_every_knob_is_in_the_help_and_on_its_page() -> None:
    text = (ROOT / "docs" / "recovery.md").read_text(encoding="utf-8")
    table = text[text.index("| knob | values |") :]
    (help_of_vary,) = (option.help for option in compare.params if option.name == "vary")
    for knob in KNOBS:
        assert re.search(rf"\b{knob}(\.\w+)?=", table), knob  # of a probe with its field
        assert knob in help_of_vary, knob


def test_every_module_the_architecture_names_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    package = ROOT / "kubeinfer_sim"
    named = {
        each
        for each in re.findall(r"`([a-z_]+/[\w/]*(?:\.py)?)`", text)
        if not each.startswith(("kubeinfer_sim/", "tests/"))
    }
    assert len(named) > 60
    assert not [each for each in named if not (package / each).exists()]
    #: What a section about one folder names without it.
    alone = set(re.findall(r"`([a-z_]+\.py)`", text))
    there = {path.name for path in package.rglob("*.py")}
    assert not alone - there


def test_every_room_has_a_row_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    package = ROOT / "kubeinfer_sim"
    rooms = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    assert rooms == set(re.findall(r"^\| `([a-z]+/)` \|", text, re.M))


def test_no_decision_has_the_number_of_another() -> None:
    numbers = re.findall(r"^\| D(\d+) \|", (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8"), re.M)
    assert sorted(map(int, numbers)) == list(range(1, len(numbers) + 1))


BENCHMARKS = ROOT / "tests" / "benchmarks"


def test_the_one_command_for_all_benchmarks_writes_each_table_of_their_page() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    names = runpy.run_path(str(BENCHMARKS / "all.py"))["NAMES"]
    assert set(re.findall(r"^<!-- (\w+) -->$", page, re.M)) == set(names)
    assert [name for name in names if not (BENCHMARKS / f"{name}.py").is_file()] == []


def test_a_rollout_by_hand_with_an_event_for_each_check_comes_to_the_same_end(tmp_path: Path) -> None:
    rows = tmp_path / "rows.json"
    words = [sys.executable, str(BENCHMARKS / "ticks.py"), "--json", str(rows), "10"]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    by_hand = json.loads(rows.read_text(encoding="utf-8"))["ticks"]
    assert {row["done at, s"] for row in by_hand} == {"2,732"}
    assert [row["events"] for row in by_hand] == ["205", "38,508"]
