"""`docs/architecture.md` names what there is: every registry, and no path that leads nowhere."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.module_loading import import_string

import credits.hooks
import plans.hooks

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text()
APPS = ("core", "accounts", "notifications", "payments", "credits", "plans", "usage", "billing_portal", "demo")


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


LISTED = re.findall(r"^\| `([\w.]+)` \|", section("Registries"), re.MULTILINE)
PATHS = sorted(set(re.findall(r"`((?:[\w.]+/)+[\w.]*)`", PAGE)))


def takes_a_callback(function: ast.FunctionDef) -> bool:
    return [argument.arg for argument in function.args.args] == ["callback"]


def registries() -> Iterator[str]:
    """Functions by which others are registered: named so, or handed a callback in an app's hooks."""
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.FunctionDef) and (
                    re.fullmatch(r"register(_\w+)?|on_\w+|handles|figures", node.name)
                    or (path.name == "hooks.py" and not node.name.startswith("_") and takes_a_callback(node))
                ):
                    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                    yield f"{module.removesuffix('.__init__')}.{node.name}"


@pytest.mark.parametrize("name", LISTED)
def test_every_registry_that_is_listed_exists(name):
    assert callable(import_string(name))


def test_every_registry_is_listed_once():
    there = [import_string(name) for name in registries()]
    listed = [import_string(name) for name in LISTED]
    assert sorted(map(qualified, there)) == sorted(map(qualified, listed))


@pytest.mark.parametrize("hooks", [credits.hooks, plans.hooks], ids=lambda hooks: hooks.__name__)
def test_the_table_of_an_apps_hooks_names_what_usage_registered(hooks):
    named = re.findall(r": `(\w+\.\w+)` \|$", hooks.__doc__, re.MULTILINE)
    lists = [value for name, value in vars(hooks).items() if name.startswith("_") and isinstance(value, list)]
    registered = [qualified(callback) for callbacks in lists for callback in callbacks]
    assert [f"usage.services.{name}" for name in named] == registered


@pytest.mark.parametrize("path", PATHS)
def test_every_path_that_is_named_exists(path):
    apps = [ROOT / app for app in APPS]
    assert any((folder / path).exists() for folder in (ROOT, *apps))


def test_every_app_is_in_the_one_import_order():
    order = re.search(r"`([\w →]+)`: an app imports only from those to its right", PAGE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    [contract] = [
        each for each in project["tool"]["importlinter"]["contracts"] if each.get("layers", [])[-1:] == ["core"]
    ]
    assert order[1].split(" → ") == contract["layers"] == [*reversed(APPS)]


def qualified(function) -> str:
    return f"{function.__module__}.{function.__qualname__}"
