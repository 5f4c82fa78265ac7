"""The ids that Stripe gave to our products, prices, features and meters: read here, and stored around each call."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F

from payments.errors import NotAtStripe
from payments.models import CatalogueEntry

Kind = CatalogueEntry.Kind
# The fingerprint of an entry that is off sale for good.
ARCHIVED = "archived"


def stripe_price_id(lookup_key: str) -> str:
    """The price that is sold under this key now. Raises `NotAtStripe`."""
    return _stripe_id(Kind.PRICE, lookup_key)


def stripe_product_id(code: str) -> str:
    """Raises `NotAtStripe`."""
    return _stripe_id(Kind.PRODUCT, code)


def stripe_meter_id(code: str) -> str:
    """Raises `NotAtStripe`."""
    return _stripe_id(Kind.METER, code)


def lookup_key_of(*, stripe_price: str) -> str | None:
    """Which of our prices this is, or was: superseded ones are still paid by those who subscribed to them."""
    entry = CatalogueEntry.objects.filter(kind=Kind.PRICE, stripe_id=stripe_price).first()
    return entry.code if entry else None


def current_entry(*, kind: Kind, code: str) -> CatalogueEntry:
    """The row for this code, made if there is none: it exists, with its idempotency key, before Stripe is called."""
    entry, _ = CatalogueEntry.objects.get_or_create(kind=kind, code=code, superseded_at=None)
    return entry


def next_key(entry: CatalogueEntry, content: Mapping[str, object]) -> str:
    """A committed idempotency key for sending Stripe `content`. While Stripe has not confirmed, the same content gets
    the same key; afterwards a new one, so that going back to an earlier content is sent again.
    """
    return f"{entry.idempotency_key}:{entry.revision}:{digest(content)[:16]}"


@transaction.atomic
def mark_confirmed(entry: CatalogueEntry, *, stripe_id: str, fingerprint: str, now: datetime) -> None:
    """Stripe has it so. An id that an older entry held (a price brought back at Stripe) moves here."""
    CatalogueEntry.objects.filter(stripe_id=stripe_id).exclude(pk=entry.pk).update(stripe_id=None)
    CatalogueEntry.objects.filter(pk=entry.pk).update(
        stripe_id=stripe_id, fingerprint=fingerprint, synced_at=now, revision=F("revision") + 1
    )
    entry.refresh_from_db()


@transaction.atomic
def supersede(entry: CatalogueEntry, *, now: datetime) -> CatalogueEntry:
    """Close an entry and open the next one of its code."""
    entry.superseded_at = now
    entry.save(update_fields=["superseded_at"])
    return CatalogueEntry.objects.create(kind=entry.kind, code=entry.code)


def digest(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _stripe_id(kind: Kind, code: str) -> str:
    entry = CatalogueEntry.objects.current().filter(kind=kind, code=code).first()
    if entry is None or entry.stripe_id is None:
        raise NotAtStripe(f"{kind.label} {code} is not at Stripe yet. Run `manage.py sync_catalog`, then try again.")
    return entry.stripe_id
