"""Manifests for tests: the files beside this module, and small changes to one of them."""

from pathlib import Path

import pytest

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.source import SourceText

DATA = Path(__file__).parent / "data"
#: A valid manifest with two roles; the files of `invalid/` are this one with one mistake each.
BASE = (DATA / "base.yaml").read_text(encoding="utf-8")


def changed(*changes):
    """BASE with pairs of texts replaced, each where it first stands."""
    text = BASE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def load(*texts, **options):
    return load_manifest([SourceText(f"m{i}.yaml", text) for i, text in enumerate(texts)], **options)


def one(text, **options):
    (kubeinfer,) = load(text, **options).kubeinfers
    return kubeinfer


def errors(*texts, **options):
    """`line: path: message` of every error."""
    with pytest.raises(InputError) as caught:
        load(*texts, **options)
    return [f"{each.line}: {each.sentence}" for each in caught.value.diagnostics if each.severity == "error"]
