"""The walk inside the database takes what the pure engine says, from the same lots and in the same order."""

from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.money import Money
from credits.engine.burn_order import Lot, draw, in_burn_order
from credits.models import LedgerEntry
from credits.services.grants import freeze
from credits.services.holds import capture_hold
from tests.credits.wallet_driver import WalletDriver

GRANTS = st.lists(
    st.fixed_dictionaries(
        {
            "amount": st.integers(1, 20).map(str),
            "days": st.none() | st.integers(1, 6),
            "priority": st.sampled_from([10, 50]),
            "paid": st.none() | st.just(Money(100, "usd")),
        }
    ),
    min_size=1,
    max_size=6,
)
AMOUNTS = st.decimals("0.000001", "60", places=6)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    terms=GRANTS,
    frozen=st.integers(0, 11),
    held=AMOUNTS,
    wanted=AMOUNTS,
    later=st.integers(0, 5),
    ago=st.integers(0, 5),
)
def test_a_draw_takes_what_the_engine_says(usd_wallet: WalletDriver, terms, frozen, held, wanted, later, ago):
    savepoint = transaction.savepoint()
    one = WalletDriver(usd_wallet.organization, usd_wallet.unit, usd_wallet.now)
    rows = [one.grant(**grant) for grant in terms]
    if frozen < len(rows):
        freeze(grant=rows[frozen], now=one.now)
    if held <= one.state().available:
        one.hold(str(held), expires_at=one.now + timedelta(days=7))
    lots = one.state().lots
    one.now += timedelta(days=later)
    at = one.now - timedelta(days=min(ago, later))

    expected = [(each.lot.id, each.amount) for each in draw(lots, wanted, at=at)]
    reference = one.reference()
    taken = one.spend(str(wanted), at=at, partial=True, reference=reference)

    assert taken == sum((amount for _, amount in expected), Decimal(0))
    posted = LedgerEntry.objects.posting(reference).values_list("grant_id", "amount")
    assert [(grant, -amount) for grant, amount in posted] == expected
    transaction.savepoint_rollback(savepoint)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(terms=GRANTS, wanted=AMOUNTS, cost=AMOUNTS)
def test_a_hold_reserves_and_captures_what_the_engine_says(usd_wallet: WalletDriver, terms, wanted, cost):
    savepoint = transaction.savepoint()
    one = WalletDriver(usd_wallet.organization, usd_wallet.unit, usd_wallet.now)
    for grant in terms:
        one.grant(**grant)
    state = one.state()
    wanted = min(wanted, state.available)
    hold = one.hold(str(wanted))
    reserved = [(each.lot.id, each.amount) for each in draw(state.lots, wanted, at=one.now)]
    assert list(hold.reservations.values_list("grant_id", "amount")) == reserved

    cost = min(cost, state.available)
    capture_hold(hold=hold, amount=cost, now=one.now)
    totals: dict[int, Decimal] = {}
    for grant, amount in LedgerEntry.objects.posting(f"hold:{hold.public_id}:capture").values_list(
        "grant_id", "amount"
    ):
        totals[grant] = totals.get(grant, Decimal(0)) - amount
    assert totals == {each.lot.id: each.amount for each in draw(state.lots, cost, at=one.now)}
    transaction.savepoint_rollback(savepoint)


def test_nothing_is_drawn_from_nothing(now):
    lot = Lot(id=1, remaining=Decimal(5), held=Decimal(5), created_at=now)
    assert draw([lot], Decimal(1), at=now) == []
    assert draw([], Decimal(1), at=now) == []
    assert in_burn_order([]) == []
