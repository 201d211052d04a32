"""Plays tests against mutants, each in a fork of a pytest that has collected all tests.

The fork takes the mutant's code into the functions that are there, which takes no time. What is not in a function, or
has run when the tests were imported, is played in a new Python that imports the mutated source.
"""

from __future__ import annotations

import contextlib
import gc
import json
import multiprocessing
import os
import resource
import select
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings
from mutation.edits import ROOT, Edit
from mutation.operators import ROOMS

#: Seconds of processor time beyond which a test that took `t` is taken to hang, and of the clock for a mutant.
HANGS, WAITED = (lambda t: 3 + 6 * t), 240
#: What a mutant may take of memory on top of what there is.
MEMORY = 2 << 30
#: Options of pytest: examples are drawn the same each time, and what fails need not be made smaller.
OPTIONS = (
    *("-q", "-s", "--tb=line", "--assert=plain"),
    *("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:faulthandler"),
    *("-o", "tmp_path_retention_policy=none", "--hypothesis-profile=mutants"),
)

settings.register_profile(
    "mutants",
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@contextlib.contextmanager
def folder_of_its_own() -> Iterator[str]:
    """An option of pytest: who keeps no folder deletes those of others, too, where they are in one place."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        yield f"--basetemp={folder}/tests"


class Job(NamedTuple):
    """What to play: a change, and the tests in their order with the seconds that each takes.

    `at_import`: it matters when its module is imported alone, and is played in a new Python.
    """

    edit: Edit
    tests: Sequence[tuple[str, float]]
    at_import: bool = False


class Played(NamedTuple):
    """How it ended: `killed` by a test that fails, `hangs` in one, or `survived`."""

    outcome: str
    by: str = ""
    why: str = ""
    tests: int = 0  # were run
    seconds: float = 0.0  # of processor time


class Player:
    """A plugin of pytest that plays jobs instead of its tests, by so many workers; each tells of what it has played."""

    def __init__(self, jobs: Sequence[Job], told: Callable[[Job, Played], None], workers: int = 1) -> None:
        self.jobs, self.told, self.workers = jobs, told, workers
        self.failed: str | None = None
        self.items: dict[str, pytest.Item] = {}
        self.sound: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.failed is None:
            self.failed = report.longreprtext.strip().rpartition("\n")[2][:300]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # one for all forks
        self.functions = _functions()
        gc.collect()
        gc.freeze()
        following = multiprocessing.Value("q", 0)
        children = []
        for _ in range(self.workers):
            if child := os.fork():
                children.append(child)
                continue
            while True:
                with following.get_lock():
                    number = following.value
                    following.value += 1
                if number >= len(self.jobs):
                    os._exit(0)
                self._play(self.jobs[number])
        for child in children:
            os.waitpid(child, 0)
        return True

    def _play(self, job: Job) -> None:
        tests = [test for test in job.tests if self.sound.get(test[0], True)]
        while True:
            played = self.play(job, tests)
            if played.outcome == "survived" or self._is_sound(played.by):
                self.told(job, played)
                return
            tests = [test for test in tests if test[0] != played.by]

    def _is_sound(self, test: str) -> bool:
        """Whether a test that failed passes without the mutant."""
        if test in self.items and test not in self.sound:
            self.sound[test] = self._forked(None, [(test, 60.0)]).outcome == "survived"
        return self.sound.get(test, True)

    def play(self, job: Job, tests: Sequence[tuple[str, float]]) -> Played:
        swaps = [] if job.at_import else list(self._swaps(job.edit))
        if not swaps:
            return in_a_new_python(job.edit, tests)
        return self._forked(swaps, [each for each in tests if each[0] in self.items])

    # -- in a fork --------------------------------------------------------------------------------------------

    def _swaps(self, edit: Edit) -> Iterator[tuple[FunctionType, CodeType]]:
        """The functions whose code the mutant changes, and what it is then."""
        path = str(ROOT / edit.path)
        old = compile(edit.source(), path, "exec", dont_inherit=True)
        new = compile(edit.made(), path, "exec", dont_inherit=True)
        yield from self._changed(old, new)

    def _changed(self, old: CodeType, new: CodeType) -> Iterator[tuple[FunctionType, CodeType]]:
        if old == new:
            return
        for function in self.functions.get(old, ()):
            if function.__code__.co_freevars == new.co_freevars:
                yield function, new
        inner = [[each for each in code.co_consts if isinstance(each, CodeType)] for code in (old, new)]
        if len(inner[0]) == len(inner[1]):
            for pair in zip(*inner, strict=True):
                yield from self._changed(*pair)

    def _forked(
        self, swaps: list[tuple[FunctionType, CodeType]] | None, tests: Sequence[tuple[str, float]]
    ) -> Played:
        sys.stdout.flush()
        sys.stderr.flush()
        begun = _used()
        read, write = os.pipe()
        if child := os.fork():
            os.close(write)
            return _ended(child, read, begun)
        os.close(read)
        _bounded()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (1, 2):
            os.dup2(nothing, stream)
        for function, code in swaps or ():
            function.__code__ = code
        with os.fdopen(write, "w", buffering=1) as pipe, contextlib.suppress(BaseException):
            self._run(tests, pipe)
        os._exit(0)

    def _run(self, tests: Sequence[tuple[str, float]], pipe: Any) -> None:
        items = [self.items[name] for name, _ in tests]
        for (name, seconds), item, after in zip(tests, items, [*items[1:], None], strict=True):
            print(json.dumps(["begins", name]), file=pipe)
            _limit(HANGS(seconds))
            try:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            except BaseException as error:  # what no test should let out
                self.failed = self.failed or repr(error)[:300]
            if self.failed is not None:
                print(json.dumps(["failed", name, self.failed]), file=pipe)
                return
        print(json.dumps(["passed"]), file=pipe)


def _functions() -> dict[CodeType, list[FunctionType]]:
    """The functions of the rooms, by their code."""
    folders = tuple(str(ROOT / "kubeinfer_sim" / room) for room in ROOMS)
    functions: dict[CodeType, list[FunctionType]] = defaultdict(list)
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename.startswith(folders):
            functions[each.__code__].append(each)
    return functions


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _limit(seconds: float) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, hard))


def _ended(child: int, pipe: int, begun: float) -> Played:
    """Wait for a process that plays tests, and hear from its pipe how it went."""
    until, told = time.monotonic() + WAITED, b""
    while (left := until - time.monotonic()) > 0:
        if select.select([pipe], [], [], left)[0]:
            more = os.read(pipe, 1 << 16)
            if not more:
                break
            told += more
    else:
        os.kill(child, signal.SIGKILL)
    os.close(pipe)
    os.waitpid(child, 0)
    lines = [json.loads(line) for line in told.splitlines(keepends=True) if line.endswith(b"\n")]
    count = sum(line[0] == "begins" for line in lines)
    seconds = round(_used() - begun, 2)
    match lines[-1] if lines else ["begins", ""]:
        case ["failed", by, why]:
            return Played("killed", by, why, count, seconds)
        case ["begins", by]:
            return Played("hangs", by, "", count, seconds)
        case _:
            return Played("survived", "", "", count, seconds)


# -- in a new Python --------------------------------------------------------------------------------------------


class Changed(MetaPathFinder):
    """Imports modules as edits make them."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self.sources = {edit.module: edit.made() for edit in edits}

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in self.sources:
            return None
        spec = PathFinder.find_spec(name, path, target)
        assert spec is not None
        assert isinstance(spec.loader, SourceFileLoader)
        spec.loader = _Loader(name, str(spec.loader.path), self.sources[name])
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, source: bytes) -> None:
        super().__init__(name, path)
        self.source = source

    def get_code(self, fullname: str) -> CodeType | None:
        return compile(self.source, self.path, "exec", dont_inherit=True)


