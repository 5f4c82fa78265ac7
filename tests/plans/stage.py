"""One organization, one Stripe, one clock: the life of a subscription, step by step.

The portal's clock stands where it was put; the sandbox's stands at the same moment. Nothing is delivered until
`deliver`.
"""

from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import time_machine
from django.utils import timezone

from accounts.models import Organization
from payments.catalogue_file import load
from payments.services import customers
from payments.stripe_catalogue import sync_catalogue
from payments.stripe_objects import StripeInvoice, StripeSubscription
from plans.engine.terms import Terms
from plans.models import PlanCheckout, Subscription
from plans.services.checkout import start_checkout
from plans.services.selections import Selection, choose
from plans.terms_in_force import terms_for
from tests.plugins_prepared import Prepared

START = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
GOOD_CARD, DECLINED_CARD, SAVED_BUT_FAILING = "4242424242424242", "4000000000000002", "4000000000000341"


class Stage:
    def __init__(
        self,
        sandbox: Any,
        organization: Organization,
        capture: Callable[..., Any],
        at: datetime = START,
        prepared: Prepared | None = None,
        among: str = "everything",
    ) -> None:
        """With `prepared`, what tests begin with (`sell`, `begin`) is done over from the first test that did it.

        `among` tells apart what else is at work while it is made.
        """
        self.sandbox, self.organization, self._capture = sandbox, organization, capture
        self._prepared = prepared or Prepared()
        self._steps: tuple[Hashable, ...] = (among, at)
        self._traveller = time_machine.travel(at, tick=False)

    def __enter__(self) -> Self:
        self._clock = self._traveller.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._traveller.stop()

    # Time

    @property
    def now(self) -> datetime:
        return timezone.now()

    def travel(self, to: datetime | None = None, **ahead: float) -> None:
        """Move both clocks; what falls due at Stripe happens, each at its own moment, and is not yet delivered."""
        moment = to or self.now + timedelta(**ahead)
        self._clock.move_to(moment)
        self.sandbox.advance(to=moment)

    # Stripe

    def commit(self) -> Any:
        """What is done inside has its tasks run at the end, as after a commit."""
        return self._capture(execute=True)

    def deliver(self) -> None:
        """Deliver everything, with the tasks that follow and what comes of them, until all is quiet."""
        while True:
            with self.commit():
                outcome = self.sandbox.deliver()
            assert not outcome["failed"], outcome
            if not outcome:
                return

    def sync_catalogue(self) -> None:
        sync_catalogue(now=self.now)

    # How a test begins

    def sell(self, catalogue: str, *, since: datetime | None = None) -> None:
        """Have this catalogue loaded, and on sale at Stripe."""

        def put_on_sale() -> None:
            load(text=catalogue, now=since or self.now)
            self.sync_catalogue()

        self.begin_with("sell", catalogue, make=put_on_sale)

    def begin(self, plan: str, interval: str = "month", quantity: int | None = None) -> Subscription:
        """`subscribe`, before the test has done anything but begin: what was sold is all that there is."""
        self.begin_with("subscribe", plan, interval, quantity, make=lambda: self.subscribe(plan, interval, quantity))
        return self.base

    def begin_with(self, *step: Hashable, make: Callable[[], object]) -> None:
        """Any other step that several tests begin with; the name must say all that it depends on."""
        self._steps += step
        self._prepared(*self._steps, make=make, sandbox=self.sandbox)

    # The customer

    def select(self, plan: str, interval: str = "month", quantity: int | None = None) -> Selection:
        return choose(organization=self.organization, plan=plan, interval=interval, quantity=quantity)

    def check_out(self, plan: str, interval: str = "month", quantity: int | None = None) -> PlanCheckout:
        selection = self.select(plan, interval, quantity)
        return start_checkout(organization=self.organization, selection=selection, now=self.now)

    def subscribe(
        self, plan: str, interval: str = "month", quantity: int | None = None, *, card: str = GOOD_CARD
    ) -> Subscription:
        """Through the hosted checkout and its webhooks."""
        checkout = self.check_out(plan, interval, quantity)
        paid = self.sandbox.pay(checkout.stripe_session_id, card=card)
        assert paid["status"] == "complete", paid
        self.deliver()
        return self.base

    def use_card(self, token: str) -> None:
        """Put another card on file and charge it from now on: `pm_card_visa`, `pm_card_chargeCustomerFail`."""
        stripe = self.sandbox.client.v1
        customer = self.customer
        method = stripe.payment_methods.attach(token, {"customer": customer})
        stripe.customers.update(customer, {"invoice_settings": {"default_payment_method": method.id}})
        for subscription in stripe.subscriptions.list({"customer": customer}).data:
            stripe.subscriptions.update(subscription.id, {"default_payment_method": method.id})

    # What came of it

    @property
    def customer(self) -> str:
        return customers.ensure_customer(organization=self.organization)

    @property
    def base(self) -> Subscription:
        found = Subscription.objects.base_of(self.organization)
        assert found is not None, list(Subscription.objects.values())
        return found

    @property
    def companion(self) -> Subscription | None:
        return Subscription.objects.companion_of(self.organization)

    @property
    def terms(self) -> Terms:
        return terms_for(organization=self.organization, at=self.now)

    def at_stripe(self, subscription: Subscription) -> StripeSubscription:
        return StripeSubscription.of(self.sandbox.client.v1.subscriptions.retrieve(subscription.stripe_id).to_dict())

    def live_at_stripe(self) -> list[StripeSubscription]:
        listed = self.sandbox.client.v1.subscriptions.list({"customer": self.customer, "status": "active"}).data
        return [StripeSubscription.of(subscription.to_dict()) for subscription in listed]

    def invoices(self) -> list[StripeInvoice]:
        """As Stripe has them, oldest first."""
        listed = self.sandbox.client.v1.invoices.list({"customer": self.customer, "limit": 100}).data
        return [StripeInvoice.of(invoice.to_dict()) for invoice in reversed(listed)]
