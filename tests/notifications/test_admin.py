"""Staff see what happened and who was told, send it again, and look after endpoints; records cannot be changed."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.core import mail

from notifications.models import Event, SentEmail, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from notifications.services import send_email

ENDPOINTS = "/admin/notifications/webhookendpoint/"
DELIVERIES = "/admin/notifications/webhookdelivery/"
EMAILS = "/admin/notifications/sentemail/"
EVENTS = "/admin/notifications/event/"


@pytest.fixture
def staff(signed_in, stella):
    return signed_in(stella)


@pytest.fixture
def looker(signed_in, sven):
    """Staff who may look at everything here and do nothing."""
    sven.user_permissions.set(
        Permission.objects.filter(content_type__app_label="notifications", codename__startswith="view_")
    )
    return signed_in(sven)


def text(response) -> str:
    assert response.status_code == 200, response
    return response.content.decode()


def run(browser, url: str, action: str, *rows):
    return browser.post(url, {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)


def test_a_new_endpoint_shows_its_secret_once(staff, receiver, say):
    made = staff.post(f"{ENDPOINTS}add/", {"url": receiver.url, "event_types": ["demo.silent"], "description": "Jobs"})

    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.secret in text(made) and "no-store" in made["Cache-Control"]
    assert (endpoint.url, endpoint.event_types, endpoint.description) == (receiver.url, ["demo.silent"], "Jobs")
    for later in (f"{ENDPOINTS}{endpoint.pk}/change/", ENDPOINTS):
        assert endpoint.secret not in text(staff.get(later))

    receiver.secrets.append(endpoint.secret)
    say("demo.silent")
    assert receiver.types() == ["demo.silent"]


def test_an_endpoint_of_one_organization_stays_with_it(staff, receiver, acme, globex):
    staff.post(f"{ENDPOINTS}add/", {"url": receiver.url, "organization": acme.pk})
    endpoint = WebhookEndpoint.objects.get()

    staff.post(
        f"{ENDPOINTS}{endpoint.pk}/change/",
        {"url": receiver.url, "organization": globex.pk, "description": "New words", "enabled": ""},
    )

    endpoint.refresh_from_db()
    assert (endpoint.organization, endpoint.description, endpoint.enabled) == (acme, "New words", False)


@pytest.mark.parametrize(
    ("entered", "message"),
    [
        ({"url": "http://hooks.example/"}, "must begin with https://"),
        ({"url": "https://127.0.0.1/"}, "private or reserved"),
        ({"url": ""}, "required"),
        ({"url": "https://127.0.0.1/", "event_types": ["demo.unheard"]}, "demo.unheard"),
    ],
)
def test_a_bad_endpoint_is_refused_in_words_and_not_made(staff, entered, message):
    assert message in text(staff.post(f"{ENDPOINTS}add/", entered))
    assert not WebhookEndpoint.objects.exists()


def test_a_secret_is_rotated_after_a_second_look_and_shown_once(staff, receiver, db):
    endpoint = receiver.subscribe()
    url = f"{ENDPOINTS}{endpoint.pk}/rotate/"

    assert "24 hours" in text(staff.get(url))
    assert WebhookEndpoint.objects.get().secret == endpoint.secret

    shown = staff.post(url)
    rotated = WebhookEndpoint.objects.get()
    assert rotated.secret != endpoint.secret == rotated.previous_secret
    assert rotated.secret in text(shown) and endpoint.secret not in text(shown)
    assert "no-store" in shown["Cache-Control"]


def test_a_test_is_sent_from_the_list(staff, receiver, committed, db):
    endpoint = receiver.subscribe()

    with committed():
        told = text(run(staff, ENDPOINTS, "send_tests", endpoint))

    assert "A test is on its way" in told
    assert receiver.types() == ["test.ping"]


def test_a_disabled_endpoint_says_why_it_gets_no_test(staff, receiver, committed, db):
    endpoint = receiver.subscribe()
    WebhookEndpoint.objects.update(enabled=False)

    with committed():
        assert "Enable it first" in text(run(staff, ENDPOINTS, "send_tests", endpoint))

    assert receiver.accepted == []


def test_a_delivery_shows_its_attempts_and_is_replayed(staff, receiver, say, committed):
    receiver.subscribe()
    receiver.answers.append(500)
    event = say("demo.silent")
    delivery = WebhookDelivery.objects.get()

    shown = text(staff.get(f"{DELIVERIES}{delivery.pk}/change/"))
    assert "500" in shown and "noted" in shown
    assert f"{EVENTS}{event.pk}/change/" in shown and f"{ENDPOINTS}{delivery.endpoint_id}/change/" in shown

    with committed():
        assert "1 queued for delivery" in text(run(staff, DELIVERIES, "replay", delivery))
    assert [received.id for received in receiver.accepted] == [event.public_id] * 2
    delivery.refresh_from_db()
    assert delivery.status == "delivered"


def test_a_replay_to_a_disabled_endpoint_is_refused_in_words(staff, receiver, say, committed):
    receiver.subscribe()
    say("demo.silent")
    WebhookEndpoint.objects.update(enabled=False)

    with committed():
        assert "Enable it first" in text(run(staff, DELIVERIES, "replay", WebhookDelivery.objects.get()))

    assert WebhookAttempt.objects.count() == 1


def test_deliveries_are_filtered_by_status_type_endpoint_and_organization(staff, receiver, receivers, say, acme):
    endpoint = receiver.subscribe()
    receivers().subscribe(organization=acme)
    receiver.answers.append(500)
    say("demo.silent")

    def rows(query: str) -> int:
        return len(re.findall(r'name="_selected_action"', text(staff.get(f"{DELIVERIES}?{query}"))))

    assert rows("") == 2
    assert rows("status__exact=failed") == rows(f"endpoint__id__exact={endpoint.pk}") == 1
    assert rows("type=demo.silent") == 2 and rows("type=demo.low") == 0
    assert rows(f"endpoint__organization__id__exact={acme.pk}") == 1
    assert rows(f"q={acme.public_id}") == 2 and rows("q=elsewhere") == 0


def test_emails_are_listed_shown_and_sent_again(staff, say, committed):
    say()
    email = SentEmail.objects.get(to="alice@acme.example")
    mail.outbox.clear()

    assert "Payment failed: Acme" in text(staff.get(f"{EMAILS}?status__exact=sent&q=alice"))
    assert "A payment did not go through." in text(staff.get(f"{EMAILS}{email.pk}/change/"))
    with committed():
        assert "1 queued for sending" in text(run(staff, EMAILS, "resend", email))
    assert [message.to for message in mail.outbox] == [["alice@acme.example"]]


def test_an_event_shows_what_was_sent_and_to_whom(staff, say, receiver, acme):
    receiver.subscribe()
    event = say(data={"job": 17})

    shown = text(staff.get(f"{EVENTS}{event.pk}/change/"))

    assert "&quot;job&quot;: 17" in shown and acme.public_id in shown
    assert "alice@acme.example" in shown and "Delivered" in shown
    assert event.public_id in text(staff.get(f"{EVENTS}?type=demo.payment_failed&q={acme.public_id}"))


def test_looking_is_not_doing(looker, receiver, say, committed):
    endpoint = receiver.subscribe()
    say()
    mail.outbox.clear()
    delivery, email = WebhookDelivery.objects.get(), SentEmail.objects.first()

    for url in (ENDPOINTS, DELIVERIES, EMAILS, EVENTS, f"{ENDPOINTS}{endpoint.pk}/change/"):
        text(looker.get(url))
    with committed():
        run(looker, DELIVERIES, "replay", delivery)
        run(looker, EMAILS, "resend", email)
        run(looker, ENDPOINTS, "send_tests", endpoint)
    assert looker.get(f"{ENDPOINTS}add/").status_code == 403
    for method in ("get", "post"):
        assert getattr(looker, method)(f"{ENDPOINTS}{endpoint.pk}/rotate/").status_code == 403
    assert looker.post(f"{ENDPOINTS}{endpoint.pk}/change/", {"url": "https://x.example/"}).status_code == 403

    assert len(receiver.accepted) == 1 and mail.outbox == []
    assert WebhookEndpoint.objects.get().secret == endpoint.secret


def test_staff_without_permission_see_nothing(signed_in, sven):
    for url in (ENDPOINTS, DELIVERIES, EMAILS, EVENTS):
        assert signed_in(sven).get(url).status_code == 403


def test_records_cannot_be_made_changed_or_deleted(staff, say, receiver):
    endpoint = receiver.subscribe()
    event = say()
    delivery, email = WebhookDelivery.objects.get(), SentEmail.objects.first()

    for url, row in ((EVENTS, event), (DELIVERIES, delivery), (EMAILS, email)):
        assert staff.get(f"{url}add/").status_code == 403
        assert staff.post(f"{url}{row.pk}/change/", {"status": "x"}).status_code == 403
        assert staff.post(f"{url}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert staff.post(f"{ENDPOINTS}{endpoint.pk}/delete/", {"post": "yes"}).status_code == 403

    assert (Event.objects.count(), WebhookDelivery.objects.count(), SentEmail.objects.count()) == (1, 1, 2)
    assert WebhookEndpoint.objects.exists()


def test_a_secret_in_an_email_is_not_shown_to_staff(staff, db, now, lost_tasks, own_templates):
    (own_templates / "gift.subject.txt").write_text("A gift for you")
    for ending in ("txt", "html"):
        (own_templates / f"gift.{ending}").write_text("Code {{ code }}")
    with lost_tasks():
        email = send_email(
            to="friend@example.com", template="gift", context={"code": "ABCD-1234"}, key="g", confidential=True, now=now
        )
    assert "ABCD-1234" in email.text

    shown = text(staff.get(f"{EMAILS}{email.pk}/change/"))
    assert "Not shown" in shown and "ABCD-1234" not in shown
