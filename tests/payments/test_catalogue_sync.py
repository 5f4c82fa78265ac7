"""`sync_catalog` brings Stripe in line with our catalogue, says what it did, and has nothing to do the second time."""

from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from djstripe import models as djstripe

from payments import stripe_catalogue
from payments.errors import NotAtStripe
from payments.models import CatalogueEntry, StripeWebhookEndpoint
from payments.stripe_catalogue import FeatureSpec, MeterSpec, PriceSpec, ProductSpec, TierSpec, sources

PRODUCT = ProductSpec(code="pro", name="Pro", description="For teams", bullets=("Support", "SLA"))
PRICE = PriceSpec(lookup_key="pro-month", product="pro", currency="usd", amount=2900, interval="month")


@pytest.fixture
def sells(monkeypatch):
    """`sells(*specs)`: from now on this is all that is for sale."""
    monkeypatch.setattr(sources, "_sources", {})

    def set_specs(*specs):
        stripe_catalogue.register_source("test", lambda: specs)

    return set_specs


@pytest.fixture
def sync(sandbox, db, capsys):
    """Run the command; returns what it printed."""

    def run():
        capsys.readouterr()
        call_command("sync_catalog")
        return capsys.readouterr().out

    return run


def requests_made(sandbox):
    """How many objects and changes Stripe has recorded."""
    return len(sandbox.events())


def test_everything_for_sale_is_made_at_stripe_and_copied_into_the_mirror(sandbox, sells, sync):
    sells(
        FeatureSpec(code="sso", name="Single sign-on"),
        MeterSpec(code="sessions", name="Sessions"),
        ProductSpec(code="pro", name="Pro", description="For teams", bullets=("Support",), features=("sso",)),
        PRICE,
        PriceSpec(
            lookup_key="pro-sessions",
            product="pro",
            currency="usd",
            interval="month",
            meter="sessions",
            tiers=(TierSpec(up_to=1000, unit_amount=Decimal("0.3")), TierSpec(up_to=None, unit_amount=Decimal("0.22"))),
        ),
        PriceSpec(lookup_key="pro-once", product="pro", currency="jpy", amount=Decimal("500")),
        PriceSpec(lookup_key="gift", product="pro", currency="usd", open_amount=(500, 50000)),
    )

    printed = sync()

    assert "Created product pro." in printed
    assert "Created price pro-month: $29.00 per month." in printed
    price = sandbox.client.v1.prices.retrieve(stripe_catalogue.stripe_price_id("pro-month"))
    assert (price.unit_amount, price.currency, price.recurring.interval) == (2900, "usd", "month")
    assert price.product == stripe_catalogue.stripe_product_id("pro")
    metered = sandbox.client.v1.prices.retrieve(stripe_catalogue.stripe_price_id("pro-sessions"), {"expand": ["tiers"]})
    assert metered.recurring.meter == stripe_catalogue.stripe_meter_id("sessions")
    assert [str(tier.unit_amount_decimal) for tier in metered.tiers] == ["0.3", "0.22"]
    product = sandbox.client.v1.products.retrieve(stripe_catalogue.stripe_product_id("pro"))
    assert [feature.name for feature in product.marketing_features] == ["Support"]
    attached = sandbox.client.v1.products.features.list(product.id).data
    assert [each.entitlement_feature.lookup_key for each in attached] == ["sso"]
    assert djstripe.Price.objects.get(id=price.id).stripe_data["unit_amount"] == 2900
    assert djstripe.Product.objects.get(id=product.id).name == "Pro"


def test_second_run_changes_nothing(sandbox, sells, sync):
    sells(
        FeatureSpec(code="sso", name="Single sign-on"),
        MeterSpec(code="sessions", name="Sessions"),
        ProductSpec(code="pro", name="Pro", bullets=("Support",), features=("sso",)),
        PRICE,
        PriceSpec(lookup_key="gift", product="pro", currency="usd", open_amount=(500, 50000)),
        PriceSpec(
            lookup_key="per-1000",
            product="pro",
            currency="usd",
            amount=Decimal("12.50"),
            interval="month",
            meter="sessions",
            package_size=1000,
        ),
    )
    sync()
    before = requests_made(sandbox), list(CatalogueEntry.objects.values())

    printed = sync()

    assert "Nothing to change" in printed
    assert (requests_made(sandbox), list(CatalogueEntry.objects.values())) == before


def test_a_new_name_is_told_to_stripe_and_so_is_the_old_one_again(sandbox, sells, sync):
    sells(PRODUCT, PRICE)
    sync()
    for name in ("Professional", "Pro", "Professional"):
        sells(ProductSpec(code="pro", name=name, description="For teams", bullets=("Support", "SLA")), PRICE)
        assert "Updated product pro: name." in sync()
        assert sandbox.client.v1.products.retrieve(stripe_catalogue.stripe_product_id("pro")).name == name


