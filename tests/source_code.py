"""The package's source as data: its modules, what each imports, its classes, and who sets what on whom.

Read from the files with `ast`, so that imports under TYPE_CHECKING and inside functions are seen as well.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import kubeinfer_sim

ROOT = Path(kubeinfer_sim.__file__).parent
PACKAGE = ROOT.name


@cache
def modules() -> dict[str, ast.Module]:
    """Dotted name → syntax tree of every module of the package."""
    trees = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = [PACKAGE, *path.relative_to(ROOT).with_suffix("").parts]
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        trees[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return trees


@cache
def imported_names(module: str) -> dict[str, str]:
    """Local name → full dotted name of all that a module imports from the package, wherever the import stands."""
    names = {}
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            here = (alias for alias in node.names if alias.name.split(".")[0] == PACKAGE)
            names |= {alias.asname or alias.name: alias.name for alias in here}
    return names


@cache
def imports() -> dict[str, frozenset[str]]:
    """Module → the modules of the package that its file imports."""
    known = modules()
    graph = {}
    for name in known:
        full_names = imported_names(name).values()
        named = (full if full in known else full.rpartition(".")[0] for full in full_names)
        graph[name] = frozenset(named) - {name}
    return graph


def in_layers() -> frozenset[str]:
    """The modules and folders that an import contract gives a place among their neighbours."""
    named: set[str] = set()
    tools = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    for contract in tools["importlinter"]["contracts"]:
        named.update(contract.get("modules", ()))
        for container in contract.get("containers", ()):
            named.update(
                f"{container}.{name}" for layer in contract["layers"] for name in re.split(r" [|:] ", layer)
            )
    return frozenset(named)


def circles(graph: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """The groups of modules that import each other, each sorted (Tarjan's strongly connected components)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(name: str) -> None:
        number[name] = lowest[name] = len(number)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in number:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], number[other])
        if lowest[name] == number[name]:
            at = stack.index(name)
            if len(group := stack[at:]) > 1:
                groups.append(sorted(group))
            del stack[at:]

    for name in sorted(graph):
        if name not in number:
            visit(name)
    return sorted(groups)


@dataclass(frozen=True)
class Class:
    """A class of the package; `bases` by full dotted name, where they are the package's own."""

    name: str
    module: str
    node: ast.ClassDef
    bases: tuple[str, ...]

    @property
    def methods(self) -> list[ast.FunctionDef]:
        return [part for part in self.node.body if isinstance(part, ast.FunctionDef)]

    @property
    def fields(self) -> list[ast.AnnAssign]:
        return [part for part in self.node.body if isinstance(part, ast.AnnAssign)]

    @property
    def is_struct(self) -> bool:
        """Whether it derives from `msgspec.Struct`, itself or through a base."""
        own = any(ast.unparse(base) == "Struct" for base in self.node.bases)
        return own or any(classes()[base].is_struct for base in self.bases)

    @property
    def is_frozen(self) -> bool:
        return any(each.arg == "frozen" for each in self.node.keywords)

    @property
    def is_protocol(self) -> bool:
        return any(ast.unparse(base).startswith("Protocol") for base in self.node.bases)


@cache
def classes() -> dict[str, Class]:
    """Full dotted name → class."""
    every: dict[str, Class] = {}
    for module, tree in modules().items():
        names = imported_names(module)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases = (ast.unparse(base).partition("[")[0] for base in node.bases)
                full = tuple(names.get(base, f"{module}.{base}") for base in bases)
                every[f"{module}.{node.name}"] = Class(node.name, module, node, full)
    return {
        name: Class(
            each.name, each.module, each.node, tuple(base for base in map(home, each.bases) if base in every)
        )
        for name, each in every.items()
    }


def home(name: str) -> str:
    """Where a name stands that a package hands on: `a.b.Name` for `a.Name` imported into `a` from `a.b`."""
    module, _, last = name.rpartition(".")
    return imported_names(module).get(last, name) if module in modules() else name


def depth(name: str) -> int:
    """How many classes of the package stand in the longest line from a class up to its farthest base."""
    return 1 + max((depth(base) for base in classes()[name].bases), default=0)


