"""What the credit pages say: units beside amounts, one kind of credits at a time."""

import re
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from credits.models import CreditGrant
from credits.services.grants import grant_credits
from credits.services.top_ups import set_auto_top_up
from tests.credits.shop import bring_to_stripe, make_pack

pytestmark = pytest.mark.django_db


@pytest.fixture
def packs(sandbox):
    found = [
        make_pack("usd-20", credits="20", price=2000),
        make_pack("mau-1000", unit="mau", credits="1000", price=700),
    ]
    bring_to_stripe()
    return found


@pytest.fixture
def read(acme, alice, signed_in):
    """`read("buy", "?unit=usd")`: the words of a credit page."""

    def read(name: str, query: str = "") -> str:
        answer = signed_in(alice).get(reverse(f"credits:{name}", args=[acme.public_id]) + query)
        assert answer.status_code == 200
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())

    return read


def give(acme, stella) -> None:
    now = timezone.now()
    grant_credits(
        organization=acme,
        unit="mau",
        amount="100",
        source=CreditGrant.Source.STAFF,
        reference="staff:1",
        reason="Compensation for a bug",
        actor=stella,
        now=now,
    )


def test_a_link_to_one_kind_of_credits_shows_its_packs_and_the_way_to_the_others(packs, read):
    page = read("buy", "?unit=mau")
    assert "1,000 MAU credits" in page
    assert "$20.00" not in page
    assert "US dollar credits" in page
    assert "$20.00" in read("buy", "?unit=nothing-of-this-name")


def test_thresholds_name_the_unit_they_are_in(packs, read, acme, stella):
    give(acme, stella)
    set_auto_top_up(organization=acme, pack=packs[0], threshold="5", monthly_cap=10_000, now=timezone.now())
    page = read("automation")
    assert "20 US dollar credits for $20.00, when 5 US dollar credits or less are left" in page
    assert "MAU credits, less than" in page
    assert "100 means 100 MAU credits" in page
