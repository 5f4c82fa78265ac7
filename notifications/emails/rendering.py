"""The subject and text of an email, from templates.

A type's own are `templates/notifications/emails/<name>.subject.txt`, `.txt` and `.html`; what it does not have
comes from `default.…`, which lists the event's data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core import signing
from django.template import Context
from django.template.loader import select_template
from django.urls import reverse

from accounts.models import Organization
from notifications import event_types
from notifications.models import Event

UNSUBSCRIBE_SALT = "notifications.unsubscribe"
SUBJECT_LENGTH = 255


@dataclass(frozen=True, slots=True)
class EmailText:
    subject: str
    text: str
    html: str


def render_event_email(event: Event) -> EmailText:
    assert event.organization is not None  # the only event without one is the webhook test, which has no email
    event_type = event_types.get(event.type)
    context = {
        "event": event,
        "event_type": event_type,
        "data": event.data,
        "facts": facts(event.data),
        "unsubscribe_url": unsubscribe_url(organization=event.organization, code=event.type)
        if event_type.optional
        else "",
    }
    return render_email(event.type, {**context, **event.email_context}, organization=event.organization)


def render_email(name: str, context: Mapping[str, Any], *, organization: Organization | None) -> EmailText:
    """Render the three templates of an email. Nothing is escaped in the subject and the plain text."""
    everything = {
        "product_name": settings.PORTAL_NAME,
        "portal_url": settings.PORTAL_URL,
        "demo": settings.DEMO,
        "organization": organization,
        "overview_url": settings.PORTAL_URL + organization.get_absolute_url() if organization else "",
        "preferences_url": preferences_url(organization) if organization else "",
        **context,
    }
    subject = " ".join(_render(name, "subject.txt", everything, autoescape=False).split())
    return EmailText(
        subject=subject[:SUBJECT_LENGTH],
        text=_render(name, "txt", everything, autoescape=False).strip() + "\n",
        html=_render(name, "html", everything, autoescape=True),
    )


def _render(name: str, ending: str, context: dict[str, Any], *, autoescape: bool) -> str:
    folder = "notifications/emails"
    template: Any = select_template([f"{folder}/{name}.{ending}", f"{folder}/default.{ending}"])
    rendered: str = template.template.render(Context(context, autoescape=autoescape))
    return rendered


def facts(data: Mapping[str, Any]) -> list[dict[str, str]]:
    """The plain values of an event as label and value, for the default email."""
    return [
        {"label": name.replace("_", " ").capitalize(), "value": str(value)}
        for name, value in data.items()
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""
    ]


def preferences_url(organization: Organization) -> str:
    return settings.PORTAL_URL + reverse("notifications:preferences", args=[organization.public_id])


def unsubscribe_url(*, organization: Organization, code: str) -> str:
    """A link that stops one kind of email for an organization without signing in: only its mail has it."""
    token = signing.dumps([organization.pk, code], salt=UNSUBSCRIBE_SALT)
    return settings.PORTAL_URL + reverse("notifications:unsubscribe", args=[token])
