"""An organization chooses which optional emails it gets; webhooks and necessary emails are not asked."""

import re

import pytest
from django.core import mail, signing
from django.test import Client

from accounts.models import Role
from core.errors import InvalidInput
from notifications.emails.rendering import UNSUBSCRIBE_SALT, unsubscribe_url
from notifications.models import EmailPreference
from notifications.services import publish, set_preferences


def page(organization) -> str:
    return f"/o/{organization.public_id}/notifications/"


def test_switched_off_means_no_email_but_still_the_webhook(say, receiver, acme):
    receiver.subscribe()
    set_preferences(organization=acme, wanted=[])

    say("demo.low")

    assert mail.outbox == []
    assert receiver.types() == ["demo.low"]


def test_one_organization_choice_is_not_anothers(say, acme, globex, now, committed):
    set_preferences(organization=acme, wanted=[])

    with committed():
        publish(type="demo.low", organization=globex, data={}, key="g", now=now)

    assert sorted(message.to[0] for message in mail.outbox) == ["billing@globex.example", "charlie@globex.example"]


def test_necessary_emails_come_whatever_was_chosen(say, acme):
    set_preferences(organization=acme, wanted=[])

    say("demo.payment_failed")

    assert len(mail.outbox) == 2


@pytest.mark.parametrize("code", ["demo.payment_failed", "demo.silent", "demo.unheard"])
def test_what_cannot_be_switched_is_refused_by_name(acme, code):
    with pytest.raises(InvalidInput, match=re.escape(code)):
        set_preferences(organization=acme, wanted=[code])

    assert not EmailPreference.objects.exists()


def test_the_page_shows_and_saves_the_choice(signed_in, alice, acme, say):
    browser = signed_in(alice)
    shown = browser.get(page(acme)).content.decode()
    assert re.search(r'name="demo\.low"[^>]*checked', shown), "everything is on at first"
    assert "Payment failed" in shown and 'name="demo.payment_failed"' not in shown
    assert "billing@acme.example" in shown and "bob@acme.example" not in shown

    answer = browser.post(page(acme), {}, follow=True)
    assert "Saved." in answer.content.decode()
    assert not re.search(r'name="demo\.low"[^>]*checked', answer.content.decode())
    say("demo.low", key="off")
    assert mail.outbox == []

    browser.post(page(acme), {"demo.low": "on"})
    say("demo.low", key="on")
    assert len(mail.outbox) == 2


def test_a_billing_admin_may_choose_and_a_member_may_not(signed_in, bob, acme):
    refused = signed_in(bob).post(page(acme), {})
    assert refused.status_code == 403
    assert not EmailPreference.objects.exists()

    bob.memberships.update(role=Role.BILLING_ADMIN)
    assert signed_in(bob).post(page(acme), {}).status_code == 302
    assert EmailPreference.objects.filter(organization=acme, enabled=False).exists()


def test_strangers_find_nothing_and_the_signed_out_are_asked_to_sign_in(signed_in, charlie, acme, client):
    for method in ("get", "post"):
        assert getattr(signed_in(charlie), method)(page(acme)).status_code == 404
        assert getattr(client, method)(page(acme)).status_code == 302

    assert not EmailPreference.objects.exists()


def test_only_optional_emails_offer_to_be_stopped(say):
    say("demo.low")
    say("demo.payment_failed")

    optional, necessary = mail.outbox[0], mail.outbox[-1]
    assert optional.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert optional.extra_headers["List-Unsubscribe"].strip("<>") in optional.body
    assert "List-Unsubscribe" not in necessary.extra_headers and "unsubscribe" not in necessary.body


def test_the_link_in_an_email_stops_it_after_a_second_look(say, client, acme):
    say("demo.low", key="1")
    link = mail.outbox[0].extra_headers["List-Unsubscribe"].strip("<>")
    mail.outbox.clear()

    asked = client.get(link)
    assert "Stop “Running low” emails?" in asked.content.decode()
    assert not EmailPreference.objects.exists(), "a mail scanner that follows links stops nothing"

    assert "no longer sent" in client.post(link).content.decode()
    say("demo.low", key="2")
    assert mail.outbox == []


def test_the_button_of_a_mail_program_stops_it_without_a_form_of_ours(client, acme, settings):
    link = unsubscribe_url(organization=acme, code="demo.low")

    answer = Client(enforce_csrf_checks=True).post(link, {"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    assert EmailPreference.objects.get().event_type == "demo.low"


@pytest.mark.parametrize("code", ["demo.payment_failed", "demo.unheard"])
def test_a_link_stops_only_what_may_be_stopped(client, acme, code):
    assert client.post(unsubscribe_url(organization=acme, code=code)).status_code == 404
    assert not EmailPreference.objects.exists()


def test_a_forged_or_broken_link_stops_nothing(client, acme):
    for token in ("nonsense", signing.dumps([acme.pk, "demo.low"], salt="another"), f"{acme.pk}:demo.low:x"):
        assert client.post(f"/notifications/unsubscribe/{token}/").status_code == 404
    gone = signing.dumps([acme.pk + 1000, "demo.low"], salt=UNSUBSCRIBE_SALT)
    assert client.post(f"/notifications/unsubscribe/{gone}/").status_code == 404

    assert not EmailPreference.objects.exists()
