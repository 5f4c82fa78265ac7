"""The unit of work handed to every handler: read objects, change them, emit events, schedule what falls due.

Objects are plain dictionaries in Stripe's own shape. Keys that begin with an underscore are the sandbox's own notes and
never leave it. One object is one dictionary for the whole unit of work, so two parts of a handler never hold different
versions of it. Changing the dictionary is all it takes: whatever differs from what was read is written when the unit
ends, together with the events it caused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from . import API_VERSION, errors
from .ids import new_id
from .objects import StripeObject
from .settings import DEFAULTS
from .store import Store

_LABELS = {
    "checkout.session": "checkout.session",
    "billing.meter": "billing meter",
    "subscription_schedule": "subscription schedule",
    "payment_method": "PaymentMethod",
    "promotion_code": "promotion code",
}

# The few types that lack what nearly all have.
_WITHOUT_CREATED = {"discount", "entitlements.feature", "invoiceitem", "product_feature"}
_WITHOUT_LIVEMODE = {"account", "balance_transaction", "discount", "refund"}

# What is shown of an object, where that is less than what is stored (an invoice's first ten lines, say).
VIEWS: dict[str, Callable[[StripeObject], StripeObject]] = {}


def public(value: Any) -> Any:
    """A copy without the sandbox's own notes, and with the shortened lists Stripe shows."""
    if isinstance(value, dict):
        shown = {key: public(item) for key, item in value.items() if not key.startswith("_")}
        kind = shown.get("object")
        view = VIEWS.get(kind) if isinstance(kind, str) else None
        return view(shown) if view else shown
    if isinstance(value, list):
        return [public(item) for item in value]
    return value


def changed_from(before: StripeObject, after: StripeObject) -> StripeObject:
    """Stripe's ``previous_attributes``: the old values of what differs, nested objects reduced to what differs."""
    previous: StripeObject = {}
    for key, value in before.items():
        now = after.get(key)
        if now == value:
            continue
        if isinstance(value, dict) and isinstance(now, dict) and "data" not in value:
            previous[key] = changed_from(value, now)
        else:
            previous[key] = value
    for key in after.keys() - before.keys():
        previous[key] = None
    return previous