class _Teller:
    """A plugin of pytest that says in a pipe how it goes."""

    def __init__(self, seconds: dict[str, float], pipe: Any) -> None:
        self.seconds, self.pipe = seconds, pipe

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        print(json.dumps(["begins", nodeid]), file=self.pipe)
        _limit(HANGS(self.seconds.get(nodeid, 1)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            why = report.longreprtext.strip().rpartition("\n")[2][:300]
            print(json.dumps(["failed", report.nodeid, why]), file=self.pipe)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            print(json.dumps(["failed", report.nodeid, str(report.longrepr)[-300:]]), file=self.pipe)


def in_a_new_python(edit: Edit, tests: Sequence[tuple[str, float]]) -> Played:
    """Play tests in a new Python, which imports the mutated source."""
    begun = _used()
    read, write = os.pipe()
    os.set_inheritable(write, True)
    job = json.dumps([tuple(vars(edit).values()), tests, write])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    child = os.posix_spawn(
        sys.executable, [sys.executable, "-m", "mutation.playing"], environment | {"JOB_OF_MUTANT": job}
    )
    os.close(write)
    return _ended(child, read, begun)


def main() -> None:
    edit, tests, write = json.loads(os.environ.pop("JOB_OF_MUTANT"))
    _bounded()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nothing, stream)
    sys.meta_path.insert(0, Changed([Edit(*edit)]))
    with os.fdopen(write, "w", buffering=1) as pipe, folder_of_its_own() as folder:
        _limit(60)
        names = [name for name, _ in tests]
        code = pytest.main([*OPTIONS, folder, "-x", *names], plugins=[_Teller(dict(tests), pipe)])
        if code == 0:
            print(json.dumps(["passed"]), file=pipe)
        elif code != 1:
            print(json.dumps(["failed", "", f"pytest ends with {int(code)}"]), file=pipe)


if __name__ == "__main__":
    main()
