"""A scenario as a user writes it: the documents of its files, before anybody has read them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario

#: A mapping of a YAML document.
Raw = dict[str, Any]

#: The file that is run, of those of a scenario.
MAIN = "scenario.yaml"


class WrittenScenario(Struct, frozen=True):
    """The files of a scenario, each with its documents; `scenario.yaml` is the one to run, and names the others.

    Its `repr` is what stands in the files, so that an example that Hypothesis prints can be copied and run.
    """

    files: Mapping[str, Sequence[Raw]]

    @property
    def spec(self) -> Raw:
        """The spec of the scenario."""
        spec: Raw = self.files[MAIN][0]["spec"]
        return spec

    def texts(self) -> dict[str, str]:
        """What stands in each file: YAML, or JSON where kubectl wrote it."""
        return {
            name: json.dumps(documents[0], indent=1) + "\n" if name.endswith(".json") else as_yaml(documents)
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
        with tempfile.TemporaryDirectory() as folder:
            return load_scenario(str(self.write(Path(folder))))

    def __repr__(self) -> str:
        return "\n".join(f"# {name}\n{text}" for name, text in self.texts().items())


class _Plain(yaml.SafeDumper):
    """Writes what stands in two places twice: aliases are hard to read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_yaml(documents: Sequence[Raw]) -> str:
    """Documents as the text of one file, keys in the order given, what is short on one line."""
    return yaml.dump_all(
        documents, Dumper=_Plain, sort_keys=False, default_flow_style=None, allow_unicode=True, width=100
    )
