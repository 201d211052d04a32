"""The house: no circle of imports, no tall classes, no wide constructors, few hooks, one place for each fact.

Rooms and layers are kept by the import contracts of `pyproject.toml`; here is what those cannot say.
"""

from __future__ import annotations

import ast

import pytest
from source_code import (
    RUNNING,
    circles,
    classes,
    depth,
    hooks,
    imports,
    in_layers,
    modules,
    releases_taken_apart,
    unused,
    width,
)

pytestmark = pytest.mark.any_version

#: Longest line of classes from one up to its farthest base, and arguments of a constructor.
DEEPEST, WIDEST = 3, 7


def test_no_modules_import_each_other_in_a_circle_not_even_for_their_types() -> None:
    assert circles(imports()) == []


def test_every_module_has_its_place_in_a_layer() -> None:
    """Without one it could import what it likes, but for what its room may not."""
    folders = {name.rpartition(".")[0] for name in modules()}
    assert modules().keys() - folders - in_layers() == set()


def test_no_class_that_runs_is_more_than_three_deep() -> None:
    deep = {
        name for name, each in classes().items() if each.module.startswith(RUNNING) and depth(name) > DEEPEST
    }
    assert deep == set()


def test_no_constructor_takes_more_than_seven_arguments() -> None:
    assert {name for name, each in classes().items() if width(each) > WIDEST} == set()


def test_what_an_object_calls_is_given_to_it_when_it_is_made() -> None:
    assert len(hooks()) <= 2, hooks()


def test_the_text_of_a_kubernetes_version_is_taken_apart_in_one_module() -> None:
    assert len(releases_taken_apart()) == 1, releases_taken_apart()


def test_what_nothing_in_the_package_uses_is_not_in_the_package() -> None:
    assert unused() == []


def test_what_holds_data_is_a_struct_since_a_dataclass_costs_every_start_half_a_millisecond() -> None:
    decorated = {
        name: " ".join(map(ast.unparse, each.node.decorator_list)) for name, each in classes().items()
    }
    dataclasses = {name for name, decorators in decorated.items() if "dataclass" in decorators}
    assert dataclasses == set()


def test_circles_are_the_groups_that_import_each_other() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a", "e"}}
    assert circles({name: frozenset(others) for name, others in graph.items()}) == [
        ["a", "b", "c"],
        ["d", "e"],
    ]
