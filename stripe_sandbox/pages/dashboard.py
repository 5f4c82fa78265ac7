"""The developer's dashboard at ``/_sandbox/``: what happened, and levers to make more happen."""

from __future__ import annotations

import json
from typing import Any

from ..http import Response
from ..objects import StripeObject
from ..sandbox import Sandbox
from ..values import money
from ..world import World
from .html import h, instant, message, page


def not_found() -> Response:
    """404."""
    return message("Not found", "There is no such page.", link="/_sandbox/", label="Dashboard", status=404)


def dashboard(sandbox: Sandbox) -> Response:
    """The whole dashboard."""
    with sandbox.store.transaction():
        world = sandbox.world()
        parts = [
            f"<h1>Stripe sandbox</h1><p>It is {h(instant(sandbox.now()))} here.</p>",
            f'<div class="grid">{_clock()}{_delivery(sandbox)}{_faults(sandbox)}</div>',
            _payments(world),
            _refunds(world),
            _disputes(world),
            _invoices(world),
            _sessions(world),
            _events(sandbox, world),
        ]
    return page("Dashboard", "\n".join(part for part in parts if part), wide=True)


def _button(action: str, label: str, **values: Any) -> str:
    hidden = "".join(f'<input type="hidden" name="{h(k)}" value="{h(v)}">' for k, v in values.items())
    button = f'<button class="second inline">{h(label)}</button>'
    return f'<form method="post" action="/_sandbox/{action}">{hidden}{button}</form>'


def _buttons(*buttons: str) -> str:
    return f'<div class="row">{"".join(buttons)}</div>'


