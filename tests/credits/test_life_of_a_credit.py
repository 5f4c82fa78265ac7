"""docs/life-of-a-credit.md names what there is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "life-of-a-credit.md").read_text()
PLACES = sorted(set(re.findall(r"`((?:credits|payments)/[\w/]+(?:\.py|/))(?:: (\w+))?`", TEXT)))
NAMES = sorted(set(re.findall(r"`([a-z]+_[a-z_]+)`", TEXT)))
SOURCE = "\n".join(path.read_text() for app in ("credits", "payments") for path in (ROOT / app).rglob("*.py"))


@pytest.mark.parametrize(("place", "name"), PLACES)
def test_every_place_is_there(place, name):
    assert (ROOT / place).exists()
    if name:
        assert re.search(rf"^ *(def|class) {name}\b", (ROOT / place).read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_one_of_the_code(name):
    assert re.search(rf"^ *(def {name}\b|{name} = )", SOURCE, flags=re.MULTILINE)
