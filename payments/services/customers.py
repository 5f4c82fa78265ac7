"""An organization's Stripe customer: created once, whoever asks first, and updated when name or email change."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Organization
from core.locks import for_update
from payments.gateway import customers as gateway
from payments.models import Customer

METADATA_KEY = "organization"
# Stripe may forget an idempotency key after 24 hours; after this we look before we ask again.
KEY_IS_SAFE_FOR = timedelta(hours=20)


def ensure_customer(*, organization: Organization) -> str:
    """The id of the organization's Stripe customer, made or brought up to date if need be.

    Any number of callers at once get the same customer. Raises `StripeUnavailable`; trying again is safe.
    """
    customer = _row_for(organization)
    if customer.stripe_id is None:
        customer.stripe_id = _create(customer, now=timezone.now())
        _mark_confirmed(customer)
    elif customer.confirmed_revision < customer.revision:
        gateway.update(
            customer=customer.stripe_id,
            name=customer.name,
            email=customer.email,
            idempotency_key=f"{customer.idempotency_key}:{customer.revision}",
        )
        _mark_confirmed(customer)
    return customer.stripe_id


def organization_of(*, stripe_id: str) -> Organization | None:
    """Whose customer this is, or None if no organization of ours has it."""
    customer = Customer.objects.select_related("organization").filter(stripe_id=stripe_id).first()
    return customer.organization if customer else None


def drop_deleted_customer(*, stripe_id: str) -> bool:
    """Staff deleted a customer at Stripe: its organization gets a new one on paying. False if none had it."""
    with transaction.atomic():
        customer = for_update(Customer.objects.filter(stripe_id=stripe_id)).first()
        if customer is None:
            return False
        customer.delete()
    return True


@transaction.atomic
def _row_for(organization: Organization) -> Customer:
    """The row, saying what Stripe should know. Committed before anybody calls Stripe."""
    columns = {"name": organization.name, "email": organization.email}
    customer, is_new = for_update(Customer.objects.all()).get_or_create(organization=organization, defaults=columns)
    is_asked = customer.stripe_id is not None
    if not is_new and is_asked and (customer.name, customer.email) != (organization.name, organization.email):
        customer.name, customer.email = organization.name, organization.email
        customer.revision += 1
        customer.save(update_fields=["name", "email", "revision"])
    return customer


def _create(customer: Customer, *, now: datetime) -> str:
    organization_id = customer.organization.public_id
    if now - customer.created_at > KEY_IS_SAFE_FOR:
        found = gateway.find(email=customer.email, metadata_key=METADATA_KEY, metadata_value=organization_id)
        if found:
            return str(found["id"])
    made = gateway.create(
        name=customer.name,
        email=customer.email,
        metadata={METADATA_KEY: organization_id},
        idempotency_key=str(customer.idempotency_key),
    )
    return str(made["id"])


def _mark_confirmed(customer: Customer) -> None:
    """Store what Stripe has confirmed; an older confirmation that arrives late changes nothing."""
    Customer.objects.filter(pk=customer.pk, confirmed_revision__lt=customer.revision).update(
        stripe_id=customer.stripe_id, confirmed_revision=customer.revision
    )
