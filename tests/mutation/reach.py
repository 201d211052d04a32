"""Which test runs which statement: the rooms' modules are imported with a mark before each statement.

A mark is a byte that is set, which costs a test about a fifth of its time. What was recorded lies in one file, which
is good until tests or code change much: statements are known by their lines.
"""

from __future__ import annotations

import ast
import pickle
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from mutation.edits import ROOT

MARKS = "__reached__"


#: A file and a line.
Statement = tuple[str, int]
#: What one process has recorded: statements, which of them run when tests are imported (a byte each), and by the ids of
#: tests the seconds of processor time, and which of them they run.
Part = tuple[list[Statement], bytes, dict[str, tuple[float, bytes]]]


class Reached:
    """What was recorded, in one or more parts: `seconds` are of processor time, by the ids of tests."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self.seconds: dict[str, float] = {}
        self._tests: dict[Statement, list[str]] = defaultdict(list)
        self._at_import: set[Statement] = set()
        for statements, at_import, tests in parts:
            self._at_import.update(each for each, mark in zip(statements, at_import, strict=False) if mark)
            for name, (seconds, packed) in tests.items():
                self.seconds[name] = seconds
                marks = zlib.decompress(packed)
                number = marks.find(1)
                while number >= 0:
                    self._tests[statements[number]].append(name)
                    number = marks.find(1, number + 1)

    def of(self, path: str, line: int) -> list[str]:
        """The tests that run a statement."""
        return [*dict.fromkeys(self._tests.get((path, line), ()))]  # once, though it was recorded twice

    def runs_at_import(self, path: str, line: int) -> bool:
        """Whether a statement runs when tests are imported."""
        return (path, line) in self._at_import

    def of_file(self, path: str) -> list[str]:
        """The tests that run anything of a file's functions."""
        statements = [each for each in self._tests if each[0] == path and each not in self._at_import]
        return sorted({name for each in statements for name in self._tests[each]})


class _Marks(ast.NodeTransformer):
    """Puts a mark before each statement of a module."""

    def __init__(self, path: str, statements: list[tuple[str, int]]) -> None:
        self.path, self.statements = path, statements

    def _marked(self, body: list[ast.stmt]) -> Iterator[ast.stmt]:
        for index, each in enumerate(body):
            is_text = isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
            is_future = isinstance(each, ast.ImportFrom) and each.module == "__future__"
            if not is_future and not (is_text and index == 0):
                mark = ast.parse(f"{MARKS}[{len(self.statements)}] = 1").body[0]
                self.statements.append((self.path, each.lineno))
                for node in ast.walk(mark):
                    ast.copy_location(node, each)
                yield mark
            yield each

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list):
                for each in body:
                    self.visit(each)
                setattr(node, name, list(self._marked(body)))
        for name in ("handlers", "cases"):
            for each in getattr(node, name, []):
                self.visit(each)
        return node


class Recorder(MetaPathFinder):
    """Imports the rooms' modules with marks, and notes after each test which are set (a plugin of pytest)."""

    def __init__(self, rooms: Sequence[str], file: Path) -> None:
        self.rooms = tuple(f"kubeinfer_sim.{room}." for room in rooms)
        self.file = file
        self.statements: list[tuple[str, int]] = []
        self.marks = bytearray(200_000)
        self.at_import = b""
        self.tests: dict[str, tuple[float, bytes]] = {}
        self.unsound: set[str] = set()  # is skipped, or fails without any mutant

    # -- importing --------------------------------------------------------------------------------------------

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not f"{name}.".startswith(self.rooms):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, str(spec.loader.path), self)
        return spec

    def compiled(self, path: str) -> CodeType:
        tree = ast.parse(Path(path).read_bytes())
        _Marks(str(Path(path).relative_to(ROOT)), self.statements).visit(tree)
        return compile(tree, path, "exec", dont_inherit=True)

    # -- testing ----------------------------------------------------------------------------------------------

    def pytest_collection_finish(self) -> None:
        self.at_import = bytes(self.marks)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self.unsound.add(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.marks[:] = bytes(len(self.marks))
        began = time.process_time()
        try:
            return (yield)  # type: ignore[return-value]
        finally:
            took = time.process_time() - began
            self.tests[item.nodeid] = took, zlib.compress(bytes(self.marks[: len(self.statements)]), 1)

    def pytest_sessionfinish(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        tests = {name: test for name, test in self.tests.items() if name not in self.unsound}
        self.file.write_bytes(pickle.dumps((self.statements, self.at_import, tests)))


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, recorder: Recorder) -> None:
        super().__init__(name, path)
        self.recorder = recorder

    def get_code(self, fullname: str) -> CodeType | None:
        return self.recorder.compiled(self.path)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__[MARKS] = self.recorder.marks
        super().exec_module(module)


def record(rooms: Sequence[str], file: Path, arguments: list[str]) -> int:
    """Run tests with pytest, and write down what they run."""
    recorder = Recorder(rooms, file)
    sys.meta_path.insert(0, recorder)
    return int(pytest.main(arguments, plugins=[recorder]))


def recorded(folder: Path) -> Reached:
    """What the processes that recorded into a folder have written there."""
    return Reached(pickle.loads(file.read_bytes()) for file in sorted(folder.glob("*.reached")))
