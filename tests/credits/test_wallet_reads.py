"""What may be told about a wallet: now, how fast it goes, when it ends, what to set aside."""

from datetime import timedelta
from decimal import Decimal

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
from tests.credits.purse import Purse, figures

DAY = timedelta(days=1)


def test_an_organization_without_a_wallet_has_nothing(purse: Purse):
    assert purse.state() == NOTHING
    assert Wallet.objects.states(organization=purse.organization, at=purse.now) == {}


def test_one_query_answers_for_every_unit(purse: Purse, sessions, globex, django_assert_num_queries):
    purse.grant("10")
    Purse(purse.organization, sessions, purse.now).grant("400")
    Purse(globex, sessions, purse.now).grant("7")
    with django_assert_num_queries(1):
        states = Wallet.objects.states(organization=purse.organization, at=purse.now)
    assert {unit: state.available for unit, state in states.items()} == {"usd": 10, "sessions": 400}


def test_live_lots_come_in_burn_order_with_what_lapses_next(purse: Purse):
    late, soon, never = purse.grant("50", days=300), purse.grant("10", days=5), purse.grant("1", days=None)
    purse.grant("7", days=0.5)
    purse.hold("9")
    purse.now += DAY / 24 * 23
    state = purse.state()
    assert [lot.id for lot in state.lots] == [soon.pk, late.pk, never.pk]
    assert state.next_expiry == NextExpiry(Decimal(10), soon.expires_at)
    assert list(CreditGrant.objects.spendable(at=purse.now).in_burn_order()) == [soon, late, never]


def test_what_lapses_next_leaves_out_what_holds_keep(purse: Purse):
    grant = purse.grant("10", days=5)
    purse.hold("4")
    assert purse.state().next_expiry == NextExpiry(Decimal(6), grant.expires_at)


def test_with_debt_nothing_is_usable_though_something_is_available(purse: Purse):
    purse.grant("10")
    purse.owe("1")
    assert purse.state().usable == 0


def test_frozen_credits_are_there_but_not_available(purse: Purse):
    grant = purse.grant("10")
    freeze(grant=grant, now=purse.now)
    state = purse.state()
    assert (state.balance, state.available, state.frozen) == (10, 0, 10)
    assert list(CreditGrant.objects.live(at=purse.now)) == [grant]
    assert not CreditGrant.objects.spendable(at=purse.now).exists()


def test_a_hold_past_its_deadline_repays_debt_already_when_read(purse: Purse):
    purse.grant("10")
    first, second = purse.hold("4"), purse.hold("6", expires_at=purse.now + 2 * DAY)
    purse.capture(second, "8")
    assert purse.figures() == figures("2", held="4", available="0", debt="2")
    assert purse.figures(at=first.expires_at) == figures("2")


# -- Pace ------------------------------------------------------------------------------------------------------------


def test_burn_is_what_was_consumed_over_thirty_days(purse: Purse):
    purse.grant("1000", days=None)
    purse.spend("500")
    purse.now += 40 * DAY
    for _ in range(3):
        purse.spend("20", reference=f"settle:{purse.now}")
        purse.now += 5 * DAY
    purse.restore(f"settle:{purse.now - 5 * DAY}", "15")
    purse.capture(purse.hold("5"), "7")
    assert Wallet.objects.burn_per_day(wallet=purse.wallet, now=purse.now) == Decimal("1.733333")


def test_a_young_wallet_burns_over_its_own_days(purse: Purse):
    purse.grant("100", days=None)
    purse.now += DAY + DAY / 2
    purse.spend("10")
    assert Wallet.objects.burn_per_day(wallet=purse.wallet, now=purse.now) == 5
    assert forecast(wallet=purse.wallet, state=purse.state(), now=purse.now).runs_out_at == purse.now + 18 * DAY


def test_a_wallet_that_was_not_used_burns_nothing_and_never_ends(purse: Purse):
    purse.grant("100")
    found = forecast(wallet=purse.wallet, state=purse.state(), now=purse.now)
    assert (found.burn_per_day, found.runs_out_at) == (0, None)


def test_credits_run_out_earlier_when_some_lapse_unspent(now):
    lapsing = Lot(id=1, remaining=Decimal(100), created_at=now, expires_at=now + 2 * DAY)
    lasting = Lot(id=2, remaining=Decimal(30), created_at=now)
    assert runs_out_at([lapsing, lasting], Decimal(10), at=now) == now + 5 * DAY
    assert runs_out_at([lapsing], Decimal(10), at=now) == now + 2 * DAY
    assert runs_out_at([], Decimal(10), at=now) == now
    assert runs_out_at([lasting], Decimal("0.000001"), at=now) is None


# -- What to set aside -----------------------------------------------------------------------------------------------


def job(purse: Purse, cost: str) -> None:
    purse.capture(purse.hold("5"), cost)


def test_forty_jobs_suggest_their_95th_percentile(purse: Purse):
    """Nearest rank of forty is the 38th: 1.20 + 37 steps of 0.095 is 4.715, rounded up to the cent."""
    purse.unit.reserve_floor = Decimal(1)
    purse.unit.save()
    purse.grant("1000")
    for step in range(40):
        job(purse, str(Decimal("1.20") + step * Decimal("0.095")))
    assert reserve_suggested(organization=purse.organization, unit="usd", now=purse.now) == Decimal("4.72")


def test_the_floor_is_the_least_that_is_suggested(purse: Purse):
    assert reserve_suggested(organization=purse.organization, unit="usd", now=purse.now) == 5
    purse.grant("1000")
    job(purse, "0.01")
    assert reserve_suggested(organization=purse.organization, unit="usd", now=purse.now) == 5


def test_old_free_and_foreign_jobs_suggest_nothing(purse: Purse, globex):
    other = Purse(globex, purse.unit, purse.now)
    other.grant("1000")
    job(other, "99")
    purse.grant("1000", days=None)
    job(purse, "50")
    purse.now += 30 * DAY
    job(purse, "0")
    job(purse, "7")
    assert reserve_suggested(organization=purse.organization, unit="usd", now=purse.now) == 7


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
    totals = [*sorted(cut % (paid + 1) for cut in cuts), paid]
    taken = [credits_for(total, amount=amount, paid=paid) for total in totals]
    assert taken == sorted(taken)
    assert taken[-1] == amount
    assert money_for(amount, amount=amount, paid=paid) == paid


# -- Commands and tasks ----------------------------------------------------------------------------------------------


def test_the_expiry_command_says_what_it_did_and_does_it_once(purse: Purse, capsys):
    purse.grant("10", days=1)
    call_command("expire_credits", "--at", "2026-06-20T00:00:00Z")
    assert "10 lapsed at 2026-06-16 12:00:00 UTC.\nPosted 1 expiries." in capsys.readouterr().out
    call_command("expire_credits", "--at", "2026-06-20")
    assert capsys.readouterr().out == "Posted 0 expiries.\n"


def test_a_command_refuses_a_time_that_is_none(db):
    with pytest.raises(CommandError, match="ISO 8601"):
        call_command("expire_credits", "--at", "tomorrow")


def test_the_expiry_task_run_twice_posts_once(purse: Purse, time_machine):
    purse.grant("10", days=1)
    hold = purse.hold("4")
    time_machine.move_to(purse.now + 2 * DAY)
    for _ in range(2):
        tasks.expire_credits()
    assert CreditHold.objects.get(pk=hold.pk).status == "expired"
    assert LedgerEntry.objects.filter(kind="expire").count() == 1
