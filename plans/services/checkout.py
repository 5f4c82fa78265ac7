"""The first subscription: our row, then Stripe's hosted page."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.models import Organization, User
from core.locks import for_update
from payments.errors import StripeRefused
from payments.gateway import checkout as stripe_checkout
from payments.services import customers
from payments.stripe_objects import StripeCheckoutSession
from plans.errors import AlreadySubscribed
from plans.models import PlanCheckout, Subscription
from plans.services.selections import Selection, stripe_items
from plans.services.stripe_refresh import refresh_subscription

OPEN_FOR = timedelta(hours=1)


def start_checkout(
    *,
    organization: Organization,
    selection: Selection,
    user: User | None = None,
    success_url: str = "",
    cancel_url: str = "",
    now: datetime,
) -> PlanCheckout:
    """Open the hosted page for a selection; its address is `.url`. Asking for the same again returns the same page,
    asking for another closes the first: of two tabs, one can be paid.

    Raises AlreadySubscribed, NotAtStripe, StripeUnavailable (a second call continues with the same row).
    """
    items = stripe_items(selection=selection, organization=organization)
    checkout, replaced = _begin(organization, selection, user, success_url, cancel_url, now)
    for old in replaced:
        _close_at_stripe(old, now)
    if checkout.stripe_session_id:
        return checkout
    session = StripeCheckoutSession.of(
        stripe_checkout.create_subscription(
            customer=customers.ensure_customer(organization=organization),
            line_items=items,
            success_url=checkout.success_url or return_page(checkout),
            cancel_url=checkout.cancel_url or f"{settings.PORTAL_URL}{reverse('pricing')}",
            metadata=metadata_of(checkout),
            client_reference_id=checkout.public_id,
            trial_days=selection.plan.trial_days,
            expires_at=checkout.expires_at,
            idempotency_key=f"{checkout.public_id}:checkout",
        )
    )
    checkout.stripe_session_id, checkout.url = session.id, session.url or ""
    checkout.save(update_fields=["stripe_session_id", "url"])
    return checkout


def complete_checkout(*, checkout: PlanCheckout, now: datetime) -> PlanCheckout:
    """For the return page: read the session from Stripe, and do what its webhook has not done yet."""
    if checkout.status == PlanCheckout.Status.OPEN and checkout.stripe_session_id:
        session = StripeCheckoutSession.of(stripe_checkout.retrieve(session=checkout.stripe_session_id))
        if session.subscription:
            refresh_subscription(stripe_id=session.subscription, now=now)
        elif session.status == "expired":
            close_checkout(public_id=checkout.public_id)
        checkout.refresh_from_db()
    return checkout


def close_checkout(*, public_id: str) -> None:
    """Its session has expired: it can no longer be paid."""
    still_open = PlanCheckout.objects.filter(public_id=public_id, status=PlanCheckout.Status.OPEN)
    still_open.update(status=PlanCheckout.Status.EXPIRED)


def metadata_of(checkout: PlanCheckout) -> dict[str, str]:
    """By which objects at Stripe name our row."""
    return {
        "plan_checkout": checkout.public_id,
        "organization": checkout.organization.public_id,
        "role": Subscription.Role.BASE.value,
    }


def return_page(checkout: PlanCheckout) -> str:
    path = reverse("plans:welcome", args=[checkout.organization.public_id, checkout.public_id])
    return f"{settings.PORTAL_URL}{path}"


@transaction.atomic
def _begin(
    organization: Organization,
    selection: Selection,
    user: User | None,
    success_url: str,
    cancel_url: str,
    now: datetime,
) -> tuple[PlanCheckout, list[PlanCheckout]]:
    """The row to go on with, and those it takes the place of."""
    for_update(Organization.objects.filter(pk=organization.pk)).get()
    if present := Subscription.objects.base_of(organization):
        raise AlreadySubscribed(
            f"The organization is on {present.plan} already. Change it on the plan page.", plan=present.plan.code
        )
    wanted = {
        "plan": selection.plan,
        "interval": selection.interval,
        "quantity": selection.quantity,
        "success_url": success_url,
        "cancel_url": cancel_url,
    }
    replaced = []
    for old in PlanCheckout.objects.filter(organization=organization, status=PlanCheckout.Status.OPEN):
        if old.expires_at > now and all(getattr(old, name) == value for name, value in wanted.items()):
            return old, []
        old.status = PlanCheckout.Status.EXPIRED
        old.save(update_fields=["status"])
        replaced.append(old)
    checkout = PlanCheckout.objects.create(
        organization=organization, started_by=user, created_at=now, expires_at=now + OPEN_FOR, **wanted
    )
    return checkout, replaced


def _close_at_stripe(checkout: PlanCheckout, now: datetime) -> None:
    """Nobody shall pay a page that was replaced. If somebody just did, that subscription counts."""
    if not checkout.stripe_session_id:
        return
    try:
        stripe_checkout.expire(session=checkout.stripe_session_id, idempotency_key=f"{checkout.public_id}:expire")
    except StripeRefused as refused:
        session = StripeCheckoutSession.of(stripe_checkout.retrieve(session=checkout.stripe_session_id))
        if session.status != "complete" or not session.subscription:
            return
        refresh_subscription(stripe_id=session.subscription, now=now)
        raise AlreadySubscribed(
            "The plan was just paid for in another window. Change it on the plan page."
        ) from refused
