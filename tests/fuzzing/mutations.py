"""Mutations of YAML and JSON files: what people, editors and broken transfers do to them, at random."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import yaml

#: Values of every type, and some that are right elsewhere: they come in the place of another value.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 3, 2**31 - 1, 2**63, 10**40, 0.0, -0.5, 1e308, float("inf"), float("nan")),
    *(
        "",
        " ",
        "x",
        "0",
        "-1",
        "1",
        "null",
        "yes",
        "*",
        "~",
        "0s",
        "5m",
        "-5m",
        "90",
        "5 minutes",
        "1e9s",
        "100y",
    ),
    *(
        "0.5ms",
        "1h1d",
        "999999999999d",
        "50%",
        "-1%",
        "101%",
        "1000%",
        "1/0",
        "NaN",
        "16GiB",
        "55MB/s",
        "0B/s",
    ),
    *("8x8", "0x8", "8x0", "1x1", "3×8", "-1x8", "node-0", "node-99", "decode", "nope", "Deployment/router"),
    *(
        "Deployment/",
        "/x",
        "1 per 1d",
        "0 per 0s",
        "repo/vllm:v1",
        "../x",
        "/",
        "x" * 300,
        "é字\u2028",
        "\x1b[31m",
    ),
    *(
        "${x}",
        "$",
        "a: b",
        "- a",
        "[",
        "2026-11-24",
        "NpuFault",
        "Instance",
        "settled",
        "never",
        "1.36",
        1.36,
    ),
    *(
        [],
        {},
        [[]],
        [None],
        [1, 2],
        ["node-0"],
        ["node-0", "node-0"],
        {"x": 1},
        {"": None},
        {1: 2},
        {None: []},
    ),
    *(
        {"low": "2m", "high": "1m"},
        {"uniform": {"low": "1s", "high": "1m"}},
        {"exponential": "5m"},
        {"mean": 0},
    ),
    *(
        {"nodes": ["node-0"]},
        {"pool": "nope"},
        {"nodeSelector": {}},
        {"random": "pod"},
        {"path": "nope.yaml"},
    ),
)
#: What is put between, before and instead of characters.
BITS: tuple[str, ...] = (
    *"-:?[]{},&*!|>'\"%@`#~\t\n\r\0 <=.$",
    *(
        "null",
        "[]",
        "{}",
        "''",
        "-1",
        "1e999",
        ".nan",
        "010",
        "9" * 40,
        "<<: ",
        "&a ",
        "*a ",
        "!!int ",
        "!a ",
    ),
    *("--- ", "...\n", "%YAML 1.1\n---\n", "${x}", "${", "é", "\u2028", "\x85", "\ufeff", "\x1b", "\x7f"),
    *("[" * 200, "{a: " * 150, "- " * 150, "? [a]\n: ", "a: &a [*a]\n"),
)
ENCODINGS = ("utf-16", "utf-32", "utf-16-le", "latin-1", "cp037")


def mutated(text: str, rng: random.Random) -> bytes:
    """The file after one or a few mutations of its tree, of its characters, or of its bytes.

    A third of them are gentle: what comes out is mostly valid, and a run nobody thought of.
    """
    match rng.randrange(12):
        case 0:
            return _of_bytes(text, rng)
        case 1 | 2:
            return _of_characters(text, rng).encode("utf-8", "surrogatepass")
        case 3 | 4 | 5 | 6:
            return _of_tree(text, rng, _change_gently)
        case _:
            return _of_tree(text, rng, _change)


def _of_bytes(text: str, rng: random.Random) -> bytes:
    data = text.encode()
    match rng.randrange(5):
        case 0:  # cut off
            return data[: rng.randrange(len(data) + 1)]
        case 1:
            return text.encode(rng.choice(ENCODINGS), "replace")
        case 2:
            return rng.randbytes(rng.randrange(300))
        case 3:
            at = rng.randrange(len(data) + 1)
            return data[:at] + rng.randbytes(rng.choice((1, 2, 8))) + data[at:]
        case _:
            return data.replace(b"\n", b"\r\n") + data[: rng.randrange(len(data) + 1)]


def _of_characters(text: str, rng: random.Random) -> str:
    for _ in range(rng.choice((1, 1, 2, 3))):
        a = rng.randrange(len(text) + 1)
        b = min(len(text), a + rng.choice((0, 1, 5, 40)))
        lines = text.split("\n")
        row = rng.randrange(len(lines))
        match rng.randrange(5):
            case 0:
                text = text[:a] + rng.choice(BITS) + text[b:]
            case 1:
                text = text[:a] + text[a:b] * 2 + text[b:]
            case 2:  # another value at a key
                key, colon, _ = lines[row].partition(":")
                lines[row] = key + colon + " " + rng.choice(BITS)
                text = "\n".join(lines)
            case 3:  # another indentation
                lines[row] = " " * rng.randrange(8) + lines[row].lstrip(rng.choice((" ", " -")))
                text = "\n".join(lines)
            case _:
                text = "\n".join([*lines[:row], *lines[row + 1 :], *lines[row : row + 1]])
    return text


def _of_tree(text: str, rng: random.Random, change: Callable[..., None]) -> bytes:
    documents = list(yaml.load_all(text, yaml.CSafeLoader))
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        places = [place for document in documents for place in _places(document)]
        if not places:
            break
        holder, key = rng.choice(places)
        change(holder, key, places, rng)
    if text.lstrip().startswith("{"):
        return "\n".join(json.dumps(each, indent=1, default=str) for each in documents).encode()
    return yaml.dump_all(documents, Dumper=_NoAliases, sort_keys=False, allow_unicode=True).encode()


class _NoAliases(yaml.CSafeDumper):
    """Writes what stands in two places twice, but for what contains itself."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _places(node: Any) -> list[tuple[Any, Any]]:
    """(container, key) of every value of a document."""
    found: list[tuple[Any, Any]] = []
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        found.append((node, key))
        found += _places(node[key])
    return found


