"""The outputs a command may be asked for together: `-o FORM`, and a file of its own for each form that has one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from kubeinfer_sim.cli.command import form_option, json_option, option
from kubeinfer_sim.cli.files import OutputFile, is_comment, is_table
from kubeinfer_sim.cli.output import output_of

F = TypeVar("F", bound=Callable[..., Any])

#: The parameters behind the options, by form.
FILES = {"json": "json_to", "markdown": "markdown_to", "csv": "csv_to"}


def output_options(what: str, *forms: str) -> Callable[[F], F]:
    """`-o` with these forms, and `--json`, `--markdown` and `--csv` of those among them; the command gets `output`."""

    def decorate(command: F) -> F:
        @wraps(command)
        def gathered(**given: Any) -> Any:
            files = {form: given.pop(name, None) for form, name in FILES.items()}
            output = output_of(given.pop("form"), files)
            return command(output=output, **given)

        decorated = cast("F", gathered)
        if "markdown" in forms:
            decorated = _markdown_option()(decorated)
        if "csv" in forms:
            decorated = _csv_option()(decorated)
        return form_option(*forms)(json_option(what)(decorated))

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
