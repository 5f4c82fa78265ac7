"""Changing a program that runs: its functions get other code, its constants other values, wherever they went."""

import gc
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

from tests.mutants.areas import ROOT

Key = tuple[str, str, int]
Called = set[tuple[str, str]]
"""Files and functions; methods with their class, inner functions as the outer one."""


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


def put(code: CodeType, function: str, path: str, live: dict[Key, list[FunctionType]]) -> None:
    """Make the module do what `code` says, in one function or, without its name, in its constants.

    Raises ValueError where that cannot be done while it runs: an inner function would see other variables than before,
    or a constant went into a class or a default, where no function looks it up.
    """
    if not function:
        looked_up = {name for ones in live.values() for one in ones for name in _names(one.__code__)}
        if not looked_up & _replace_constants(sys.modules[name_of(path)], code):
            raise ValueError("no function looks this constant up")
        return
    for inner in _codes(code):
        for one in live.get(_key(inner), []):
            if one.__code__ != inner:
                one.__code__ = inner


@contextmanager
def calls_into(paths: Iterable[str]) -> Iterator[Called]:
    """Which functions of these files are called meanwhile, in any thread."""
    files = {str(ROOT / path): path for path in paths}
    called: Called = set()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename in files:
            called.add((files[code.co_filename], code.co_qualname.partition(".<locals>")[0]))

    sys.setprofile(note)
    threading.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


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
