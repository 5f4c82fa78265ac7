"""Features, meters and products: objects at Stripe that can be changed in place."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Generic, TypeVar

from payments.errors import FixedAtStripe
from payments.gateway import catalogue as gateway
from payments.models import CatalogueEntry
from payments.stripe_catalogue import entries
from payments.stripe_catalogue.entries import Kind
from payments.stripe_catalogue.report import Report
from payments.stripe_catalogue.specs import FeatureSpec, Fields, MeterSpec, ProductSpec
from payments.stripe_objects.fields import StripeObject

# Marks our objects at Stripe, and finds them again should our database have forgotten them.
CODE = "portal_code"

SpecT = TypeVar("SpecT", FeatureSpec, MeterSpec, ProductSpec)


class StripeResource(Generic[SpecT]):
    """One kind of object. Subclasses know its fields, and how it is listed, created and updated."""

    kind: Kind

    def at_stripe(self) -> dict[str, StripeObject]:
        """Every object of this kind at Stripe that could be ours, by code."""
        raise NotImplementedError

    def fields_of(self, spec: SpecT) -> Fields:
        """The fields that the object should have at Stripe, by Stripe's names."""
        raise NotImplementedError

    def fields_at_stripe(self, remote: StripeObject, spec: SpecT) -> Fields:
        """The same fields as Stripe has them now."""
        raise NotImplementedError

    def create(self, spec: SpecT, key: str) -> StripeObject:
        raise NotImplementedError

    def update(self, stripe_id: str, spec: SpecT, changes: Fields, key: str) -> StripeObject:
        raise NotImplementedError

    def is_sold(self, spec: SpecT) -> bool:
        return True

    def sync(self, specs: Iterable[SpecT], *, now: datetime, report: Report) -> list[StripeObject]:
        """Bring Stripe in line; returns the objects that are sold, as Stripe has them now."""
        at_stripe = self.at_stripe()
        synced = [self._sync_one(spec, at_stripe.get(spec.code), now=now, report=report) for spec in specs]
        return [remote for remote in synced if remote is not None]

    def _sync_one(
        self, spec: SpecT, remote: StripeObject | None, *, now: datetime, report: Report
    ) -> StripeObject | None:
        known = CatalogueEntry.objects.current().filter(kind=self.kind, code=spec.code).first()
        if remote is None and not self.is_sold(spec):
            return None
        entry = known or entries.current_entry(kind=self.kind, code=spec.code)
        name = f"{self.kind.label.lower()} {spec.code}"
        fields = self.fields_of(spec)
        fingerprint = entries.digest(fields)
        if remote is None:
            remote = self.create(spec, entries.next_key(entry, fields))
            report.change(f"Created {name}.")
        elif changes := _differences(present := self.fields_at_stripe(remote, spec), fields):
            if entry.fingerprint == fingerprint:
                report.edit(f"{name}: {_in_words(present, changes)}. Set back.")
            remote = self.update(remote["id"], spec, changes, entries.next_key(entry, changes))
            report.change(f"Updated {name}: {', '.join(changes)}.")
        if (entry.stripe_id, entry.fingerprint) != (remote["id"], fingerprint) or known is None:
            entries.mark_confirmed(entry, stripe_id=remote["id"], fingerprint=fingerprint, now=now)
        return remote


class Features(StripeResource[FeatureSpec]):
    kind = Kind.FEATURE

    def at_stripe(self) -> dict[str, StripeObject]:
        return {feature["lookup_key"]: feature for feature in gateway.features()}

    def fields_of(self, spec: FeatureSpec) -> Fields:
        return {"name": spec.name, "active": True}

    def fields_at_stripe(self, remote: StripeObject, spec: FeatureSpec) -> Fields:
        return {"name": remote["name"], "active": remote["active"]}

    def create(self, spec: FeatureSpec, key: str) -> StripeObject:
        return gateway.create_feature(
            name=spec.name, lookup_key=spec.code, metadata={CODE: spec.code}, idempotency_key=key
        )

    def update(self, stripe_id: str, spec: FeatureSpec, changes: Fields, key: str) -> StripeObject:
        return gateway.update_feature(feature=stripe_id, idempotency_key=key, **changes)


class Meters(StripeResource[MeterSpec]):
    kind = Kind.METER

    def at_stripe(self) -> dict[str, StripeObject]:
        return {meter["event_name"]: meter for meter in gateway.meters() if meter["status"] == "active"}

    def fields_of(self, spec: MeterSpec) -> Fields:
        return {"name": spec.name, "formula": spec.formula}

    def fields_at_stripe(self, remote: StripeObject, spec: MeterSpec) -> Fields:
        return {"name": remote["display_name"], "formula": remote["default_aggregation"]["formula"]}

    def create(self, spec: MeterSpec, key: str) -> StripeObject:
        return gateway.create_meter(name=spec.name, event_name=spec.code, formula=spec.formula, idempotency_key=key)

    def update(self, stripe_id: str, spec: MeterSpec, changes: Fields, key: str) -> StripeObject:
        if "formula" in changes:
            raise FixedAtStripe(
                f"Meter {spec.code} counts differently at Stripe, where a meter's formula can never change. "
                "Give the meter a new code."
            )
        return gateway.update_meter(meter=stripe_id, name=changes["name"], idempotency_key=key)


class Products(StripeResource[ProductSpec]):
    kind = Kind.PRODUCT

    def at_stripe(self) -> dict[str, StripeObject]:
        return {
            product["metadata"][CODE]: product for product in gateway.products() if CODE in product.get("metadata", {})
        }

    def is_sold(self, spec: ProductSpec) -> bool:
        return spec.active

    def fields_of(self, spec: ProductSpec) -> Fields:
        return {
            "name": spec.name,
            "description": spec.description,
            "active": spec.active,
            "marketing_features": list(spec.bullets),
            "metadata": {**spec.metadata, CODE: spec.code},
        }

    def fields_at_stripe(self, remote: StripeObject, spec: ProductSpec) -> Fields:
        metadata = remote.get("metadata") or {}
        return {
            "name": remote["name"],
            "description": remote.get("description") or "",
            "active": remote["active"],
            "marketing_features": [feature.get("name") for feature in remote.get("marketing_features") or []],
            "metadata": {name: metadata.get(name) for name in (*spec.metadata, CODE)},
        }

    def create(self, spec: ProductSpec, key: str) -> StripeObject:
        return gateway.create_product(
            name=spec.name,
            description=spec.description,
            features=list(spec.bullets),
            metadata={**spec.metadata, CODE: spec.code},
            idempotency_key=key,
        )

    def update(self, stripe_id: str, spec: ProductSpec, changes: Fields, key: str) -> StripeObject:
        if "marketing_features" in changes:
            changes = changes | {"marketing_features": [{"name": name} for name in changes["marketing_features"]] or ""}
        return gateway.update_product(product=stripe_id, idempotency_key=key, **changes)


def _differences(present: Fields, wanted: Fields) -> Fields:
    return {name: value for name, value in wanted.items() if present.get(name) != value}


def _in_words(present: Mapping[str, object], changes: Mapping[str, object]) -> str:
    return ", ".join(f"{name} was {present.get(name)!r} there and is {value!r} here" for name, value in changes.items())
