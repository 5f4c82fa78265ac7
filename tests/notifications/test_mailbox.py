"""The demo keeps every email and lets one read it; no other installation has such a page."""

import pytest
from django.core import mail

from notifications.models import MailboxMessage


@pytest.fixture
def demo(settings) -> None:
    settings.DEMO = True
    settings.EMAIL_BACKEND = "notifications.emails.mailbox.MailboxBackend"


@pytest.fixture
def message(demo, db) -> MailboxMessage:
    mail.send_mail(
        "Welcome",
        "Open https://portal.example/confirm/1 to go on.",
        None,
        ["alice@acme.example", "bob@acme.example"],
        html_message="<html><head></head><body><p style='color:red'>Welcome</p></body></html>",
    )
    return MailboxMessage.objects.get()


def test_the_demo_keeps_and_shows_every_email(demo, say, client):
    say()

    shown = client.get("/demo/mail/").content.decode()

    assert MailboxMessage.objects.count() == 2
    assert shown.count("Payment failed: Acme") == 2
    assert "alice@acme.example" in shown and "billing@acme.example" in shown


def test_one_message_is_shown_in_text_and_html(message, client):
    shown = client.get(f"/demo/mail/{message.public_id}/")
    text = shown.content.decode()

    assert "alice@acme.example, bob@acme.example" in text
    assert '<a href="https://portal.example/confirm/1"' in text
    assert f'src="/demo/mail/{message.public_id}/html/"' in text and 'sandbox="allow-popups' in text
    assert "allow-scripts" not in text and "color:red" not in text
    assert "frame-src 'self'" in shown["Content-Security-Policy"]


def test_the_html_is_served_for_the_frame_alone(message, client):
    framed = client.get(f"/demo/mail/{message.public_id}/html/")
    policy = framed["Content-Security-Policy"]

    assert b'<base target="_blank">' in framed.content and b"Welcome" in framed.content
    assert "default-src 'none'" in policy and "style-src 'unsafe-inline'" in policy
    assert "script-src" not in policy and "allow-scripts" not in policy and "sandbox allow-popups" in policy
    assert "frame-ancestors 'self'" in policy and framed["X-Frame-Options"] == "SAMEORIGIN"
    assert "unsafe-inline" not in client.get("/demo/mail/")["Content-Security-Policy"]


def test_a_message_in_text_only_has_no_frame(demo, db, client):
    mail.send_mail("Plain", "Just words", None, ["alice@acme.example"])
    public_id = MailboxMessage.objects.get().public_id

    assert "<iframe" not in client.get(f"/demo/mail/{public_id}/").content.decode()
    assert client.get(f"/demo/mail/{public_id}/html/").status_code == 404


def test_an_empty_mailbox_says_what_to_do(demo, db, client):
    assert "Sign up, or buy a credit pack" in client.get("/demo/mail/").content.decode()


def test_outside_the_demo_there_is_no_mailbox(message, settings, client):
    settings.DEMO = False

    for path in ("", f"{message.public_id}/", f"{message.public_id}/html/"):
        assert client.get(f"/demo/mail/{path}").status_code == 404
