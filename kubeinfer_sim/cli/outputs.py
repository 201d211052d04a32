"""The outputs a command may be asked for together: `-o FORM`, and a file of its own for each form that has one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import click
from msgspec.structs import replace

from kubeinfer_sim.cli.command import form_option, json_option, option
from kubeinfer_sim.cli.files import OutputFile, is_comment, is_openmetrics, is_page, is_table, is_trace
from kubeinfer_sim.cli.output import output_of
from kubeinfer_sim.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

#: The parameters behind the options, by form.
FILES = {
    "json": "json_to",
    "markdown": "markdown_to",
    "csv": "csv_to",
    "html": "html_to",
    "openmetrics": "openmetrics_to",
    "trace": "trace_to",
}


def output_options(what: str, *forms: str) -> Callable[[F], F]:
    """`-o` with these forms, and an option for a file of each that has one; the command gets `output`.

    A trace is no text, so that it has the file alone.
    """

    def decorate(command: F) -> F:
        @wraps(command)
        def gathered(**given: Any) -> Any:
            files = {form: given.pop(name, None) for form, name in FILES.items()}
            output = output_of(given.pop("form"), files)
            if output.wants("html"):
                _require("plotly", "a page with pictures needs Plotly", "report")
            if output.wants("trace"):
                _require("perfetto", "a trace needs the package perfetto", "trace")
            if given.pop("trace_accelerators", False):
                if not output.wants("trace"):
                    raise UsageError("--trace-accelerators is about the trace: add --trace FILE")
                output = replace(output, every_accelerator=True)
            return command(output=output, **given)

        decorated = cast("F", gathered)
        for form, made in (
            ("openmetrics", _openmetrics_option),
            ("trace", _trace_accelerators_option),
            ("trace", _trace_option),
            ("html", _html_option),
            ("csv", _csv_option),
            ("markdown", _markdown_option),
        ):
            if form in forms:
                decorated = made()(decorated)
        return form_option(*(each for each in forms if each != "trace"))(json_option(what)(decorated))

    return decorate


def _markdown_option() -> Callable[[F], F]:
    return option(
        "--markdown",
        "markdown_to",
        metavar="FILE",
        type=OutputFile(
            is_comment,
            "for Markdown on standard output write `-o markdown`, else name a new file: `--markdown new.md`",
        ),
        help="Write a comment on a change to a file, thirty lines of Markdown at most, too; - is `-o markdown`.",
    )


def _csv_option() -> Callable[[F], F]:
    return option(
        "--csv",
        "csv_to",
        metavar="FILE",
        type=OutputFile(
            is_table,
            "for CSV on standard output write `-o csv`, else name a new file: `--csv new.csv`",
        ),
        help="Write a row for each combination to a file as CSV, too; - is `-o csv`.",
    )


def _html_option() -> Callable[[F], F]:
    return option(
        "--html",
        "html_to",
        metavar="FILE",
        type=OutputFile(
            is_page,
            "for the page on standard output write `-o html`, else name a new file: `--html new.html`",
        ),
        help="Write a page with pictures to a file that needs no other, too; - is `-o html`. Wants the extra [report].",
    )


def _openmetrics_option() -> Callable[[F], F]:
    return option(
        "--openmetrics",
        "openmetrics_to",
        metavar="FILE",
        type=OutputFile(
            is_openmetrics,
            "for them on standard output write `-o openmetrics`, else name a new file: `--openmetrics new.txt`",
        ),
        help="Write time series of a run to a file as OpenMetrics text, too; - is `-o openmetrics`.",
    )


def _trace_option() -> Callable[[F], F]:
    return option(
        "--trace",
        "trace_to",
        metavar="FILE",
        type=OutputFile(is_trace, "name a new file: `--trace new.pftrace`"),
        help="Write the run to a file as a trace for the Perfetto UI, too. Wants the extra [trace].",
    )


def _trace_accelerators_option() -> Callable[[F], F]:
    return click.option(
        "--trace-accelerators",
        is_flag=True,
        help="A thread in the trace for each accelerator, not for those alone that ever were out of service.",
    )


def _require(library: str, what: str, extra: str) -> None:
    """Before anything is simulated.

    Raises:
        UsageError: the library is not installed.
    """
    from importlib.util import find_spec

    if find_spec(library) is None:
        raise UsageError(f"{what}: pip install 'kubeinfer-sim[{extra}]'")
