"""Scenarios and manifests as users write them: the documents of their files, before anybody has read them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

from msgspec import Struct

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.load import Manifests, load_manifest
from kubeinfer_sim.manifest.source import SourceText, read_source
from kubeinfer_sim.manifest.yaml_text import yaml_text
from kubeinfer_sim.scenario.configuration import Configuration
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.self_contained import whole_scenario
from kubeinfer_sim.scenario.workloads.manifests import to_yaml

T = TypeVar("T")

#: A mapping of a YAML document.
Raw = dict[str, Any]

#: The file that is run, of those of a scenario.
MAIN = "scenario.yaml"


class WrittenScenario(Struct, frozen=True, dict=True):
    """The files of a scenario, each with its documents; `scenario.yaml` is the one to run, and names the others.

    Its `repr` is what stands in the files, so that an example that Hypothesis prints can be copied and run.
    """

    files: Mapping[str, Sequence[Raw]]

    @classmethod
    def read(
        cls,
        path: str | Path,
        *,
        set_values: Mapping[str, Any] | None = None,
        configuration: Configuration | None = None,
    ) -> Self:
        """A user's scenario file, with all that it names from other files written in it.

        Args:
            path: of a file of kind Scenario.
            set_values: values for `${name}` in its own manifest, over those that it gives.
            configuration: what holds where it says nothing (`find_configuration`).

        Raises:
            InputError: something is wrong, here or in a file it names.
        """
        source = read_source(str(path))
        load_scenario(source, set_values=set_values, configuration=configuration)
        document = whole_scenario(source, set_values=set_values, configuration=configuration)
        return cls({MAIN: [_unshared(document)]})

    @property
    def spec(self) -> Raw:
        """The spec of the scenario."""
        spec: Raw = self.files[MAIN][0]["spec"]
        return spec

    def texts(self) -> dict[str, str]:
        """What stands in each file: YAML, or JSON where kubectl wrote it."""
        return {
            name: json.dumps(documents[0], indent=1) + "\n"
            if name.endswith(".json")
            else yaml_text(documents)
            for name, documents in self.files.items()
        }

    def write(self, folder: Path) -> Path:
        """Write all files into a folder that exists; the path of the one to run."""
        for name, text in self.texts().items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder / MAIN

    def load(self) -> Scenario:
        """The scenario as the public reader reads it from the files.

        Raises:
            InputError: something in them is wrong.
        """
        return self._loaded

    @cached_property
    def _loaded(self) -> Scenario:
        if self.files.keys() == {MAIN}:
            return _loaded(load_scenario, self.files[MAIN])
        with tempfile.TemporaryDirectory() as folder:
            return load_scenario(str(self.write(Path(folder))))

    def __repr__(self) -> str:
        return "\n".join(f"# {name}\n{text}" for name, text in self.texts().items())


class WrittenManifest(Struct, frozen=True):
    """The documents of a manifest file; its `repr` is what stands in the file."""

    documents: Sequence[Raw]

    @classmethod
    def read(cls, path: str | Path, *, set_values: Mapping[str, Any] | None = None) -> Self:
        """A user's manifest file, its holes `${name}` filled.

        Raises:
            InputError: something in it is wrong.
        """
        return cls([_unshared(each) for each in load_manifest([str(path)], set_values=set_values).objects])

    @property
    def text(self) -> str:
        """What stands in the file."""
        return yaml_text(self.documents)

    def load(self) -> Manifests:
        """What the public reader reads from the file.

        Raises:
            InputError: something in it is wrong.
        """
        return _loaded(lambda text: load_manifest([text]), self.documents)

    def __repr__(self) -> str:
        return f"# manifest.yaml\n{self.text}"


def _unshared(value: Any) -> Any:
    """A copy in which nothing stands in two places, as what an alias of YAML names does."""
    return json.loads(json.dumps(value))


def _loaded(load: Callable[[SourceText], T], documents: Sequence[Raw]) -> T:
    """What a reader makes of documents; JSON, which YAML holds, is written and read ten times as fast.

    Raises:
        InputError: something in them is wrong, told of the text that people read.
    """
    try:
        return load(SourceText(MAIN, "\n---\n".join(map(to_yaml, documents))))
    except InputError:
        return load(SourceText(MAIN, yaml_text(documents)))
