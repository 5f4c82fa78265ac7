"""Emails reach the right people, each once, in words that fit, and are retried until they leave."""

from datetime import timedelta

import pytest
from django.core import mail

from accounts.models import Role
from core.errors import Conflict
from notifications.emails.recipients import recipients
from notifications.event_types import DEFAULT_AUDIENCE
from notifications.models import Event, SentEmail
from notifications.services import publish, send_email
from notifications.services.emails import CLAIM, REMOVED, deliver_email, resend_email
from notifications.services.sweep import sweep
from tests.factories import MembershipFactory, UserFactory

Status = SentEmail.Status


@pytest.fixture
def no_mail_server(settings) -> None:
    """Nobody listens where the mail server should be."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1


@pytest.fixture
def queued(acme, now, real_now, lost_tasks) -> SentEmail:
    """An email that no worker has taken yet."""
    with lost_tasks():
        return send_email(
            to="alice@acme.example", template="default", context=GREETING, key="hello", organization=acme, now=real_now
        )


class _Type:
    title = "Hello"
    description = "Nothing happened."


GREETING = {"event_type": _Type(), "facts": [{"label": "Amount", "value": "12.5"}]}


# -- Who ---------------------------------------------------------------------------------------------------------------


def test_owners_billing_admins_and_the_billing_address_are_written_to_each_once(acme):
    MembershipFactory(organization=acme, user=UserFactory(email="money@acme.example"), role=Role.BILLING_ADMIN)
    MembershipFactory(organization=acme, user=UserFactory(email="billing@acme.example"), role=Role.OWNER)
    MembershipFactory(organization=acme, user=UserFactory(email="gone@acme.example", is_active=False), role=Role.OWNER)

    assert recipients(organization=acme, audience=DEFAULT_AUDIENCE) == [
        "alice@acme.example",
        "billing@acme.example",
        "money@acme.example",
    ]


def test_an_address_that_was_never_verified_is_left_out_where_that_is_demanded(acme, settings):
    stranger = UserFactory(email="stranger@acme.example")
    stranger.emailaddress_set.update(verified=False)
    MembershipFactory(organization=acme, user=stranger, role=Role.OWNER)

    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    assert "stranger@acme.example" not in recipients(organization=acme, audience=DEFAULT_AUDIENCE)

    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    assert "stranger@acme.example" in recipients(organization=acme, audience=DEFAULT_AUDIENCE)


# -- What --------------------------------------------------------------------------------------------------------------


def test_a_type_without_templates_has_decent_words(say, acme):
    say("demo.payment_failed", data={"amount": "12.5", "currency": "usd", "nested": {"a": 1}, "flag": True})

    message = mail.outbox[0]
    assert message.subject == "Payment failed: Acme"
    assert "A payment did not go through." in message.body
    assert "Amount: 12.5" in message.body and "nested" not in message.body.lower()
    assert "15 Jun 2026, 12:00 UTC" in message.body
    assert f"http://127.0.0.1:8000/o/{acme.public_id}/notifications/" in message.body
    ((html, kind),) = message.alternatives
    assert kind == "text/html" and "12.5" in html and f"/o/{acme.public_id}/" in html


def test_a_type_with_templates_has_its_own_words_and_the_context_of_the_email(say, own_templates):
    (own_templates / "demo.letter.subject.txt").write_text("Dear {{ organization }},\n{{ greeting }}\n")
    (own_templates / "demo.letter.txt").write_text("{{ greeting }} {{ data.n }} {{ event.public_id }}")
    (own_templates / "demo.letter.html").write_text("<p>{{ greeting }}</p>")

    event = say("demo.letter", email_context={"greeting": "Tom & Jerry"})

    message = mail.outbox[0]
    assert message.subject == "Dear Acme, Tom & Jerry"
    assert message.body == f"Tom & Jerry 1 {event.public_id}\n"
    assert message.alternatives[0][0] == "<p>Tom &amp; Jerry</p>"


def test_what_people_type_is_escaped_in_html_and_plain_in_text(say, acme):
    acme.name = "<b>Tom & Jerry</b>"
    acme.save()

    say()

    message = mail.outbox[0]
    assert "<b>Tom & Jerry</b>" in message.subject
    assert "<b>" not in message.alternatives[0][0]
    assert "&lt;b&gt;Tom &amp; Jerry&lt;/b&gt;" in message.alternatives[0][0]


# -- Whether it left ---------------------------------------------------------------------------------------------------


def test_an_email_is_retried_until_it_leaves(say, no_mail_server, settings, real_now, committed):
    say()
    email = SentEmail.objects.first()
    assert (email.status, email.attempts) == (Status.QUEUED, 1) and "Connection" in email.error

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert deliver_email(email_id=email.pk, now=email.next_attempt_at - timedelta(seconds=1)) is None
    sent = deliver_email(email_id=email.pk, now=email.next_attempt_at)

    assert (sent.status, sent.attempts, sent.error, sent.sent_at) == (Status.SENT, 2, "", email.next_attempt_at)
    assert [message.to for message in mail.outbox] == [[email.to]]


def test_after_a_day_of_tries_an_email_has_failed_and_can_be_sent_again(
    queued, no_mail_server, settings, real_now, committed
):
    tried, at = 0, real_now
    while (email := deliver_email(email_id=queued.pk, now=at)) and email.next_attempt_at:
        tried, at = tried + 1, email.next_attempt_at

    assert (email.status, email.attempts, email.next_attempt_at) == (Status.FAILED, 7, None)
    assert timedelta(hours=24) < at - real_now < timedelta(hours=48)

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    with committed():
        resend_email(email=email, now=real_now)
    email.refresh_from_db()
    assert (email.status, email.attempts) == (Status.SENT, 1)
    assert len(mail.outbox) == 1


def test_the_task_run_twice_sends_once(queued, real_now):
    assert deliver_email(email_id=queued.pk, now=real_now).status == Status.SENT
    assert deliver_email(email_id=queued.pk, now=real_now + timedelta(days=1)) is None
    assert len(mail.outbox) == 1


def test_an_email_taken_by_a_worker_that_died_is_taken_again_later(queued, real_now):
    # As the worker left it: taken, and nothing more.
    SentEmail.objects.update(attempts=1, next_attempt_at=real_now + CLAIM)

    assert deliver_email(email_id=queued.pk, now=real_now + CLAIM - timedelta(seconds=1)) is None
    assert deliver_email(email_id=queued.pk, now=real_now + CLAIM).status == Status.SENT
    assert len(mail.outbox) == 1


def test_every_try_carries_the_same_message_id(queued, real_now, committed):
    deliver_email(email_id=queued.pk, now=real_now)
    with committed():
        resend_email(email=queued, now=real_now)

    first, second = mail.outbox
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]


def test_a_broken_template_is_retried_and_holds_up_no_webhook(say, own_templates, receiver, real_now):
    receiver.subscribe()
    broken = own_templates / "demo.payment_failed.txt"
    broken.write_text("{% nonsense %}")

    say()
    assert receiver.types() == ["demo.payment_failed"]
    email = SentEmail.objects.first()
    assert email.status == Status.QUEUED and "nonsense" in email.error and mail.outbox == []

    broken.write_text("Fixed")
    deliver_email(email_id=email.pk, now=email.next_attempt_at)
    assert mail.outbox[0].body == "Fixed\n"


def test_a_lost_task_is_found_by_the_sweep(queued, real_now, committed):
    with committed():
        assert sweep(now=real_now).emails == 1

    assert [message.to for message in mail.outbox] == [["alice@acme.example"]]


# -- To one address ----------------------------------------------------------------------------------------------------


def test_an_email_to_one_address_is_sent_once_per_key(db, now, committed):
    given = {"template": "default", "context": GREETING, "key": "gift-1", "now": now}

    with committed():
        first = send_email(to="friend@example.com", **given)
    with committed():
        again = send_email(to="friend@example.com", **given)

    assert first == again and [message.to for message in mail.outbox] == [["friend@example.com"]]
    with pytest.raises(Conflict):
        send_email(to="thief@example.com", **given)
    assert SentEmail.objects.get().to == "friend@example.com"


def test_a_secret_is_gone_from_our_records_once_it_was_sent(db, real_now, committed, own_templates):
    (own_templates / "gift.subject.txt").write_text("A gift for you")
    for ending in ("txt", "html"):
        (own_templates / f"gift.{ending}").write_text("Code {{ code }}")

    with committed():
        email = send_email(
            to="friend@example.com",
            template="gift",
            context={"code": "ABCD-1234"},
            key="gift-1",
            confidential=True,
            now=real_now,
        )

    assert mail.outbox[0].body == "Code ABCD-1234\n"
    email.refresh_from_db()
    assert (email.subject, email.text, email.html) == ("A gift for you", REMOVED, "")
    with pytest.raises(Conflict, match="removed"):
        resend_email(email=email, now=real_now)
    assert SentEmail.objects.get().status == Status.SENT


def test_what_is_published_inside_a_transaction_is_sent_after_it(acme, now, committed):
    with committed() as callbacks:
        publish(type="demo.letter", organization=acme, data={}, key="k", now=now)
        assert Event.objects.exists() and mail.outbox == []

    assert callbacks and len(mail.outbox) == 2
