"""Many events, thrice, in random order, by eight workers, some of which die: each is acted on once in effect."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from djstripe import models as djstripe

from payments import inbox
from payments.inbox import handles
from payments.models import CatalogueEntry, StripeEvent
from payments.models.inbox import LEASE
from tests.plugins_stripe import post_webhook

WORKERS = 8
CUSTOMERS = 25


class Killed(BaseException):
    """What a worker dies of: not an `Exception`, so nobody catches it."""


@pytest.mark.django_db(transaction=True)
def test_every_event_takes_effect_once_and_the_last_state_wins(sandbox, listen, make_customer):
    chance, guard = random.Random(11), threading.Lock()
    listen()

    @handles("customer.*")
    def dies_now_and_then(change):
        with guard:
            unlucky = chance.random() < 0.1
        if unlucky:
            raise Killed

    @handles("customer.*")
    def leaves_one_row_per_event(change):
        """A code that is there already would violate a constraint, and fail the event for good."""
        CatalogueEntry.objects.create(
            kind="feature", code=f"{change.data['id']}-{change.event_type}-{change.event_created.timestamp()}"
        )

    for number in range(CUSTOMERS):
        customer = make_customer(f"Customer {number}")
        sandbox.advance(seconds=5)
        sandbox.client.v1.customers.update(customer, {"name": f"Renamed {number}"})
    deliveries = []
    sandbox.set_delivery(repeat=3, shuffle=True, seed=5)
    sandbox.flush_to(lambda url, body, headers: deliveries.append((body, headers["Stripe-Signature"])) or 200)
    assert len(deliveries) == CUSTOMERS * 2 * 3

    def work(delivery):
        try:
            return post_webhook(*delivery)
        except Killed:
            return "killed"
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        answers = Counter(pool.map(work, deliveries))

    assert answers["killed"] > 0
    now = timezone.now()
    while StripeEvent.objects.unfinished().exists():
        now += LEASE + timedelta(hours=7)
        try:
            inbox.process_due(now=now)
        except Killed:
            continue
    assert CatalogueEntry.objects.count() == CUSTOMERS * 2
    assert set(StripeEvent.objects.values_list("status", flat=True)) == {StripeEvent.Status.DONE}
    names = {copy.name for copy in djstripe.Customer.objects.all()}
    assert names == {f"Renamed {number}" for number in range(CUSTOMERS)}
