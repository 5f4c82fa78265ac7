"""What the portal reads of Stripe's objects, in version 2026-05-27.dahlia.

Each view is made by `.of(data)` from a plain dict: the API's answer or dj-stripe's `stripe_data`. Amounts are integer
minor units of `currency`; times are aware, in UTC; a reference is an id, whether or not Stripe expanded it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from payments.stripe_objects.fields import StripeObject, expanded, id_of, members, metadata_of, moment


@dataclass(frozen=True, slots=True)
class StripeCharge:
    id: str
    status: str  # succeeded, pending, failed
    amount: int
    amount_refunded: int
    currency: str
    customer: str | None
    payment_intent: str | None
    disputed: bool
    receipt_url: str | None
    refunds: "list[StripeRefund]"  # only when expanded
    metadata: dict[str, str]

    @classmethod
    def of(cls, data: StripeObject) -> Self:
        return cls(
            id=data["id"],
            status=data["status"],
            amount=data["amount"],
            amount_refunded=data["amount_refunded"],
            currency=data["currency"],
            customer=id_of(data.get("customer")),
            payment_intent=id_of(data.get("payment_intent")),
            disputed=bool(data.get("disputed")),
            receipt_url=data.get("receipt_url"),
            refunds=[StripeRefund.of(refund) for refund in members(data.get("refunds"))],
            metadata=metadata_of(data),
        )


@dataclass(frozen=True, slots=True)
class StripePaymentIntent:
    """`status`: requires_payment_method, requires_confirmation, requires_action, processing, succeeded, canceled."""

    id: str
    status: str
    amount: int
    amount_received: int
    currency: str
    customer: str | None
    payment_method: str | None
    latest_charge: str | None
    charge: StripeCharge | None  # only when expanded
    created: datetime
    error_code: str | None
    decline_code: str | None
    error_message: str | None
    metadata: dict[str, str]

    @classmethod
    def of(cls, data: StripeObject) -> Self:
        charge = expanded(data.get("latest_charge"))
        error = data.get("last_payment_error") or {}
        return cls(
            id=data["id"],
            status=data["status"],
            amount=data["amount"],
            amount_received=data.get("amount_received") or 0,
            currency=data["currency"],
            customer=id_of(data.get("customer")),
            payment_method=id_of(data.get("payment_method")),
            latest_charge=id_of(data.get("latest_charge")),
            charge=StripeCharge.of(charge) if charge else None,
            created=moment(data["created"]),
            error_code=error.get("code"),
            decline_code=error.get("decline_code"),
            error_message=error.get("message"),
            metadata=metadata_of(data),
        )

    @property
    def succeeded(self) -> bool:
        return self.status == "succeeded"


@dataclass(frozen=True, slots=True)
class StripeCheckoutSession:
    """`status`: open, complete, expired. `payment_status`: paid, unpaid, no_payment_required."""

    id: str
    mode: str  # payment, subscription, setup
    status: str
    payment_status: str
    amount_subtotal: int | None
    amount_total: int | None
    currency: str | None
    customer: str | None
    payment_intent: str | None
    intent: StripePaymentIntent | None  # only when expanded
    setup_intent: str | None
    subscription: str | None
    invoice: str | None
    url: str | None  # only while open
    client_reference_id: str | None
    created: datetime
    expires_at: datetime
    metadata: dict[str, str]

    @classmethod
    def of(cls, data: StripeObject) -> Self:
        intent = expanded(data.get("payment_intent"))
        return cls(
            id=data["id"],
            mode=data["mode"],
            status=data["status"],
            payment_status=data["payment_status"],
            amount_subtotal=data.get("amount_subtotal"),
            amount_total=data.get("amount_total"),
            currency=data.get("currency"),
            customer=id_of(data.get("customer")),
            payment_intent=id_of(data.get("payment_intent")),
            intent=StripePaymentIntent.of(intent) if intent else None,
            setup_intent=id_of(data.get("setup_intent")),
            subscription=id_of(data.get("subscription")),
            invoice=id_of(data.get("invoice")),
            url=data.get("url"),
            client_reference_id=data.get("client_reference_id"),
            created=moment(data["created"]),
            expires_at=moment(data["expires_at"]),
            metadata=metadata_of(data),
        )

    @property
    def is_paid(self) -> bool:
        """The money is there, or none was asked for (a full discount)."""
        return self.status == "complete" and self.payment_status in ("paid", "no_payment_required")

    @property
    def is_processing(self) -> bool:
        """The customer is done, the money is still under way (a delayed payment method)."""
        return self.status == "complete" and self.payment_status == "unpaid"


@dataclass(frozen=True, slots=True)
class StripeRefund:
    """`status`: pending, requires_action, succeeded, failed, canceled."""

    id: str
    status: str
    amount: int
    currency: str
    charge: str | None
    payment_intent: str | None
    reason: str | None
    failure_reason: str | None
    created: datetime
    metadata: dict[str, str]

    @classmethod
    def of(cls, data: StripeObject) -> Self:
        return cls(
            id=data["id"],
            status=data.get("status") or "pending",
            amount=data["amount"],
            currency=data["currency"],
            charge=id_of(data.get("charge")),
            payment_intent=id_of(data.get("payment_intent")),
            reason=data.get("reason"),
            failure_reason=data.get("failure_reason"),
            created=moment(data["created"]),
            metadata=metadata_of(data),
        )

    @property
    def has_failed(self) -> bool:
        """The customer does not get this money; Stripe has given it back to us."""
        return self.status in ("failed", "canceled")


@dataclass(frozen=True, slots=True)
class StripeDispute:
    """`status`: warning_needs_response, warning_under_review, warning_closed (an inquiry: no money has moved),
    needs_response, under_review, won, lost, prevented.
    """

    id: str
    status: str
    amount: int
    currency: str
    charge: str | None
    payment_intent: str | None
    reason: str
    created: datetime

    @classmethod
    def of(cls, data: StripeObject) -> Self:
        return cls(
            id=data["id"],
            status=data["status"],
            amount=data["amount"],
            currency=data["currency"],
            charge=id_of(data.get("charge")),
            payment_intent=id_of(data.get("payment_intent")),
            reason=data.get("reason") or "",
            created=moment(data["created"]),
        )

    @property
    def is_open(self) -> bool:
        return self.status in ("needs_response", "under_review", "warning_needs_response", "warning_under_review")

    @property
    def is_won(self) -> bool:
        """The money is ours, or was never taken."""
        return self.status in ("won", "warning_closed", "prevented")

    @property
    def is_lost(self) -> bool:
        return self.status == "lost"


@dataclass(frozen=True, slots=True)
class StripePaymentMethod:
    id: str
    type: str
    customer: str | None
    brand: str | None  # of a card: visa, mastercard, …
    last4: str | None
    exp_month: int | None
    exp_year: int | None

    @classmethod
    def of(cls, data: StripeObject) -> Self:
        card = data.get("card") or {}
        return cls(
            id=data["id"],
            type=data["type"],
            customer=id_of(data.get("customer")),
            brand=card.get("brand"),
            last4=card.get("last4"),
            exp_month=card.get("exp_month"),
            exp_year=card.get("exp_year"),
        )

    def __str__(self) -> str:
        return (
            f"{(self.brand or self.type).replace('_', ' ').title()} ending in {self.last4}" if self.last4 else self.type
        )