def _table(title: str, heads: list[str], rows: list[list[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{h(name)}</th>' for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<section class="card"><h2>{h(title)}</h2>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{h(title)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></section>"
    )


def _clock() -> str:
    steps = _buttons(*(_button("clock", f"+{d} day{'s' if d > 1 else ''}", days=d) for d in (1, 7, 31, 366)))
    return f"""<section class="card"><h2>Clock</h2>
<p class="quiet">Moving it does everything that falls due on the way. It never moves back; a reset does that.</p>{steps}
<form method="post" action="/_sandbox/clock"><div class="field"><label for="to">To (UTC)</label>
<input id="to" name="to" placeholder="2027-01-31T12:00:00+00:00" required></div>
<button class="second inline">Move</button></form></section>"""


def _delivery(sandbox: Sandbox) -> str:
    now = sandbox.sender.settings()
    pending = sandbox.store.rows("SELECT count(*) AS n FROM deliveries WHERE state = 'pending'")[0]["n"]
    return f"""<section class="card"><h2>Webhooks</h2><p>{pending} pending.
{"Paused." if now.paused else ""} Dropping {now.drop:.0%}, {now.repeat} of each{
        ", shuffled" if now.shuffle else ""
    }.</p>
{
        _buttons(
            _button("flush", "Deliver now"),
            _button("delivery", "Resume", paused="false")
            if now.paused
            else _button("delivery", "Pause", paused="true"),
            _button("delivery", "Behave", drop=0, repeat=1, shuffle="false", paused="false", slow_seconds=0),
            _button("delivery", "Misbehave", drop=0.3, repeat=3, shuffle="true"),
        )
    }</section>"""


def _faults(sandbox: Sandbox) -> str:
    waiting = sandbox.store.setting("faults", [])
    said = h(json.dumps(waiting)) if waiting else "None waiting."
    return f"""<section class="card"><h2>Faults</h2><p><code>{said}</code></p>
{
        _buttons(
            _button("faults", "Next answer: 500", kind="error", times=1),
            _button("faults", "Down for 5", kind="down", times=5),
            _button("faults", "Lose next answer", kind="lost", times=1),
            _button("faults", "Next one slow", kind="slow", seconds=5, times=1),
            _button("faults/clear", "None"),
        )
    }</section>"""


def _code(text: Any) -> str:
    return f"<code>{h(text)}</code>"


def _payments(world: World) -> str:
    rows = []
    for charge in world.find("charge")[:15]:
        actions = []
        if charge["status"] == "pending":
            actions = [
                _button("delayed/succeed", "Arrives", id=charge["id"]),
                _button("delayed/fail", "Fails", id=charge["id"]),
            ]
        elif charge["status"] == "succeeded" and not charge["refunded"]:
            actions = [_button("refunds/create", "Refund", id=charge["id"])]
            if not charge["disputed"]:
                actions.append(_button("disputes/open", "Dispute", id=charge["id"]))
        amount = money(charge["amount"], charge["currency"])
        rows.append([_code(charge["id"]), h(amount), h(_state(charge)), _buttons(*actions)])
    return _table("Payments", ["Charge", "Amount", "Status", "Do"], rows)


def _state(charge: StripeObject) -> str:
    if charge["disputed"]:
        return "disputed"
    if charge["amount_refunded"]:
        return "refunded" if charge["refunded"] else "partly refunded"
    return str(charge["status"])


def _refunds(world: World) -> str:
    rows = []
    for refund in world.find("refund")[:10]:
        actions = []
        if refund["status"] in ("succeeded", "pending"):
            actions.append(_button("refunds/fail", "Fails", id=refund["id"]))
        if refund["status"] == "pending":
            actions.append(_button("refunds/succeed", "Succeeds", id=refund["id"]))
        amount = money(refund["amount"], refund["currency"])
        rows.append([_code(refund["id"]), h(amount), h(refund["status"]), _buttons(*actions)])
    return _table("Refunds", ["Refund", "Amount", "Status", "Do"], rows)


def _disputes(world: World) -> str:
    rows = []
    for dispute in world.find("dispute")[:10]:
        actions = []
        if dispute["status"] not in ("won", "lost", "warning_closed"):
            actions = [
                _button("disputes/win", "Win", id=dispute["id"]),
                _button("disputes/lose", "Lose", id=dispute["id"]),
            ]
        amount = money(dispute["amount"], dispute["currency"])
        rows.append([_code(dispute["id"]), h(amount), h(dispute["status"]), _buttons(*actions)])
    return _table("Disputes", ["Dispute", "Amount", "Status", "Do"], rows)


def _invoices(world: World) -> str:
    rows = [
        [
            f'<a href="{h(invoice["hosted_invoice_url"])}">{h(invoice["number"])}</a>'
            if invoice["hosted_invoice_url"]
            else _code(invoice["id"]),
            h(money(invoice["amount_due"], invoice["currency"])),
            h(invoice["status"]),
            h(invoice["billing_reason"]),
            h(instant(invoice["next_payment_attempt"])) if invoice["next_payment_attempt"] else "",
        ]
        for invoice in world.find("invoice")[:10]
    ]
    return _table("Invoices", ["Number", "Due", "Status", "Why", "Next attempt"], rows)


def _sessions(world: World) -> str:
    rows = []
    for session in world.find("checkout.session")[:10]:
        link = f'<a href="{h(session["url"])}">open page</a>' if session["url"] else ""
        amount = money(session["amount_total"] or 0, session["currency"] or "usd")
        rows.append(
            [_code(session["id"][:24] + "…"), h(amount), h(session["status"]), h(session["payment_status"]), link]
        )
    return _table("Checkout sessions", ["Session", "Amount", "Status", "Payment", "Page"], rows)


def _events(sandbox: Sandbox, world: World) -> str:
    states: dict[str, list[str]] = {}
    for row in sandbox.store.rows("SELECT event, state, last_status FROM deliveries ORDER BY seq DESC LIMIT 500"):
        states.setdefault(row["event"], []).append(f"{row['state']} {row['last_status'] or ''}".strip())
    rows = [
        [
            h(instant(event["created"])),
            _code(event["type"]),
            _code(event["data"]["object"].get("id", "")),
            h(", ".join(states.get(event["id"], ["nobody asked"]))),
            _button("redeliver", "Again", event=event["id"]),
        ]
        for event in world.store.select("event", limit=40)
    ]
    return _table("Events", ["When", "Type", "About", "Delivery", "Send"], rows)
