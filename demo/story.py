"""What has happened in the demo so far: five months of customers who subscribe, use, buy, get gifts and get in trouble.

Everything goes through the portal's own services and the sandbox's hosted page, each at its time; nothing is written
past them, so the ledger's audit is clean and Stripe agrees.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Organization, User
from accounts.services.api_keys import create_api_key
from credits.models import CreditPack, Purchase, Unit
from credits.services.gift_cards import issue_gift_cards, redeem_gift_card
from credits.services.holds import capture_hold, open_hold
from credits.services.purchases import refresh_from_checkout, start_pack_purchase
from credits.services.refunds import refund_purchase
from credits.services.top_ups import set_auto_top_up
from demo import cast, sandbox_control
from payments.reconciliation import reconcile
from payments.services.customers import ensure_customer
from plans.models import Subscription
from plans.services.checkout import complete_checkout, start_checkout
from plans.services.selections import choose
from usage.services.ingest import ingest
from usage.services.tally import tally

BEGINS = timedelta(days=150)
DECLINES_LATER = "pm_card_chargeCustomerFail"


class Story:
    """Walks through the days up to `today`. The same seed tells the same story."""

    def __init__(self, *, today: datetime) -> None:
        self.today = today.replace(minute=0, second=0, microsecond=0)
        self.start = self.today - BEGINS
        self.chance = random.Random(20261121)  # noqa: S311  a story, no secret
        self.tenants: dict[str, Organization] = {}
        self.numbers = 0
        self.clock = self.start

    def tell(self, *, staff: User) -> None:
        self.tenants = {tenant.name: cast.settle(tenant) for tenant in cast.TENANTS}
        northwind = self._of(cast.NORTHWIND)
        self._subscribe(northwind, "pro", "month", at=self.start)
        for day in self._days():
            self._meanwhile(day, staff)
            self._use(day)
            if day.weekday() == 0:
                self._reach(day)
                reconcile(since=day - timedelta(days=8), now=day)
                tally(now=day)
        self._jobs(northwind)
        self._finish(northwind, staff)

    def _meanwhile(self, day: datetime, staff: User) -> None:
        """What happens on single days, counted back from today."""
        northwind, fabrikam, litware, adatum = (
            self._of(tenant) for tenant in (cast.NORTHWIND, cast.FABRIKAM, cast.LITWARE, cast.ADATUM)
        )
        match (self.today - day).days:
            case 140 | 75:
                self._buy(northwind, "mau-1000", at=day)
            case 120:
                self._buy(northwind, "storage-100", at=day)
            case 100:
                self._subscribe(fabrikam, "team", "year", quantity=5, at=day)
            case 60:
                self._subscribe(litware, "payg", "month", at=day)
                self._buy(litware, "usd-20", at=day)
            case 45 | 30 | 12:
                self._buy(northwind, "usd-50", at=day)
            case 33:
                bought = self._subscribe(adatum, "pro", "month", at=day)
                customer = ensure_customer(organization=adatum)
                sandbox_control.replace_card(customer=customer, subscription=bought.stripe_id, card=DECLINES_LATER)
            case 20:
                self._give("Compensation for a bug", "mau", "100", to=northwind, staff=staff, at=day)

    def _use(self, day: datetime) -> None:
        """One day of usage of everybody, growing as the months go by."""
        progress = 1 - (self.today - day).days / BEGINS.days
        events = [
            *self._sessions(cast.NORTHWIND, day, round(8 + 8 * progress)),
            *self._users(cast.NORTHWIND, day, known=round(800 + 800 * progress), active=60),
            self._event(cast.NORTHWIND, "storage", day, quantity=str(round(30 + 49 * progress))),
            self._event(cast.NORTHWIND, "bandwidth", day, quantity=str(round(3 + 2 * progress, 2))),
            *self._sessions(cast.LITWARE, day, 4),
            self._event(cast.FABRIKAM, "instances", day, quantity="5"),
            self._event(cast.FABRIKAM, "bandwidth", day, quantity=str(round(40 + 20 * progress, 2))),
            *self._sessions(cast.ADATUM, day, 3),
        ]
        if (day.year, day.month) == (self.today.year, self.today.month):
            events += self._sessions(cast.CONTOSO, day, round(85 / self.today.day), failed=0)
        ingest(events=events, now=min(day + timedelta(hours=23), self.today))

    def _sessions(self, tenant: cast.Tenant, day: datetime, count: int, *, failed: float = 0.12) -> Iterator[Any]:
        for _ in range(max(count + self.chance.randint(-2, 2), 0)):
            bad = self.chance.random() < failed
            yield self._event(
                tenant,
                "sessions",
                day,
                status="failed" if bad else "success",
                duration_ms=self.chance.randint(2_000, 240_000),
            )

    def _users(self, tenant: cast.Tenant, day: datetime, *, known: int, active: int) -> Iterator[Any]:
        for user in self.chance.sample(range(known), active):
            yield self._event(tenant, "mau", day, subject=f"user-{user}")

    def _event(self, tenant: cast.Tenant, meter: str, day: datetime, **values: Any) -> dict[str, Any]:
        self.numbers += 1
        at = min(day + timedelta(seconds=self.chance.randint(0, 80_000)), self.today - timedelta(minutes=1))
        return {
            "id": f"demo-{self.numbers}",
            "organization": self._of(tenant).public_id,
            "meter": meter,
            "timestamp": at.isoformat(),
            **values,
        }

    def _subscribe(
        self,
        organization: Organization,
        plan: str,
        interval: str,
        *,
        at: datetime,
        quantity: int | None = None,
    ) -> Subscription:
        self._reach(at)
        selection = choose(organization=organization, plan=plan, interval=interval, quantity=quantity)
        checkout = start_checkout(organization=organization, selection=selection, now=at)
        sandbox_control.pay(checkout.stripe_session_id or "")
        complete_checkout(checkout=checkout, now=at)
        return organization.subscriptions.get(role=Subscription.Role.BASE)

    def _buy(self, organization: Organization, pack: str, *, at: datetime) -> Purchase:
        self._reach(at)
        purchase = start_pack_purchase(
            organization=organization,
            pack=CreditPack.objects.get(code=pack),
            buyer=organization.memberships.order_by("pk")[0].user,
            now=at,
        )
        sandbox_control.pay(purchase.checkout_session or "")
        return refresh_from_checkout(purchase=purchase, now=at)

    def _give(self, name: str, unit: str, amount: str, *, to: Organization, staff: User, at: datetime) -> None:
        cards = issue_gift_cards(
            name=name, unit=Unit.objects.get(code=unit), amount=amount, count=5, created_by=staff, now=at
        )
        redeem_gift_card(organization=to, code=cards[0].code, tried_by="demo", now=at)

    def _jobs(self, organization: Organization) -> None:
        """Forty jobs of the last month, each held before and settled after."""
        for number in range(40):
            at = self.today - timedelta(hours=18 * (40 - number))
            hold = open_hold(
                organization=organization, unit="usd", amount="5", reference=f"map-render {8800 + number}", now=at
            )
            cost = Decimal(self.chance.randint(120, 490)) / 100
            capture_hold(hold=hold, amount=cost, now=at + timedelta(minutes=20))

    def _finish(self, organization: Organization, staff: User) -> None:
        """Back to today: the last tally, a standing order, a refund, a dispute, a key."""
        self._reach(self.today)
        reconcile(since=self.today - timedelta(days=8), now=self.today)
        tally(now=self.today)
        set_auto_top_up(
            organization=organization,
            pack=CreditPack.objects.get(code="usd-20"),
            threshold="5",
            monthly_cap=10_000,
            now=self.today,
        )
        [first, *_] = Purchase.objects.of(organization).filter(unit="mau").order_by("created_at")
        refund_purchase(
            purchase=first,
            amount=140,
            reason="Goodwill",
            actor=staff,
            beyond_unspent=True,
            forgive=True,
            now=self.today,
        )
        litware = self._of(cast.LITWARE)
        disputed = Purchase.objects.of(litware).get()
        sandbox_control.control("disputes/open", id=disputed.payment_intent)
        reconcile(since=self.today - timedelta(days=2), now=self.today)
        create_api_key(name="Product backend (demo)", created_by=staff)

    def _reach(self, moment: datetime) -> None:
        """Let the sandbox's clock, which only goes forward, come to this moment."""
        if moment > self.clock:
            sandbox_control.move_clock(moment)
            self.clock = moment

    def _days(self) -> Iterator[datetime]:
        day = self.start
        while day < self.today:
            yield day
            day += timedelta(days=1)

    def _of(self, tenant: cast.Tenant) -> Organization:
        return self.tenants[tenant.name]