class World:
    """One unit of work at one moment."""

    def __init__(
        self,
        store: Store,
        *,
        now: int,
        public_url: str,
        request_id: str | None = None,
        idempotency_key: str | None = None,
        silent: bool = False,
    ) -> None:
        """``silent``: emit nothing, for work that is undone again."""
        self.store = store
        self.now = now
        self.public_url = public_url.rstrip("/")
        self._silent = silent
        self._request = {"id": request_id, "idempotency_key": idempotency_key}
        self._held: dict[str, StripeObject] = {}
        self._before: dict[str, StripeObject] = {}
        self._new: set[str] = set()
        self._written: dict[str, str] = {}
        self._endpoints: list[StripeObject] | None = None

    # Reading

    def get(self, object_id: str | None) -> StripeObject | None:
        """The object with this id, or None. Asking twice gives the same dictionary."""
        if not object_id:
            return None
        if object_id not in self._held:
            found = self.store.load(object_id)
            if found is None:
                return None
            self._hold(found)
        return self._held[object_id]

    def need(
        self, object_type: str, object_id: str | None, param: str | None = "id", *, in_path: bool = False
    ) -> StripeObject:
        """The object of this type, or Stripe's ``resource_missing``. Deleted objects count as missing."""
        found = self.get(object_id)
        if found is None or found["object"] != object_type or found.get("deleted"):
            label = _LABELS.get(object_type, object_type)
            raise errors.no_such(label, object_id or "", param, in_path=in_path)
        return found

    def at(self, object_type: str, object_id: str) -> StripeObject:
        """The object named by the path of the request."""
        return self.need(object_type, object_id, in_path=True)

    def find(self, object_type: str, **equal: Any) -> list[StripeObject]:
        """Objects of a type whose attributes equal these (``__`` for a dot), newest first."""
        self.flush()
        paths = {key.replace("__", "."): value for key, value in equal.items()}
        return [self._hold(obj) for obj in self.store.select(object_type, equal=paths)]

    def first(self, object_type: str, **equal: Any) -> StripeObject | None:
        """The newest of ``find``."""
        found = self.find(object_type, **equal)
        return found[0] if found else None

    def _hold(self, obj: StripeObject) -> StripeObject:
        if obj["id"] not in self._held:
            self._held[obj["id"]] = obj
            self._before[obj["id"]] = public(obj)
            self._written[obj["id"]] = json.dumps(obj)
        return self._held[obj["id"]]

    # Writing

    def add(self, object_type: str, **values: Any) -> StripeObject:
        """Make a new object. ``id``, ``created`` and ``livemode`` are filled in unless given."""
        obj: StripeObject = {"id": values.pop("id", None) or new_id(object_type), "object": object_type}
        obj.update(values)
        if object_type not in _WITHOUT_CREATED:
            obj.setdefault("created", self.now)
        if object_type not in _WITHOUT_LIVEMODE:
            obj.setdefault("livemode", False)
        self._held[obj["id"]] = obj
        self._new.add(obj["id"])
        return obj

    def flush(self) -> None:
        """Write what has changed so far (still undone if the unit of work fails)."""
        for object_id, obj in list(self._held.items()):
            text = json.dumps(obj)
            if self._written.get(object_id) == text:
                continue
            if object_id in self._new:
                self.store.insert(obj, text)
                self._new.discard(object_id)
            else:
                self.store.update(obj, text)
            self._written[object_id] = text
            if obj["object"] == "event":  # never changes again
                del self._held[object_id]

    # Events

    def emit(self, event_type: str, obj: StripeObject, *, previous: StripeObject | None = None) -> None:
        """Record an event with the object as it is now, and queue it for every endpoint that asked for its type."""
        shown = public(obj)
        self._before[obj["id"]] = shown
        self.emit_unsaved(event_type, shown, previous=previous)

    def emit_unsaved(self, event_type: str, shown: StripeObject, *, previous: StripeObject | None = None) -> None:
        """Record an event about something that is not stored (the upcoming invoice)."""
        if self._silent:
            return
        endpoints = [
            endpoint
            for endpoint in self._webhook_endpoints()
            if "*" in endpoint["enabled_events"] or event_type in endpoint["enabled_events"]
        ]
        data: StripeObject = {"object": shown}
        if previous is not None:
            data["previous_attributes"] = previous
        event = self.add(
            "event",
            api_version=API_VERSION,
            data=data,
            pending_webhooks=len(endpoints),
            request=dict(self._request),
            type=event_type,
        )
        for endpoint in endpoints:
            self.store.execute("INSERT INTO deliveries (event, endpoint) VALUES (?, ?)", event["id"], endpoint["id"])

    def emit_update(self, event_type: str, obj: StripeObject) -> None:
        """Emit an ``…updated`` event with ``previous_attributes``; none when nothing visible has changed."""
        previous = changed_from(self._before.get(obj["id"], {}), public(obj))
        if previous:
            self.emit(event_type, obj, previous=previous)

    def _webhook_endpoints(self) -> list[StripeObject]:
        if self._endpoints is None:
            self._endpoints = [e for e in self.find("webhook_endpoint") if e["status"] == "enabled"]
        return self._endpoints

    def forget_endpoints(self) -> None:
        """Webhook endpoints have changed within this unit of work."""
        self._endpoints = None

    # Time and settings

    def schedule(self, kind: str, ref: str, at: int) -> None:
        """Have the handler of ``kind`` called with ``ref`` when the clock reaches ``at``."""
        self.store.execute("INSERT INTO due (at, kind, ref) VALUES (?, ?, ?)", int(at), kind, ref)

    def unschedule(self, ref: str, kind: str | None = None) -> None:
        """Forget what was scheduled for this object."""
        if kind is None:
            self.store.execute("DELETE FROM due WHERE ref = ?", ref)
        else:
            self.store.execute("DELETE FROM due WHERE ref = ? AND kind = ?", ref, kind)

    def setting(self, name: str) -> Any:
        """The value of one of the sandbox's settings."""
        return self.store.setting(name, DEFAULTS[name])
