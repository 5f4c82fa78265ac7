"""What may be told about a wallet: now, how fast it goes, when it ends, what to set aside."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from credits import tasks
from credits.engine.burn_order import Lot
from credits.engine.forecast import round_up_to_step, runs_out_at
from credits.engine.refund_limits import credits_for, money_for
from credits.engine.wallet_state import NOTHING, NextExpiry
from credits.errors import UnknownUnit
from credits.models import CreditGrant, CreditHold, LedgerEntry, Wallet
from credits.services.forecasts import forecast, reserve_suggested
from credits.services.grants import freeze
from credits.services.spending import draw_or_owe
from tests.credits.wallet_driver import WalletDriver, figures

DAY = timedelta(days=1)


def test_an_organization_without_a_wallet_has_nothing(usd_wallet: WalletDriver):
    assert usd_wallet.state() == NOTHING
    assert Wallet.objects.states(organization=usd_wallet.organization, at=usd_wallet.now) == {}


def test_one_query_answers_for_every_unit(usd_wallet: WalletDriver, sessions, globex, django_assert_num_queries):
    usd_wallet.grant("10")
    WalletDriver(usd_wallet.organization, sessions, usd_wallet.now).grant("400")
    WalletDriver(globex, sessions, usd_wallet.now).grant("7")
    with django_assert_num_queries(1):
        states = Wallet.objects.states(organization=usd_wallet.organization, at=usd_wallet.now)
    assert {unit: state.available for unit, state in states.items()} == {"usd": 10, "sessions": 400}


def test_live_lots_come_in_burn_order_with_what_lapses_next(usd_wallet: WalletDriver):
    late, soon, never = (
        usd_wallet.grant("50", days=300),
        usd_wallet.grant("10", days=5),
        usd_wallet.grant("1", days=None),
    )
    usd_wallet.grant("7", days=0.5)
    usd_wallet.hold("9")
    usd_wallet.now += DAY / 24 * 23
    state = usd_wallet.state()
    assert [lot.id for lot in state.lots] == [soon.pk, late.pk, never.pk]
    assert state.next_expiry == NextExpiry(Decimal(10), soon.expires_at)
    assert list(CreditGrant.objects.spendable(at=usd_wallet.now).in_burn_order()) == [soon, late, never]


def test_what_lapses_next_leaves_out_what_holds_keep(usd_wallet: WalletDriver):
    grant = usd_wallet.grant("10", days=5)
    usd_wallet.hold("4")
    assert usd_wallet.state().next_expiry == NextExpiry(Decimal(6), grant.expires_at)


def test_with_debt_nothing_is_usable_though_something_is_available(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    usd_wallet.owe("1")
    assert usd_wallet.state().usable == 0


def test_frozen_credits_are_there_but_not_available(usd_wallet: WalletDriver):
    grant = usd_wallet.grant("10")
    freeze(grant=grant, now=usd_wallet.now)
    state = usd_wallet.state()
    assert (state.balance, state.available, state.frozen) == (10, 0, 10)
    assert list(CreditGrant.objects.live(at=usd_wallet.now)) == [grant]
    assert not CreditGrant.objects.spendable(at=usd_wallet.now).exists()


def test_a_hold_past_its_deadline_repays_debt_already_when_read(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    first, second = usd_wallet.hold("4"), usd_wallet.hold("6", expires_at=usd_wallet.now + 2 * DAY)
    usd_wallet.capture(second, "8")
    assert usd_wallet.figures() == figures("2", held="4", available="0", debt="2")
    assert usd_wallet.figures(at=first.expires_at) == figures("2")


# -- Pace ------------------------------------------------------------------------------------------------------------


def test_burn_is_what_was_consumed_over_thirty_days(usd_wallet: WalletDriver):
    usd_wallet.grant("1000", days=None)
    usd_wallet.spend("500")
    usd_wallet.now += 40 * DAY
    for _ in range(3):
        usd_wallet.spend("20", reference=f"settle:{usd_wallet.now}")
        usd_wallet.now += 5 * DAY
    usd_wallet.restore(f"settle:{usd_wallet.now - 5 * DAY}", "15")
    usd_wallet.capture(usd_wallet.hold("5"), "7")
    assert Wallet.objects.burn_per_day(wallet=usd_wallet.row, now=usd_wallet.now) == Decimal("1.733333")


def test_a_young_wallet_burns_over_its_own_days(usd_wallet: WalletDriver):
    usd_wallet.grant("100", days=None)
    usd_wallet.now += DAY + DAY / 2
    usd_wallet.spend("10")
    assert Wallet.objects.burn_per_day(wallet=usd_wallet.row, now=usd_wallet.now) == 5
    assert (
        forecast(wallet=usd_wallet.row, state=usd_wallet.state(), now=usd_wallet.now).runs_out_at
        == usd_wallet.now + 18 * DAY
    )


def test_what_a_wallet_began_with_owing_was_consumed_too(usd_wallet: WalletDriver):
    draw_or_owe(
        organization=usd_wallet.organization, unit=usd_wallet.unit, amount="6", reference="job", now=usd_wallet.now
    )
    usd_wallet.now += DAY + DAY / 2
    assert Wallet.objects.burn_per_day(wallet=usd_wallet.row, now=usd_wallet.now) == 3


def test_a_wallet_that_was_not_used_burns_nothing_and_never_ends(usd_wallet: WalletDriver):
    usd_wallet.grant("100")
    found = forecast(wallet=usd_wallet.row, state=usd_wallet.state(), now=usd_wallet.now)
    assert (found.burn_per_day, found.runs_out_at) == (0, None)


def test_credits_run_out_earlier_when_some_lapse_unspent(now):
    lapsing = Lot(id=1, remaining=Decimal(100), created_at=now, expires_at=now + 2 * DAY)
    lasting = Lot(id=2, remaining=Decimal(30), created_at=now)
    assert runs_out_at([lapsing, lasting], Decimal(10), at=now) == now + 5 * DAY
    assert runs_out_at([lapsing], Decimal(10), at=now) == now + 2 * DAY
    assert runs_out_at([], Decimal(10), at=now) == now
    assert runs_out_at([lasting], Decimal("0.000001"), at=now) is None


# -- What to set aside -----------------------------------------------------------------------------------------------


def job(usd_wallet: WalletDriver, cost: str) -> None:
    usd_wallet.capture(usd_wallet.hold("5"), cost)


def test_forty_jobs_suggest_their_95th_percentile(usd_wallet: WalletDriver):
    """Nearest rank of forty is the 38th: 1.20 + 37 steps of 0.095 is 4.715, rounded up to the cent."""
    usd_wallet.unit.reserve_floor = Decimal(1)
    usd_wallet.unit.save()
    usd_wallet.grant("1000")
    for step in range(40):
        job(usd_wallet, str(Decimal("1.20") + step * Decimal("0.095")))
    assert reserve_suggested(organization=usd_wallet.organization, unit="usd", now=usd_wallet.now) == Decimal("4.72")


def test_the_floor_is_the_least_that_is_suggested(usd_wallet: WalletDriver):
    assert reserve_suggested(organization=usd_wallet.organization, unit="usd", now=usd_wallet.now) == 5
    usd_wallet.grant("1000")
    job(usd_wallet, "0.01")
    assert reserve_suggested(organization=usd_wallet.organization, unit="usd", now=usd_wallet.now) == 5


def test_old_free_and_foreign_jobs_suggest_nothing(usd_wallet: WalletDriver, globex):
    other = WalletDriver(globex, usd_wallet.unit, usd_wallet.now)
    other.grant("1000")
    job(other, "99")
    usd_wallet.grant("1000", days=None)
    job(usd_wallet, "50")
    usd_wallet.now += 30 * DAY
    for cost in ("0",) * 30 + ("7",):
        job(usd_wallet, cost)
    assert reserve_suggested(organization=usd_wallet.organization, unit="usd", now=usd_wallet.now) == 7


def test_an_unknown_unit_is_refused_by_name(acme, now):
    with pytest.raises(UnknownUnit):
        reserve_suggested(organization=acme, unit="gold", now=now)


@given(st.decimals("0", "1000", places=6), st.sampled_from([Decimal("0.01"), Decimal(1), Decimal("2.5"), Decimal(5)]))
def test_rounding_up_reaches_the_next_step_and_no_further(amount, step):
    rounded = round_up_to_step(amount, step)
    assert rounded % step == 0
    assert amount <= rounded < amount + step


# -- Money and credits of a refund -----------------------------------------------------------------------------------


@given(
    amount=st.decimals("0.000001", "100000", places=6),
    paid=st.integers(1, 10_000_000),
    cuts=st.lists(st.integers(0, 10_000_000), max_size=6),
)
def test_partial_refunds_add_up_to_everything_whatever_their_order(amount, paid, cuts):
    totals = [0, *sorted(cut % (paid + 1) for cut in cuts), paid]
    taken = [credits_for(to - since, before=since, amount=amount, paid=paid) for since, to in pairwise(totals)]
    assert min(taken) >= 0
    assert sum(taken) == amount
    assert money_for(amount, amount=amount, paid=paid) == paid


# -- Commands and tasks ----------------------------------------------------------------------------------------------


def test_the_expiry_command_says_what_it_did_and_does_it_once(usd_wallet: WalletDriver, capsys):
    usd_wallet.grant("10", days=1)
    call_command("expire_credits", "--at", "2026-06-20T00:00:00Z")
    assert "10 lapsed at 2026-06-16 12:00:00 UTC.\nPosted 1 expiries." in capsys.readouterr().out
    call_command("expire_credits", "--at", "2026-06-20")
    assert capsys.readouterr().out == "Posted 0 expiries.\n"


def test_a_command_refuses_a_time_that_is_none(db):
    with pytest.raises(CommandError, match="ISO 8601"):
        call_command("expire_credits", "--at", "tomorrow")


def test_the_expiry_task_run_twice_posts_once(usd_wallet: WalletDriver, time_machine):
    usd_wallet.grant("10", days=1)
    hold = usd_wallet.hold("4")
    time_machine.move_to(usd_wallet.now + 2 * DAY)
    for _ in range(2):
        tasks.expire_credits()
    assert CreditHold.objects.get(pk=hold.pk).status == "expired"
    assert LedgerEntry.objects.filter(kind="expire").count() == 1
