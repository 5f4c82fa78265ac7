"""Many payments, many workers, some of which die: every balance equals what was paid, and is granted once."""

import random
import threading
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from credits.models import LedgerEntry, Purchase, Wallet
from credits.services.audit import differences
from credits.services.purchases import start_pack_purchase
from payments import inbox
from payments.inbox import handlers, handles
from payments.models import StripeEvent
from payments.models.inbox import LEASE
from payments.reconciliation import reconcile
from tests.credits.shop import bring_to_stripe, make_pack
from tests.factories import OrganizationFactory
from tests.plugins_stripe import post_webhook

pytestmark = pytest.mark.django_db(transaction=True)

PAYMENTS = 1_000
ORGANIZATIONS = 25
WORKERS = 8


class Killed(BaseException):
    """What a worker dies of: not an `Exception`, so nobody catches it."""


@pytest.fixture
def packs(sandbox):
    found = [make_pack(f"usd-{price}", credits=str(price), price=price * 100) for price in (5, 20, 50)]
    bring_to_stripe()
    return found


@pytest.fixture
def deadly(monkeypatch):
    """A worker in twenty dies after the credits were granted, and before that was committed."""
    monkeypatch.setattr(handlers, "_handlers", list(handlers._handlers))
    chance, guard = random.Random(7), threading.Lock()

    @handles("checkout.session.*")
    def dies_now_and_then(change):
        with guard:
            unlucky = chance.random() < 0.05
        if unlucky:
            raise Killed


def available(organization):
    return Wallet.objects.state(organization=organization, unit="usd", at=timezone.now()).available


def deliveries_of(sandbox):
    """What Stripe would send now, as bytes with their signatures."""
    taken = []
    sandbox.flush_to(lambda url, body, headers: taken.append((body, headers["Stripe-Signature"])) or 200)
    return taken


def by_workers(jobs):
    """Call all jobs on eight threads; returns what they answered, with None for those that were killed."""

    def work(mine):
        try:
            return [_unless_killed(job) for job in mine]
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        shares = pool.map(work, [jobs[start::WORKERS] for start in range(WORKERS)])
        return [answer for share in shares for answer in share]


def _unless_killed(job):
    try:
        return job()
    except Killed:
        return None


_worker = threading.local()


def take_in(delivery):
    """One delivery, by the client of this thread: making one anew costs more than the request."""
    if not hasattr(_worker, "client"):
        _worker.client = Client()
    return post_webhook(*delivery, _worker.client)


def begin_payments(sandbox, packs, organizations, count):
    """Paid checkout pages, with purchases as they stand when the customer has just left for them."""
    chance, paid = random.Random(3), defaultdict(Decimal)
    customers = {one: sandbox.client.v1.customers.create({"name": one.name}).id for one in organizations}
    purchases = []
    for _ in range(count):
        pack, organization = chance.choice(packs), chance.choice(organizations)
        purchases.append(
            Purchase(
                organization=organization,
                kind=Purchase.Kind.PACK,
                status=Purchase.Status.OPEN,
                pack=pack,
                unit=pack.unit,
                credits=pack.credits,
                valid_days=365,
                amount=pack.price,
                currency="usd",
                created_at=timezone.now(),
            )
        )
        paid[organization] += pack.credits
    for purchase in Purchase.objects.bulk_create(purchases):
        line = {"quantity": 1, "price_data": {"currency": "usd", "unit_amount": purchase.amount}}
        line["price_data"]["product_data"] = {"name": "Credits"}
        session = sandbox.client.v1.checkout.sessions.create(
            {
                "mode": "payment",
                "customer": customers[purchase.organization],
                "line_items": [line],
                "success_url": "https://portal.example/",
                "metadata": {"purchase": purchase.public_id},
            }
        )
        sandbox.pay(session)
    return paid


@pytest.mark.volume
@pytest.mark.long
def test_a_thousand_payments_told_of_three_times_by_workers_that_die(sandbox, packs, deadly):
    for endpoint in sandbox.client.v1.webhook_endpoints.list().data:
        sandbox.client.v1.webhook_endpoints.update(endpoint.id, {"enabled_events": ["checkout.session.completed"]})
    organizations = [OrganizationFactory() for _ in range(ORGANIZATIONS)]
    deliveries_of(sandbox)  # what the catalogue made
    sandbox.set_delivery(paused=True)
    paid = begin_payments(sandbox, packs, organizations, PAYMENTS)
    sandbox.set_delivery(paused=False, repeat=3, shuffle=True, seed=5)
    deliveries = deliveries_of(sandbox)
    assert len(deliveries) == PAYMENTS * 3

    answers = Counter(by_workers([partial(take_in, delivery) for delivery in deliveries]))

    assert answers[None] > 0, "nobody was killed"
    now = timezone.now()
    while StripeEvent.objects.unfinished().exists():
        now += LEASE + timedelta(minutes=1)
        by_workers([partial(inbox.process_due, now=now)])
    assert {one: available(one) for one in organizations} == {one: paid[one] for one in organizations}
    assert LedgerEntry.objects.count() == PAYMENTS
    assert differences() == []


def test_webhook_return_page_and_reconciliation_racing_grant_once(acme, alice, packs, sandbox, signed_in):
    purchase = start_pack_purchase(organization=acme, pack=packs[0], now=timezone.now())
    sandbox.pay(purchase.checkout_session)
    sandbox.set_delivery(repeat=3, shuffle=True, seed=1)
    together = threading.Barrier(WORKERS)
    webhooks, browsers = deliveries_of(sandbox), [signed_in(alice) for _ in range(3)]

    def all_webhooks():
        return [post_webhook(*delivery) for delivery in webhooks]

    def return_page(browser):
        return browser.get(reverse("credits:purchase", args=[acme.public_id, purchase.public_id])).status_code

    def repair():
        return reconcile(since=timezone.now() - timedelta(hours=72), now=timezone.now()).failed

    jobs = [all_webhooks, all_webhooks, all_webhooks, repair, repair]
    jobs += [lambda browser=browser: return_page(browser) for browser in browsers]

    def at_once(job):
        together.wait()
        return job()

    by_workers([lambda job=job: at_once(job) for job in jobs])

    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.PAID
    assert available(acme) == 5
    assert [entry.reference for entry in LedgerEntry.objects.all()] == [f"checkout:{purchase.checkout_session}"]


def test_reconciliation_heals_what_lost_webhooks_left_out_and_doubles_nothing(acme, packs, sandbox):
    purchases = [start_pack_purchase(organization=acme, pack=packs[0], now=timezone.now()) for _ in range(30)]
    for purchase in purchases:
        sandbox.pay(purchase.checkout_session)
    sandbox.set_delivery(drop=0.3, seed=2)
    sandbox.deliver()
    missing = Purchase.objects.waiting().count()
    assert 0 < missing < len(purchases)
    since = timezone.now() - timedelta(hours=72)

    assert reconcile(since=since, now=timezone.now()).failed == []

    assert available(acme) == 150
    assert reconcile(since=since, now=timezone.now()).repaired == []
    assert LedgerEntry.objects.count() == len(purchases)
    assert differences() == []
