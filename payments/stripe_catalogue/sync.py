"""Bring Stripe in line with our catalogue, and dj-stripe's mirror with Stripe."""

import logging
from collections.abc import Callable
from datetime import datetime

from payments.errors import FixedAtStripe, StripeRefused
from payments.gateway import catalogue as gateway
from payments.models import CatalogueEntry
from payments.services import stripe_account
from payments.services.djstripe_mirror import sync_to_mirror
from payments.stripe_catalogue import entries
from payments.stripe_catalogue.endpoint import sync_endpoint
from payments.stripe_catalogue.entries import Kind
from payments.stripe_catalogue.prices import sync_prices
from payments.stripe_catalogue.products import CODE, Features, Meters, Products
from payments.stripe_catalogue.report import Report
from payments.stripe_catalogue.sources import Catalogue
from payments.stripe_objects.fields import StripeObject

logger = logging.getLogger(__name__)


def sync_catalogue(*, now: datetime, say: Callable[[str], None] = logger.info) -> Report:
    """Upsert everything that the sources name; a second run changes nothing.

    What somebody edited at Stripe is reported and set back; what left our catalogue is archived, never deleted. A
    problem with one kind of object stops those that build on it, and is in the report. Raises `WrongAccount`,
    `StripeUnavailable`, and `ValueError` when the sources contradict each other.
    """
    catalogue = Catalogue.gather()
    stripe_account.verify(now=now)
    report = Report(say=say)
    try:
        Features().sync(catalogue.features.values(), now=now, report=report)
        Meters().sync(catalogue.meters.values(), now=now, report=report)
        products = Products().sync(catalogue.products.values(), now=now, report=report)
        _attach_features(catalogue, products, report=report)
        prices = sync_prices(catalogue.prices.values(), now=now, report=report)
        _archive_what_left(catalogue, now=now, report=report)
        _sync_mirror([*products, *prices], report=report)
    except (FixedAtStripe, StripeRefused) as problem:
        report.problem(str(problem))
    sync_endpoint(report=report)
    return report


def _attach_features(catalogue: Catalogue, products: list[StripeObject], *, report: Report) -> None:
    for product in products:
        spec = catalogue.products[product["metadata"][CODE]]
        if not spec.features:
            continue
        attached = {
            each["entitlement_feature"]["lookup_key"] for each in gateway.product_features(product=product["id"])
        }
        for code in spec.features:
            if code in attached:
                continue
            feature = CatalogueEntry.objects.current().get(kind=Kind.FEATURE, code=code)
            gateway.attach_feature(
                product=product["id"],
                feature=feature.stripe_id or "",
                idempotency_key=f"attach:{product['id']}:{feature.stripe_id}",
            )
            report.change(f"Product {spec.code} has feature {code}.")


def _archive_what_left(catalogue: Catalogue, *, now: datetime, report: Report) -> None:
    """A code that no source names any more goes off sale; its entry is closed."""
    ours = CatalogueEntry.objects.current().filter(stripe_id__isnull=False)
    gone_prices = ours.filter(kind=Kind.PRICE).exclude(code__in=catalogue.prices)
    gone_products = ours.filter(kind=Kind.PRODUCT).exclude(code__in=catalogue.products)
    for entry in [*gone_prices, *gone_products]:
        key, stripe_id = entries.next_key(entry, {"active": False}), entry.stripe_id or ""
        if entry.kind == Kind.PRICE:
            gateway.update_price(price=stripe_id, idempotency_key=key, active=False)
        else:
            gateway.update_product(product=stripe_id, idempotency_key=key, active=False)
        entry.superseded_at, entry.fingerprint = now, entries.ARCHIVED
        entry.save(update_fields=["superseded_at", "fingerprint"])
        report.change(f"Archived {entry.get_kind_display().lower()} {entry.code}, which nobody sells any more.")


def _sync_mirror(objects: list[StripeObject], *, report: Report) -> None:
    for data in objects:
        try:
            sync_to_mirror(data)
        except Exception as error:
            logger.exception("dj-stripe could not copy %s", data["id"])
            report.problem(f"dj-stripe could not copy {data['id']}: {error}")
