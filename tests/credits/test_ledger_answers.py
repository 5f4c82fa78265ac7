"""What each function of the ledger answers: the whole row, since callers above read different parts of it."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connection

from credits import ledger
from credits.errors import DebtOutstanding
from credits.models import CreditGrant, CreditHold
from credits.services.grants import take_back
from tests.credits.wallet_driver import WalletDriver, assert_clean, figures


@pytest.fixture
def ten(usd_wallet: WalletDriver) -> WalletDriver:
    """Ten credits, in a wallet that is looked after when it falls to 2."""
    usd_wallet.grant("10")
    type(usd_wallet.row).objects.update(watch_at=2)
    return usd_wallet


def spend(wallet: WalletDriver, amount: str, *, reference: str = "s", partial: bool = False):
    values = {"amount": D(amount), "reference": reference, "partial": partial, "reason": ""}
    return ledger.spend(
        organization_id=wallet.organization.pk, unit=wallet.unit.pk, at=wallet.now, now=wallet.now, **values
    )


def answer_of(result):
    """What of it is not empty."""
    return {name: value for name, value in result._asdict().items() if value is not None}


def test_spending(ten: WalletDriver):
    wallet = ten.row.pk
    assert answer_of(spend(ten, "7.5")) == {
        "outcome": "posted",
        "wallet_id": wallet,
        "amount": D("7.5"),
        "debt": 0,
        "freed": False,
        "low": False,
    }
    repeated = answer_of(spend(ten, "7.5"))
    assert repeated.pop("subject_id")
    assert repeated == {"outcome": "repeated", "wallet_id": wallet, "amount": D("7.5")}
    assert answer_of(spend(ten, "3", reference="t")) == {
        "outcome": "insufficient",
        "wallet_id": wallet,
        "available": D("2.5"),
        "debt": 0,
    }
    assert answer_of(spend(ten, "3", reference="t", partial=True))["low"] is True
    assert answer_of(spend(ten, "3", reference="u", partial=True)) == {
        "outcome": "posted",
        "wallet_id": wallet,
        "amount": 0,
        "debt": 0,
        "freed": False,
        "low": False,
    }


@pytest.mark.parametrize("debt", ["0.000001", "1", "2"])
def test_any_debt_refuses_whatever_is_beside_it(usd_wallet: WalletDriver, debt):
    spent = usd_wallet.grant("5")
    usd_wallet.spend("5")
    usd_wallet.grant("10")
    take_back(grant=spent, amount=debt, reason="Refund", actor=None, reference="r", now=usd_wallet.now)
    before = usd_wallet.entries()
    assert answer_of(spend(usd_wallet, "1"))["outcome"] == "debt"
    assert spend(usd_wallet, "1", partial=True).amount == 0
    for attempt in (lambda: usd_wallet.hold("1"), lambda: usd_wallet.spend("1")):
        with pytest.raises(DebtOutstanding) as refused:
            attempt()
        details = refused.value.details
        assert (details["debt"], details["required"], details["shortfall"]) == (debt, "1", debt)
    assert usd_wallet.entries() == before
    assert not CreditHold.objects.exists()
    assert_clean()


def test_what_is_missing_beside_a_debt_is_both(usd_wallet: WalletDriver):
    usd_wallet.grant("1")
    usd_wallet.owe("2")
    with pytest.raises(DebtOutstanding) as refused:
        usd_wallet.spend("5")
    assert refused.value.details["available"] == "0"
    assert refused.value.details["shortfall"] == "7"


def test_what_is_owed_for_work_that_was_done(ten: WalletDriver):
    wallet = ten.row.pk
    for outcome in ("posted", "repeated"):
        result = ledger.draw_or_owe(wallet_id=wallet, amount=D("12.5"), reference="c", now=ten.now)
        assert (result.outcome, result.wallet_id, result.debt) == (outcome, wallet, D("2.5"))
        assert result.amount == D("12.5")
    assert ten.figures() == figures("-2.5", available="0", debt="2.5")


def test_what_is_owed_for_work_beside_a_debt_is_what_this_work_made(usd_wallet: WalletDriver):
    usd_wallet.owe("2")
    for _ in ("posted", "repeated"):
        result = ledger.draw_or_owe(wallet_id=usd_wallet.row.pk, amount=D(3), reference="c", now=usd_wallet.now)
        assert result.debt == 3
    assert usd_wallet.figures() == figures("-5", available="0", debt="5")


def test_beginning_and_issuing(ten: WalletDriver):
    wallet = ten.row.pk
    assert answer_of(begin(wallet, "g", "asked", ten)) == {"outcome": "ready", "wallet_id": wallet}
    grant = CreditGrant(wallet_id=wallet, amount=3, remaining=0, source="staff", created_at=ten.now)
    issued = ledger.issue(grant=grant, reference="g", fingerprint="asked", now=ten.now)
    assert answer_of(issued) == {
        "outcome": "posted",
        "wallet_id": wallet,
        "subject_id": grant.pk,
        "amount": 3,
        "debt": 0,
        "freed": True,
        "low": False,
    }
    known = {"outcome": "repeated", "wallet_id": wallet, "subject_id": grant.pk, "amount": 3}
    assert answer_of(begin(wallet, "g", "asked", ten)) == known
    second = CreditGrant(wallet_id=wallet, amount=3, remaining=0, source="staff", created_at=ten.now)
    assert answer_of(ledger.issue(grant=second, reference="g", fingerprint="asked", now=ten.now)) == known
    assert second.pk is None
    assert ten.figures() == figures("13")


def begin(wallet: int, reference: str, fingerprint: str, driver: WalletDriver) -> ledger.Result:
    """The first of the two functions that `ledger.issue` calls."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM ledger_begin(%s, %s, %s, %s)", [wallet, reference, fingerprint, driver.now])
        return ledger.Result(*cursor.fetchone())


