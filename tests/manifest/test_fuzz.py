"""Whatever is given, the answer is manifests or an InputError, never another exception."""

import random

import pytest
from manifest.helpers import BASE, DATA
from sweeps import blocks

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.render import render
from kubeinfer_sim.manifest.source import decode_source

SEEDS = [BASE, *(file.read_text(encoding="utf-8") for file in sorted(DATA.rglob("*.yaml")))]
#: What mutations put in: YAML's own signs, values of every type, things that have broken parsers.
BITS = [
    *"-:?[]{},&*!|>'\"%@`#~\t\n\r\0 <=.$",
    *(
        "null",
        "true",
        "no",
        "~",
        "[]",
        "{}",
        "''",
        "0",
        "-1",
        "1e999",
        ".nan",
        ".inf",
        "010",
        "0x1F",
        "9" * 40,
    ),
    *(
        "<<: ",
        "&a ",
        "*a ",
        "!!str ",
        "!!int ",
        "!!python/object:a ",
        "!a ",
        "--- ",
        "...",
        "%YAML 1.1\n---\n",
    ),
    *("${x}", "${", "$(A)", "é", "字", "\u2028", "\x85", "\ufeff", "\ud7ff", "\U0001f600", "\x1b", "\x7f"),
    *(
        "[" * 200,
        "{a: " * 150,
        "- " * 150,
        "- - -",
        "? ",
        ": ",
        "? [a]\n: ",
        "replicas:",
        "kind: List\nitems:\n",
    ),
]


def mutate(text, rng):
    """A manifest with a few random changes of characters, tokens and lines."""
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        a, b = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        b = min(b, a + rng.choice((0, 1, 5, 40, 400)))
        lines = text.split("\n")
        row = rng.randrange(len(lines))
        match rng.randrange(9):
            case 0:
                text = text[:a] + rng.choice(BITS) + text[a:]
            case 1:
                text = text[:a] + text[b:]
            case 2:
                text = text[:a] + rng.choice(BITS) + text[b:]
            case 3:
                text = text[:a] + text[a:b] * 2 + text[b:]
            case 4:
                text = text[:a] + chr(rng.choice((rng.randrange(128), rng.randrange(0xD800)))) + text[a:]
            case 5:  # another value at a key
                key, colon, _ = lines[row].partition(":")
                lines[row] = key + colon + " " + rng.choice(BITS)
                text = "\n".join(lines)
            case 6:
                other = rng.randrange(len(lines))
                lines[row], lines[other] = lines[other], lines[row]
                text = "\n".join(lines)
            case 7:
                lines[row] = " " * rng.randrange(8) + lines[row].lstrip(rng.choice((" ", " -")))
                text = "\n".join(lines)
            case 8:
                del lines[row]
                text = "\n".join(lines)
    return text


def given(seed):
    rng = random.Random(seed)
    if seed % 10 == 0:
        return rng.randbytes(rng.randrange(300))
    if seed % 10 == 1:
        return "".join(rng.choice(BITS) for _ in range(rng.randrange(60))).encode("utf-8", "surrogatepass")
    return mutate(rng.choice(SEEDS), rng).encode("utf-8", "surrogatepass")


def check(seed):
    data = given(seed)
    try:
        load_manifest([decode_source("fuzz", [data])], set_values={"x": "[1, 2]"}, all_values_used=False)
    except InputError as error:
        assert error.diagnostics
        shown = render(error.diagnostics[:20])
        assert all(line.isprintable() for line in shown.split("\n"))


@pytest.mark.parametrize("block", range(4))
def test_no_input_ends_in_anything_but_manifests_or_findings(block):
    for seed in range(block * 100, block * 100 + 100):
        check(seed)


@pytest.mark.parametrize("block", blocks(100, of_ci=12))
def test_no_input_of_fifty_thousand_ends_in_anything_but_manifests_or_findings(block):
    for seed in range(10_000 + block * 500, 10_000 + block * 500 + 500):
        check(seed)
