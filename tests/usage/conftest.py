"""A catalogue with every kind of meter and policy, and the shorthand of these tests."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Organization
from credits.models import CreditGrant, Wallet
from credits.services.grants import grant_credits
from payments.catalogue_file import load
from plans.models import Interval, Meter, Plan, Subscription, TermsPeriod
from usage.models import Settlement
from usage.services.entitlements import Entitlement, entitlements
from usage.services.ingest import IngestResult, ingest
from usage.services.tally import tally

CATALOGUE = """
[[units]]
code = "mau"
name = "MAU credits"

[[units]]
code = "usd"
name = "US dollar credits"
currency = "usd"
step = "0.01"
reserve_floor = "5"

[[meters]]
code = "mau"
name = "Monthly active users"
aggregation = "unique"
unit_name = "user"
[[meters.credit_rates]]
unit = "mau"
ladder = [{ price = "1" }]

[[meters]]
code = "sessions"
name = "Sessions"
aggregation = "count"
unit_name = "session"
billable = { statuses = ["success"], min_duration_ms = 5000 }
[[meters.credit_rates]]
unit = "usd"
ladder = [{ price = "0.5" }]

[[meters]]
code = "calls"
name = "Calls"
aggregation = "sum"
unit_name = "call"
[[meters.credit_rates]]
unit = "mau"
ladder = [{ price = "1" }]
[[meters.credit_rates]]
unit = "usd"
ladder = [{ up_to = "1000000", price = "0.003" }, { price = "0.0022" }]

[[meters]]
code = "storage"
name = "Storage"
aggregation = "latest"
unit_name = "GB"
[[meters.credit_rates]]
unit = "usd"
ladder = [{ price = "2" }]

[[meters]]
code = "instances"
name = "Instances"
aggregation = "latest"
unit_name = "instance"

[[plans]]
code = "free"
name = "Free"
default = true
[[plans.allowances]]
meter = "mau"
included = "3"
beyond = "credits"
[[plans.allowances]]
meter = "calls"
included = "0"
beyond = "credits"
[[plans.allowances]]
meter = "sessions"
included = "10"
beyond = "credits"
concurrency = 2
[[plans.allowances]]
meter = "storage"
included = "5"
beyond = "credits"

[[plans]]
code = "payg"
name = "Pay as you go"
prices = [{ interval = "month", amount = 0, currency = "usd" }]
[[plans.allowances]]
meter = "sessions"
included = "0"
beyond = "bill"
ladder = [{ price = "0.10" }]
cap = 200
[[plans.allowances]]
meter = "calls"
included = "10"
beyond = "credits_then_bill"
ladder = [{ price = "1" }]
[[plans.allowances]]
meter = "storage"
included = "5"
beyond = "block"

[[plans]]
code = "pro"
name = "Pro"
prices = [{ interval = "month", amount = 2900, currency = "usd" }]
[[plans.allowances]]
meter = "sessions"
included = "400"
beyond = "bill"
ladder = [{ price = "0.07" }]
[[plans.allowances]]
meter = "mau"
included = "unlimited"

[[plans]]
code = "team"
name = "Team"
[[plans.allowances]]
meter = "sessions"
included = "unlimited"
[plans.commitment]
meter = "instances"
minimum = 5
bundle = 5
maximum = 100
beyond = "block"
prices = [{ interval = "month", amount = 1500, currency = "usd" }]
"""
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def catalogue(db, prepared) -> None:
    prepared("usage", "catalogue", make=lambda: load(text=CATALOGUE, now=LONG_AGO))


class Usage:
    """What a test of usage does all day, for one organization and at one time unless it says otherwise."""

    def __init__(self, organization: Organization, now: datetime) -> None:
        self.organization, self.now = organization, now
        self.sent = 0

    def event(self, meter: str, **fields: Any) -> dict[str, Any]:
        self.sent += 1
        at = fields.pop("at", self.now)
        return {
            "id": f"e{self.sent}",
            "organization": self.organization.public_id,
            "meter": meter,
            "timestamp": at.isoformat(),
            **({"duration_ms": 6000} if meter == "sessions" else {}),
            **fields,
        }

    def send(self, events: Iterable[Any], *, now: datetime | None = None) -> IngestResult:
        return ingest(events=list(events), now=now or self.now)

    def report(self, meter: str, count: int = 1, *, now: datetime | None = None, **fields: Any) -> IngestResult:
        """So many alike; every one of them must be accepted."""
        taken = self.send([self.event(meter, **fields) for _ in range(count)], now=now)
        assert (taken.accepted, taken.rejected) == (count, [])
        return taken

    def users(self, first: int, last: int, **fields: Any) -> IngestResult:
        return self.send([self.event("mau", subject=f"user-{n}", **fields) for n in range(first, last + 1)])

    def ask(self, meter: str, quantity: Any = 1, *, now: datetime | None = None) -> Entitlement:
        return entitlements(
            organization=Organization.objects.get(pk=self.organization.pk),
            meters=[Meter.objects.get(code=meter)],
            quantity=Decimal(quantity),
            now=now or self.now,
        )[0]

    def used(self, meter: str, *, now: datetime | None = None) -> Decimal:
        return self.ask(meter, now=now).snapshot.use.used

    def code(self, meter: str, quantity: Any = 1, *, now: datetime | None = None) -> str:
        return self.ask(meter, quantity, now=now).decision.code

    def grant(self, unit: str, amount: Any, *, now: datetime | None = None, **fields: Any) -> CreditGrant:
        self.sent += 1
        return grant_credits(
            organization=self.organization,
            unit=unit,
            amount=amount,
            source="staff",
            reference=f"test:{self.organization.pk}:{self.sent}",
            now=now or self.now,
            announce=False,
            **fields,
        )

    def available(self, unit: str, *, now: datetime | None = None) -> Decimal:
        return Wallet.objects.state(organization=self.organization, unit=unit, at=now or self.now).available

    def tally(self, *, now: datetime | None = None) -> Any:
        return tally(now=now or self.now, organization=self.organization)

    def paid(self, meter: str) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Overage, from credits, billed, unpaid; over all windows."""
        rows = Settlement.objects.filter(organization=self.organization, meter__code=meter)
        names = ("overage", "from_credits", "billed", "unpaid")
        return tuple(sum((getattr(row, name) for row in rows), Decimal(0)) for name in names)  # type: ignore[return-value]

    def subscribe(
        self, plan: str, *, since: datetime, bought: int | None = None, until: datetime | None = None
    ) -> None:
        found = Plan.objects.get(code=plan)
        subscription = Subscription.objects.create(
            organization=self.organization,
            stripe_id=f"sub_{plan}_{self.organization.pk}",
            role=Subscription.Role.BASE,
            plan=found,
            interval=Interval.MONTH,
            status=Subscription.Status.ACTIVE,
            quantity=bought,
            anchor=since,
            started_at=since,
            synced_at=since,
        )
        TermsPeriod.objects.create(
            organization=self.organization,
            subscription=subscription,
            plan=found,
            interval=Interval.MONTH,
            bought=bought,
            window_anchor=since,
            stretch_start=since,
            starts_at=since,
        )


@pytest.fixture
def usage(catalogue, acme, now) -> Usage:
    return Usage(acme, now)


@pytest.fixture
def usage_of(catalogue, now) -> Callable[[Organization], Usage]:
    return lambda organization: Usage(organization, now)
