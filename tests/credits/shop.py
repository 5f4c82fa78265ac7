"""Units and packs to begin a test with, brought to the sandbox."""

from decimal import Decimal

from django.utils import timezone

from credits.models import CreditPack, Purchase, Unit
from credits.services.purchases import start_pack_purchase
from payments.stripe_catalogue import sync_catalogue

UNITS = {"usd": {"name": "US dollar credits", "currency": "usd", "step": "0.01", "reserve_floor": "5"}}


def make_unit(code: str) -> Unit:
    unit, _ = Unit.objects.get_or_create(code=code, defaults=UNITS.get(code, {"name": f"{code.upper()} credits"}))
    return unit


def make_pack(code: str, *, credits: str, price: int, unit: str = "usd", **values) -> CreditPack:
    return CreditPack.objects.create(
        code=code, unit=make_unit(unit), credits=Decimal(credits), price=price, currency="usd", **values
    )


def bring_to_stripe() -> None:
    sync_catalogue(now=timezone.now())


def buy(organization, pack, sandbox) -> Purchase:
    """A paid purchase, its webhooks delivered."""
    purchase = start_pack_purchase(organization=organization, pack=pack, now=timezone.now())
    sandbox.pay(purchase.checkout_session)
    sandbox.deliver()
    purchase.refresh_from_db()
    return purchase
