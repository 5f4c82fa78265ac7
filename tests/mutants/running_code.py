"""Changing a program that runs: its functions get other code, its constants other values, wherever they went."""

import ast
import builtins
import gc
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType, ModuleType

from tests.mutants.areas import ROOT

Key = tuple[str, str, int]
Called = set[tuple[str, str]]
"""Files and functions, methods with their class."""


def name_of(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def functions_of(paths: Iterable[str]) -> dict[Key, list[FunctionType]]:
    """Every function that these files have made so far, below whatever decorators."""
    files = {str(ROOT / path) for path in paths}
    found: dict[Key, list[FunctionType]] = {}
    for one in gc.get_objects():
        if type(one) is FunctionType and one.__code__.co_filename in files:  # `isinstance` would wake lazy objects
            found.setdefault(_key(one.__code__), []).append(one)
    return found


def put_functions(code: CodeType, live: dict[Key, list[FunctionType]]) -> None:
    """Have the functions of a module do what `code` says.

    Raises ValueError where one that runs inside another would see other variables than before.
    """
    for inner in _codes(code):
        for one in live.get(_key(inner), []):
            if one.__code__ != inner:
                one.__code__ = inner


def put_constants(code: CodeType, path: str, live: dict[Key, list[FunctionType]]) -> None:
    """Give the constants of a module the values that `code` gives them.

    Raises ValueError where a constant went into a class or a default, and no function looks it up.
    """
    looked_up = {name for ones in live.values() for one in ones for name in _names(one.__code__)}
    if not looked_up & _replace_constants(sys.modules[name_of(path)], code):
        raise ValueError("no function looks this constant up")


def note_calls(paths: Iterable[str], live: dict[Key, list[FunctionType]]) -> Called:
    """Have the functions of these files say that they were called; returns where that is kept, in any thread."""
    called: Called = set()
    builtins.__note__ = called.add  # type: ignore[attr-defined]
    for path in paths:
        put_functions(compiled(ast.parse((ROOT / path).read_text()), path), live)
    return called


def compiled(tree: ast.Module, path: str) -> CodeType:
    """The code of a module whose functions say that they are called."""
    _add_notes(tree, path, "")
    return compile(ast.fix_missing_locations(tree), str(ROOT / path), "exec", dont_inherit=True)


def _add_notes(node: ast.AST, path: str, name: str) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            _add_notes(child, path, f"{name}{child.name}.")
        elif isinstance(child, ast.FunctionDef):
            note = ast.parse(f"__note__({(path, name + child.name)!r})").body[0]
            ast.increment_lineno(note, child.body[0].lineno - 1)
            child.body.insert(1 if ast.get_docstring(child) and len(child.body) > 1 else 0, note)


def _key(code: CodeType) -> Key:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _names(code: CodeType) -> set[str]:
    return set(code.co_names).union(*(inner.co_names for inner in _codes(code)))


def _replace_constants(module: ModuleType, code: CodeType) -> set[str]:
    """Run the changed module aside, and give every module that has one of its constants the new value.

    Returns their names.
    """
    replaced = set()
    aside = {"__name__": module.__name__, "__package__": module.__package__, "__file__": module.__file__}
    exec(code, aside)
    for name, old in list(vars(module).items()):
        new = aside.get(name)
        if name.startswith("__") or callable(old) or isinstance(old, ModuleType) or new == old:
            continue
        for other in list(sys.modules.values()):
            if vars(other).get(name) is old:
                setattr(other, name, new)
                replaced.add(name)
    return replaced