def test_a_new_amount_is_a_new_price_and_the_old_one_stays_for_its_subscribers(sandbox, sells, sync):
    sells(PRODUCT, PRICE)
    sync()
    old = stripe_catalogue.stripe_price_id("pro-month")
    sells(PRODUCT, PriceSpec(lookup_key="pro-month", product="pro", currency="usd", amount=3900, interval="month"))

    printed = sync()

    new = stripe_catalogue.stripe_price_id("pro-month")
    assert "Price pro-month is now $39.00 per month; those who have the old one keep it." in printed
    assert new != old
    old_price, new_price = sandbox.client.v1.prices.retrieve(old), sandbox.client.v1.prices.retrieve(new)
    assert (old_price.active, old_price.unit_amount, old_price.lookup_key) == (False, 2900, None)
    assert (new_price.active, new_price.unit_amount, new_price.lookup_key) == (True, 3900, "pro-month")
    assert stripe_catalogue.entries.lookup_key_of(stripe_price=old) == "pro-month"
    assert "Nothing to change" in sync()


def test_back_to_the_first_amount_is_a_third_price(sandbox, sells, sync):
    other = PriceSpec(lookup_key="pro-month", product="pro", currency="usd", amount=3900, interval="month")
    ids = []
    for price in (PRICE, other, PRICE):
        sells(PRODUCT, price)
        sync()
        ids.append(stripe_catalogue.stripe_price_id("pro-month"))
    assert len(set(ids)) == 3
    assert sandbox.client.v1.prices.retrieve(ids[2]).unit_amount == 2900


def test_retired_things_go_off_sale_and_come_back(sandbox, sells, sync):
    retired = PriceSpec(
        lookup_key="pro-month", product="pro", currency="usd", amount=2900, interval="month", active=False
    )
    sells(PRODUCT, PRICE)
    sync()
    price = stripe_catalogue.stripe_price_id("pro-month")

    sells(ProductSpec(code="pro", name="Pro", active=False), retired)
    sync()
    assert sandbox.client.v1.prices.retrieve(price).active is False
    assert sandbox.client.v1.products.retrieve(stripe_catalogue.stripe_product_id("pro")).active is False

    sells(PRODUCT, PRICE)
    sync()
    assert sandbox.client.v1.prices.retrieve(price).active is True
    assert sandbox.client.v1.products.retrieve(stripe_catalogue.stripe_product_id("pro")).active is True


def test_what_was_never_for_sale_is_not_made(sandbox, sells, sync):
    sells(
        ProductSpec(code="old", name="Old", active=False),
        PriceSpec(lookup_key="old", product="old", currency="usd", amount=100, active=False),
    )
    sync()
    assert sandbox.client.v1.products.list().data == []
    assert sandbox.client.v1.prices.list().data == []


def test_what_left_the_catalogue_is_archived(sandbox, sells, sync):
    sells(PRODUCT, PRICE)
    sync()
    price = stripe_catalogue.stripe_price_id("pro-month")
    sells()

    assert "Archived price pro-month, which nobody sells any more." in sync()

    assert sandbox.client.v1.prices.retrieve(price).active is False
    with pytest.raises(NotAtStripe):
        stripe_catalogue.stripe_price_id("pro-month")


def test_an_edit_at_stripe_is_reported_and_set_back(sandbox, sells, sync):
    sells(PRODUCT, PRICE)
    sync()
    product = stripe_catalogue.stripe_product_id("pro")
    sandbox.client.v1.products.update(product, {"name": "Hacked"})
    sandbox.client.v1.prices.update(stripe_catalogue.stripe_price_id("pro-month"), {"active": False})

    printed = sync()

    assert "Edited at Stripe: product pro: name was 'Hacked' there and is 'Pro' here. Set back." in printed
    assert "Edited at Stripe: price pro-month: active. Set back." in printed
    assert sandbox.client.v1.products.retrieve(product).name == "Pro"
    assert sandbox.client.v1.prices.retrieve(stripe_catalogue.stripe_price_id("pro-month")).active is True


def test_a_lookup_key_moved_at_stripe_is_reported_and_taken_back(sandbox, sells, sync):
    sells(PRODUCT, PRICE)
    sync()
    thief = sandbox.client.v1.prices.create(
        {
            "product": stripe_catalogue.stripe_product_id("pro"),
            "currency": "usd",
            "unit_amount": 1,
            "recurring": {"interval": "month"},
            "lookup_key": "pro-month",
            "transfer_lookup_key": True,
        }
    )

    assert f"its lookup key was moved to {thief.id}" in sync()

    assert sandbox.client.v1.prices.retrieve(stripe_catalogue.stripe_price_id("pro-month")).unit_amount == 2900
    assert sandbox.client.v1.prices.retrieve(thief.id).active is False
    assert "Nothing to change" in sync()