def _change(holder: Any, key: Any, places: list[tuple[Any, Any]], rng: random.Random) -> None:
    value = holder[key]
    match rng.randrange(8):
        case 0:
            del holder[key]
        case 1 | 2:
            holder[key] = copy.deepcopy(rng.choice(VALUES))
        case 3:  # a value of another place
            other, at = rng.choice(places)
            if _still_there(other, at):
                holder[key] = copy.deepcopy(other[at])
        case 4 if isinstance(holder, list):
            holder.insert(key, copy.deepcopy(value))
        case 4:  # a key misspelt
            name = str(key)
            at = rng.randrange(len(name) + 1)
            holder[name[:at] + rng.choice(("", "s", "X", " ", "_")) + name[at + 1 :]] = holder.pop(key)
        case 5:  # another number, another unit
            holder[key] = _number_changed(value, rng)
        case 6:  # one deeper, or one less deep
            deeper: tuple[Any, ...] = ([value], {"x": value}, str(value))
            inner = list(value.values()) if isinstance(value, dict) else value
            holder[key] = (
                inner[0] if isinstance(inner, list) and inner and rng.random() < 0.5 else rng.choice(deeper)
            )
        case _:  # a key or an entry of another place, here
            other, at = rng.choice(places)
            if isinstance(value, dict) and isinstance(other, dict) and _still_there(other, at):
                value[at] = copy.deepcopy(other[at])
            elif isinstance(value, list):
                value.append(copy.deepcopy(rng.choice(VALUES)))


def _change_gently(holder: Any, key: Any, places: list[tuple[Any, Any]], rng: random.Random) -> None:
    """Numbers and times a little other, entries of lists gone, twice, in another order, values of the same type."""
    value = holder[key]
    if isinstance(holder, list) and rng.random() < 0.5:
        match rng.randrange(3):
            case 0:
                del holder[key]
            case 1:
                holder.insert(rng.randrange(len(holder) + 1), copy.deepcopy(value))
            case _:
                rng.shuffle(holder)
    elif isinstance(value, bool):
        holder[key] = not value
    elif isinstance(value, int):
        holder[key] = rng.choice((0, 1, 2, max(value - 1, 0), value + 1, value * 2))
    elif isinstance(value, str) and value and value[0].isdigit():
        near = [other[at] for other, at in places if _still_there(other, at)]
        alike = [each for each in near if isinstance(each, str) and each[-1:] == value[-1]]
        holder[key] = rng.choice((*alike, "0" + value[-1], "1" + value[-1], "3" + value[-1], "7" + value))
    elif isinstance(value, str | float) or (isinstance(holder, dict) and rng.random() < 0.2):
        del holder[key]


def _still_there(holder: Any, key: Any) -> bool:
    """Earlier changes may have taken a place away."""
    return key in holder if isinstance(holder, dict) else key < len(holder)


def _number_changed(value: Any, rng: random.Random) -> Any:
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return rng.choice((-value, value + 1, value - 1, value / 3, value * 1000, str(value)))
    if isinstance(value, str) and value and value[0].isdigit():
        number = value.rstrip("smhdwxkMGTBib/%×. ")
        return rng.choice(
            (number, number + "s", "-" + value, number + "d", number + "q", value * 2, number + "%")
        )
    return value
