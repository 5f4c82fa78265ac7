"""The settings module, the table in the documentation and the example file name the same variables."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def read_by_settings() -> set[str]:
    tree = ast.parse((ROOT / "billing_portal/settings.py").read_text())
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def documented() -> set[str]:
    return set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE))


def in_the_example() -> set[str]:
    return set(re.findall(r"^# ([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_the_settings_module_is_read_as_expected():
    assert {"SECRET_KEY", "DATABASE_URL", "STRIPE_SECRET_KEY"} <= read_by_settings()


@pytest.mark.parametrize("listing", [documented, in_the_example])
def test_every_variable_is_listed_and_every_listed_one_is_read(listing):
    assert listing() == read_by_settings()
