"""What runs the tests of a folder of scenarios: a workflow of GitHub, a job of GitLab, a hook of pre-commit."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.manifest.yaml_text import one_line

_GITHUB = """\
# What each change does to the service, simulated before it reaches a cluster.
name: kubeinfer-sim
on:
  pull_request:
  push:
    branches: [main]
env:
  # Where pip installs it from: a name, a version, a wheel, git+https://…
  KUBEINFER_SIM: {package}
jobs:
  simulate:
    runs-on: ubuntu-latest
    timeout-minutes: 15
    steps:
    - uses: actions/checkout@v4
    - uses: actions/setup-python@v5
      with:
        python-version: "3.12"
    - name: Install
      run: python -m pip install "$KUBEINFER_SIM" pytest
    - name: Check scenarios and the manifests they name
      run: kubeinfer-sim validate {folder}/*.scenario.yaml -o github
    - name: Test that every objective holds
      run: python -m pytest {folder} --junit-xml kubeinfer-sim.xml
    - name: Say what happens, on the page of this run
      if: always()
      run: |
        for scenario in {folder}/*.scenario.yaml; do
          kubeinfer-sim run "$scenario" -o markdown >> "$GITHUB_STEP_SUMMARY" || true
        done
    - uses: actions/upload-artifact@v4
      if: always()
      with:
        name: kubeinfer-sim
        path: kubeinfer-sim.xml
"""
_GITLAB = """\
# What each change does to the service, simulated before it reaches a cluster.
variables:
  # Where pip installs it from: a name, a version, a wheel, git+https://…
  KUBEINFER_SIM: {package}
kubeinfer-sim:
  image: python:3.12
  timeout: 15m
  script:
  - python -m pip install "$KUBEINFER_SIM" pytest
  - kubeinfer-sim validate {folder}/*.scenario.yaml
  - python -m pytest {folder} --junit-xml kubeinfer-sim.xml
  artifacts:
    when: always
    reports:
      junit: kubeinfer-sim.xml
"""
_GITLAB_INCLUDE = """\
include:
- local: .gitlab/kubeinfer-sim.yml
"""
_PRE_COMMIT = """\
repos:
- repo: local
  hooks:
  - id: kubeinfer-sim
    name: every objective of {folder} holds
    language: python
    # Where pip installs it from.
    additional_dependencies: {dependencies}
    # The property tests take longer: these are for CI.
    entry: python -m pytest -q {folder} --ignore-glob=*/test_*.py
    files: \\.ya?ml$
    pass_filenames: false
"""


class FirstFile(Struct, frozen=True):
    """A file to write.

    Attributes:
        path: from the root of the repository.
        what: what is in it, in a few words.
        shared: people have one with more in it: where it is there already, the text is what to add.
    """

    path: str
    what: str
    text: str
    shared: bool = False


#: Name -> the files for it.
_FILES = {
    "github": (FirstFile(".github/workflows/kubeinfer-sim.yml", "the workflow of GitHub Actions", _GITHUB),),
    "gitlab": (
        FirstFile(".gitlab/kubeinfer-sim.yml", "the job of GitLab", _GITLAB),
        FirstFile(".gitlab-ci.yml", "which includes it", _GITLAB_INCLUDE, shared=True),
    ),
    "pre-commit": (FirstFile(".pre-commit-config.yaml", "the hook of pre-commit", _PRE_COMMIT, shared=True),),
}
#: What there are files for.
PIPELINES = tuple(_FILES)


def pipeline_files(which: Collection[str], *, folder: str, package: str) -> Iterator[FirstFile]:
    """The files of these pipelines, which do not depend on what is in the folder.

    Args:
        which: of `PIPELINES`.
        folder: where scenarios and tests are.
        package: what pip installs the simulator from.
    """
    given = {"folder": folder, "package": one_line(package), "dependencies": one_line([package, "pytest"])}
    for name in PIPELINES:
        for each in _FILES[name] if name in which else ():
            yield replace(each, text=each.text.format_map(given))
