"""Invoices as version dahlia shapes them: what they are for stands under `parent`, prices under `pricing`, periods on
lines, and payments in a list of their own.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from payments.stripe_objects.fields import StripeObject, id_of, members, metadata_of, moment, time_of


@dataclass(frozen=True, slots=True)
class StripeInvoiceLine:
    """One line. `is_proration` lines correct what was billed before; they buy nothing new."""

    id: str
    amount: int
    currency: str
    description: str
    quantity: int | None
    price: str | None
    product: str | None
    subscription: str | None
    subscription_item: str | None
    invoice_item: str | None
    is_proration: bool
    period_start: datetime
    period_end: datetime
    metadata: dict[str, str]

    @classmethod
    def of(cls, data: StripeObject) -> Self:
        parent = data.get("parent") or {}
        details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
        price = (data.get("pricing") or {}).get("price_details") or {}
        return cls(
            id=data["id"],
            amount=data["amount"],
            currency=data["currency"],
            description=data.get("description") or "",
            quantity=data.get("quantity"),
            price=id_of(price.get("price")),
            product=id_of(price.get("product")),
            subscription=id_of(details.get("subscription") or data.get("subscription")),
            subscription_item=details.get("subscription_item"),
            invoice_item=details.get("invoice_item"),
            is_proration=bool(details.get("proration")),
            period_start=moment(data["period"]["start"]),
            period_end=moment(data["period"]["end"]),
            metadata=metadata_of(data),
        )


@dataclass(frozen=True, slots=True)
class StripeInvoicePayment:
    """`status`: open, paid, canceled."""

    status: str
    payment_intent: str | None
    charge: str | None
    amount_paid: int
    paid_at: datetime | None

    @classmethod
    def of(cls, data: StripeObject) -> Self:
        payment = data.get("payment") or {}
        return cls(
            status=data["status"],
            payment_intent=id_of(payment.get("payment_intent")),
            charge=id_of(payment.get("charge")),
            amount_paid=data.get("amount_paid") or 0,
            paid_at=time_of((data.get("status_transitions") or {}).get("paid_at")),
        )


@dataclass(frozen=True, slots=True)
class StripeInvoice:
    """`status`: draft, open, paid, uncollectible, void. A preview has no number and no pages, and its id is nobody's.

    `billing_reason`: subscription_create, subscription_cycle, subscription_update, subscription_threshold, manual, …
    """

    id: str | None
    number: str | None
    status: str | None
    billing_reason: str | None
    customer: str | None
    subscription: str | None
    subscription_metadata: dict[str, str]
    currency: str
    subtotal: int
    tax: int
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    attempt_count: int
    next_payment_attempt: datetime | None
    due_date: datetime | None
    created: datetime
    finalized_at: datetime | None
    paid_at: datetime | None
    period_start: datetime
    period_end: datetime
    hosted_invoice_url: str | None
    invoice_pdf: str | None
    lines: list[StripeInvoiceLine]
    payments: list[StripeInvoicePayment]  # only when expanded
    metadata: dict[str, str]

    @classmethod
    def of(cls, data: StripeObject) -> Self:
        parent = (data.get("parent") or {}).get("subscription_details") or {}
        transitions = data.get("status_transitions") or {}
        return cls(
            id=data.get("id"),
            number=data.get("number"),
            status=data.get("status"),
            billing_reason=data.get("billing_reason"),
            customer=id_of(data.get("customer")),
            subscription=id_of(parent.get("subscription")),
            subscription_metadata=dict(parent.get("metadata") or {}),
            currency=data["currency"],
            subtotal=data["subtotal"],
            tax=sum(tax["amount"] for tax in data.get("total_taxes") or []),
            total=data["total"],
            amount_due=data["amount_due"],
            amount_paid=data["amount_paid"],
            amount_remaining=data["amount_remaining"],
            attempt_count=data.get("attempt_count") or 0,
            next_payment_attempt=time_of(data.get("next_payment_attempt")),
            due_date=time_of(data.get("due_date")),
            created=moment(data["created"]),
            finalized_at=time_of(transitions.get("finalized_at")),
            paid_at=time_of(transitions.get("paid_at")),
            period_start=moment(data["period_start"]),
            period_end=moment(data["period_end"]),
            hosted_invoice_url=data.get("hosted_invoice_url"),
            invoice_pdf=data.get("invoice_pdf"),
            lines=[StripeInvoiceLine.of(line) for line in members(data["lines"])],
            payments=[StripeInvoicePayment.of(payment) for payment in members(data.get("payments"))],
            metadata=metadata_of(data),
        )

    @property
    def is_paid(self) -> bool:
        return self.status == "paid"

    @property
    def payment_intents(self) -> list[str]:
        """Those that paid it, then those that are to."""
        by_status = sorted(self.payments, key=lambda payment: payment.status != "paid")
        return [payment.payment_intent for payment in by_status if payment.payment_intent]