def test_holding_and_ending(ten: WalletDriver):
    values = {
        "organization_id": ten.organization.pk,
        "unit": "usd",
        "amount": D(4),
        "reference": "h",
        "expires_at": ten.now + timedelta(hours=1),
        "now": ten.now,
    }
    opened = ledger.open_hold(public_id="hold_1", **values)
    hold = CreditHold.objects.get()
    figures_of_it = {"wallet_id": ten.row.pk, "subject_id": hold.pk, "amount": 4, "debt": 0, "low": False}
    assert answer_of(opened) == figures_of_it | {"outcome": "posted", "freed": False}
    again = ledger.open_hold(public_id="hold_2", **values)
    assert answer_of(again) == {"outcome": "repeated", "wallet_id": ten.row.pk, "subject_id": hold.pk}
    ended = ledger.end_hold(hold=hold, status="captured", amount=D(3), now=ten.now)
    assert answer_of(ended) == figures_of_it | {"outcome": "posted", "amount": 3, "freed": True}
    for amount, outcome in ((D(3), "repeated"), (D(4), "ended"), (None, "ended")):
        repeated = ledger.end_hold(hold=hold, status="captured", amount=amount, now=ten.now)
        assert answer_of(repeated) == {"outcome": outcome, "wallet_id": ten.row.pk, "subject_id": hold.pk}


def test_a_hold_that_leaves_little_is_low_be_it_ever_so_small(ten: WalletDriver):
    spend(ten, "7.5")
    values = {"organization_id": ten.organization.pk, "unit": "usd", "expires_at": ten.now + timedelta(hours=1)}
    lows = [
        ledger.open_hold(public_id=f"hold_{n}", amount=D(amount), reference=f"h{n}", now=ten.now, **values).low
        for n, amount in enumerate(("0.499999", "0.000001"))
    ]
    assert lows == [False, True]


def test_taking_back_and_reinstating(ten: WalletDriver):
    grant = ten.grant("5")
    values = {"grant_id": grant.pk, "reason": "", "actor_id": None, "now": ten.now}
    taken = ledger.take_back(amount=D(4), owe=True, reference="r", **values)
    about = {"wallet_id": ten.row.pk, "subject_id": grant.pk, "amount": 4, "low": False}
    assert answer_of(taken) == about | {"outcome": "posted", "debt": 0, "freed": False}
    back = {"original": "r", "until": ten.now + timedelta(days=30), "reference": "r:failed"}
    given = ledger.reinstate(**values, **back)
    assert answer_of(given) == about | {"outcome": "posted", "debt": 0, "freed": True}
    assert answer_of(ledger.reinstate(**values, **back))["outcome"] == "repeated"
    assert answer_of(ledger.reinstate(**values, **(back | {"reference": "x"}))) == {"outcome": "missing"}


def test_freezing_and_thawing(ten: WalletDriver):
    grant = ten.grant("5")
    about = {"wallet_id": ten.row.pk, "subject_id": grant.pk}
    for outcome in ("posted", "repeated"):
        assert answer_of(ledger.freeze(grant_id=grant.pk, now=ten.now)) == about | {"outcome": outcome}
    thawed = answer_of(ledger.thaw(grant_id=grant.pk, now=ten.now))
    assert thawed == about | {"outcome": "posted", "debt": 0, "freed": True, "low": False}
    assert answer_of(ledger.thaw(grant_id=grant.pk, now=ten.now)) == about | {"outcome": "repeated"}


def test_lapsing(ten: WalletDriver):
    ten.grant("3", days=1)
    ten.grant("2.5", days=2)
    at = ten.now + timedelta(days=2)
    about = {"outcome": "posted", "wallet_id": ten.row.pk, "freed": False, "low": False}
    lapsed = answer_of(ledger.expire(wallet_id=ten.row.pk, at=at, now=at))
    assert {name: lapsed[name] for name in (*about, "amount")} == about | {"amount": D("5.5")}
    assert answer_of(ledger.expire(wallet_id=ten.row.pk, at=at, now=at)) == about | {"amount": 0}
