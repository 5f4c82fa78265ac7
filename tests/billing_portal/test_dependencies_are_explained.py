"""`docs/dependencies.md` says of every package that a requirements file names what it is for, and lists no other."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/dependencies.md").read_text()
SECTIONS = {"requirements.in": "## In an installation", "requirements-dev.in": "## For development, tests and the demo"}


def required(file: str) -> list[str]:
    """The packages of an `.in` file, without extras and versions."""
    lines = (line.strip() for line in (ROOT / file).read_text().splitlines())
    return sorted(re.split(r"[\[=<>~! ]", line)[0] for line in lines if line and line[0] not in "#-")


def explained(file: str) -> dict[str, str]:
    """Package and reason, from the table under the heading that names the file."""
    section = PAGE.split(f"{SECTIONS[file]} (`{file}`)")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", section, re.MULTILINE))


@pytest.mark.parametrize("file", SECTIONS)
def test_every_package_says_what_it_is_for(file):
    assert required(file)
    assert sorted(explained(file)) == required(file)


@pytest.mark.parametrize("file", SECTIONS)
def test_a_reason_is_more_than_a_word(file):
    assert [name for name, reason in explained(file).items() if len(reason.split()) < 3] == []


def test_what_is_named_as_written_by_hand_is_there():
    by_hand = PAGE.split("## Written by hand")[1]
    paths = re.findall(r"`((?:[a-z_]+/)+[a-z_.]*)`", by_hand)

    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []
