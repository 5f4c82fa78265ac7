"""Nothing in the documentation leads nowhere, and nothing of it is left out of its index."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def links_of(page: Path) -> list[str]:
    return [link for link in LINK.findall(page.read_text()) if not re.match(r"[a-z]+:|#", link)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    missing = [link for link in links_of(page) if not (page.parent / link.partition("#")[0]).exists()]

    assert missing == []


def test_the_index_names_every_page():
    index = ROOT / "docs/README.md"
    named = {(index.parent / link).resolve() for link in links_of(index)}

    assert {page for page in (ROOT / "docs").glob("*.md") if page != index} <= named
