"""What a standing order may spend, to the cent and to the second, and where each kind of payment leaves it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core.errors import InvalidInput
from credits.models import AutoTopUp, CreditPack, LedgerEntry, Purchase, Wallet
from credits.services.spending import spend
from credits.services.top_ups import follow_top_up, set_auto_top_up, spent_this_month, switch_off, top_up_if_low
from credits.services.wallets import ensure_wallet
from notifications.models import Event
from payments.stripe_objects import StripePaymentIntent
from tests.credits.shop import bring_to_stripe, buy, make_pack, make_unit

pytestmark = pytest.mark.django_db
MIDNIGHT = datetime(2026, 7, 1, tzinfo=UTC)
OPEN = {"price": None, "credits": None, "open_minimum": 500, "open_maximum": 9000}
LAST_OF_JUNE = MIDNIGHT - timedelta(microseconds=1)


@pytest.fixture
def pack(db):
    return make_pack("usd-20", credits="20", price=2000)


@pytest.fixture
def order(acme, pack):
    """20 at 5 or less, at most $50 a month; nothing in the wallet, no card saved."""
    return standing_order(acme, pack)


def standing_order(acme, pack, *, threshold="5", cap=5000):
    now = timezone.now()
    return set_auto_top_up(organization=acme, pack=pack, threshold=threshold, monthly_cap=cap, now=now)


def past(order, *, amount, at, status=Purchase.Status.PAID, kind=Purchase.Kind.TOP_UP, unit=None, paid=None):
    """What was bought before; of what was paid less than asked for by a promotion, `paid`."""
    is_paid = status == Purchase.Status.PAID
    return Purchase.objects.create(
        organization=order.wallet.organization,
        kind=kind,
        status=status,
        unit=unit or order.wallet.unit,
        credits=Decimal(20),
        valid_days=0,
        amount=amount,
        currency="usd",
        created_at=at,
        paid_at=at if is_paid else None,
        paid_amount=(amount if paid is None else paid) if is_paid else None,
    )


def intent(purchase, status, **values):
    """The payment at Stripe as it may stand."""
    given = {"id": "pi_1", "status": status, "amount": 2000, "currency": "usd", "created": 1_780_000_000}
    return StripePaymentIntent.of(given | {"metadata": {"purchase": purchase.public_id}} | values)


def begun(order):
    return past(order, amount=2000, at=timezone.now(), status=Purchase.Status.STARTED)


@pytest.mark.parametrize(
    ("terms", "threshold", "cap", "field"),
    [
        (OPEN, "5", 5000, "pack"),
        ({"recurring": "month"}, "5", 5000, "pack"),
        ({}, "-0.000001", 5000, "threshold"),
        ({}, "0", 1999, "monthly_cap"),
    ],
)
def test_an_order_that_cannot_be_is_refused_and_leaves_nothing(acme, pack, terms, threshold, cap, field):
    for name, value in terms.items():
        setattr(pack, name, value)
    pack.save()
    with pytest.raises(InvalidInput) as refused:
        standing_order(acme, pack, threshold=threshold, cap=cap)
    assert refused.value.field == field
    assert not AutoTopUp.objects.exists()
    assert not Wallet.objects.exists()


def test_a_cap_of_one_pack_and_a_threshold_of_nothing_will_do(acme, pack):
    made = standing_order(acme, pack, threshold="0", cap=2000)
    assert (made.threshold, made.monthly_cap, made.enabled, made.off_reason) == (0, 2000, True, "")
    assert Wallet.objects.get().watch_at == 0


def test_setting_it_again_switches_it_on_and_forgets_why_it_was_off(acme, pack, order):
    switch_off(top_up=order, reason="x" * 501, now=timezone.now())
    order.refresh_from_db()
    assert (order.enabled, order.off_reason) == (False, "x" * 500)
    again = standing_order(acme, pack, threshold="7.5", cap=4000)
    assert (again.pk, again.enabled, again.off_reason) == (order.pk, True, "")
    assert (again.threshold, again.monthly_cap) == (Decimal("7.5"), 4000)
    assert Wallet.objects.get().watch_at == Decimal("7.5")


def test_the_month_counts_what_was_paid_and_what_is_under_way(order):
    now = MIDNIGHT + timedelta(days=3)
    past(order, amount=2000, at=LAST_OF_JUNE)
    past(order, amount=2000, paid=1500, at=MIDNIGHT)
    past(order, amount=300, at=now, status=Purchase.Status.PROCESSING)
    past(order, amount=7000, at=now, status=Purchase.Status.FAILED)
    past(order, amount=7000, at=now, status=Purchase.Status.CANCELLED)
    past(order, amount=7000, at=now, kind=Purchase.Kind.PACK)
    past(order, amount=7000, at=now, unit=make_unit("mau"))
    spent = spent_this_month(wallet=order.wallet, now=now)
    assert (spent.amount, spent.currency) == (1800, "usd")
    assert spent_this_month(wallet=order.wallet, now=LAST_OF_JUNE).amount == 2000 + 1500 + 300
    assert spent_this_month(wallet=order.wallet, now=MIDNIGHT + timedelta(days=31)).amount == 0


@pytest.mark.parametrize(("spent", "buys"), [(3000, True), (3001, False)])
def test_the_cap_may_be_reached_and_not_passed(acme, pack, sandbox, spent, buys):
    bring_to_stripe()
    buy(acme, pack, sandbox)
    order = standing_order(acme, pack, threshold="20")
    past(order, amount=spent, at=timezone.now())
    before = LedgerEntry.objects.count()
    bought = top_up_if_low(wallet=order.wallet, now=timezone.now())
    assert (bought is not None and bought.status == Purchase.Status.PAID) is buys
    assert LedgerEntry.objects.count() == before + buys
    assert spent_this_month(wallet=order.wallet, now=timezone.now()).amount == (5000 if buys else 3001)


@pytest.mark.parametrize(("used", "buys"), [("14.999999", False), ("15", True)])
def test_it_buys_at_the_threshold_and_not_a_millionth_above(acme, pack, sandbox, used, buys):
    bring_to_stripe()
    buy(acme, pack, sandbox)
    order, now = standing_order(acme, pack), timezone.now()
    spend(organization=acme, unit="usd", amount=used, reference="use", at=now, now=now)
    assert (top_up_if_low(wallet=order.wallet, now=now) is not None) is buys
    left = Decimal(20) - Decimal(used)
    assert Wallet.objects.state(organization=acme, unit="usd", at=now).available == left + (20 if buys else 0)


def test_while_one_attempt_is_under_way_there_is_no_second(order):
    begun(order)
    assert top_up_if_low(wallet=order.wallet, now=timezone.now()) is None
    assert Purchase.objects.count() == 1


def test_a_pack_whose_price_became_open_is_not_bought(order):
    CreditPack.objects.update(**OPEN)
    assert top_up_if_low(wallet=order.wallet, now=timezone.now()) is None
    assert not Purchase.objects.exists()


def test_without_a_saved_card_it_is_off_and_says_how_to_go_on(acme, order, sandbox):
    ended = top_up_if_low(wallet=order.wallet, now=timezone.now())
    why = "There is no saved card. Buy credits once and your card is kept."
    order.refresh_from_db()
    assert (ended.status, ended.failure) == (Purchase.Status.FAILED, why)
    assert (order.enabled, order.off_reason) == (False, why)
    assert Event.objects.filter(type="top_up.switched_off").count() == 1
    assert not LedgerEntry.objects.exists()


@pytest.mark.parametrize(
    ("status", "error", "why"),
    [
        ("requires_action", None, "Your bank wants you to confirm the payment in person."),
        ("requires_payment_method", "Your card has expired.", "Your card has expired."),
        ("requires_payment_method", None, "The bank declined the payment."),
        ("canceled", None, "The bank declined the payment."),
    ],
)
def test_a_payment_that_cannot_go_on_ends_the_order_once(order, status, error, why):
    purchase = begun(order)
    view = intent(purchase, status, last_payment_error={"message": error} if error else None)
    for _ in range(2):
        assert follow_top_up(purchase=purchase, intent=view, now=timezone.now()) == purchase
    order.refresh_from_db()
    purchase.refresh_from_db()
    assert (purchase.status, purchase.failure) == (Purchase.Status.FAILED, why)
    assert (order.enabled, order.off_reason) == (False, why)
    assert Event.objects.filter(type="top_up.switched_off").count() == 1
    assert not Event.objects.filter(type="purchase.failed").exists()
    assert not LedgerEntry.objects.exists()


def test_a_decline_after_the_owner_switched_it_off_says_nothing_more(order):
    purchase = begun(order)
    switch_off(top_up=order, reason="Not any more", now=timezone.now())
    follow_top_up(purchase=purchase, intent=intent(purchase, "canceled"), now=timezone.now())
    order.refresh_from_db()
    assert order.off_reason == "Not any more"
    assert not Event.objects.filter(type="top_up.switched_off").exists()


def test_set_on_a_balance_that_is_low_already_it_buys_at_once(acme, pack, sandbox, commits):
    bring_to_stripe()
    buy(acme, pack, sandbox)
    with commits():
        standing_order(acme, pack, threshold="20")
    assert Wallet.objects.state(organization=acme, unit="usd", at=timezone.now()).available == 40


def test_where_one_pack_is_not_enough_the_next_follows(acme, pack, sandbox, commits):
    bring_to_stripe()
    buy(acme, pack, sandbox)
    with commits():
        standing_order(acme, pack, threshold="50", cap=9000)
    assert Wallet.objects.state(organization=acme, unit="usd", at=timezone.now()).available == 60


def test_a_payment_that_the_bank_still_works_on_stays_open(order):
    purchase = begun(order)
    follow_top_up(purchase=purchase, intent=intent(purchase, "processing"), now=timezone.now())
    purchase.refresh_from_db()
    order.refresh_from_db()
    assert (purchase.status, order.enabled) == (Purchase.Status.PROCESSING, True)
    assert not LedgerEntry.objects.exists()


def test_a_payment_that_succeeded_grants_once_and_late_news_of_a_decline_changes_nothing(acme, order):
    purchase = begun(order)
    paid = intent(purchase, "succeeded", amount_received=1900)
    for view in (paid, paid, intent(purchase, "requires_payment_method")):
        follow_top_up(purchase=purchase, intent=view, now=timezone.now())
    purchase.refresh_from_db()
    order.refresh_from_db()
    assert (purchase.status, purchase.paid_amount, order.enabled) == (Purchase.Status.PAID, 1900, True)
    assert [(entry.amount, entry.reference) for entry in LedgerEntry.objects.all()] == [(20, "payment:pi_1")]


def test_a_decline_in_one_wallet_leaves_the_order_of_another(acme, order):
    other_pack = make_pack("mau-10", unit="mau", credits="10", price=1000)
    other = standing_order(acme, other_pack, threshold="2", cap=1000)
    purchase = begun(other)
    follow_top_up(purchase=purchase, intent=intent(purchase, "requires_action"), now=timezone.now())
    order.refresh_from_db()
    other.refresh_from_db()
    assert (order.enabled, other.enabled) == (True, False)
    assert ensure_wallet(organization=acme, unit="usd").watch_at == 5
    assert ensure_wallet(organization=acme, unit="mau").watch_at != 2
