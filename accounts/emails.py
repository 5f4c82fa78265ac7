"""The emails that accounts sends itself: it stands below the notifications app."""

from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts.invitation_links import link_for
from accounts.models import Invitation


def send_invitation_email(invitation: Invitation) -> None:
    _send("invitation", to=invitation.email, context={"invitation": invitation, "url": link_for(invitation)})


def _send(name: str, *, to: str, context: dict[str, Any]) -> None:
    context = {"product_name": settings.PORTAL_NAME, "demo": settings.DEMO, **context}
    folder = f"accounts/emails/{name}"
    subject = " ".join(render_to_string(f"{folder}.subject.txt", context).split())
    message = EmailMultiAlternatives(subject, render_to_string(f"{folder}.txt", context), to=[to])
    message.attach_alternative(render_to_string(f"{folder}.html", context), "text/html")
    message.send()
