"""What usage brings to the apps below: event types, what credits and plans ask it to do, a health check, navigation."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from accounts import health, navigation
from accounts.background import after_commit
from accounts.models import Organization
from credits import hooks as credit_hooks
from credits.models import CreditHold, Wallet
from notifications.registry import EventType
from notifications.registry import register as register_event_type
from plans import hooks as plan_hooks
from plans.models import Meter
from usage.models import Settlement, TallyRun
from usage.services import holds, moving, settlement, tally
from usage.services.standing import meter_standings
from usage.services.watching import watch_all_meters

TALLY_EXPECTED_EVERY = timedelta(hours=6)
TALLY_GRACE = timedelta(hours=1)

EVENT_TYPES = [
    EventType(
        code="usage.threshold",
        title="Included usage is running out",
        description="50, 75, 90 or 100 % of a meter's included usage is used. Once per threshold and window.",
        email=True,
        optional=True,
    ),
    EventType(
        code="entitlement.blocked",
        title="Usage refused",
        description="A meter is exhausted: one more is refused until credits are added, the plan is changed or a new "
        "window begins.",
        email=True,
        optional=True,
    ),
    EventType(
        code="entitlement.restored",
        title="Usage allowed again",
        description="A meter that was exhausted can be used again.",
        email=True,
        optional=True,
    ),
    EventType(
        code="hold.expired",
        title="Hold expired",
        description="A hold was neither captured nor released by its deadline. What it had set aside is free again.",
    ),
]


def register() -> None:
    for event_type in EVENT_TYPES:
        register_event_type(event_type)
    credit_hooks.on_available(pay_unpaid)
    credit_hooks.before_expiry(settle_before_expiry)
    credit_hooks.on_hold_expired(tell_of_expired_hold)
    plan_hooks.on_terms_changed(moving.follow_terms)
    plan_hooks.on_catalogue_changed(moving.follow_catalogue)
    plan_hooks.on_window_closing(settle_closing_window)
    plan_hooks.reads_usage(used)
    health.register("tally", tally_is_fresh)
    navigation.register("Usage", "usage:overview", order=30)


def pay_unpaid(*, wallet: Wallet, now: datetime) -> None:
    """Credits became available: pay what is unpaid, and see what is allowed again."""
    watch_all_meters(organization=wallet.organization, now=now)
    if Settlement.objects.filter(organization=wallet.organization, unpaid__gt=0).exists():
        after_commit("usage.tasks.settle_organization", wallet.organization_id)
    else:
        after_commit("usage.tasks.watch_usage")


def settle_before_expiry(*, wallet: Wallet, at: datetime, now: datetime) -> None:
    """Usage that is still unpaid is tried once more: whatever became available in time pays for it."""
    tally.pay_unpaid(now=now, organization=wallet.organization)
    settlement.settle_lapsing(organization=wallet.organization, unit=wallet.unit_id, at=at, now=now)


def tell_of_expired_hold(*, hold: CreditHold, now: datetime) -> None:
    holds.announce_expired(hold=hold, now=now)


def settle_closing_window(*, organization: Organization, until: datetime, now: datetime) -> None:
    settlement.settle_organization(organization=organization, now=now)


def used(*, organization: Organization, meter: str, at: datetime) -> Decimal:
    found = Meter.objects.filter(code=meter).first()
    if found is None:
        return Decimal(0)
    return meter_standings(organization=organization, meters=[found], at=at)[0].standing.used


def tally_is_fresh() -> health.Health:
    last = TallyRun.objects.exclude(finished_at=None).order_by("-started_at").first()
    if last is None:
        return health.Health(ok=True, detail="none yet; the first runs at the next full six hours UTC")
    age = timezone.now() - last.started_at
    hours = age.total_seconds() / 3600
    return health.Health(ok=age <= TALLY_EXPECTED_EVERY + TALLY_GRACE, detail=f"the last began {hours:.1f} h ago")
