"""No module of the project needs itself: neither at the top of a file nor inside a function does an import lead back.

import-linter holds the order of the apps; this holds the order inside each of them. What is imported only for types
(`if TYPE_CHECKING:`) is no dependency, and `from package import submodule` depends on the submodule alone.
"""

from functools import cache
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = sorted(
    folder.name
    for folder in ROOT.iterdir()
    if (folder / "__init__.py").exists() and folder.name not in ("tests", "bench")
)


@cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)


def circles(graph: grimp.ImportGraph, package: str) -> list[list[str]]:
    """The groups of modules of which each one imports, by whatever detour, every other."""
    found: dict[str, list[str]] = {}
    for module in sorted(graph.find_descendants(package) | {package}):
        if module not in found:
            both_ways = graph.find_upstream_modules(module) & graph.find_downstream_modules(module)
            found |= dict.fromkeys(both_ways, sorted(both_ways | {module}))
    return sorted({tuple(circle): circle for circle in found.values()}.values())


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_no_import_circle(package):
    assert circles(imports(), package) == []


def test_the_search_sees_a_circle_that_is_closed_inside_a_function(tmp_path, monkeypatch):
    package = tmp_path / "round_and_round"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "hen.py").write_text("from . import egg\n")
    (package / "egg.py").write_text("def hatch():\n    from round_and_round.hen import Hen\n")
    (package / "farmer.py").write_text(
        "from typing import TYPE_CHECKING\nfrom . import hen\nif TYPE_CHECKING:\n    from . import market\n"
    )
    (package / "market.py").write_text("from . import farmer\n")
    monkeypatch.syspath_prepend(tmp_path)

    graph = grimp.build_graph("round_and_round", exclude_type_checking_imports=True, cache_dir=None)

    assert circles(graph, "round_and_round") == [["round_and_round.egg", "round_and_round.hen"]]
