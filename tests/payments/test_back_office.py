"""Staff look into the inbox and the mirror, replay and ignore events, and can change nothing else."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone
from djstripe import models as djstripe

from payments.models import CatalogueEntry, Customer, InboxRefusal, StripeAccount, StripeEvent, StripeWebhookEndpoint
from payments.services.customers import ensure_customer
from tests.plugins_stripe import post_webhook


@pytest.fixture
def events(sandbox, acme):
    """Acme became a customer; the event lies in the inbox."""
    ensure_customer(organization=acme)
    sandbox.flush_to(lambda url, body, headers: post_webhook(body, headers["Stripe-Signature"]))
    return list(StripeEvent.objects.order_by("id"))


@pytest.fixture
def looker(sven):
    """Sven may look at events, and no more."""
    sven.user_permissions.add(Permission.objects.get(codename="view_stripeevent"))
    return sven


def page(name, *args):
    return reverse(f"admin:payments_{name}", args=args)


def test_the_list_names_organization_object_and_trouble(signed_in, stella, events, acme):
    StripeEvent.objects.update(
        status=StripeEvent.Status.FAILED, last_error="StripeUnavailable: nobody answers", next_attempt_at=timezone.now()
    )
    response = signed_in(stella).get(page("stripeevent_changelist"))
    html = response.content.decode()
    assert "nobody answers" in html
    assert reverse("admin:accounts_organization_change", args=[acme.pk]) in html
    assert events[0].object_id in html


def test_search_finds_an_event_by_the_id_of_its_object(signed_in, stella, events):
    found = signed_in(stella).get(page("stripeevent_changelist"), {"q": events[0].object_id})
    assert found.context["cl"].result_count == 1
    missed = signed_in(stella).get(page("stripeevent_changelist"), {"q": "cus_other"})
    assert missed.context["cl"].result_count == 0


def test_the_list_costs_the_same_however_long(signed_in, stella, events, django_assert_max_num_queries):
    first = events[0]
    StripeEvent.objects.bulk_create(
        StripeEvent(
            stripe_id=f"evt_{number}",
            type=first.type,
            object_type=first.object_type,
            object_id=first.object_id,
            payload=first.payload,
            created=first.created,
            received_at=first.received_at,
            next_attempt_at=first.next_attempt_at,
        )
        for number in range(40)
    )
    client = signed_in(stella)
    with django_assert_max_num_queries(12):
        client.get(page("stripeevent_changelist"))


def test_a_failed_event_is_replayed_from_its_page(signed_in, stella, events, listen):
    listen("customer.created", failing=1)
    client = signed_in(stella)
    replay = page("stripeevent_replay", events[0].pk)

    failed = client.post(replay, follow=True)
    assert "failed again: RuntimeError: not now" in failed.content.decode()
    assert client.get(replay).status_code == 405

    client.post(replay)
    events[0].refresh_from_db()
    assert events[0].status == StripeEvent.Status.DONE


def test_events_are_replayed_and_ignored_from_the_list(signed_in, stella, events, listen):
    heard = listen("customer.created")
    client = signed_in(stella)
    chosen = {"_selected_action": [event.pk for event in events]}
    client.post(page("stripeevent_changelist"), {"action": "replay_selected", **chosen})
    assert len(heard) == len(events)

    StripeEvent.objects.update(status=StripeEvent.Status.FAILED, next_attempt_at=timezone.now())
    client.post(page("stripeevent_changelist"), {"action": "ignore_selected", **chosen})
    assert set(StripeEvent.objects.values_list("status", flat=True)) == {StripeEvent.Status.IGNORED}


def test_who_may_only_look_sees_no_buttons_and_may_not_post(signed_in, looker, events, listen):
    heard = listen("customer.created")
    client = signed_in(looker)
    html = client.get(page("stripeevent_change", events[0].pk)).content.decode()
    assert "Replay" not in html
    client.post(page("stripeevent_replay", events[0].pk))
    client.post(page("stripeevent_ignore", events[0].pk))
    client.post(page("stripeevent_changelist"), {"action": "replay_selected", "_selected_action": [events[0].pk]})
    events[0].refresh_from_db()
    assert (heard, events[0].status) == ([], StripeEvent.Status.RECEIVED)


@pytest.mark.parametrize("person", ["sven", "alice"])
def test_who_may_not_look_sees_nothing(request, signed_in, events, person):
    client = signed_in(request.getfixturevalue(person))
    assert client.get(page("stripeevent_changelist")).status_code in (302, 403)
    assert client.post(page("stripeevent_replay", events[0].pk)).status_code in (302, 403)
    events[0].refresh_from_db()
    assert events[0].status == StripeEvent.Status.RECEIVED


@pytest.mark.parametrize(
    "model", [CatalogueEntry, Customer, InboxRefusal, StripeAccount, StripeEvent, StripeWebhookEndpoint]
)
def test_nothing_can_be_added_changed_or_deleted(rf, stella, model):
    request = rf.get("/")
    request.user = stella
    model_admin = admin.site._registry[model]
    assert not model_admin.has_add_permission(request)
    assert not model_admin.has_change_permission(request)
    assert not model_admin.has_delete_permission(request)


def test_every_page_opens(signed_in, stella, events, sandbox):
    sandbox.client.v1.products.create({"name": "Thing"})
    sandbox.deliver()
    endpoint = StripeWebhookEndpoint.objects.create(url="https://a.example", stripe_id="we_1", secret="whsec_private")
    entry = CatalogueEntry.objects.create(kind="product", code="pro", stripe_id="prod_1")
    InboxRefusal.add(reason="stale", day=timezone.now().date())
    client = signed_in(stella)
    for row in (endpoint, entry, Customer.objects.get(), events[0], InboxRefusal.objects.get()):
        name = row._meta.model_name
        assert client.get(page(f"{name}_changelist")).status_code == 200
        response = client.get(page(f"{name}_change", row.pk))
        assert response.status_code == 200
        assert b"whsec_private" not in response.content


def test_the_mirror_is_there_to_look_at_and_dj_stripes_own_admin_is_not(signed_in, stella, sandbox, events):
    sandbox.deliver()
    client = signed_in(stella)
    listed = client.get(reverse("admin:djstripe_customer_changelist"))
    assert events[0].object_id in listed.content.decode()
    copy = djstripe.Customer.objects.get(id=events[0].object_id)
    detail = client.get(reverse("admin:djstripe_customer_change", args=[copy.pk]))
    assert "billing@acme.example" in detail.content.decode()
    assert not admin.site.is_registered(djstripe.APIKey)
    assert not admin.site.is_registered(djstripe.WebhookEndpoint)
