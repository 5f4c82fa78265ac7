"""Products, features, prices, coupons."""

import pytest
import stripe

from tests.stripe_sandbox.shop import Shop


def test_a_price_keeps_its_amount_for_ever(shop: Shop) -> None:
    price = shop.price(2000)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.v1.prices.update(price.id, {"unit_amount": 1})
    assert refusal.value.code == "parameter_unknown"
    updated = shop.v1.prices.update(price.id, {"active": False, "nickname": "old", "metadata": {"k": "v"}})
    assert (updated.active, updated.nickname, updated.unit_amount) == (False, "old", 2000)


def test_a_lookup_key_names_one_price_and_can_be_transferred(shop: Shop) -> None:
    old = shop.price(2000, lookup_key="usd-20")
    with pytest.raises(stripe.InvalidRequestError):
        shop.price(2500, lookup_key="usd-20")
    new = shop.price(2500, lookup_key="usd-20", transfer_lookup_key=True)
    assert [p.id for p in shop.v1.prices.list({"lookup_keys": ["usd-20"]}).data] == [new.id]
    assert shop.v1.prices.retrieve(old.id).lookup_key is None


def test_fractions_of_a_cent_are_exact(shop: Shop) -> None:
    price = shop.price(None, unit_amount_decimal="0.3")
    assert (price.unit_amount, str(price.unit_amount_decimal)) == (None, "0.3")


def test_tiers_are_shown_when_expanded_and_must_end_open(shop: Shop) -> None:
    tiers = [{"up_to": 1000, "unit_amount_decimal": "0.3"}, {"up_to": "inf", "unit_amount_decimal": "0.22"}]
    price = shop.price(None, billing_scheme="tiered", tiers_mode="graduated", tiers=tiers)
    assert "tiers" not in price
    shown = shop.v1.prices.retrieve(price.id, {"expand": ["tiers"]})
    assert [tier.up_to for tier in shown.tiers] == [1000, None]
    with pytest.raises(stripe.InvalidRequestError, match="up_to=inf"):
        shop.price(None, billing_scheme="tiered", tiers_mode="graduated", tiers=tiers[:1])


def test_a_product_carries_features(shop: Shop) -> None:
    product = shop.v1.products.create({"name": "Pro"})
    feature = shop.v1.entitlements.features.create({"lookup_key": "sso", "name": "Single sign-on"})
    held = shop.v1.products.features.create(product.id, {"entitlement_feature": feature.id})
    assert [f.entitlement_feature.lookup_key for f in shop.v1.products.features.list(product.id).data] == ["sso"]
    shop.v1.products.features.delete(product.id, held.id)
    assert shop.v1.products.features.list(product.id).data == []
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.entitlements.features.create({"lookup_key": "sso", "name": "Again"})


def test_an_update_that_changes_nothing_is_no_event(shop: Shop) -> None:
    product = shop.v1.products.create({"name": "Pro"})
    shop.v1.products.update(product.id, {"name": "Pro"})
    assert shop.sandbox.event_types() == ["product.created"]
    shop.v1.products.update(product.id, {"name": "Max"})
    event = shop.sandbox.events("product.updated")[0]
    assert event["data"]["previous_attributes"]["name"] == "Pro"
    assert event["data"]["object"]["name"] == "Max"


def test_a_product_with_prices_cannot_be_deleted(shop: Shop) -> None:
    price = shop.price()
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.products.delete(price.product)


def test_a_coupon_takes_off_once_per_redemption_allowed(shop: Shop) -> None:
    coupon = shop.v1.coupons.create({"percent_off": 25, "duration": "once", "max_redemptions": 1})
    session = shop.session(discounts=[{"coupon": coupon.id}])
    assert (session.amount_subtotal, session.amount_total, session.total_details.amount_discount) == (2000, 1500, 500)
    shop.sandbox.pay(session)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.session(discounts=[{"coupon": coupon.id}])
    assert refusal.value.code == "coupon_expired"
