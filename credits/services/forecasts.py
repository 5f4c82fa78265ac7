"""How much to set aside for a job, and how long credits will last."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection

from accounts.models import Organization
from credits.engine.forecast import round_up_to_step, runs_out_at
from credits.engine.wallet_state import WalletState
from credits.models import Unit, Wallet
from credits.services.wallets import get_unit

LOOK_BACK = timedelta(days=30)
PERCENTILE = Decimal("0.95")


@dataclass(frozen=True, slots=True)
class Forecast:
    """`burn_per_day` in credits; `runs_out_at` (UTC) None when nothing burns or nothing ends."""

    burn_per_day: Decimal
    runs_out_at: datetime | None


def reserve_suggested(*, organization: Organization, unit: Unit | str, now: datetime) -> Decimal:
    """What to hold before a job: the 95th percentile (nearest rank) of what jobs cost in the last 30 days.

    Rounded up to the unit's step, never under the unit's floor. A job that was charged nothing says nothing about cost.
    Raises UnknownUnit.
    """
    unit = get_unit(unit)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT percentile_disc(%s::float8) WITHIN GROUP (ORDER BY hold.captured)
            FROM credits_wallet wallet JOIN credits_credithold hold ON hold.wallet_id = wallet.id
            WHERE wallet.organization_id = %s AND wallet.unit_id = %s
              AND hold.status = 'captured' AND hold.captured > 0 AND hold.ended_at > %s AND hold.ended_at <= %s
            """,
            (PERCENTILE, organization.pk, unit.pk, now - LOOK_BACK, now),
        )
        (cost,) = cursor.fetchone()
    return round_up_to_step(max(cost or Decimal(0), unit.reserve_floor), unit.step)


def forecast(*, wallet: Wallet, state: WalletState, now: datetime) -> Forecast:
    """How fast the wallet's credits go, and when those of its `state` at `now` are gone at that pace."""
    burn = Wallet.objects.burn_per_day(wallet=wallet, now=now)
    return Forecast(burn, runs_out_at(state.lots, burn, at=now) if burn else None)
