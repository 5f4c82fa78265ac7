"""Short ways to set a scene, all through the official client."""

from datetime import UTC, datetime
from typing import Any

from stripe_sandbox.testing import LocalSandbox


class Shop:
    """A merchant with one sandbox."""

    def __init__(self, sandbox: LocalSandbox) -> None:
        self.sandbox = sandbox
        self.v1 = sandbox.client.v1

    def customer(self, card: str | None = None, **values: Any) -> Any:
        """A customer, with a default card if one is named by its token."""
        customer = self.v1.customers.create({"email": "ada@example.com", "name": "Ada", **values})
        if card:
            self.save_card(customer, card)
        return customer

    def save_card(self, customer: Any, card: str) -> Any:
        """Attach a test card and make it the default."""
        method = self.v1.payment_methods.attach(card, {"customer": customer.id})
        self.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
        return method

    def price(
        self, amount: int | None = 2000, *, interval: str | None = None, name: str = "Pack", **values: Any
    ) -> Any:
        """A price in US cents, recurring if an interval is given."""
        params: dict[str, Any] = {"currency": "usd", "product_data": {"name": name}, **values}
        if amount is not None:
            params["unit_amount"] = amount
        if interval:
            params["recurring"] = {"interval": interval, **params.get("recurring", {})}
        return self.v1.prices.create(params)

    def session(self, price: Any = None, *, quantity: int = 1, mode: str = "payment", **values: Any) -> Any:
        """A checkout session for one price."""
        lines = [{"price": (price or self.price()).id, "quantity": quantity}] if mode != "setup" else []
        params = {
            "mode": mode,
            "success_url": "https://shop.example/thanks?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://shop.example/cart",
            **values,
        }
        if lines and "line_items" not in params:
            params["line_items"] = lines
        return self.v1.checkout.sessions.create(params)

    def paid_session(self, **values: Any) -> Any:
        """A session that was paid with 4242…"""
        session = self.session(**values)
        self.sandbox.pay(session)
        return self.v1.checkout.sessions.retrieve(session.id)

    def subscription(self, customer: Any, *prices: Any, **values: Any) -> Any:
        """A subscription on these prices (or (price, quantity) pairs)."""
        items = []
        for entry in prices:
            price, quantity = entry if isinstance(entry, tuple) else (entry, None)
            items.append({"price": price.id} | ({} if quantity is None else {"quantity": quantity}))
        return self.v1.subscriptions.create({"customer": customer.id, "items": items, **values})

    def reload(self, thing: Any, **params: Any) -> Any:
        """The object as it is now."""
        services = {
            "subscription": self.v1.subscriptions,
            "invoice": self.v1.invoices,
            "customer": self.v1.customers,
            "payment_intent": self.v1.payment_intents,
            "charge": self.v1.charges,
            "refund": self.v1.refunds,
            "checkout.session": self.v1.checkout.sessions,
            "subscription_schedule": self.v1.subscription_schedules,
            "dispute": self.v1.disputes,
        }
        return services[thing["object"]].retrieve(thing["id"], params)

    def latest_invoice(self, sub: Any) -> Any:
        """The subscription's latest invoice, with its payments."""
        return self.v1.invoices.retrieve(self.reload(sub).latest_invoice, {"expand": ["payments"]})

    def day(self) -> str:
        """The sandbox's day."""
        return iso(self.sandbox.now())


def iso(moment: float) -> str:
    """``2027-01-31``"""
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
