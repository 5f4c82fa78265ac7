"""What runs in the background."""

from smtplib import SMTPException

from celery import shared_task

from accounts.emails import send_invitation_email
from accounts.models import Invitation


@shared_task(autoretry_for=(OSError, SMTPException), retry_backoff=True, max_retries=8)
def send_invitation(invitation_id: int) -> None:
    invitation = Invitation.objects.open().select_related("organization", "invited_by").filter(pk=invitation_id).first()
    if invitation is not None:
        send_invitation_email(invitation)
