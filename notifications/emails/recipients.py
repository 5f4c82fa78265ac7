"""Who is written to."""

from collections.abc import Collection

from allauth.account.models import EmailAddress
from django.conf import settings

from accounts.models import Organization, User


def recipients(*, organization: Organization, audience: Collection[str]) -> list[str]:
    """The billing address and the addresses of the active members with a role in `audience`, each once, in order.

    Where sign-up demands a verified address, one that was never verified is left out: it may be somebody else's.
    """
    members = User.objects.filter(
        memberships__organization=organization, memberships__role__in=audience, is_active=True
    ).values_list("email", flat=True)
    addresses = {address.lower() for address in (organization.email, *members) if address}
    if settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory":
        known = EmailAddress.objects.filter(email__in=addresses)
        verified = set(known.filter(verified=True).values_list("email", flat=True))
        addresses -= set(known.filter(verified=False).values_list("email", flat=True)) - verified
    return sorted(addresses)
