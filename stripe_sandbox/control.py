"""``/_sandbox/…``: what developers and tests can do to the sandbox that Stripe would not let them do.

GET answers JSON (the dashboard itself is HTML). POST takes JSON or a form; a form is sent back to the dashboard.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from . import faults, forms
from .errors import InvalidRequest, StripeError
from .flows import payments
from .flows.checkout import Choice
from .http import Request, Response
from .objects import StripeObject
from .pages import dashboard, html
from .pages.checkout import pay as pay_session
from .resources import checkout_sessions, disputes, refunds
from .sandbox import Sandbox
from .settings import CHANGEABLE, DEFAULTS
from .world import World, public

Action = Callable[[Sandbox, dict[str, Any]], Any]
_ACTIONS: dict[str, Action] = {}


def action(name: str) -> Callable[[Action], Action]:
    """Register ``POST /_sandbox/<name>``."""

    def register(function: Action) -> Action:
        _ACTIONS[name] = function
        return function

    return register


def answer(sandbox: Sandbox, request: Request) -> Response:
    """Answer a request under ``/_sandbox``."""
    name = request.path.removeprefix("/_sandbox").strip("/")
    if request.method == "GET":
        if name == "":
            return dashboard.dashboard(sandbox)
        reader = _READERS.get(name)
        return (
            _json(404, {"error": f"no such page: {name}"}) if reader is None else _json(200, reader(sandbox, request))
        )
    perform = _ACTIONS.get(name)
    if perform is None:
        return _json(404, {"error": f"no such action: {name}"})
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    try:
        if is_form:
            perform(
                sandbox,
                {key: _typed(value) for key, value in forms.decode(request.body.decode()).items() if value != ""},
            )
            return html.redirect("/_sandbox/")
        values = json.loads(request.body or b"{}")
        return _json(200, perform(sandbox, values))
    except StripeError as error:
        problem, status = error.message, error.status
    except (ValueError, TypeError, KeyError) as error:
        problem, status = f"{type(error).__name__}: {error}", 400
    if is_form:
        return html.message("That did not work", problem, link="/_sandbox/", label="Back", status=status)
    return _json(status, {"error": problem})


def _json(status: int, value: Any) -> Response:
    return Response(status, json.dumps(value).encode())


def _typed(text: Any) -> Any:
    """Form fields are text: read numbers and booleans as such."""
    try:
        return json.loads(text)
    except (ValueError, TypeError):
        return text


def _change(sandbox: Sandbox, work: Callable[[World], Any]) -> Any:
    """Do this work and show what it returns."""
    result = sandbox.change(work)
    return public(result) if isinstance(result, dict) else result


# Paying


@action("pay")
def pay(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """Pay a checkout session as a customer would: ``session`` (id or URL), ``card``, …"""
    values = dict(values)
    session = str(values.pop("session")).rstrip("/").rpartition("/")[2]
    authenticate = values.pop("authenticate", None)
    quantity, amount = values.pop("quantity", None), values.pop("amount", None)
    choice = Choice(**values)
    choice.card = str(choice.card)
    if quantity is not None or amount is not None:
        item = _change(sandbox, lambda world: world.need("checkout.session", session)["_items"][0]["id"])
        choice.quantities = {item: int(quantity)} if quantity is not None else {}
        choice.amounts = {item: int(amount)} if amount is not None else {}
    outcome = pay_session(sandbox, session, choice)
    if outcome.status == "requires_action" and authenticate is not None:
        intent_id = str(outcome.url).rpartition("/")[2]
        status = _authenticate(sandbox, {"intent": intent_id, "succeed": authenticate})["status"]
        outcome.status = "complete" if status in ("succeeded", "processing", "requires_capture") else "declined"
    shown = _change(sandbox, lambda world: world.need("checkout.session", session))
    return asdict(outcome) | {"session": shown}


@action("authenticate")
def _authenticate(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """Complete (``succeed``: true) or fail the authentication an ``intent`` waits for."""

    def work(world: World) -> StripeObject:
        intent = world.get(values["intent"])
        if intent is None:
            raise InvalidRequest("There is no such intent.")
        payments.authenticate(world, intent, succeeds=bool(values.get("succeed", True)))
        return intent

    return _change(sandbox, work)


def _intent_of(world: World, object_id: str) -> StripeObject:
    """The payment intent named directly, or by its session, invoice, subscription or charge."""
    found = world.get(object_id)
    if found is None:
        raise InvalidRequest(f"There is no {object_id}.")
    if found["object"] == "subscription":
        found = world.need("invoice", found["latest_invoice"])
    links = {"checkout.session": "_intent", "invoice": "_intent", "charge": "payment_intent"}
    if found["object"] in links:
        return world.need("payment_intent", found[links[found["object"]]])
    return world.need("payment_intent", object_id)


@action("delayed/succeed")
def _delayed_succeeds(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """End a delayed payment well. ``id``: of the session, intent, charge or invoice."""
    return _change(sandbox, lambda w: _ended(w, values["id"], succeeds=True))


@action("delayed/fail")
def _delayed_fails(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """End a delayed payment badly."""
    return _change(sandbox, lambda w: _ended(w, values["id"], succeeds=False))


def _ended(world: World, object_id: str, *, succeeds: bool) -> StripeObject:
    intent = _intent_of(world, object_id)
    payments.end_debit(world, intent, succeeds=succeeds)
    return intent


@action("refunds/fail")
def _refund_fails(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """Let a refund fail."""
    return _change(sandbox, lambda w: refunds.fail(w, w.need("refund", values["id"])))


@action("refunds/succeed")
def _refund_succeeds(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """Let a pending refund succeed."""
    return _change(sandbox, lambda w: refunds.settle(w, w.need("refund", values["id"])))


@action("refunds/create")
def _refund(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """Refund as from Stripe's own dashboard. ``id``: of the charge, intent, session or invoice; ``amount`` optional."""

    def work(world: World) -> StripeObject:
        found = world.get(values["id"])
        charge = (
            found
            if found is not None and found["object"] == "charge"
            else world.need("charge", _intent_of(world, values["id"])["latest_charge"])
        )
        return refunds.make(
            world, charge, values.get("amount"), reason=values.get("reason"), metadata=values.get("metadata")
        )

    return _change(sandbox, work)


