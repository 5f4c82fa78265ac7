"""A settlement plans with what wallets show; what one cannot give after all is paid in a second pass by the next."""

from decimal import Decimal

import pytest

from credits.models import LedgerEntry, Wallet
from credits.services import grants
from credits.services.audit import differences
from payments.catalogue_file import load
from tests.usage.conftest import LONG_AGO
from usage.models import SettlementDraw

RENDERS = """
[[meters]]
code = "renders"
name = "Renders"
aggregation = "sum"
unit_name = "render"
[[meters.credit_rates]]
unit = "usd"
ladder = [{ price = "3" }]

[[plans]]
code = "free"
name = "Free"
default = true
[[plans.allowances]]
meter = "renders"
included = "0"
beyond = "credits"
"""


def freeze(usage, unit, amount):
    """Credits that the wallet shows and nobody can draw: their payment is disputed."""
    grants.freeze(grant=usage.grant(unit, amount), now=usage.now)


def draws():
    return [(draw.unit_id, draw.quantity, draw.charged) for draw in SettlementDraw.objects.order_by("pk")]


def test_the_next_wallet_pays_what_the_first_could_not(usage):
    usage.grant("mau", 4)
    freeze(usage, "mau", 10)
    usage.grant("usd", 1)
    usage.report("calls", quantity="12")
    usage.tally()
    assert usage.paid("calls") == (12, 12, 0, 0)
    assert draws() == [("mau", 4, 4), ("usd", 8, Decimal("0.024"))]
    assert (usage.available("mau"), usage.available("usd")) == (0, Decimal("0.976"))
    assert Wallet.objects.get(unit="mau").balance == 10
    usage.tally()
    assert LedgerEntry.objects.filter(kind="spend").count() == 2
    assert differences() == []


def test_the_bill_takes_what_no_wallet_could(usage):
    usage.subscribe("payg", since=usage.now.replace(day=1))
    usage.grant("mau", 2)
    freeze(usage, "mau", 10)
    freeze(usage, "usd", 10)
    usage.report("calls", quantity="17.5")
    usage.tally()
    assert usage.paid("calls") == (Decimal("7.5"), 2, Decimal("5.5"), 0)
    assert draws() == [("mau", 2, 2)]


def test_what_buys_no_whole_step_goes_back(usage):
    """A credit of 1 pays for a third of a render; the third of a millionth that is left over stays in the wallet."""
    load(text=RENDERS, now=LONG_AGO)
    usage.grant("usd", 1)
    freeze(usage, "usd", 10)
    usage.report("renders", quantity="2")
    usage.tally()
    third = Decimal("0.333333")
    assert usage.paid("renders") == (2, third, 0, 2 - third)
    assert draws() == [("usd", third, Decimal("0.999999"))]
    assert usage.available("usd") == Decimal("0.000001")
    assert differences() == []


def test_what_came_too_late_for_the_first_pass_pays_at_the_next_tally(usage):
    usage.grant("mau", 4)
    disputed = usage.grant("mau", 10)
    grants.freeze(grant=disputed, now=usage.now)
    usage.report("calls", quantity="12")
    usage.tally()
    assert usage.paid("calls") == (12, 4, 0, 8)
    grants.thaw(grant=disputed, now=usage.now)
    usage.tally()
    assert usage.paid("calls") == (12, 12, 0, 0)
    assert draws() == [("mau", 4, 4), ("mau", 8, 8)]
    assert usage.available("mau") == 2


@pytest.mark.parametrize("left", ["4", "3.999999"])
def test_each_organization_is_paid_from_its_own_wallets(usage, usage_of, globex, left):
    """One short wallet sends only its own meters into the second pass."""
    other = usage_of(globex)
    for one, amount in ((usage, "4"), (other, left)):
        one.grant("mau", amount)
        freeze(one, "mau", 10)
        one.report("calls", quantity="4")
    usage.tally()
    other.tally()
    assert usage.paid("calls") == (4, 4, 0, 0)
    assert other.paid("calls") == (4, Decimal(left), 0, 4 - Decimal(left))
