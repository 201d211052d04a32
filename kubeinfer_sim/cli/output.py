"""What a command says: data on standard output, everything about the run itself on standard error."""

from __future__ import annotations

import os
import shutil
import sys
import time
from _thread import LockType, allocate_lock, start_new_thread
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO, TypedDict

import click
from msgspec import Struct, field

from kubeinfer_sim.cli.files import (
    descriptor,
    is_comment,
    is_document,
    is_openmetrics,
    is_page,
    is_table,
    is_trace,
    write_bytes,
    write_file,
)
from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.errors import OutputError, UsageError

#: Where `-v` is kept in the context of the command line.
VERBOSE = "kubeinfer_sim.verbose"
#: Where the time is kept at which the step that is under way began.
STEP_BEGUN = "kubeinfer_sim.step_begun"
#: What somebody is asked who meets a mistake of ours.
ISSUES = "please report it with the command line and the files that caused it"
#: What holds an earlier output of ours, by form.
_OURS = {
    "json": is_document,
    "markdown": is_comment,
    "csv": is_table,
    "html": is_page,
    "openmetrics": is_openmetrics,
    "trace": is_trace,
}
#: Seconds of silence after which a command says that it is still at work, first and at most.
SILENCE, LONGEST_SILENCE = 10.0, 60.0
#: Columns a message has at least, however narrow the terminal.
NARROWEST = 40


class Voice:
    """What is said on standard error.

    Attributes:
        last: when something was, by `time.monotonic`.
    """

    def __init__(self) -> None:
        self.last = 0.0

    def speaks(self) -> None:
        """Something is said now."""
        self.last = time.monotonic()


VOICE = Voice()


def width_of(stream: TextIO) -> int:
    """Columns of the terminal; 80 where there is none, or as COLUMNS says."""
    return shutil.get_terminal_size((80, 24)).columns if stream.isatty() or os.environ.get("COLUMNS") else 80


def colour_on(stream: TextIO) -> bool:
    """Colour on a terminal.

    Not with --no-color, NO_COLOR or TERM=dumb; also elsewhere with FORCE_COLOR, which yields to the first two.
    """
    context = click.get_current_context(silent=True)
    if os.environ.get("NO_COLOR") or (context is not None and context.color is False):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def unicode_on(stream: TextIO) -> bool:
    """Whether the stream can carry more than ASCII.

    Where the locale is said to be C, Python writes UTF-8 all the same; who says so expects ASCII. Nothing said of it,
    as in most containers, is no such word.
    """
    if "utf" not in (getattr(stream, "encoding", "") or "").lower():
        return False
    if os.environ.get("PYTHONIOENCODING") or os.environ.get("PYTHONUTF8"):
        return True
    said = os.environ.get("LC_ALL") or _said_of_characters() or os.environ.get("LANG")
    return said not in ("C", "POSIX")


def _said_of_characters() -> str:
    """LC_CTYPE, unless Python itself has set it in place of C (PEP 538)."""
    said = os.environ.get("LC_CTYPE", "")
    return "" if said in ("C.UTF-8", "C.utf8", "UTF-8") else said


class Look(TypedDict):
    """How a report is drawn: columns, whether in colour, whether with characters beyond ASCII."""

    width: int
    colour: bool
    unicode: bool


def look_of(stream: TextIO) -> Look:
    """What a stream, or the terminal behind it, can show: the keyword arguments of every `render…`."""
    return Look(width=width_of(stream), colour=colour_on(stream), unicode=unicode_on(stream))


def show(text: str, *, err: bool = False) -> None:
    """Print a text that is already coloured as its stream wants it, ending in one line break."""
    stream = sys.stderr if err else sys.stdout
    if not unicode_on(stream):
        from kubeinfer_sim.report.words import plain

        text = plain(text)
    # The stream is named: click would write UTF-8 to one that says it is ASCII.
    click.echo(text.rstrip("\n"), file=stream, color=colour_on(stream))


def show_document(text: str | bytes) -> None:
    """Print what programs read: a text in UTF-8, whatever the terminal speaks."""
    write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace"))


def tell(text: str, *, later: str = "    ", dim: bool = False) -> None:
    """Say something on standard error, in lines of whole words; `later` stands before those that go on."""
    VOICE.speaks()
    from kubeinfer_sim.manifest.wrapping import wrap

    width = max(width_of(sys.stderr), NARROWEST)
    lines = (wrap(line, width, later=later) if line else [""] for line in text.split("\n"))
    text = "\n".join(each for several in lines for each in several)
    show(click.style(text, dim=True) if dim and colour_on(sys.stderr) else text, err=True)


