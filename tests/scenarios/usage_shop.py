"""A metered product's shop for the scenarios: what is for sale, and what its backend does all day."""

from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any

from django.core.management import call_command

from accounts.models import Organization
from credits.models import LedgerEntry
from plans.models import Interval, Plan, Subscription, TermsPeriod
from tests.api_client import KeyedClient

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
code = "storage"
name = "Storage"
aggregation = "latest"
unit_name = "GB"

[[meters]]
code = "bandwidth"
name = "Bandwidth"
aggregation = "sum"
unit_name = "GB"

[[meters]]
code = "calls"
name = "Calls"
aggregation = "sum"
unit_name = "call"
[[meters.credit_rates]]
unit = "usd"
ladder = [{ up_to = "1000000", price = "0.003" }, { price = "0.0022" }]

[[plans]]
code = "free"
name = "Free"
default = true
[[plans.allowances]]
meter = "calls"
included = "0"

[[plans]]
code = "grown"
name = "Grown"
prices = [{ interval = "month", amount = 2900, currency = "usd" }]
[[plans.allowances]]
meter = "mau"
included = "1000"
[[plans.allowances]]
meter = "storage"
included = "50"
[[plans.allowances]]
meter = "bandwidth"
included = "500"
"""


class Backend:
    """The product's backend: it speaks to the API, and somebody runs the commands."""

    def __init__(self, client: KeyedClient, organization: Organization) -> None:
        self.client, self.organization = client, organization
        self.sent = 0

    def report(self, meter: str, count: int = 1, **fields: Any) -> None:
        events = []
        for _ in range(count):
            self.sent += 1
            names = {"id": f"e{self.sent}", "organization": self.organization.public_id, "meter": meter}
            events.append(names | fields | ({"subject": f"user-{self.sent}"} if meter == "mau" else {}))
        for start in range(0, count, 1000):
            answer = self.client.post("/events", {"events": events[start : start + 1000]})
            assert answer.json()["accepted"] == len(events[start : start + 1000]), answer.json()

    def grant(self, unit: str, amount: str, **fields: Any) -> None:
        self.sent += 1
        body = {"unit": unit, "amount": amount, "reason": "Bought", "reference": f"g{self.sent}"} | fields
        answer = self.client.post(f"/organizations/{self.organization.public_id}/grants", body)
        assert answer.status_code == 201, answer.json()

    def may(self, meter: str) -> tuple[bool, str]:
        answer = self.client.get(f"/organizations/{self.organization.public_id}/entitlements/{meter}").json()
        return answer["allowed"], answer["code"]

    def available(self, unit: str) -> Decimal:
        wallets = self.client.get(f"/organizations/{self.organization.public_id}/wallets").json()["results"]
        return next((Decimal(wallet["available"]) for wallet in wallets if wallet["unit"] == unit), Decimal(0))

    def month(self, meter: str) -> dict[str, str]:
        query = {"meter": meter, "group_by": "month"}
        answer = self.client.get(f"/organizations/{self.organization.public_id}/usage", query)
        return answer.json()["series"][-1]

    def tally(self) -> str:
        out = StringIO()
        call_command("tally", stdout=out)
        return out.getvalue()

    def drawn(self) -> list[Decimal]:
        entries = LedgerEntry.objects.filter(wallet__organization=self.organization, kind="spend").order_by("id")
        return [-entry.amount for entry in entries]


def put_on(organization: Organization, plan: str, since: datetime) -> None:
    """On a plan since then, as its subscription's webhook leaves it."""
    found = Plan.objects.get(code=plan)
    subscription = Subscription.objects.create(
        organization=organization,
        stripe_id=f"sub_{organization.pk}",
        role=Subscription.Role.BASE,
        plan=found,
        interval=Interval.MONTH,
        status=Subscription.Status.ACTIVE,
        anchor=since,
        started_at=since,
        synced_at=since,
    )
    TermsPeriod.objects.create(
        organization=organization,
        subscription=subscription,
        plan=found,
        interval=Interval.MONTH,
        window_anchor=since,
        stretch_start=since,
        starts_at=since,
    )
