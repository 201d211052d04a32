"""The names the package and its rooms hand on: no more and no fewer than they say."""

from __future__ import annotations

import ast
import importlib
import re
import runpy
import tomllib
from pathlib import Path

import pytest
from command_line import ROOT, python
from source_code import imported_names, modules

import kubeinfer_sim

PAGE = ROOT / "docs" / "python.md"


def top_level_names(module: str) -> set[str]:
    """What a module defines itself, without what begins with an underscore."""
    names: set[str] = set()
    for node in modules()[module].body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return {name for name in names if not name.startswith("_")}


def promised(module: str) -> list[str] | None:
    """A module's `__all__`; None where it has none."""
    for node in modules()[module].body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    return None


def test_the_names_of_the_package_are_those_its_page_promises() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.M)
    assert sorted(documented) == sorted(kubeinfer_sim.__all__)


def test_each_promised_name_is_what_type_checkers_take_it_for() -> None:
    homes = imported_names("kubeinfer_sim")
    assert set(homes) == set(kubeinfer_sim.__all__)
    for name, full in homes.items():
        module, _, last = full.rpartition(".")
        assert getattr(kubeinfer_sim, name) is getattr(importlib.import_module(module), last), name


def test_all_is_what_a_module_defines_or_hands_on() -> None:
    for module in modules():
        if (names := promised(module)) is not None:
            own = top_level_names(module)
            assert own <= set(names) <= own | set(imported_names(module)), module
            assert len(set(names)) == len(names), module


def test_the_examples_of_the_page_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    examples = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    monkeypatch.chdir(ROOT)
    told = []
    for number, example in enumerate(examples):
        file = tmp_path / f"example{number}.py"  # Hypothesis reads the source of a test
        file.write_text(example, encoding="utf-8")
        for name, value in runpy.run_path(str(file)).items():
            if name.startswith("test_") and callable(value):
                value()
        told.append(capsys.readouterr().out)
    assessed, measured, *_ = told
    assert assessed.startswith("The update completes")
    assert "chat completes" in measured


def test_a_scenario_is_judged_in_one_line() -> None:
    run = kubeinfer_sim.simulate(kubeinfer_sim.load_scenario(str(ROOT / "scenarios" / "down-first.yaml")))
    assert kubeinfer_sim.assess(run).verdict.holds
    assert kubeinfer_sim.measure(run.history, ended_at=run.ended_at, end=run.end).losing == 0


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, kubeinfer_sim; print([n for n in sys.modules if n in ('simpy', 'pydantic', 'yaml', 'rich')])"
    assert python(code).stdout.strip() == "[]"


def test_the_extra_all_holds_every_other_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    (itself,) = extras.pop("all")
    assert itself == f"{project['name']}[{','.join(extras)}]"