def width(each: Class) -> int:
    """How many arguments it takes to make one of these, not counting what a record merely holds.

    A frozen struct and one without methods are records. Of a struct that does something only what has no
    default counts. Forms that pydantic fills from a file have no `__init__` of ours.
    """
    for method in each.methods:
        if method.name == "__init__":
            given = method.args
            return len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs) - 1
    acts = any(not method.decorator_list and not method.name.startswith("__") for method in each.methods)
    if not each.is_struct or each.is_frozen or not acts:
        return 0
    return sum(part.value is None and "ClassVar" not in ast.unparse(part.annotation) for part in each.fields)


#: The rooms whose parts work on each other while a run is played.
RUNNING = tuple(f"{PACKAGE}.{room}." for room in ("engine", "cluster", "controllers", "simulation"))


def _left_open() -> set[str]:
    """Names of attributes that a class declares without giving them a value, or as something to be called."""
    names: set[str] = set()
    for each in classes().values():
        if each.is_protocol or not each.module.startswith(RUNNING):
            continue
        for node in ast.walk(each.node):
            if not isinstance(node, ast.AnnAssign):
                continue
            value = "" if node.value is None else ast.unparse(node.value)
            to_call = ast.unparse(node.annotation).startswith("Callable")
            if isinstance(node.target, ast.Attribute) and (to_call or not value):
                names.add(node.target.attr)
            elif isinstance(node.target, ast.Name) and node in each.fields and each.is_struct:
                names |= {node.target.id} if to_call and not each.is_frozen else set()
    return names


def hooks() -> list[str]:
    """`module: target = value` for each object that is wired from outside its class after it was made.

    That is an attribute of another object that is set to a lambda or to a method of one's own, or one that its
    class has left open for others to fill.
    """
    left_open = _left_open()
    hooks = []
    for name, tree in modules().items():
        if not name.startswith(RUNNING):
            continue
        for scope in ast.walk(tree):
            if not isinstance(scope, ast.ClassDef | ast.Module):
                continue
            methods = {f"self.{part.name}" for part in scope.body if isinstance(part, ast.FunctionDef)}
            for target, value in _set_on_others(scope):
                text = ast.unparse(value)
                if target.attr in left_open or text in methods or isinstance(value, ast.Lambda):
                    hooks.append(f"{name}: {ast.unparse(target)} = {text}")
    return sorted(hooks)


def _set_on_others(scope: ast.AST) -> Iterator[tuple[ast.Attribute, ast.expr]]:
    """Each attribute of an object other than `self` that a class or module sets, with what it is set to."""
    for node in _inside(scope):
        pairs: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs += zip(target.elts, node.value.elts, strict=False)
                else:
                    pairs.append((target, node.value))
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            pairs.append((node.target, node.value))
        for target, value in pairs:
            if isinstance(target, ast.Attribute) and ast.unparse(target.value) not in ("self", "cls"):
                yield target, value


def _inside(scope: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a class or module, but not those of classes inside it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, ast.ClassDef):
            yield child
            yield from _inside(child)


def releases_taken_apart() -> list[str]:
    """The modules that split the text of a Kubernetes version into its numbers."""
    return sorted(
        name
        for name, tree in modules().items()
        if any(
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("split", "partition", "rpartition", "rsplit")
            and ast.unparse(node.args[0] if node.args else node) == "'.'"
            and "version" in ast.unparse(node.func.value).lower()
            for node in ast.walk(tree)
        )
    )


def _defined(tree: ast.Module) -> Iterator[str]:
    """The public functions, classes and constants of a module; what is decorated is known to who decorates it."""
    for node in tree.body:
        names = []
        if isinstance(node, ast.ClassDef) or (isinstance(node, ast.FunctionDef) and not node.decorator_list):
            names = [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
        yield from (name for name in names if not name.startswith(("_", "pytest_")))


def unused() -> list[str]:
    """The public names of modules that nothing in the package asks for: only tests would.

    A name is asked for where it is imported, where its own module reads it, as an attribute of its module (or of what
    stands for several modules), and in a text (the names that the package hands out on request).
    """
    asked: set[str] = set()
    attributes: set[str] = set()
    texts: set[str] = set()
    for module, tree in modules().items():
        names = imported_names(module)
        asked |= {home(name) for name in names.values()}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                asked.add(f"{module}.{node.id}")
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                where = names.get(node.value.id)
                attributes |= {node.attr} if where is None and node.value.id != "self" else set()
                asked |= {f"{where}.{node.attr}"} if where is not None else set()
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
    return sorted(
        f"{module}.{name}"
        for module, tree in modules().items()
        for name in _defined(tree)
        if f"{module}.{name}" not in asked and name not in attributes | texts
    )
