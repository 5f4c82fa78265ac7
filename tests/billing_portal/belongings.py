"""Something of each kind that belongs to an organization, for the addresses that name one."""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.models import Organization
from accounts.services.api_keys import create_api_key
from credits.models import AutoTopUp, CreditGrant, CreditPack, PackSubscription, Purchase, Unit, Wallet
from credits.services.grants import grant_credits
from credits.services.holds import open_hold
from plans.models import Interval, Meter, Plan, PlanChange, PlanCheckout, Subscription
from tests.factories import InvitationFactory
from usage.services.ingest import ingest

Parameters = dict[str, str]
"""Of an address; a name that begins with `?` belongs to the query."""
FIVE = Decimal(5)


def nothing(organization: Organization) -> Parameters:
    return {}


def a_member(organization: Organization) -> Parameters:
    return {"membership_id": organization.memberships.latest("id").public_id}


def an_invitation(organization: Organization) -> Parameters:
    return {"invitation_id": InvitationFactory(organization=organization).public_id}


def a_key(organization: Organization) -> Parameters:
    return {"key_id": create_api_key(name="Backend", organization=organization).api_key.public_id}


def the_catalogue() -> None:
    """What there is to sell and to measure: a unit, a meter, a free plan."""
    Unit.objects.create(code="usd", name="US dollar credits", currency="usd")
    Meter.objects.create(code="sessions", name="Sessions", aggregation="count", unit_name="session")
    Plan.objects.create(code="free", name="Free", is_default=True)
    Plan.objects.create(code="pro", name="Pro")


# Credits


def _unit() -> Unit:
    return Unit.objects.get(code="usd")


def _pack() -> CreditPack:
    return CreditPack.objects.create(code="usd-5", unit=_unit(), credits=FIVE, price=500, currency="usd")


def _wallet(organization: Organization) -> Wallet:
    grant_credits(
        organization=organization,
        unit=_unit(),
        amount=FIVE,
        source=CreditGrant.Source.STAFF,
        reference=f"staff:{organization.public_id}",
        reason="To have some.",
        now=timezone.now(),
    )
    return organization.wallets.get()


def a_wallet(organization: Organization) -> Parameters:
    return {"unit": _wallet(organization).unit_id}


def a_history(organization: Organization) -> Parameters:
    return {"?unit": _wallet(organization).unit_id}


def a_purchase(organization: Organization) -> Parameters:
    purchase = Purchase.objects.create(
        organization=organization,
        kind=Purchase.Kind.PACK,
        status=Purchase.Status.CANCELLED,
        pack=_pack(),
        unit=_unit(),
        credits=FIVE,
        valid_days=365,
        amount=500,
        currency="usd",
        created_at=timezone.now(),
    )
    return {"purchase_id": purchase.public_id}


def a_top_up(organization: Organization) -> Parameters:
    top_up = AutoTopUp.objects.create(
        wallet=_wallet(organization), pack=_pack(), threshold=FIVE, monthly_cap=5000, enabled=False
    )
    return {"pk": str(top_up.pk)}


def a_recurring_pack(organization: Organization) -> Parameters:
    subscription = PackSubscription.objects.create(
        organization=organization, pack=_pack(), stripe_subscription="sub_x", status="canceled", interval="month"
    )
    return {"pk": str(subscription.pk)}


def a_hold(organization: Organization) -> str:
    """The address of a hold."""
    _wallet(organization)
    hold = open_hold(organization=organization, unit=_unit(), amount=FIVE, reference="job-1", now=timezone.now())
    return f"/holds/{hold.public_id}"


# Usage


def a_used_meter(organization: Organization) -> Parameters:
    an_event(organization)
    return {"code": "sessions"}


def an_event(organization: Organization) -> str:
    """The address of an event."""
    event = {"id": "e-1", "organization": organization.public_id, "meter": "sessions"}
    ingest(events=[event], organization=organization, now=timezone.now())
    return f"/events/{organization.public_id}/e-1"


# Plans


def _plan() -> Plan:
    return Plan.objects.get(code="pro")


def a_checkout(organization: Organization) -> Parameters:
    checkout = PlanCheckout.objects.create(
        organization=organization,
        plan=_plan(),
        interval=Interval.MONTH,
        status=PlanCheckout.Status.EXPIRED,
        success_url="http://127.0.0.1:8000/",
        cancel_url="http://127.0.0.1:8000/",
        expires_at=timezone.now(),
    )
    return {"checkout_id": checkout.public_id}


def a_planned_change(organization: Organization) -> Parameters:
    now = timezone.now()
    subscription = Subscription.objects.create(
        organization=organization,
        stripe_id=f"sub_{organization.public_id}",
        role=Subscription.Role.BASE,
        plan=_plan(),
        interval=Interval.MONTH,
        status=Subscription.Status.ACTIVE,
        anchor=now,
        current_period_start=now,
        current_period_end=now + timedelta(days=30),
        started_at=now,
        synced_at=now,
    )
    change = PlanChange.objects.create(
        subscription=subscription,
        from_plan=_plan(),
        from_interval=Interval.MONTH,
        to_plan=_plan(),
        to_interval=Interval.YEAR,
        timing=PlanChange.Timing.RENEWAL,
        status=PlanChange.Status.SCHEDULED,
        effective_at=now + timedelta(days=30),
        currency="usd",
    )
    return {"change_id": str(change.pk)}
