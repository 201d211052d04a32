"""What the fixture `kubeinfer` gives a test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kubeinfer_sim.experiment.compare import Comparison
from kubeinfer_sim.experiment.compare import compare as compare_variants
from kubeinfer_sim.experiment.knobs import grid
from kubeinfer_sim.experiment.replications import Replications, replicate
from kubeinfer_sim.manifest.source import read_source
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.testing.invariants import CATALOGUE, Checked, checked

#: A scenario, or the path of its file.
Given = Scenario | str | Path


class KubeInferSim:
    """The simulator for one test module; paths that are not absolute start at its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, path: str | Path, **options: Any) -> Scenario:
        """Read a scenario file; the options are those of `kubeinfer_sim.load_scenario`.

        Raises:
            InputError: something in it is wrong.
        """
        return load_scenario(str(self.folder / path), **options)

    def simulate(
        self, scenario: Given, *, seed: int | None = None, invariants: Iterable[Checked] = CATALOGUE
    ) -> Run:
        """Play a scenario, with invariants watching.

        Raises:
            InputError: something in the file is wrong.
            InvariantsBroken: one of the invariants does not hold.
        """
        return checked(self._scenario(scenario), seed=seed, invariants=invariants)

    def replicate(self, scenario: Given, n: int, **options: Any) -> Replications:
        """Play it with so many seeds; the options are those of `kubeinfer_sim.replicate`."""
        return replicate(self._scenario(scenario), n, **options)

    def compare(
        self,
        path: str | Path,
        knobs: str | Sequence[str],
        *,
        seeds: Iterable[int] | None = None,
        **options: Any,
    ) -> Comparison:
        """Play a scenario file with knobs turned, each as `--vary` takes it: `maxSurge=0,1`.

        Args:
            path: of the scenario file.
            knobs: one or several; each combination of their values is a variant.
            seeds: which each variant meets; as many as it takes to tell, if not given.
            options: those of `kubeinfer_sim.load_scenario`.

        Raises:
            InputError: something in the file is wrong.
            UsageError: there is no such knob, or a value cannot be.
        """
        texts = [knobs] if isinstance(knobs, str) else knobs
        values = options.pop("set_values", None) or {}
        variants = grid(texts, read_source(str(self.folder / path)), values, **options)
        return compare_variants(variants, None if seeds is None else list(seeds))

    def _scenario(self, given: Given) -> Scenario:
        return given if isinstance(given, Scenario) else self.load(given)
