"""The pytest plugin: `*.scenario.yaml` files and manifests are tests, and there is a fixture `kubeinfer`.

pytest imports it at every start. It imports nothing of the simulator until there is something to look at.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kubeinfer_sim.testing.fixture import KubeInferSim

#: How the files are called that are tests by themselves.
SCENARIOS = (".scenario.yaml", ".scenario.yml")
_MANIFESTS: pytest.StashKey[frozenset[Path]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options, and their like in the configuration of pytest."""
    group = parser.getgroup("kubeinfer-sim")
    group.addoption(
        "--kubeinfer-manifests",
        action="append",
        metavar="GLOB",
        help="Test manifests, too: valid, lint, and with a cluster whether they come up (deploy/**/*.yaml).",
    )
    group.addoption("--kubeinfer-cluster", metavar="NODES", help="For manifests: 8x8, or a file of nodes.")
    group.addoption(
        "--kubeinfer-set", action="append", metavar="NAME=VALUE", help="For manifests: fill ${NAME}."
    )
    group.addoption(
        "--kubeinfer-runs",
        type=int,
        default=100,
        metavar="N",
        help="Runs by which an objective with a probability is judged (100).",
    )
    parser.addini("kubeinfer_manifests", "As --kubeinfer-manifests, one a line.", type="linelist", default=[])
    parser.addini("kubeinfer_cluster", "As --kubeinfer-cluster.", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Find the manifests; they are collected wherever they lie."""
    patterns = config.getoption("kubeinfer_manifests") or config.getini("kubeinfer_manifests")
    found: set[Path] = set()
    for pattern in patterns:
        paths = [
            Path(os.path.abspath(each))  # noqa: PTH100 - a link stays one, as in what pytest collects
            for each in glob.glob(pattern, root_dir=None, recursive=True)  # noqa: PTH207 - may be absolute
            if os.path.isfile(each)  # noqa: PTH113
        ]
        if not paths:
            raise pytest.UsageError(f"--kubeinfer-manifests {pattern}: there is no such file")
        found.update(paths)
    config.stash[_MANIFESTS] = frozenset(found)
    there = {os.path.abspath(each) for each in config.args}  # noqa: PTH100
    config.args += [str(each) for each in sorted(found) if str(each) not in there]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A scenario file, by its name; a manifest, where it is asked for."""
    if file_path.name.endswith(SCENARIOS):
        from kubeinfer_sim.testing.collected import ScenarioFile

        made: pytest.Collector = ScenarioFile.from_parent(parent, path=file_path)
        return made
    if file_path in parent.config.stash.get(_MANIFESTS, frozenset()):
        from kubeinfer_sim.testing.collected import ManifestFile

        manifest: pytest.Collector = ManifestFile.from_parent(parent, path=file_path)
        return manifest
    return None


@pytest.fixture(scope="module")
def kubeinfer(request: pytest.FixtureRequest) -> KubeInferSim:
    """The simulator: load, simulate, replicate, compare; paths start at the folder of the test."""
    from kubeinfer_sim.testing.fixture import KubeInferSim

    return KubeInferSim(request.path.parent)


def pytest_assertrepr_compare(op: str, left: Any, right: Any) -> Iterable[str] | None:
    """When and why a number is what it is, where it is not what was asked for."""
    for each in (left, right):
        if type(each).__module__ == "kubeinfer_sim.testing.assertions":
            return [f"{left!r} {op} {right!r}", *each.explain()]
    return None
