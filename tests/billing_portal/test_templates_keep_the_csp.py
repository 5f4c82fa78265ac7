"""Every template compiles, and no page carries a style or a script of its own: the policy would block it."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

ROOT = Path(settings.BASE_DIR, "templates")
TEMPLATES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.suffix in {".html", ".txt"})
EMAIL = re.compile(r"(^|/)emails?/")

INLINE = {
    "a style attribute": re.compile(r"<[^>]+\sstyle\s*="),
    "a style element": re.compile(r"<style\b"),
    "an event attribute": re.compile(r"<[^>]+\son\w+\s*="),
    "a script in the page": re.compile(r"<script\b(?![^>]*\b(src=|type=\"application/json\"))"),
    "something of another host": re.compile(r"<(script|link|img|iframe)\b[^>]*(src|href)=\"(https?:)?//"),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_compiles(name):
    get_template(name)


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name.endswith(".html") and not EMAIL.search(name)])
def test_page_carries_nothing_inline(name):
    source = (ROOT / name).read_text()
    assert [what for what, pattern in INLINE.items() if pattern.search(source)] == []
