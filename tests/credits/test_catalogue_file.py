"""Units and packs as a file: what loads, what is refused and where, and which of two ways a pack is sold."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from credits.models import CreditPack, Unit
from payments.catalogue_file import CatalogueRefused, dump, load

pytestmark = pytest.mark.django_db

CATALOGUE = """
[[units]]
code = "usd"
name = "US dollar credits"
currency = "usd"

[[packs]]
code = "usd-20"
unit = "usd"
credits = "20"
price = 2000
currency = "usd"
recurring = "month"

[[packs]]
code = "usd-any"
unit = "usd"
currency = "usd"
open_amount = { minimum = 500, maximum = 50000 }
"""
FIXED = '[[packs]]\ncode = "usd-20"\n'
OPEN = '[[packs]]\ncode = "usd-any"\n'
NEW = '[[packs]]\ncode = "new"\nunit = "usd"\ncurrency = "usd"\n'


@pytest.fixture
def catalogue(now) -> None:
    load(text=CATALOGUE, now=now)


def test_what_is_not_said_of_a_new_one_has_the_defaults_of_its_columns(catalogue) -> None:
    usd, pack = Unit.objects.get(), CreditPack.objects.get(code="usd-20")
    assert (usd.step, usd.reserve_floor) == (1, 0)
    assert (pack.valid_days, pack.position, pack.name, pack.retired_at) == (365, 0, "", None)


def test_a_pack_is_sold_for_a_price_or_an_open_amount_and_saying_one_ends_the_other(catalogue, now) -> None:
    [outcome] = load(text=OPEN + 'credits = "7"\nprice = 600\n', now=now)
    assert str(outcome) == "packs usd-any updated: credits, price, open_amount"
    pack = CreditPack.objects.get(code="usd-any")
    assert (pack.credits, pack.price, pack.open_minimum, pack.open_maximum) == (D(7), 600, None, None)

    load(text=OPEN + "open_amount = { minimum = 1, maximum = 2 }\n", now=now)
    pack.refresh_from_db()
    assert (pack.credits, pack.price, pack.open_minimum, pack.open_maximum) == (None, None, 1, 2)


def test_a_pack_is_retired_once_and_brought_back(catalogue, now) -> None:
    assert [str(each) for each in load(text=FIXED + "retired = true", now=now)] == ["packs usd-20 retired: retired"]
    later = now + timedelta(days=1)
    assert [str(each) for each in load(text=FIXED + "retired = true", now=later)] == ["packs usd-20 unchanged"]
    assert CreditPack.objects.get(code="usd-20").retired_at == now
    assert "retired = true" in dump()
    assert [str(each) for each in load(text=FIXED + "retired = false", now=later)] == [
        "packs usd-20 brought back: retired"
    ]
    assert CreditPack.objects.get(code="usd-20").retired_at is None


def test_loading_what_was_written_out_changes_nothing(catalogue, now) -> None:
    assert {each.verb for each in load(text=dump(), now=now)} == {"unchanged"}
    assert {each.verb for each in load(text=CATALOGUE, now=now)} == {"unchanged"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (NEW, "packs[0]: needs credits and price, or open_amount"),
        (NEW + 'credits = "1"', "packs[0].price: is missing: a pack has credits and a price"),
        (FIXED + "price = 600", "packs[0].credits: is missing: a pack has credits and a price"),
        (NEW + 'credits = "0"\nprice = 1', "packs[0].credits: must be more than 0, and is 0"),
        (NEW + 'credits = "1"\nprice = 0', "packs[0].price: must be between 1 and 1,000,000,000,000, and is 0"),
        (
            NEW + 'credits = "1"\nprice = 1\nopen_amount = { minimum = 1, maximum = 2 }',
            "packs[0].open_amount: stands in place of credits and price; give one or the other",
        ),
        (
            NEW + "open_amount = { minimum = 3, maximum = 2 }",
            "packs[0].open_amount: has a minimum of 3 above its maximum of 2",
        ),
        (FIXED + "open_amount = { minimum = 1, maximum = 2 }", "packs[0].recurring: cannot stand with an open amount"),
        (OPEN + 'recurring = "month"', "packs[0].recurring: cannot stand with an open amount"),
        (NEW + 'credits = "1"\nprice = 1\nrecurring = "week"', "packs[0].recurring: must be one of month, year"),
        (FIXED + 'unit = "eur"', "packs[0].unit: there is no 'eur' among the units"),
        (FIXED + "valid_days = 36501", "packs[0].valid_days: must be between 0 and 36,500, and is 36,501"),
        ('[[units]]\ncode = "usd"\nstep = "0"', "units[0].step: must be more than 0, and is 0"),
        (
            '[[units]]\ncode = "usd"\nretired = true',
            "units[0].retired: is not known here; known are code, name, currency",
        ),
        (
            '[[units]]\ncode = "a-b"\nname = "A"',
            "units[0].code: Use lower-case letters, digits and underscores: storage_gb.",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_its_place(catalogue, now, text, problem) -> None:
    before = dump()
    with pytest.raises(CatalogueRefused) as refused:
        load(text=text, now=now)
    [found] = refused.value.problems
    assert found.startswith(problem)
    assert dump() == before
