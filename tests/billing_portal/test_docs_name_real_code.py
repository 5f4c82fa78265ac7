"""The stories in docs/life-of-*.md name what there is: every file, every symbol in it, and every name beside it."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("life-of-*.md"))
PLACE = re.compile(r"`([a-z_]+/[\w/]*(?:\.\w+|/))(?:: (\w+))?`")
# Two words or more: `settle_at`, `_give_back`, `UsedWindow`. A single one may be a word of English or of the API.
NAME = re.compile(r"`(_?[a-z]+(?:_[a-z]+)+|(?:[A-Z][a-z]+){2,})`")
# What the stories cite of the API and of Stripe, not of our code.
CODES = {"too_old", "in_future", "id_conflict"}


def matches(pattern: re.Pattern[str]) -> list[tuple[str, ...]]:
    return sorted({(page.name, *found) for page in PAGES for found in _found(pattern, page)})


def _found(pattern: re.Pattern[str], page: Path) -> list[tuple[str, ...]]:
    return [match.groups(default="") for match in pattern.finditer(page.read_text())]


@cache
def source_around(page: str) -> str:
    """All code of the apps whose files the page names."""
    apps = {path.partition("/")[0] for name, path, _ in matches(PLACE) if name == page}
    return "\n".join(path.read_text() for app in sorted(apps) for path in sorted((ROOT / app).rglob("*.py")))


def is_defined(name: str, source: str) -> bool:
    return re.search(rf"^ *(?:(?:def|class) {name}\b|{name}(?:: [^=\n]+)? = )", source, flags=re.MULTILINE) is not None


def test_there_are_stories():
    assert {"life-of-a-credit.md", "life-of-an-event.md"} <= {page.name for page in PAGES}
    assert len(matches(PLACE)) > 40


@pytest.mark.parametrize(("page", "path", "name"), matches(PLACE))
def test_every_place_is_there(page, path, name):
    assert (ROOT / path).exists()
    if name:
        assert is_defined(name, (ROOT / path).read_text())


@pytest.mark.parametrize(("page", "name"), matches(NAME))
def test_every_name_is_one_of_the_code(page, name):
    assert name in CODES or is_defined(name, source_around(page))
