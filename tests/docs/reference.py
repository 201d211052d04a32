"""The pages of docs/reference, made from the program: `PYTHONPATH=tests python -m docs.reference` writes them anew.

Commands come from click, fields of files from the JSON Schemas, Python from signatures and docstrings.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

import kubeinfer_sim
from kubeinfer_sim.cli.group import cli

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "reference"
_NOTE = "<!-- Made by `python -m docs.reference`; a test keeps it current. -->"


def commands() -> str:
    """Every command with every option."""
    group = click.Context(cli, info_name="kubeinfer-sim", **cli.context_settings)
    lines = [
        "# Commands: every option",
        _NOTE,
        "What `--help` says. What holds for all commands is in [the command line](../commands.md).",
    ]
    for name in cli.list_commands(group):
        command = cli.get_command(group, name)
        assert command is not None
        lines += _command(command, click.Context(command, info_name=name, parent=group), name)
    return _page(lines)


def _command(command: click.Command, context: click.Context, name: str) -> Iterator[str]:
    yield f"## {name}"
    yield f"```text\nkubeinfer-sim {name} {' '.join(command.collect_usage_pieces(context))}\n```"
    yield from (_cell(part) for part in (command.help or "").split("\n\n"))
    options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    records = [record for each in options if (record := each.get_help_record(context))]
    if records:
        rows = [f"| `{names.replace('|', chr(92) + '|')}` | {_cell(told)} |" for names, told in records]
        yield "\n".join(["| option | meaning |", "|---|---|", *rows])
    if isinstance(command, click.Group):
        for own, each in command.commands.items():
            yield from _command(each, click.Context(each, info_name=own, parent=context), f"{name} {own}")


def scenario() -> str:
    """Every field of a scenario."""
    return _page(
        [
            "# Scenario: every field",
            _NOTE,
            "From its JSON Schema (`kubeinfer-sim schema scenario`). What fields mean together is told in [the scenario file](../scenario.md).",
            *_fields(DOCS / "schemas" / "scenario.schema.json", "Scenario"),
        ]
    )


def result() -> str:
    """Every key of a result."""
    return _page(
        [
            "# Result: every key",
            _NOTE,
            "From its JSON Schema (`kubeinfer-sim schema result`). What it is for, and when readiness is owed: [the JSON result](../result.md).",
            *_fields(DOCS / "schemas" / "result.schema.json", "Result"),
        ]
    )


def _fields(file: Path, title: str) -> Iterator[str]:
    """A section for the whole, then one for each part in the order in which they are met."""
    schema = json.loads(file.read_text(encoding="utf-8"))
    parts = {"": schema, **schema["$defs"]}
    waiting, met = [""], {""}
    while waiting:
        part = waiting.pop(0)
        body = parts[part]
        yield f"## {_part(part) or title}"
        if part and "description" in body:
            yield _cell(body["description"])
        if "properties" not in body:
            yield _value(body)
        else:
            yield "\n".join(["| field | value | default | what it says |", "|---|---|---|---|", *_rows(body)])
        for each in re.findall(r'"#/\$defs/(\w+)"', json.dumps({**body, "$defs": {}})):
            if each not in met:
                met.add(each)
                waiting.append(each)


def _rows(body: dict[str, Any]) -> Iterator[str]:
    required = body.get("required", ())
    for name, field in body["properties"].items():
        default = "required" if name in required else ""
        if field.get("default") not in (None, [], {}, ""):
            default = f"`{json.dumps(field['default'], ensure_ascii=False)}`"
        yield f"| `{name}` | {_value(field)} | {default} | {_cell(field.get('description', ''))} |"


def _value(field: dict[str, Any]) -> str:
    """What may stand there."""
    if "$ref" in field:
        name = _part(field["$ref"].rpartition("/")[2])
        return f"[{name}](#{name.lower()})"
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{each}`" for each in field["enum"])
    for several in ("anyOf", "oneOf"):
        if several in field:
            return " or ".join(dict.fromkeys(_value(each) for each in field[several]))
    kind = field.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"list of {_value(field['items'])}" if "items" in field else "list"
    if kind == "object":
        inside = field.get("additionalProperties")
        return f"map of {_value(inside)}" if isinstance(inside, dict) and inside else "map"
    return str(kind)


def _part(name: str) -> str:
    return re.sub(r"(Form|Part)$", "", name)


def python() -> str:
    """Every promised name with its signature."""
    lines = [
        "# Python: every name",
        _NOTE,
        "`kubeinfer_sim.__all__`, with what each takes. How they belong together: [from Python](../python.md).",
    ]
    for name in sorted(kubeinfer_sim.__all__, key=str.lower):
        told = getattr(kubeinfer_sim, name)
        lines.append(f"## {name}")
        if inspect.isclass(told):
            lines += [*_docstring(told), *_methods(told)]
        elif callable(told):
            lines += [_signature(name, told), *_docstring(told)]
        else:
            lines.append("A string.")
    return _page(lines)


def _methods(owner: type) -> Iterator[str]:
    for name, method in vars(owner).items():
        if not name.startswith("_") and inspect.isfunction(method) and method.__doc__:
            yield _signature(f"{owner.__name__}.{name}", method)
            yield from _docstring(method)


class Told:
    """A default as a reader would write it."""

    def __init__(self, default: Any) -> None:
        self._default = default

    def __repr__(self) -> str:
        if self._default is None or isinstance(self._default, (str, int, float, tuple)):
            return repr(self._default)
        return "…" if callable(self._default) else f"{type(self._default).__name__}(…)"


def _signature(name: str, function: Callable[..., Any]) -> str:
    """As it is written, an argument a line where it is long."""
    signature = inspect.signature(function)
    arguments = [
        each if each.default is each.empty else each.replace(default=Told(each.default))
        for each in signature.parameters.values()
    ]
    plain = f"{name}{signature.replace(parameters=arguments)}"
    if len(plain) > 100:
        shown = [f"    {each}," for each in arguments]
        named = next((at for at, each in enumerate(arguments) if each.kind is each.KEYWORD_ONLY), None)
        if named is not None:
            shown.insert(named, "    *,")
        plain = "\n".join([f"{name}(", *shown, f") -> {plain.rpartition(' -> ')[2]}"])
    return f"```text\n{_unquoted(plain)}\n```"


def _unquoted(signature: str) -> str:
    """Annotations without the quotes that inspect puts around them; defaults keep theirs."""
    return re.sub(r"(?<=: |> )'([^']*)'", r"\1", signature)


def _docstring(told: Any) -> Iterator[str]:
    """Paragraphs as they are, each part of `Args:`, `Raises:` … a list."""
    for part in (inspect.getdoc(told) or "").split("\n\n"):
        head, _, rest = part.partition("\n")
        if re.fullmatch(r"[A-Z]\w+:", head) and rest.startswith("    "):
            entries = re.sub(r"\n        +", " ", rest)
            yield f"{head}\n\n" + "\n".join(f"* {_cell(line.strip())}" for line in entries.split("\n"))
        else:
            yield _cell(part)


def _cell(text: str) -> str:
    """A text in which nothing is markup but code."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()).replace("|", "\\|"))
    parts[::2] = [re.sub(r"([*_<>\[\]])", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def _page(lines: list[str]) -> str:
    return "\n\n".join(lines) + "\n"


PAGES = {"commands.md": commands, "scenario.md": scenario, "result.md": result, "python.md": python}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, made in PAGES.items():
        (FOLDER / name).write_text(made(), encoding="utf-8")
