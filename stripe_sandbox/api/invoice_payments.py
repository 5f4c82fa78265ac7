"""Requests about what paid, or is to pay, invoices."""

from __future__ import annotations

from ..expansion import includable, sublist
from ..objects import Params, StripeObject
from ..pagination import page
from ..routes import route
from ..world import World


@includable("invoice", "payments")
def _payments(world: World, invoice: StripeObject) -> StripeObject:
    return sublist("/v1/invoice_payments", world.find("invoice_payment", invoice=invoice["id"]))


@route("GET /v1/invoice_payments", "InvoicePaymentListParams")
def index(world: World, params: Params) -> StripeObject:
    """What paid, or is to pay, invoices; newest first."""
    payment = params.get("payment") or {}
    return page(
        world,
        params,
        "invoice_payment",
        "/v1/invoice_payments",
        invoice=params.get("invoice"),
        status=params.get("status"),
        payment__payment_intent=payment.get("payment_intent"),
    )


@route("GET /v1/invoice_payments/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One payment of an invoice."""
    return world.at("invoice_payment", id)
