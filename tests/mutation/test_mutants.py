"""The mistakes that tests have to notice still fit the code, and mutants are made as they are said to be."""

from __future__ import annotations

import ast
import textwrap

import pytest
from mutation.edits import Edit, TextIsGone, named
from mutation.mistakes import NAMED, PLANTED, Mistake
from mutation.operators import Mutants, files
from mutation.page import EQUIVALENT, judged
from mutation.playing import Changed, in_a_new_python

pytestmark = pytest.mark.any_version

SOURCE = '''
    """Docstring: 1 + 1."""
    LIMIT: int = 3


    def due(at: int, items: list[int], name: str = "x") -> bool:
        """Whether 1 < 2."""
        if at < LIMIT and not items:
            return False
        items.append(at)
        raise ValueError(f"{at + 1} is wrong")


    def told(at: int) -> str:
        return f"{at}" if at > 0 else "no"
'''


def made(operator: str) -> list[str]:
    """What the mutants of an operator put in place of what."""
    source = textwrap.dedent(SOURCE).encode()
    found = [each for each in Mutants("a.py", source).all() if each.operator == operator]
    return [f"{source[each.edit.start : each.edit.end].decode()} -> {each.edit.new}" for each in found]


def test_mutants_are_small_and_leave_alone_what_only_people_read() -> None:
    assert made("comparison boundary") == ["< -> <="]
    assert made("comparison negated") == ["< -> >="]
    assert made("and, or") == ["and -> or"]
    assert made("not dropped") == ["not items -> (items)"]
    assert made("statement removed") == ["items.append(at) -> pass"]
    assert made("constant") == ["3 -> 4", "3 -> 2", "False -> True"]
    assert made("arithmetic") == []


@pytest.mark.parametrize("mistake", [*NAMED, *PLANTED], ids=lambda each: each.what)
def test_each_mistake_still_fits_the_code(mistake: Mistake) -> None:
    edit = mistake.edit()
    assert ast.dump(ast.parse(edit.made())) != ast.dump(ast.parse(edit.source()))
    assert edit.made().count(b"\n") >= edit.source().count(b"\n"), "lines below keep their numbers"


def test_a_text_that_is_gone_is_told() -> None:
    with pytest.raises(TextIsGone, match="0 times, not once"):
        named(files()[0], "no such text", "")


def test_what_is_said_of_survivors_says_whether_anybody_can_see_it() -> None:
    assert all(each.startswith((EQUIVALENT, "missed: ")) for each in judged().values())


def test_a_mutated_module_is_imported_in_place_of_the_real_one() -> None:
    (mistake,) = (each for each in NAMED if "reset at its expiry" in each.what)
    edit: Edit = mistake.edit()
    spec = Changed([edit]).find_spec(edit.module, [str((edit.file).parent)])
    assert spec is not None
    assert spec.loader is not None
    assert spec.loader.get_code(edit.module) is not None  # type: ignore[attr-defined]


@pytest.mark.sweep(whole=True)
@pytest.mark.parametrize("mistake", [*NAMED, *PLANTED], ids=lambda each: each.what)
def test_each_mistake_is_noticed_by_the_tests_named_with_it(mistake: Mistake) -> None:
    played = in_a_new_python(mistake.edit(), [(test, 1.0) for test in mistake.tests])
    assert played.outcome != "survived"
