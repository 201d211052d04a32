"""Data as YAML that people read, and that our reader takes for the same data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from kubeinfer_sim.manifest.scalars import ScalarError, resolve


class _Plain(yaml.SafeDumper):
    """Writes what stands in two places twice: aliases are hard to read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Plain, text: str) -> yaml.ScalarNode:
    """A text; in quotes where the API server would take it for something else (`y`, `1e3`), which PyYAML would not."""
    try:
        plain = resolve(text) == text
    except ScalarError:
        plain = False
    style = None if plain else "'"
    if plain and "\n" in text:
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Plain.add_representer(str, _text)


def yaml_text(documents: Iterable[Any], *, width: int = 100) -> str:
    """Documents as the text of one file, keys in the order given, what is short on one line."""
    return yaml.dump_all(
        documents, Dumper=_Plain, sort_keys=False, default_flow_style=None, allow_unicode=True, width=width
    )


def one_line(value: Any) -> str:
    """A value on one line, as YAML has it."""
    text = yaml.dump(
        value, Dumper=_Plain, sort_keys=False, default_flow_style=True, allow_unicode=True, width=1 << 20
    )
    return text.removesuffix("\n...\n").rstrip("\n")
