"""Sending emails: written down first, sent after the commit, retried until they leave."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction

from accounts.models import Organization
from core.background import after_commit
from core.errors import Conflict
from core.locks import for_update
from notifications import event_types
from notifications.emails import rendering
from notifications.engine.backoff import next_email_attempt
from notifications.models import SentEmail

logger = logging.getLogger(__name__)

# A worker that took an email and died leaves it to the others after this long.
CLAIM = timedelta(minutes=5)
REMOVED = "These words held a secret and were removed after they were sent."


@transaction.atomic
def send_email(
    *,
    to: str,
    template: str,
    context: Mapping[str, Any],
    key: str,
    organization: Organization | None = None,
    confidential: bool = False,
    now: datetime,
) -> SentEmail:
    """One email to one address that is not about an event, such as a gift card to its receiver.

    `template` names the files in `templates/notifications/emails/`, rendered at once so that no secret of the
    context is stored but in the message; `confidential` removes its text after sending. A repeat of `key` returns
    the first email and sends nothing; with another address it raises Conflict.
    """
    rendered = rendering.render_email(template, context, organization=organization)
    email, created = SentEmail.objects.get_or_create(
        key=key,
        defaults={
            "to": to,
            "organization": organization,
            "subject": rendered.subject,
            "text": rendered.text,
            "html": rendered.html,
            "confidential": confidential,
            "next_attempt_at": now,
        },
    )
    if email.to != to:
        raise Conflict(f"The email {key} was addressed to somebody else.")
    if created:
        after_commit("notifications.tasks.send_email", email.pk)
    return email


def deliver_email(*, email_id: int, now: datetime) -> SentEmail | None:
    """Send one queued email, unless another worker has it or it has left already. No transaction is open meanwhile."""
    email = _claim(email_id, now)
    if email is None:
        return None
    try:
        _hand_over(email)
    except Exception as error:
        logger.warning("Email %s was not sent.", email.pk, exc_info=True)
        email.error = f"{type(error).__name__}: {error}"
        email.next_attempt_at = next_email_attempt(attempts=email.attempts, failed_at=now)
        email.status = SentEmail.Status.QUEUED if email.next_attempt_at else SentEmail.Status.FAILED
    else:
        email.error = ""
        email.next_attempt_at = None
        email.status = SentEmail.Status.SENT
        email.sent_at = now
        if email.confidential:
            email.text, email.html = REMOVED, ""
    email.save()
    return email


@transaction.atomic
def resend_email(*, email: SentEmail, now: datetime) -> SentEmail:
    """Queue an email again, with fresh tries. Raises Conflict for a confidential one whose text is gone."""
    email = for_update(SentEmail.objects.filter(pk=email.pk)).get()
    if email.confidential and email.sent_at:
        raise Conflict("This email held a secret; its words were removed when it was sent, so it cannot be sent again.")
    email.status = SentEmail.Status.QUEUED
    email.attempts = 0
    email.next_attempt_at = now
    email.save(update_fields=["status", "attempts", "next_attempt_at"])
    after_commit("notifications.tasks.send_email", email.pk)
    return email


@transaction.atomic
def _claim(email_id: int, now: datetime) -> SentEmail | None:
    """The email, reserved for this worker, or None. The reservation lapses by itself."""
    email = for_update(SentEmail.objects.due(at=now).filter(pk=email_id), skip_locked=True).first()
    if email is not None:
        email.attempts += 1
        email.next_attempt_at = now + CLAIM
        email.save(update_fields=["attempts", "next_attempt_at"])
    return email


def _hand_over(email: SentEmail) -> None:
    """Give the email to the mail server. An event's email gets its text here, so a broken template is retried."""
    if not email.text:
        assert email.event is not None
        rendered = rendering.render_event_email(email.event)
        email.subject, email.text, email.html = rendered.subject, rendered.text, rendered.html
    message = EmailMultiAlternatives(email.subject, email.text, to=[email.to], headers=_headers(email))
    message.attach_alternative(email.html, "text/html")
    message.send()


def _headers(email: SentEmail) -> dict[str, str]:
    host = urlsplit(settings.PORTAL_URL).hostname
    # The same at every try: a mail server that got it twice can tell.
    headers = {"Message-ID": f"<email-{email.pk}-{email.created_at:%Y%m%d%H%M%S%f}@{host}>"}
    event_type = event_types.find(email.event.type) if email.event else None
    if event_type and event_type.optional and email.organization:
        url = rendering.unsubscribe_url(organization=email.organization, code=event_type.code)
        # https://www.rfc-editor.org/rfc/rfc8058: mail programs offer one button
        headers |= {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return headers
