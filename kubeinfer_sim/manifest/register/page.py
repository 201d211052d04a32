"""The documentation page of the register, docs/fields.md: `python -m kubeinfer_sim.manifest.register.page`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from kubeinfer_sim.manifest.register import keys, kinds, object_fields, pod_fields
from kubeinfer_sim.manifest.register.row import ALL, Row, Standing

_HEAD = """# Fields: what is simulated, what is not

<!-- Made by `python -m kubeinfer_sim.manifest.register.page`; a test keeps it current. -->

Every field, label, annotation and kind of object that a manifest may hold is one of three:

* **simulated** as Kubernetes or the vendor defines it;
* **without effect** on what is predicted, and why;
* it **would matter and is not simulated**. What could differ is a warning with file, line and path, the same in
  `validate`, `run`, `rollout`, `compare` and `diff`, and it stands among the `warnings` of a result. Where a prediction
  would be worthless it is an error (exit code 2).

Types are named as in the [Kubernetes API reference](https://kubernetes.io/docs/reference/kubernetes-api/).
A field that is not listed is unknown, which is an error, or lies within one that is listed without effect.
"""


def fields_markdown() -> str:
    """The page."""
    return "\n".join((_HEAD, *_sections())).rstrip() + "\n"


def _sections() -> Iterator[str]:
    fields = (*object_fields.ROWS, *pod_fields.ROWS)
    yield "## Would matter and is not simulated\n"
    yield from _table(("where", "values", "what could differ"), map(_unsimulated, _of(fields, keys.ROWS)))
    yield from _table(
        ("kind", "which", "what could differ"),
        (
            (_names(each.kinds), each.objects, each.why)
            for each in kinds.ROWS
            if each.standing is Standing.NOT_SIMULATED
        ),
    )
    yield "An object of a kind that is not on this page is a warning: what acts on it is not known.\n"
    for standing, title in ((Standing.SIMULATED, "Simulated"), (Standing.WITHOUT_EFFECT, "Without effect")):
        yield f"## {title}\n"
        rows = [each for each in (*fields, *keys.ROWS) if each.standing is standing]
        head = ("type", "fields", "how" if standing is Standing.SIMULATED else "why")
        yield from _table(head, ((each.owner, _names(each.names), each.why) for each in rows))
        yield from _table(
            ("kind", head[2]),
            ((_names(each.kinds), each.why) for each in kinds.ROWS if each.standing is standing),
        )


def _of(*groups: Iterable[Row]) -> Iterator[Row]:
    for group in groups:
        yield from (each for each in group if each.standing is Standing.NOT_SIMULATED)


def _unsimulated(row: Row) -> tuple[str, str, str]:
    what = f"{row.why}; an error" if row.worthless else row.why
    return f"{row.owner}: {_names(row.names)}", row.values, what


def _names(names: Iterable[str]) -> str:
    return ", ".join("all" if each == ALL else f"`{each}`" for each in names)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(each.replace('|', chr(92) + '|') for each in row)} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(fields_markdown())
