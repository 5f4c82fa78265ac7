"""Which optional emails an organization wants. Webhooks are programs' business and are not switched here."""

from collections.abc import Collection

from django.db import transaction

from accounts.models import Organization
from core.errors import InvalidInput
from notifications import event_types
from notifications.event_types import EventType
from notifications.models import EmailPreference


def email_wanted(*, organization: Organization, event_type: EventType) -> bool:
    if not event_type.optional:
        return True
    return not EmailPreference.objects.filter(
        organization=organization, event_type=event_type.code, enabled=False
    ).exists()


def wanted_codes(*, organization: Organization) -> set[str]:
    """The optional types whose emails this organization gets."""
    refused = EmailPreference.objects.filter(organization=organization, enabled=False).values_list(
        "event_type", flat=True
    )
    return {event_type.code for event_type in event_types.optional_emails()} - set(refused)


@transaction.atomic
def set_preferences(*, organization: Organization, wanted: Collection[str]) -> list[EmailPreference]:
    """Switch the optional emails named by `wanted` on, and all other optional ones off.

    Raises InvalidInput, with nothing changed, for a type that is unknown or cannot be switched.
    """
    optional = {event_type.code for event_type in event_types.optional_emails()}
    for code in wanted:
        if code not in optional:
            raise InvalidInput(f"{code} is not an email that can be switched on or off.", field="wanted")
    return [
        EmailPreference.objects.update_or_create(
            organization=organization, event_type=code, defaults={"enabled": code in wanted}
        )[0]
        for code in sorted(optional)
    ]


def switch_off(*, organization: Organization, code: str) -> EmailPreference:
    """Stop the emails of one type. Raises InvalidInput for a type that is unknown or cannot be switched."""
    if code not in {event_type.code for event_type in event_types.optional_emails()}:
        raise InvalidInput(f"{code} is not an email that can be switched off.", field="event_type")
    preference, _ = EmailPreference.objects.update_or_create(
        organization=organization, event_type=code, defaults={"enabled": False}
    )
    return preference