@action("disputes/open")
def _dispute(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """Open a dispute. ``id``: of the charge, intent, session or invoice."""

    def work(world: World) -> StripeObject:
        found = world.get(values["id"])
        charge_id = (
            found["id"] if found and found["object"] == "charge" else _intent_of(world, values["id"])["latest_charge"]
        )
        return disputes.make(
            world,
            world.need("charge", charge_id),
            reason=values.get("reason", "fraudulent"),
            inquiry=bool(values.get("inquiry", False)),
            amount=values.get("amount"),
        )

    return _change(sandbox, work)


@action("disputes/win")
def _dispute_won(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """The merchant wins."""
    return _change(sandbox, lambda w: disputes.close(w, w.need("dispute", values["id"]), won=True))


@action("disputes/lose")
def _dispute_lost(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """The merchant loses."""
    return _change(sandbox, lambda w: disputes.close(w, w.need("dispute", values["id"]), won=False))


@action("sessions/expire")
def _expire(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """Expire a checkout session."""
    return _change(sandbox, lambda w: checkout_sessions.expire(w, w.need("checkout.session", values["id"])))


# Webhooks


@action("delivery")
def _delivery(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """Set delivery switches."""
    return asdict(sandbox.sender.change(**values))


@action("flush")
def _flush(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """Deliver everything pending now."""
    return sandbox.sender.flush()


@action("redeliver")
def _redeliver(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """Queue an event again for every endpoint. ``event``: its id, or ``"all"``."""
    which = values.get("event", "all")
    with sandbox.store.transaction():
        endpoints = [e for e in sandbox.world().find("webhook_endpoint") if e["status"] == "enabled"]
        events = [e for e in sandbox.world().find("event") if which in ("all", e["id"])]
        count = 0
        for event in reversed(events):
            for endpoint in endpoints:
                if "*" in endpoint["enabled_events"] or event["type"] in endpoint["enabled_events"]:
                    sandbox.store.execute(
                        "INSERT INTO deliveries (event, endpoint) VALUES (?, ?)", event["id"], endpoint["id"]
                    )
                    count += 1
    sandbox.work_was_done()
    return {"queued": count}


# Clock, faults, settings


@action("clock")
def _clock(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """Move the clock ``to`` (ISO 8601 or seconds), or ``days``, ``hours``, ``seconds`` ahead; ``freeze`` stops it."""
    if "to" in values:
        to = values["to"]
        target = datetime.fromisoformat(to).timestamp() if isinstance(to, str) else float(to)
    else:
        ahead = (
            float(values.get("days", 0)) * 86400
            + float(values.get("hours", 0)) * 3600
            + float(values.get("seconds", 0))
        )
        target = sandbox.now() + ahead
    done = sandbox.advance(target, freeze=bool(values.get("freeze", False)))
    return {"now": sandbox.now(), "done": done}


@action("faults")
def _fault(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """Make the next requests fail: see ``faults.py``."""
    return asdict(faults.inject(sandbox.store, **values))


@action("faults/clear")
def _no_faults(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """Forget all faults."""
    faults.clear(sandbox.store)
    return {}


@action("settings")
def _settings(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """Change settings by name."""
    unknown = set(values) - CHANGEABLE
    if unknown:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    with sandbox.store.transaction():
        for name, value in values.items():
            sandbox.store.set_setting(name, value)
    return _read_settings(sandbox)


@action("reset")
def _reset(sandbox: Sandbox, values: dict[str, Any]) -> Any:
    """Forget everything."""
    with sandbox.store.transaction():
        sandbox.store.clear()
    return {}


# Reading


def _read_settings(sandbox: Sandbox) -> Any:
    return {name: sandbox.store.setting(name, DEFAULTS[name]) for name in sorted(CHANGEABLE)}


def _read_events(sandbox: Sandbox, request: Request) -> Any:
    """All events, oldest first; ``?type=`` picks one type."""
    wanted = forms.decode(request.query).get("type")
    with sandbox.store.transaction():
        events = sandbox.world().find("event")
    return [public(event) for event in reversed(events) if wanted in (None, event["type"])]


def _read_deliveries(sandbox: Sandbox, request: Request) -> Any:
    """The delivery log, newest first."""
    return [dict(row) for row in sandbox.store.rows("SELECT * FROM deliveries ORDER BY seq DESC LIMIT 500")]


def _read_state(sandbox: Sandbox, request: Request) -> Any:
    """What there is, and how the switches stand."""
    counts = sandbox.store.rows("SELECT type, count(*) AS n FROM objects GROUP BY type ORDER BY type")
    pending = sandbox.store.rows("SELECT state, count(*) AS n FROM deliveries GROUP BY state")
    return {
        "now": sandbox.now(),
        "objects": {row["type"]: row["n"] for row in counts},
        "deliveries": {row["state"]: row["n"] for row in pending},
        "delivery": asdict(sandbox.sender.settings()),
        "settings": _read_settings(sandbox),
        "faults": sandbox.store.setting("faults", []),
    }


_READERS: dict[str, Callable[[Sandbox, Request], Any]] = {
    "state": _read_state,
    "events": _read_events,
    "deliveries": _read_deliveries,
    "settings": lambda sandbox, request: _read_settings(sandbox),
    "healthz": lambda sandbox, request: {"status": "ok"},
}
