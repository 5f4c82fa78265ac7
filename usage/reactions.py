"""What usage does when something happens in credits and plans, which lie below and know nothing of it."""

from datetime import datetime
from decimal import Decimal

from accounts.models import Organization
from core.background import after_commit
from core.quantities import ZERO
from credits.models import CreditHold, Wallet
from plans.models import Meter
from usage.models import Settlement
from usage.services import holds, settlement, tally
from usage.services.meter_status import meter_status
from usage.services.thresholds import watch_all_meters


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
        return ZERO
    return meter_status(organization=organization, meter=found, at=at).use.used
