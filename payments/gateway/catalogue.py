"""Products, prices, features and meters at Stripe.

https://docs.stripe.com/api/products, …/prices, …/entitlements/feature, …/billing/meter
"""

from collections.abc import Iterator, Mapping

from payments.gateway.client import read, read_all, write
from payments.stripe_objects.fields import StripeObject

# Stripe looks up at most ten lookup keys in one call.
LOOKUP_KEYS_PER_CALL = 10


def products() -> Iterator[StripeObject]:
    """Active and archived."""
    return read_all("products.list")


def create_product(
    *,
    name: str,
    metadata: Mapping[str, str],
    idempotency_key: str,
    description: str | None = None,
    features: list[str] | None = None,
) -> StripeObject:
    return write(
        "products.create",
        idempotency_key=idempotency_key,
        name=name,
        description=description or None,
        metadata=dict(metadata),
        marketing_features=[{"name": feature} for feature in features or []] or None,
    )


def update_product(*, product: str, idempotency_key: str, **changes: object) -> StripeObject:
    """`changes` are Stripe's own fields: `name`, `description`, `active`, `metadata`, `marketing_features`."""
    return write("products.update", product, idempotency_key=idempotency_key, **changes)


def prices(*, lookup_keys: list[str]) -> dict[str, StripeObject]:
    """The prices that hold these lookup keys, by key; active and archived. At most one price holds a key."""
    found: dict[str, StripeObject] = {}
    for start in range(0, len(lookup_keys), LOOKUP_KEYS_PER_CALL):
        some = lookup_keys[start : start + LOOKUP_KEYS_PER_CALL]
        for price in read_all("prices.list", lookup_keys=some, expand=["data.tiers"]):
            found[price["lookup_key"]] = price
    return found


def create_price(*, idempotency_key: str, **fields: object) -> StripeObject:
    """`fields` are Stripe's own. With `transfer_lookup_key` the key moves here from the price that held it."""
    return write("prices.create", idempotency_key=idempotency_key, **fields)


def update_price(*, price: str, idempotency_key: str, **changes: object) -> StripeObject:
    """`active`, `lookup_key`, `metadata`, `nickname`. An amount can never change."""
    return write("prices.update", price, idempotency_key=idempotency_key, **changes)


def retrieve_price(*, price: str) -> StripeObject:
    return read("prices.retrieve", price, expand=["tiers"])


def features() -> Iterator[StripeObject]:
    return read_all("entitlements.features.list")


def create_feature(*, name: str, lookup_key: str, metadata: Mapping[str, str], idempotency_key: str) -> StripeObject:
    return write(
        "entitlements.features.create",
        idempotency_key=idempotency_key,
        name=name,
        lookup_key=lookup_key,
        metadata=dict(metadata),
    )


def update_feature(*, feature: str, idempotency_key: str, **changes: object) -> StripeObject:
    return write("entitlements.features.update", feature, idempotency_key=idempotency_key, **changes)


def product_features(*, product: str) -> Iterator[StripeObject]:
    return read_all("products.features.list", product)


def attach_feature(*, product: str, feature: str, idempotency_key: str) -> StripeObject:
    return write("products.features.create", product, idempotency_key=idempotency_key, entitlement_feature=feature)


def meters() -> Iterator[StripeObject]:
    """Active and inactive."""
    return read_all("billing.meters.list")


def create_meter(*, name: str, event_name: str, formula: str, idempotency_key: str) -> StripeObject:
    """A meter whose events name their customer in `stripe_customer_id` and their quantity in `value`."""
    return write(
        "billing.meters.create",
        idempotency_key=idempotency_key,
        display_name=name,
        event_name=event_name,
        default_aggregation={"formula": formula},
        customer_mapping={"type": "by_id", "event_payload_key": "stripe_customer_id"},
        value_settings={"event_payload_key": "value"},
    )


def update_meter(*, meter: str, name: str, idempotency_key: str) -> StripeObject:
    """Only the name can change."""
    return write("billing.meters.update", meter, idempotency_key=idempotency_key, display_name=name)
