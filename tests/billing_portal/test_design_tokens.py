"""The colours of static/css/tokens.css reach the contrasts of WCAG 2.2 AA, in both themes."""

import re
from pathlib import Path

import pytest
from django.conf import settings

TOKENS = Path(settings.BASE_DIR, "static/css/tokens.css").read_text()
COLOURS = {
    name: {"light": light, "dark": dark}
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", TOKENS)
}

TEXT = 4.5
GRAPHICS = 3.0
PAIRS = [
    *(
        (text, surface, TEXT)
        for text in ("ink", "soft", "accent", "good", "warn", "bad")
        for surface in ("paper", "card", "sunken")
    ),
    *((text, f"{tone}-soft", TEXT) for tone in ("accent", "good", "warn", "bad") for text in ("ink", "soft", tone)),
    ("accent-strong", "accent-soft", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-strong", TEXT),
    ("on-bad", "bad", TEXT),
    *(
        (graphic, surface, GRAPHICS)
        for graphic in ("included", "credits", "billed", "unpaid", "line-strong", "focus")
        for surface in ("paper", "card")
    ),
]


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_colours_are_told_apart(front, back, least, theme):
    assert contrast(COLOURS[front][theme], COLOURS[back][theme]) >= least
