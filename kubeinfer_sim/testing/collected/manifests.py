"""Manifests: a test each that they are valid, that lint has nothing to say, and that they come up on a cluster."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pytest

from kubeinfer_sim.diagnostics import Diagnostic, Severity
from kubeinfer_sim.manifest.render import render
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.scenario.check import check_files
from kubeinfer_sim.scenario.configuration import find_configuration
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.testing.collected.item import Check, CheckedFile, NotHeld
from kubeinfer_sim.testing.explained import missed_text
from kubeinfer_sim.testing.invariants import checked

#: The options with the nodes, and with what fills the holes.
CLUSTER, VALUES = "kubeinfer_cluster", "kubeinfer_set"


class ManifestFile(CheckedFile):
    """A manifest file."""

    def collect(self) -> Iterator[pytest.Item]:
        """The tests; the last one where a cluster is named, by an option or a configuration file."""
        validate = ["kubeinfer-sim", "validate", self.shown, *self._set()]
        yield self._item("valid", partial(self._valid), [*validate, "--no-lint"])
        on = [] if self._nodes() is None else ["--nodes", str(self._nodes())]
        yield self._item("lint", partial(self._lint), [*validate, "--strict", *on])
        configuration = find_configuration()
        if on or (configuration is not None and "cluster" in configuration.document.value):
            again = ["kubeinfer-sim", "rollout", self.shown, *self._set()]
            again += ["--nodes" if self._nodes_are_short() else "--cluster", on[1]] if on else []
            yield self._item("settles", partial(self._settles), again)

    def _item(self, name: str, check: partial[None], command: list[str]) -> pytest.Item:
        made: pytest.Item = Check.from_parent(self, name=name, check=check, command=shlex.join(command))
        return made

    @cached_property
    def _findings(self) -> Sequence[Diagnostic]:
        """What `validate` finds; of a file that is not valid nothing but what is wrong."""
        return check_files(
            [self.shown], self._values(), nodes=self._nodes(), configuration=find_configuration()
        ).findings

    def _of(self, severity: Severity) -> list[Diagnostic]:
        return [each for each in self._findings if each.severity is severity]

    def _valid(self) -> None:
        if wrong := self._of(Severity.ERROR):
            raise NotHeld(render(wrong))

    def _lint(self) -> None:
        self._skip_if_invalid()
        if warnings := self._of(Severity.WARNING):
            raise NotHeld(render(warnings))

    def _skip_if_invalid(self) -> None:
        if self._of(Severity.ERROR):
            pytest.skip("the file is not valid")

    def _settles(self) -> None:
        """Created on the nodes, it comes up and stays so."""
        self._skip_if_invalid()
        manifest = {"path": self.path.name, "set": self._values()}
        spec: dict[str, Any] = {"manifest": manifest, "initial": "empty"}
        if (nodes := self._nodes()) is not None:
            spec["cluster"] = nodes if self._nodes_are_short() else str(Path(nodes).absolute())
        document = {
            "apiVersion": "kubeinfer-sim/v1",
            "kind": "Scenario",
            "metadata": {"name": self.path.stem},
        }
        text = SourceText(self.shown, json.dumps({**document, "spec": spec}))
        assessment = assess(checked(load_scenario(text, configuration=find_configuration())))
        if not assessment.verdict.holds:
            raise NotHeld(missed_text(assessment, None))

    # -- options ---------------------------------------------------------------------------------------------

    def _nodes(self) -> str | None:
        nodes: str | None = self.config.getoption(CLUSTER) or self.config.getini(CLUSTER) or None
        return nodes

    def _nodes_are_short(self) -> bool:
        from kubeinfer_sim.scenario.cluster.node_counts import is_short_form

        return is_short_form(self._nodes() or "")

    def _values(self) -> dict[str, str]:
        from kubeinfer_sim.manifest.template import parse_settings

        return parse_settings(self.config.getoption(VALUES) or ())

    def _set(self) -> list[str]:
        return [word for each in self.config.getoption(VALUES) or () for word in ("--set", each)]
