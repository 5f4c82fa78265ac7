"""Our catalogue at Stripe. The truth is our database; `sync_catalog` brings Stripe in line with it.

Higher apps say what is for sale by registering a source that yields specs; `stripe_price_id` and `stripe_product_id`
answer under which id Stripe knows it.
"""

from payments.stripe_catalogue.entries import stripe_meter_id, stripe_price_id, stripe_product_id
from payments.stripe_catalogue.prices import price_as_specified
from payments.stripe_catalogue.sources import register_source
from payments.stripe_catalogue.specs import FeatureSpec, MeterSpec, PriceSpec, ProductSpec, TierSpec
from payments.stripe_catalogue.sync import sync_catalogue

__all__ = [
    "FeatureSpec",
    "MeterSpec",
    "PriceSpec",
    "ProductSpec",
    "TierSpec",
    "price_as_specified",
    "register_source",
    "stripe_meter_id",
    "stripe_price_id",
    "stripe_product_id",
    "sync_catalogue",
]
