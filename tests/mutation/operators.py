"""All mutants of a module: small mistakes a hand could make, one at a time, each with its exact place in the source.

Left alone: what no behaviour hangs on. That is docstrings, annotations, assertions, what stands under TYPE_CHECKING,
texts (f-strings, what is raised, functions that return a `str`, the modules of `WORDS`).
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mutation.edits import ROOT, Edit

#: The rooms whose mutants are made.
ROOMS = ("controllers", "cluster", "metrics")
#: Modules that write sentences for people.
WORDS = ("explain", "messages", "pod_printing", "reasons", "device_refusals")

_COMPARED = {
    ast.Lt: (("<", "<="), ("<", ">=")),
    ast.LtE: (("<=", "<"), ("<=", ">")),
    ast.Gt: ((">", ">="), (">", "<=")),
    ast.GtE: ((">=", ">"), (">=", "<")),
    ast.Eq: (("==", "!="),),
    ast.NotEq: (("!=", "=="),),
    ast.Is: (("is", "is not"),),
    ast.IsNot: (("is not", "is"),),
    ast.In: (("in", "not in"),),
    ast.NotIn: (("not in", "in"),),
}
_COMPUTED = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "//"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "//"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
}
#: Functions and methods whose name alone is changed.
_NAMES = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "popleft": "pop",
    "append": "appendleft",
    "appendleft": "append",
    "bisect_left": "bisect_right",
    "bisect_right": "bisect_left",
    "bisect": "bisect_left",
    "floor": "ceil",
    "ceil": "floor",
}
_ONLY_OF_DEQUES = {"append", "appendleft", "popleft"}


@dataclass(frozen=True)
class Mutant:
    """An edit, by which operator, and where it stands."""

    edit: Edit
    operator: str
    function: str  # its qualified name, "" at the level of the module
    line: int  # of the statement that has to run for it to matter
    at_import: bool  # not inside a function: it is there as soon as the module is imported

    @property
    def name(self) -> str:
        """What stays when lines move: place, operator, and the change."""
        return f"{self.edit.path} {self.function} {self.operator}: {self.edit.text()}"


def mutants(path: str) -> list[Mutant]:
    """The places for mutants in a file of the package (named from the root of the repository), as they stand there."""
    made = set(Mutants(path, (ROOT / path).read_bytes()).all())
    return sorted(made, key=lambda each: (each.edit.start, each.edit.end, each.operator, each.edit.new))


def is_code(mutant: Mutant) -> bool:
    """Whether it is Python, and another program than it was."""
    try:
        return ast.dump(ast.parse(mutant.edit.made())) != ast.dump(ast.parse(mutant.edit.source()))
    except SyntaxError:
        return False


def files() -> list[str]:
    """The files whose mutants are made."""
    return [
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in sorted((ROOT / "kubeinfer_sim" / room).rglob("*.py"))
        if path.stem not in WORDS
    ]


class Mutants:
    """Those of one module."""

    def __init__(self, path: str, source: bytes) -> None:
        self.path, self.source = path, source
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.deques = b"deque" in source

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def text(self, node: ast.expr | ast.stmt) -> str:
        start, end = self.span(node)
        return self.source[start:end].decode()

    def all(self) -> Iterator[Mutant]:
        """Each with its place, statement by statement."""
        yield from self._block(ast.parse(self.source).body, "", inside=False)

    # -- statements -------------------------------------------------------------------------------------------

    def _block(self, body: list[ast.stmt], function: str, *, inside: bool) -> Iterator[Mutant]:
        for each in body:
            yield from self._statement(each, function, inside=inside)

    def _statement(self, node: ast.stmt, function: str, *, inside: bool) -> Iterator[Mutant]:
        def make(operator: str, start: int, end: int, new: str) -> Mutant:
            return Mutant(Edit(self.path, start, end, new), operator, function, node.lineno, not inside)

        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from self._function(node, function, inside=inside)
                return
            case ast.ClassDef():
                yield from self._block(node.body, f"{function}.{node.name}".lstrip("."), inside=False)
                return
            case ast.Assert() | ast.Raise() | ast.Import() | ast.ImportFrom():
                return
            case ast.Expr(value=ast.Constant()):
                return
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                return
            case ast.Assign(value=ast.BinOp(op=ast.BitOr())) if not inside:  # a name for a union of types
                return
        removed = (
            inside
            and not (
                function.endswith(".__init__") and isinstance(node, ast.Assign)
            )  # it could not even begin
            and (
                isinstance(node, ast.Expr | ast.AugAssign | ast.Delete)
                or (isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name | ast.Tuple))
            )
            and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield | ast.YieldFrom))
        )
        if removed:
            yield make("statement removed", *self.span(node), "pass")
        if isinstance(node, ast.Continue):
            yield make("continue, break", *self.span(node), "break")
        if isinstance(node, ast.Break):
            yield make("continue, break", *self.span(node), "continue")
        if isinstance(node, ast.AugAssign) and type(node.op) in _COMPUTED:
            old, new = _COMPUTED[type(node.op)]
            start = self.span(node.target)[1]
            at = self.source.index(f"{old}=".encode(), start)
            yield make("arithmetic", at, at + len(old), new)
        if isinstance(node, ast.If | ast.While):
            yield make("condition negated", *self.span(node.test), f"not ({self.text(node.test)})")
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                if isinstance(node, ast.AnnAssign) and child is node.annotation:
                    continue
                if isinstance(node, ast.Expr) and _tells(child):
                    continue
                yield from self._expression(child, make)
            elif isinstance(child, ast.withitem):
                yield from self._expression(child.context_expr, make)
            elif isinstance(child, ast.ExceptHandler):
                yield from self._block(child.body, function, inside=inside)
            elif isinstance(child, ast.match_case):
                if child.guard:
                    yield from self._expression(child.guard, make)
                yield from self._block(child.body, function, inside=inside)
        for name in ("body", "orelse", "finalbody"):
            yield from self._block(getattr(node, name, []), function, inside=inside)

    def _function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, outer: str, *, inside: bool
    ) -> Iterator[Mutant]:
        name = f"{outer}.{node.name}".lstrip(".")
        returns = ast.unparse(node.returns) if node.returns else ""
        if returns in ("str", "str | None", "Iterator[str]", "list[str]", "NoReturn") or node.name in (
            "__str__",
            "__repr__",
        ):
            return
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        if not body or (len(body) == 1 and isinstance(body[0], ast.Raise | ast.Pass)) or _is_ellipsis(body):
            return

        def make(operator: str, start: int, end: int, new: str) -> Mutant:
            return Mutant(Edit(self.path, start, end, new), operator, outer, node.lineno, not inside)

        for default in [*node.args.defaults, *(each for each in node.args.kw_defaults if each)]:
            yield from self._expression(default, make)
        first = body[0]
        start, _ = self.span(first)

        def early(new: str) -> Mutant:
            return Mutant(Edit(self.path, start, start, new), "early return", name, first.lineno, False)

        generator = any(isinstance(each, ast.Yield | ast.YieldFrom) for each in _own(node))
        if returns == "None" and not isinstance(first, ast.FunctionDef | ast.ClassDef) and len(body) > 1:
            yield early("return; ")
        elif returns == "bool" and not generator:
            for value in ("True", "False"):
                if _simple(first):
                    yield early(f"return {value}; ")
        yield from self._block(body, name, inside=True)

    # -- expressions ------------------------------------------------------------------------------------------

    def _expression(self, node: ast.expr, make: Callable[[str, int, int, str], Mutant]) -> Iterator[Mutant]:
        match node:
            case ast.JoinedStr():
                return
            case ast.Compare(left=left, ops=ops, comparators=others):
                for before, op, after in zip([left, *others], ops, others, strict=False):
                    for old, new in _COMPARED[type(op)]:
                        start, end = self._operator(before, after, old)
                        kind = (
                            "comparison boundary"
                            if old.strip("=") == new.strip("=")
                            else "comparison negated"
                        )
                        yield make(kind, start, end, new)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _COMPUTED:
                if _is_text(left) or _is_text(right):
                    return
                old, new = _COMPUTED[type(op)]
                yield make("arithmetic", *self._operator(left, right, old), new)
            case ast.BoolOp(op=op, values=values):
                old, new = ("and", "or") if isinstance(op, ast.And) else ("or", "and")
                for before, after in itertools.pairwise(values):
                    yield make("and, or", *self._operator(before, after, old), new)
                neutral = "True" if isinstance(op, ast.And) else "False"
                for each in values:
                    yield make("condition dropped", *self.span(each), neutral)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                start, end = self.span(node)
                yield make("not dropped", start, end, f"({self.text(operand)})")
            case ast.IfExp(test=test):
                yield make("condition negated", *self.span(test), f"(not ({self.text(test)}))")
            case ast.Constant(value=bool() as value):
                yield make("constant", *self.span(node), str(not value))
            case ast.Constant(value=int() as value):
                yield make("constant", *self.span(node), str(value + 1))
                if value > 0:
                    yield make("constant", *self.span(node), str(value - 1))
            case ast.Constant(value=float() as value):
                yield make("constant", *self.span(node), str(value + 1))
            case ast.Call(func=ast.Name(id="isinstance" | "cast")):
                return
            case ast.Call():
                if _tells(node):
                    return
                yield from self._call(node, make)
            case ast.Subscript(slice=ast.Constant(value=0)):
                yield make("first, last", *self.span(node.slice), "-1")
            case ast.Subscript(slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1))):
                yield make("first, last", *self.span(node.slice), "0")
                return
            case ast.Lambda(body=body):
                yield from self._expression(body, make)
                return
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                for generator in node.generators:
                    yield from self._expression(generator.iter, make)
                    for test in generator.ifs:
                        yield make("filter dropped", *self.span(test), "True")
                        yield from self._expression(test, make)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from self._expression(child, make)
            elif isinstance(child, ast.keyword):
                yield from self._expression(child.value, make)

    def _call(self, node: ast.Call, make: Callable[[str, int, int, str], Mutant]) -> Iterator[Mutant]:
        start, end = self.span(node.func)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _NAMES and (name not in _ONLY_OF_DEQUES or self.deques):
            yield make("min, max and the like", end - len(name), end, _NAMES[name])
        if name in ("sorted", "sort"):
            turned = [each for each in node.keywords if each.arg == "reverse"]
            if not turned:
                close = self.span(node)[1] - 1
                comma = "" if self.source[:close].rstrip().endswith((b",", b"(")) else ", "
                yield make("sort direction", close, close, f"{comma}reverse=True")
        if name == "reversed":
            yield make("sort direction", start, end, "list")
        plain = [each for each in node.args if not isinstance(each, ast.Starred | ast.GeneratorExp)]
        for one, other in itertools.pairwise(plain):
            if (
                type(one) is type(other)
                and ast.dump(one) != ast.dump(other)
                and name not in ("getattr", "min", "max")
            ):
                first, last = self.span(one), self.span(other)
                between = self.source[first[1] : last[0]].decode()
                yield make(
                    "arguments swapped", first[0], last[1], self.text(other) + between + self.text(one)
                )
                return

    def _operator(self, before: ast.expr, after: ast.expr, token: str) -> tuple[int, int]:
        """Where an operator stands between its operands."""
        start, end = self.span(before)[1], self.span(after)[0]
        pattern = r"\s+".join(map(re.escape, token.split()))
        match = re.search(
            pattern.encode(), re.sub(rb"#[^\n]*", lambda c: b" " * len(c[0]), self.source[start:end])
        )
        assert match is not None, (self.path, before.lineno, token)
        return start + match.start(), start + match.end()


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions in it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _own(child)


def _simple(statement: ast.stmt) -> bool:
    return not isinstance(
        statement,
        ast.FunctionDef | ast.ClassDef | ast.For | ast.While | ast.If | ast.With | ast.Try | ast.Match,
    )


def _is_ellipsis(body: list[ast.stmt]) -> bool:
    return len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _tells(node: ast.expr) -> bool:
    """Whether a call only makes what is raised or said."""
    name = node.func if isinstance(node, ast.Call) else None
    return isinstance(name, ast.Name) and name.id.endswith(("Fault", "Error"))