def note(text: str) -> None:
    """Say something about the run itself."""
    tell(text, dim=True)


@contextmanager
def patiently() -> Iterator[None]:
    """Say on standard error that what is done meanwhile is still being done, and how far, after long silences.

    Whatever takes so long: to read, a run, one of many, what it comes to, what is written. That is said from a thread
    of its own, so that nothing that may take long has to think of it; not one of `threading`, which a small run does
    without.
    """
    over = allocate_lock()
    over.acquire()
    start_new_thread(_wait, (over, time.monotonic()))
    try:
        yield
    finally:
        over.release()


def _wait(over: LockType, begun: float) -> None:
    import signal

    if hasattr(signal, "pthread_sigmask"):
        # Taken by this thread, Ctrl-C would come to the first one also while that has it wait.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    pause = SILENCE
    while not over.acquire(timeout=pause):
        now = time.monotonic()
        if now - max(begun, VOICE.last) < 0.9 * pause:
            continue
        from kubeinfer_sim.engine.playing import PLAYING
        from kubeinfer_sim.report.at_work import at_work

        try:
            note(at_work(now - begun, PLAYING))
        except (OutputError, OSError, ValueError):  # nobody reads it, which is for others to tell
            return
        pause = min(2 * pause, LONGEST_SILENCE)


def detail(text: str) -> None:
    """Say something that only --verbose asks for."""
    context = click.get_current_context(silent=True)
    if context is not None and context.meta.get(VERBOSE):
        note(text)


def step(what: str) -> None:
    """Say how long a step took that is over now, if --verbose asks for it: `simulated in 0.16 s`."""
    context = click.get_current_context(silent=True)
    if context is not None:
        now = time.perf_counter()
        detail(f"{what} in {now - context.meta.get(STEP_BEGUN, now):.2f} s")
        context.meta[STEP_BEGUN] = now


def show_diagnostics(diagnostics: Iterable[Diagnostic], *, err: bool = True) -> None:
    """Print findings with their source lines."""
    from kubeinfer_sim.manifest.render import render

    stream = sys.stderr if err else sys.stdout
    show(render(diagnostics, colour=colour_on(stream), width=width_of(stream)), err=err)


class Output(Struct, frozen=True):
    """What a command writes where.

    Attributes:
        form: of what goes to standard output: `text`, `json` ….
        files: the files that get other forms besides, by form.
        every_accelerator: a trace has a thread for each.
    """

    form: str
    files: Mapping[str, str] = field(default_factory=dict)
    every_accelerator: bool = False

    @property
    def is_text(self) -> bool:
        """Whether standard output is for people."""
        return self.form == "text"

    def wants(self, form: str) -> bool:
        """Whether this form is asked for, wherever it goes."""
        return form == self.form or form in self.files

    def write(self, **forms: Callable[[], str | bytes]) -> None:
        """Write each document where it belongs; what is not asked for is not made, a text left out not shown."""
        for form in self.files:
            self.to_file(forms[form], form)
        if not self.is_text:
            self.to_standard_output(**forms)
        elif "text" in forms and isinstance(text := forms["text"](), str):
            show(text)

    def to_file(self, document: Callable[[], str | bytes], form: str = "json") -> None:
        """Write a form to its file, if there is one."""
        if form in self.files:
            write_file(self.files[form], document(), ours=_OURS[form], option=f"--{form}")

    def to_standard_output(self, **forms: Callable[[], str | bytes]) -> None:
        """Write the form that is asked for."""
        show_document(forms[self.form]())


def output_of(form: str | None, files: Mapping[str, str | None]) -> Output:
    """What `-o FORM` and `--json FILE`, `--markdown FILE` … ask for together; `--json -` is `-o json`.

    Raises:
        UsageError: they ask for two things on standard output.
    """
    to_files = {}
    for name, file in files.items():
        if file is None:
            continue
        if descriptor(file) != 1:
            to_files[name] = file
        elif form in (None, name):
            form = name
        else:
            raise UsageError(
                f"-o {form} and --{name} {file} both go to standard output: give --{name} a file"
            )
    return Output(form or "text", to_files)
