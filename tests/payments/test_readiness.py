"""The inbox's lines of `/readyz`."""

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from payments import health
from payments.models import StripeEvent


def waiting(age):
    received = timezone.now() - age
    return StripeEvent.objects.create(
        stripe_id=f"evt_{age.total_seconds()}",
        type="customer.created",
        object_type="customer",
        payload={},
        created=received,
        received_at=received,
        next_attempt_at=received,
    )


def test_an_empty_inbox_is_fine(db):
    assert (health.inbox().ok, health.inbox().detail) == (True, "nothing is waiting")


def test_events_may_wait_a_while_but_not_for_ever(db):
    waiting(timedelta(minutes=1))
    assert health.inbox().ok
    old = waiting(health.TOO_OLD + timedelta(minutes=1))
    assert not health.inbox().ok
    StripeEvent.objects.filter(pk=old.pk).update(
        status=StripeEvent.Status.DONE, next_attempt_at=None, processed_at=timezone.now()
    )
    assert health.inbox().ok


def test_readyz_has_both_lines(client, db):
    waiting(health.TOO_OLD * 2)
    response = client.get(reverse("readyz"))
    assert response.status_code == 503
    checks = response.json()["checks"]
    assert checks["stripe_inbox"]["ok"] is False
    assert checks["stripe_account"]["ok"] is True
