"""Features, meters and products: objects at Stripe that can be changed in place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from payments.errors import FixedAtStripe
from payments.gateway import catalogue as gateway
from payments.gateway.client import Json
from payments.models import CatalogueEntry
from payments.stripe_catalogue import entries
from payments.stripe_catalogue.entries import Kind
from payments.stripe_catalogue.report import Report
from payments.stripe_catalogue.specs import FeatureSpec, MeterSpec, ProductSpec

# Marks our objects at Stripe, and finds them again should our database have forgotten them.
CODE = "portal_code"


@dataclass(frozen=True)
class Wanted:
    """What an object should look like; `shown` reads the same fields from Stripe's."""

    code: str
    fields: Json
    active: bool = True


class Things:
    """One kind of object. Subclasses say how Stripe is asked."""

    kind: Kind

    def theirs(self) -> dict[str, Json]:
        """Everything of this kind at Stripe that could be ours, by code."""
        raise NotImplementedError

    def shown(self, remote: Json, wanted: Wanted) -> Json:
        """The fields of `wanted` as Stripe has them."""
        raise NotImplementedError

    def create(self, wanted: Wanted, key: str) -> Json:
        raise NotImplementedError

    def update(self, stripe_id: str, wanted: Wanted, changes: Json, key: str) -> Json:
        raise NotImplementedError

    def sync(self, wanted: Iterable[Wanted], *, now: datetime, report: Report) -> list[Json]:
        """Bring Stripe in line; returns the objects that are sold, as Stripe has them now."""
        theirs = self.theirs()
        return [
            synced
            for each in wanted
            if (synced := self._sync_one(each, theirs.get(each.code), now=now, report=report)) is not None
        ]

    def _sync_one(self, wanted: Wanted, remote: Json | None, *, now: datetime, report: Report) -> Json | None:
        known = CatalogueEntry.objects.current().filter(kind=self.kind, code=wanted.code).first()
        if remote is None and not wanted.active:
            return None
        entry = known or entries.current_entry(kind=self.kind, code=wanted.code)
        name = f"{self.kind.label.lower()} {wanted.code}"
        fingerprint = entries.digest(wanted.fields)
        if remote is None:
            remote = self.create(wanted, entries.next_key(entry, wanted.fields))
            report.change(f"Created {name}.")
        elif changes := _differences(self.shown(remote, wanted), wanted.fields):
            if entry.fingerprint == fingerprint:
                report.edit(f"{name}: {_in_words(self.shown(remote, wanted), changes)}. Set back.")
            remote = self.update(remote["id"], wanted, changes, entries.next_key(entry, changes))
            report.change(f"Updated {name}: {', '.join(changes)}.")
        if (entry.stripe_id, entry.fingerprint) != (remote["id"], fingerprint) or known is None:
            entries.confirmed(entry, stripe_id=remote["id"], fingerprint=fingerprint, now=now)
        return remote


class Features(Things):
    kind = Kind.FEATURE

    def theirs(self) -> dict[str, Json]:
        return {feature["lookup_key"]: feature for feature in gateway.features()}

    def shown(self, remote: Json, wanted: Wanted) -> Json:
        return {"name": remote["name"], "active": remote["active"]}

    def create(self, wanted: Wanted, key: str) -> Json:
        return gateway.create_feature(
            name=wanted.fields["name"], lookup_key=wanted.code, metadata={CODE: wanted.code}, idempotency_key=key
        )

    def update(self, stripe_id: str, wanted: Wanted, changes: Json, key: str) -> Json:
        return gateway.update_feature(feature=stripe_id, idempotency_key=key, **changes)

    @staticmethod
    def wanted(specs: Iterable[FeatureSpec]) -> list[Wanted]:
        return [Wanted(spec.code, {"name": spec.name, "active": True}) for spec in specs]


class Meters(Things):
    kind = Kind.METER

    def theirs(self) -> dict[str, Json]:
        return {meter["event_name"]: meter for meter in gateway.meters() if meter["status"] == "active"}

    def shown(self, remote: Json, wanted: Wanted) -> Json:
        return {"name": remote["display_name"], "formula": remote["default_aggregation"]["formula"]}

    def create(self, wanted: Wanted, key: str) -> Json:
        return gateway.create_meter(
            name=wanted.fields["name"], event_name=wanted.code, formula=wanted.fields["formula"], idempotency_key=key
        )

    def update(self, stripe_id: str, wanted: Wanted, changes: Json, key: str) -> Json:
        if "formula" in changes:
            raise FixedAtStripe(
                f"Meter {wanted.code} counts differently at Stripe, where a meter's formula can never change. "
                "Give the meter a new code."
            )
        return gateway.update_meter(meter=stripe_id, name=changes["name"], idempotency_key=key)

    @staticmethod
    def wanted(specs: Iterable[MeterSpec]) -> list[Wanted]:
        return [Wanted(spec.code, {"name": spec.name, "formula": spec.formula}) for spec in specs]


class Products(Things):
    kind = Kind.PRODUCT

    def theirs(self) -> dict[str, Json]:
        return {
            product["metadata"][CODE]: product for product in gateway.products() if CODE in product.get("metadata", {})
        }

    def shown(self, remote: Json, wanted: Wanted) -> Json:
        metadata = remote.get("metadata") or {}
        return {
            "name": remote["name"],
            "description": remote.get("description") or "",
            "active": remote["active"],
            "marketing_features": [feature.get("name") for feature in remote.get("marketing_features") or []],
            "metadata": {name: metadata.get(name) for name in wanted.fields["metadata"]},
        }

    def create(self, wanted: Wanted, key: str) -> Json:
        fields = wanted.fields
        return gateway.create_product(
            name=fields["name"],
            description=fields["description"],
            features=fields["marketing_features"],
            metadata=fields["metadata"],
            idempotency_key=key,
        )

    def update(self, stripe_id: str, wanted: Wanted, changes: Json, key: str) -> Json:
        if "marketing_features" in changes:
            changes = changes | {"marketing_features": [{"name": name} for name in changes["marketing_features"]] or ""}
        return gateway.update_product(product=stripe_id, idempotency_key=key, **changes)

    @staticmethod
    def wanted(specs: Iterable[ProductSpec]) -> list[Wanted]:
        return [
            Wanted(
                spec.code,
                {
                    "name": spec.name,
                    "description": spec.description,
                    "active": spec.active,
                    "marketing_features": list(spec.bullets),
                    "metadata": {**spec.metadata, CODE: spec.code},
                },
                active=spec.active,
            )
            for spec in specs
        ]


def _differences(shown: Mapping[str, Any], wanted: Mapping[str, Any]) -> Json:
    return {name: value for name, value in wanted.items() if shown.get(name) != value}


def _in_words(shown: Mapping[str, Any], changes: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} was {shown.get(name)!r} there and is {value!r} here" for name, value in changes.items())
