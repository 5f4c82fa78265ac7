"""Old logs go, and nothing that happens afterwards is different for it."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from credits.models import LedgerEntry, Wallet
from credits.services.audit import differences
from notifications.models import Event, SentEmail, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from notifications.services.deliveries import replay_delivery
from notifications.tasks import delete_old_messages
from payments.models import StripeEvent
from payments.tasks import delete_finished_events
from tests.credits.shop import bring_to_stripe, buy, make_pack

pytestmark = pytest.mark.django_db
KEPT = timedelta(days=90)


@pytest.fixture
def forget_after():
    """`forget_after(timedelta(days=91))`: the nightly tasks, as of so long from now."""

    def run(wait: timedelta) -> None:
        with time_machine.travel(timezone.now() + wait, tick=False):
            delete_finished_events()
            delete_old_messages()

    return run


@pytest.fixture
def bought(acme, alice, sandbox, django_capture_on_commit_callbacks):
    WebhookEndpoint.objects.create(url="http://127.0.0.1:9/", secret="whsec_" + "a" * 32)
    pack = make_pack("usd-20", credits="20", price=2000)
    bring_to_stripe()
    with django_capture_on_commit_callbacks(execute=True):
        purchase = buy(acme, pack, sandbox)
    SentEmail.objects.update(status="sent", next_attempt_at=None, sent_at=timezone.now())
    WebhookDelivery.objects.update(status="exhausted", next_attempt_at=None)
    return purchase


def logs() -> tuple[int, int, int, int]:
    return tuple(model.objects.count() for model in (StripeEvent, SentEmail, WebhookDelivery, WebhookAttempt))


def test_what_is_younger_stays(bought, forget_after):
    before = logs()
    assert 0 not in before[:3]
    forget_after(KEPT - timedelta(minutes=5))
    assert logs() == before


def test_what_is_older_goes_and_the_ledger_and_what_was_said_stay(bought, forget_after):
    said, entries = set(Event.objects.values_list("type", "key")), LedgerEntry.objects.count()
    forget_after(KEPT + timedelta(minutes=5))
    assert logs() == (0, 0, 0, 0)
    assert set(Event.objects.values_list("type", "key")) == said
    assert LedgerEntry.objects.count() == entries
    assert differences() == []


def test_an_old_event_that_comes_again_changes_nothing(bought, acme, sandbox, forget_after):
    forget_after(KEPT + timedelta(minutes=5))
    before = Wallet.objects.state(organization=acme, unit="usd", at=timezone.now())
    entries, said = LedgerEntry.objects.count(), Event.objects.count()
    sandbox.redeliver()
    sandbox.deliver()
    assert StripeEvent.objects.exists()
    assert not StripeEvent.objects.unfinished().exists()
    assert Wallet.objects.state(organization=acme, unit="usd", at=timezone.now()) == before
    assert (LedgerEntry.objects.count(), Event.objects.count()) == (entries, said)
    assert not SentEmail.objects.exists()


def test_what_has_not_ended_stays_however_old(bought, forget_after):
    waiting = timezone.now() + timedelta(days=200)
    StripeEvent.objects.update(status="failed", next_attempt_at=waiting, processed_at=None)
    SentEmail.objects.update(status="queued", next_attempt_at=waiting, sent_at=None)
    replay_delivery(delivery=WebhookDelivery.objects.get(event__type="credits.granted"), now=timezone.now())
    before = logs()
    forget_after(timedelta(days=150))
    assert logs() == (*before[:2], 1, WebhookAttempt.objects.count())


def test_an_email_that_is_no_events_stays(bought, acme, forget_after):
    """Its row is what makes it once: a gift card's code is not sent a second time."""
    SentEmail.objects.update(event=None)
    kept = SentEmail.objects.count()
    forget_after(KEPT * 2)
    assert SentEmail.objects.count() == kept
