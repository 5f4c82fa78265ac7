"""What credits sell, as Stripe is to know it."""

from collections.abc import Iterator
from typing import Literal

from credits.models import CreditPack
from payments.stripe_catalogue import PriceSpec, ProductSpec

INTERVALS: dict[str, Literal["month", "year"] | None] = {"": None, "month": "month", "year": "year"}


def packs_at_stripe() -> Iterator[ProductSpec | PriceSpec]:
    """A product and a price per pack, retired ones too: they are taken off sale, and kept by whoever pays for them."""
    for pack in CreditPack.objects.select_related("unit").order_by("code"):
        yield ProductSpec(
            code=pack.lookup_key, name=pack.title, active=pack.retired_at is None, metadata={"pack": pack.code}
        )
        yield price_of(pack)


def price_of(pack: CreditPack) -> PriceSpec:
    return PriceSpec(
        lookup_key=pack.lookup_key,
        product=pack.lookup_key,
        currency=pack.currency,
        amount=pack.price,
        open_amount=None if pack.open_minimum is None else (pack.open_minimum, pack.open_maximum or 0),
        interval=INTERVALS[pack.recurring],
        active=pack.retired_at is None,
        metadata={"pack": pack.code},
    )
