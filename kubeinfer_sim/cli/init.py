"""`kubeinfer-sim init scenario MANIFEST` and `kubeinfer-sim init ci MANIFEST...`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kubeinfer_sim.cli.command import (
    Group,
    configuration_option,
    file_argument,
    filename_option,
    first_nodes_options,
    option,
    subcommand,
    values_options,
)
from kubeinfer_sim.cli.files import OutputFile, descriptor, is_of_the_user, write_file
from kubeinfer_sim.cli.output import note, show, show_document, width_of
from kubeinfer_sim.errors import UsageError

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.configuration import Configuration
    from kubeinfer_sim.testing.first_files import Asked, FirstFile, FirstScenario

F = TypeVar("F", bound=Callable[..., Any])

#: Where scenarios and property tests of `init ci` go.
FOLDER = "kubeinfer-sim"


def _never(head: bytes) -> bool:
    """Whether a file may be written over: none, since what `init` writes is there to be changed."""
    return False


@click.group(
    "init", cls=Group, short_help="Write a first scenario for a manifest, or what CI needs to test manifests."
)
def command() -> None:
    """Write first files for manifests: they are yours to change, and none that is there is written over."""


def _input_options(command: F) -> F:
    for each in (configuration_option, first_nodes_options, values_options("the manifests"), filename_option):
        command = each(command)
    return command


def _surplus(ctx: click.Context, rest: Sequence[str]) -> str:
    return "init scenario takes one manifest; `kubeinfer-sim init ci` takes several"


@subcommand("scenario", short_help="Write a first scenario for a manifest, with comments.", surplus=_surplus)
@file_argument("manifest")
@_input_options
@option(
    "--write-scenario",
    "scenario_to",
    metavar="FILE",
    default="-",
    type=OutputFile(_never, "name a new file: `--write-scenario new.scenario.yaml`"),
    help="The file to write, where paths in it start; standard output if not given.",
)
def scenario_command(
    manifest: str,
    settings: tuple[str, ...],
    files: tuple[str, ...],
    cluster: str | None,
    pods: str | None,
    configuration: Configuration | None,
    scenario_to: str,
) -> int:
    """Write a scenario of an update of all that MANIFEST holds: each field with a line that says why.

    It is simulated, and gets as objectives what it holds; what one would ask for and it misses is told, and stands
    there as a comment.

    Exit code 0: it holds; 1: it never finishes, or the like; 2: the manifest or the nodes are wrong.
    """
    from kubeinfer_sim.testing.first_files import first_scenario

    asked = _asked(manifest, settings, files, cluster, pods, configuration)
    to_screen = descriptor(scenario_to) == 1
    first = first_scenario(asked, "scenario.yaml" if to_screen else scenario_to)
    if to_screen:
        show_document(first.text)
    else:
        write_file(scenario_to, first.text, ours=_never, option="--write-scenario")
    for line in _judged(manifest, first):
        note(line)
    return _code(first)


def _pipelines(text: str) -> list[str]:
    from kubeinfer_sim.manifest.suggest import did_you_mean
    from kubeinfer_sim.testing.first_files import PIPELINES

    names = [each.strip() for each in text.split(",") if each.strip()]
    for name in names:
        if name not in PIPELINES:
            raise click.BadParameter(
                f"there is nothing for {name}{did_you_mean(name, PIPELINES)} (there are: {', '.join(PIPELINES)})"
            )
    return names


@subcommand("ci", short_help="Write scenarios with objectives, property tests, pipelines and a hook.")
@file_argument("manifests", nargs=-1, required=True)
@_input_options
@option(
    "--pipelines",
    metavar="LIST",
    callback_value=_pipelines,
    help="Which of github, gitlab, pre-commit; all of them, if not given.",
)
@option(
    "--package",
    metavar="SPEC",
    default="kubeinfer-sim",
    help="What pip installs in them, one variable of each: a name, a version, a wheel, git+https://…; kubeinfer-sim if "
    "not given.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing: print the files.")
def ci_command(
    manifests: tuple[str, ...],
    settings: tuple[str, ...],
    files: tuple[str, ...],
    cluster: str | None,
    pods: str | None,
    configuration: Configuration | None,
    pipelines: list[str] | None,
    package: str,
    dry_run: bool,
) -> int:
    """Write, for each of MANIFESTS, a scenario of its update and a property test, and what runs them in CI.

    They go to kubeinfer-sim/ in the working directory, which is the root of the repository. Each scenario is simulated,
    and gets as objectives what it holds; what one would ask for and it misses is told, and stands there as a comment. A
    file that is there already stays as it is; a scenario is played as it stands there.

    Exit code 0: all of them hold, and so will CI; 1: one never finishes, or the like; 2: a manifest or the nodes are
    wrong.
    """
    from kubeinfer_sim.report.verdict import assess, verdict_line
    from kubeinfer_sim.scenario.load import load_scenario
    from kubeinfer_sim.simulation.simulate import simulate
    from kubeinfer_sim.testing.first_files import (
        PIPELINES,
        FirstFile,
        first_scenario,
        pipeline_files,
        property_test,
    )

    written: list[FirstFile] = []
    told: list[str] = []
    code = 0
    for manifest, path in _paths(manifests).items():
        asked = _asked(manifest, settings, files, cluster, pods, configuration, beside=manifests)
        # Also where a file is there: what is asked for has to be right, and is what a first one would be made of.
        first = first_scenario(asked, path)
        if _is_there(path):
            written.append(FirstFile(path, "", ""))
            there_already = assess(simulate(load_scenario(path, configuration=configuration)))
            told.append(f"{path}: {verdict_line(there_already)}")
            code = max(code, 0 if there_already.verdict.holds else 1)
            continue
        name, test = property_test(first, configured=configuration is not None)
        written.append(FirstFile(path, "the update, and what must hold", first.text))
        written.append(FirstFile(f"{FOLDER}/{name}", "what must hold near it, at random", test))
        told += _judged(path, first)
        code = max(code, _code(first))
    written += pipeline_files(pipelines or PIPELINES, folder=FOLDER, package=package)
    _each_once(written)
    if dry_run:
        show_document("\n".join(f"# --- {each.path}\n{each.text}" for each in written if each.text))
        for line in told:
            note(line)
        return code
    there = [each for each in written if _is_there(each.path)]
    new = [each for each in written if each not in there]
    for each in new:
        _write(each)
    show("\n".join(_screen(new, there, told)))
    return code


command.add_command(scenario_command)
command.add_command(ci_command)


def _asked(
    manifest: str,
    settings: Sequence[str],
    files: Sequence[str],
    cluster: str | None,
    pods: str | None,
    configuration: Configuration | None,
    *,
    beside: Sequence[str] = (),
) -> Asked:
    """What a scenario is made for; of the values those that it has holes for, or that none has, which is told.

    Raises:
        UsageError: a scenario could not name it.
    """
    from kubeinfer_sim.manifest.source import read_source
    from kubeinfer_sim.manifest.template import holes_of, parse_settings
    from kubeinfer_sim.testing.first_files import Asked

    for name in (manifest, cluster, pods):
        if name is not None and descriptor(name) is not None:
            raise UsageError(f"{name}: a scenario names its files by their paths, and this one has none")
    if pods is not None and cluster is None:
        raise UsageError("--pods are those of the nodes given as --cluster FILE: give both")
    parse_settings(settings, files)
    values, value_files = (dict(each.split("=", 1) for each in given) for given in (settings, files))
    holes = {each: set(holes_of(read_source(each).text)) for each in (beside or [manifest])}
    elsewhere = set().union(*holes.values()) - holes[manifest]
    return Asked(
        manifest,
        {name: value for name, value in values.items() if name not in elsewhere},
        {name: file for name, file in value_files.items() if name not in elsewhere},
        cluster,
        pods,
        configuration,
    )


def _paths(manifests: Sequence[str]) -> dict[str, str]:
    """Where the scenario of each goes: by the name of its file, with that of its folders where others have it, too."""
    stems = [PurePath(each).stem for each in manifests]
    named = {
        each: stem
        if stems.count(stem) == 1
        else "-".join((*PurePath(os.path.relpath(each)).parts[:-1], stem))
        for each, stem in zip(manifests, stems, strict=True)
    }
    return {each: f"{FOLDER}/{name.replace('..-', '')}.scenario.yaml" for each, name in named.items()}


def _each_once(files: Sequence[FirstFile]) -> None:
    """Refuse one file for two manifests.

    Raises:
        UsageError: that would be.
    """
    paths = [each.path for each in files]
    for path in paths:
        if paths.count(path) > 1:
            raise UsageError(f"two of the manifests would have {path}: rename one of them")


def _is_there(path: str) -> bool:
    """Whether there is such a file of somebody's.

    Raises:
        UsageError: there is something that is no file, or none can be made.
    """
    folders = [each for each in Path(path).parents if each.exists() or each.is_symlink()]
    for each in folders:
        if not each.is_dir():
            raise UsageError(f"{path}: {each} is there and is no folder")
    try:
        return Path(path).parent in folders and is_of_the_user(path, _never)
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _write(file: FirstFile) -> None:
    """Write a file that is not there, its folders made.

    Raises:
        UsageError: it cannot be.
    """
    try:
        Path(file.path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{file.path}: {error.strerror}") from None
    write_file(file.path, file.text, ours=_never, option="init ci")


def _judged(name: str, first: FirstScenario) -> list[str]:
    """How a scenario comes out, and what of what one would ask for does not hold."""
    from kubeinfer_sim.report.verdict import verdict_line

    return [f"{name}: {verdict_line(first.assessment)}", *(f"    {each}" for each in first.missed)]


def _code(first: FirstScenario) -> int:
    """What `run` will say of it, and so its tests."""
    return 0 if first.assessment.verdict.holds else 1


def _screen(new: Sequence[FirstFile], there: Sequence[FirstFile], told: Sequence[str]) -> list[str]:
    """What was written, what was not, and what to do next."""
    from kubeinfer_sim.manifest.wrapping import wrap

    width = width_of(sys.stdout)
    lines = [part for each in told for part in wrap(each, width, later="    ")]
    if new:
        column = max(len(each.path) for each in new)
        lines += ["", "Written", *(f"  {each.path:{column}}  {each.what}" for each in new)]
    if there:
        lines += ["", "There already, and left as it is"]
    for each in there:
        lines.append(f"  {each.path}{', to which this is to be added:' if each.shared else ''}")
        lines += [f"    {line}" for line in each.text.splitlines()] if each.shared else []
    roots = dict.fromkeys(each.path.split("/")[0] for each in new)
    next_lines = [
        f"pip install pytest && pytest {FOLDER}",
        *([shlex.join(["git", "add", *roots])] if new else []),
    ]
    return [*lines, "", "Next", *(f"  {each}" for each in next_lines)]