@pytest.mark.parametrize("path", ["/v1/products", "/v1/prices"])
def test_an_answer_lost_half_way_makes_nothing_twice(sandbox, sells, sync, path):
    sells(PRODUCT, PRICE)
    sandbox.fault("lost", path=path, method="POST")
    with pytest.raises(CommandError, match="payment provider"):
        sync()

    sync()

    assert len(sandbox.client.v1.products.list().data) == 1
    assert len(sandbox.client.v1.prices.list().data) == 1
    assert "Nothing to change" in sync()


def test_a_price_change_interrupted_before_the_old_one_is_archived_is_finished_by_the_next_run(sandbox, sells, sync):
    sells(PRODUCT, PRICE)
    sync()
    old = stripe_catalogue.stripe_price_id("pro-month")
    sells(PRODUCT, PriceSpec(lookup_key="pro-month", product="pro", currency="usd", amount=3900, interval="month"))
    sandbox.fault("down", path=f"/v1/prices/{old}", method="POST")
    with pytest.raises(CommandError):
        sync()
    assert sandbox.client.v1.prices.retrieve(old).active is True

    sync()

    assert sandbox.client.v1.prices.retrieve(old).active is False
    assert len(sandbox.client.v1.prices.list().data) == 2


def test_a_forgetful_database_finds_its_things_at_stripe_again(sandbox, sells, sync):
    sells(FeatureSpec(code="sso", name="SSO"), MeterSpec(code="sessions", name="Sessions"), PRODUCT, PRICE)
    sync()
    ids = stripe_catalogue.stripe_product_id("pro"), stripe_catalogue.stripe_price_id("pro-month")
    CatalogueEntry.objects.all().delete()

    sync()

    assert (stripe_catalogue.stripe_product_id("pro"), stripe_catalogue.stripe_price_id("pro-month")) == ids
    assert len(sandbox.client.v1.prices.list().data) == 1


def test_a_meter_cannot_change_how_it_counts(sandbox, sells, sync):
    sells(MeterSpec(code="sessions", name="Sessions", formula="last"))
    sync()
    sells(MeterSpec(code="sessions", name="Sessions", formula="sum"))
    with pytest.raises(CommandError, match="1 problem"):
        sync()
    assert sandbox.client.v1.billing.meters.list().data[0].default_aggregation.formula == "last"


def test_contradicting_sources_are_refused_before_anything_is_told(sandbox, sells, sync):
    sells(PriceSpec(lookup_key="pro-month", product="nobody", currency="usd", amount=1))
    with pytest.raises(CommandError, match="is of product nobody, which is in no source"):
        sync()
    assert requests_made(sandbox) == 0


def test_the_webhook_endpoint_is_registered_once_and_its_secret_kept(sandbox, sells, sync, settings):
    settings.STRIPE_WEBHOOK_SECRET = ""
    settings.PORTAL_URL = "https://billing.example.com"
    sells()
    sync()
    sync()

    endpoint = StripeWebhookEndpoint.objects.get()
    assert endpoint.url == "https://billing.example.com/api/v1/webhooks/stripe"
    assert endpoint.secret.startswith("whsec_")
    urls = [each.url for each in sandbox.client.v1.webhook_endpoints.list().data]
    assert urls.count(endpoint.url) == 1


def test_an_endpoint_deleted_or_switched_off_at_stripe_is_put_right(sandbox, sells, sync, settings):
    settings.STRIPE_WEBHOOK_SECRET = ""
    settings.PORTAL_URL = "https://billing.example.com"
    sells()
    sync()
    first = StripeWebhookEndpoint.objects.get()
    sandbox.client.v1.webhook_endpoints.update(first.stripe_id, {"disabled": True})
    sync()
    assert sandbox.client.v1.webhook_endpoints.retrieve(first.stripe_id).status == "enabled"

    sandbox.client.v1.webhook_endpoints.delete(first.stripe_id)
    sync()
    second = StripeWebhookEndpoint.objects.get()
    assert second.stripe_id != first.stripe_id
    assert second.secret != first.secret


def test_stripe_down_ends_with_a_clear_message_and_a_failing_exit(sandbox, sells, sync):
    sells(PRODUCT, PRICE)
    sandbox.fault("down", times=99)
    with pytest.raises(CommandError, match="not answering"):
        sync()

    sandbox.clear_faults()
    sync()
    assert stripe_catalogue.stripe_price_id("pro-month")
