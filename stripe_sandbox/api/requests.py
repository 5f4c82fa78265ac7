"""One request to the Stripe API, from its bytes to its answer."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import threading
import time
from typing import Any

from .. import API_VERSION, errors, faults, forms, parameters
from ..expansion import expand
from ..http import Request, Response
from ..ids import random_text
from ..routes import Route, match
from ..sandbox import Sandbox
from ..world import public
from . import (  # noqa: F401  each registers the requests it answers
    account,
    balance,
    balance_transactions,
    charges,
    checkout_sessions,
    coupons,
    customer_portal,
    customers,
    disputes,
    entitlements,
    events,
    invoice_items,
    invoice_payments,
    invoices,
    meter_events,
    meters,
    payment_intents,
    payment_methods,
    prices,
    products,
    promotion_codes,
    refunds,
    setup_intents,
    subscription_items,
    subscription_schedules,
    subscriptions,
    tax_rates,
    webhook_endpoints,
)

_KEY = re.compile(r"^sk_test_[A-Za-z0-9]{24,}$")
_VERSION = re.compile(r"^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$")
_KEYS_LIVE_SECONDS = 24 * 3600


class Api:
    """Answers ``/v1/…``."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._in_progress: set[str] = set()
        self._guard = threading.Lock()

    def answer(self, request: Request) -> Response:
        """Carry out one request."""
        request_id = "req_" + random_text(14)
        headers = {"Request-Id": request_id, "Stripe-Version": request.headers.get("stripe-version") or API_VERSION}
        fault = faults.take(self._sandbox.store, request.method, request.path)
        if fault and fault.kind == "down":
            return Response(dropped=True)
        if fault and fault.kind == "slow":
            time.sleep(fault.seconds)
        try:
            if fault and fault.kind == "error":
                raise errors.ServerFault("An error was injected into the sandbox.", status=fault.status)
            status, body, replayed = self._guarded(request, request_id)
        except errors.StripeError as error:
            status, body, replayed = error.status, json.dumps(error.body()), False
        if replayed:
            headers["Idempotent-Replayed"] = "true"
        if request.headers.get("idempotency-key"):
            headers["Idempotency-Key"] = request.headers["idempotency-key"]
        if fault and fault.kind == "lost":
            return Response(dropped=True)
        return Response(status, body.encode(), headers=headers)

    def _guarded(self, request: Request, request_id: str) -> tuple[int, str, bool]:
        """Key, version, route and parameters; then the work, once per idempotency key."""
        _check_key(request.headers.get("authorization", ""))
        version = request.headers.get("stripe-version")
        if version and not _VERSION.match(version):
            raise errors.InvalidRequest(f"Invalid Stripe API version: {version}")
        found = match(request.method, request.path)
        if found is None:
            raise errors.NotFound(
                f"Unrecognized request URL ({request.method}: {request.path}). Please see https://stripe.com/docs or "
                "we can help at https://support.stripe.com/."
            )
        text = request.body.decode() if request.method == "POST" else request.query
        raw = forms.decode(text)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if key is None:
            return *self._work(found, raw, request_id, None), False
        fingerprint = hashlib.sha256(
            json.dumps([request.method, request.path, raw], sort_keys=True).encode()
        ).hexdigest()
        with self._guard:
            if key in self._in_progress:
                raise errors.Conflict(
                    "There is currently another in-progress request using this Idempotent Key "
                    f"({key}). Please try again later.",
                    code="idempotency_key_in_use",
                )
            self._in_progress.add(key)
        try:
            stored = self._stored_answer(key, fingerprint)
            if stored is not None:
                return *stored, True
            return *self._work(found, raw, request_id, (key, fingerprint)), False
        finally:
            with self._guard:
                self._in_progress.discard(key)

    def _stored_answer(self, key: str, fingerprint: str) -> tuple[int, str] | None:
        rows = self._sandbox.store.rows("SELECT * FROM idempotency WHERE key = ?", key)
        if not rows or rows[0]["created"] < self._sandbox.now() - _KEYS_LIVE_SECONDS:
            return None
        if rows[0]["fingerprint"] != fingerprint:
            raise errors.IdempotencyMismatch(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key}' if you meant to execute a different request."
            )
        return rows[0]["status"], rows[0]["body"]

    def _work(
        self, found: tuple[Route, dict[str, str]], raw: dict[str, Any], request_id: str, key: tuple[str, str] | None
    ) -> tuple[int, str]:
        route, ids = found
        params = parameters.read(route.params, raw)
        paths = params.pop("expand", None) or []
        store = self._sandbox.store
        error: errors.StripeError | None = None
        body = ""
        try:
            with store.transaction():
                world = self._sandbox.world(request_id=request_id, idempotency_key=key[0] if key else None)
                try:
                    shown = public(route.handler(world, params, **ids))
                    body = json.dumps(expand(world, shown, paths))
                except errors.StripeError as exc:
                    if not exc.keeps_changes:
                        raise
                    error = exc
                world.flush()
                if key:
                    status = error.status if error else 200
                    self._remember(key, status, json.dumps(error.body()) if error else body, request_id)
        except errors.StripeError as exc:
            if key and not exc.is_validation:
                with store.transaction():
                    self._remember(key, exc.status, json.dumps(exc.body()), request_id)
            raise
        self._sandbox.work_was_done()
        if error:
            raise error
        return 200, body

    def _remember(self, key: tuple[str, str], status: int, body: str, request_id: str) -> None:
        self._sandbox.store.execute(
            "INSERT OR REPLACE INTO idempotency (key, fingerprint, created, status, body, request_id) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            *key,
            int(self._sandbox.now()),
            status,
            body,
            request_id,
        )


def _check_key(authorization: str) -> None:
    scheme, _, credentials = authorization.partition(" ")
    key = credentials.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    elif scheme.lower() != "bearer":
        key = ""
    if not key:
        raise errors.Unauthorized("You did not provide an API key.")
    if not _KEY.match(key):
        hidden = key[:8] + "*" * max(0, len(key) - 12) + key[-4:] if len(key) > 12 else "****"
        raise errors.Unauthorized(f"Invalid API Key provided: {hidden}", code="api_key_invalid")
