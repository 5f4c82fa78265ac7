"""The customer portal: the card on file, subscriptions (cancel, or change one's mind), invoices."""

from __future__ import annotations

from .. import cards
from ..api import subscriptions as subscription_requests
from ..errors import StripeError
from ..http import Request, Response
from ..objects import StripeObject
from ..resources import payment_methods, subscriptions
from ..sandbox import Sandbox
from ..values import money
from ..world import World
from .html import date, form_of, h, message, notice, page, redirect

_LIVES_SECONDS = 3600


def portal_page(sandbox: Sandbox, request: Request, secret: str, action: list[str]) -> Response:
    """Show the portal (GET) or do what a form asks (POST)."""
    problem = None
    with sandbox.store.transaction():
        world = sandbox.world()
        session = world.first("billing_portal.session", _secret=secret)
        if session is None or session["created"] < world.now - _LIVES_SECONDS:
            return message("This link has expired", "Go back and open the portal again.", status=410)
        customer = world.need("customer", session["customer"])
    if request.method == "POST":
        try:
            _act(sandbox, customer["id"], session, "/".join(action), form_of(request))
        except StripeError as error:
            problem = error.message
        else:
            return redirect(str(session["url"]))
    with sandbox.store.transaction():
        world = sandbox.world()
        return page("Your billing", _body(world, session, world.need("customer", session["customer"]), problem))


def _act(sandbox: Sandbox, customer_id: str, session: StripeObject, action: str, form: dict[str, str]) -> None:
    with sandbox.store.transaction():
        world = sandbox.world()
        customer = world.need("customer", customer_id)
        features = world.need("billing_portal.configuration", session["configuration"])["features"]
        if action == "card" and features["payment_method_update"]["enabled"]:
            _change_card(world, customer, form.get("card", "").replace(" ", ""))
        elif action in ("cancel", "keep") and features["subscription_cancel"]["enabled"]:
            sub = world.need("subscription", form.get("subscription"), "subscription")
            if sub["customer"] == customer_id and action == "keep":
                subscription_requests.update(world, {"cancel_at_period_end": False}, sub["id"])
            elif sub["customer"] == customer_id and features["subscription_cancel"]["mode"] == "immediately":
                subscription_requests.cancel(world, {}, sub["id"])
            elif sub["customer"] == customer_id:
                subscription_requests.update(world, {"cancel_at_period_end": True}, sub["id"])
        world.flush()
    sandbox.work_was_done()


def _change_card(world: World, customer: StripeObject, number: str) -> None:
    card = cards.BY_NUMBER.get(number)
    if card is None:
        raise payment_methods.unknown_number()
    method = payment_methods.attach(world, payment_methods.make_card(world, card), customer)
    method["_set_up"] = True
    customer["invoice_settings"]["default_payment_method"] = method["id"]
    world.emit_update("customer.updated", customer)
    # A subscription's own card would go on being charged: the customer means all of them.
    for sub in world.find("subscription", customer=customer["id"]):
        if sub["default_payment_method"] and sub["status"] not in subscriptions.ENDED:
            sub["default_payment_method"] = method["id"]
            world.emit_update("customer.subscription.updated", sub)


def _body(world: World, session: StripeObject, customer: StripeObject, problem: str | None) -> str:
    base = f"/p/session/{session['_secret']}"
    features = world.need("billing_portal.configuration", session["configuration"])["features"]
    parts = [f"<h1>Your billing with {h(world.setting('account_name'))}</h1>", notice(problem)]
    if session["return_url"]:
        parts.insert(0, f'<p><a href="{h(session["return_url"])}">← Back to {h(world.setting("account_name"))}</a></p>')
    parts.append(_subscriptions(world, customer, base, features["subscription_cancel"]))
    if features["payment_method_update"]["enabled"]:
        parts.append(_card(world, customer, base))
    if features["invoice_history"]["enabled"]:
        parts.append(_invoices(world, customer))
    return "\n".join(parts)


def _subscriptions(world: World, customer: StripeObject, base: str, feature: StripeObject) -> str:
    live = [s for s in world.find("subscription", customer=customer["id"]) if s["status"] not in subscriptions.ENDED]
    if not live:
        return '<section class="card"><h2>Subscriptions</h2><p>None at the moment.</p></section>'
    rows = []
    for sub in live:
        end = date(subscriptions.period(sub)[1])
        ends = sub["cancel_at_period_end"]
        verb, label = ("keep", "Keep it") if ends else ("cancel", "Cancel")
        form = (
            f'<form method="post" action="{base}/{verb}"><input type="hidden" name="subscription" value="{sub["id"]}">'
            f'<button class="second inline">{label}</button></form>'
            if feature["enabled"]
            else ""
        )
        said = f"Ends on {end}" if ends else f"Renews on {end}"
        state = "" if sub["status"] == "active" else f" · {sub['status'].replace('_', ' ')}"
        what = h(subscriptions.describe(world, sub))
        rows.append(f'<li><div><div>{what}</div><div class="quiet">{said}{state}</div></div>{form}</li>')
    return f'<section class="card"><h2>Subscriptions</h2><ul class="lines">{"".join(rows)}</ul></section>'


def _card(world: World, customer: StripeObject, base: str) -> str:
    method = world.get(customer["invoice_settings"]["default_payment_method"])
    for sub in world.find("subscription", customer=customer["id"]):
        method = method or world.get(sub["default_payment_method"])
    held = "None yet."
    if method is not None and "card" in method:
        card = method["card"]
        held = f"{card['brand'].title()} ending in {card['last4']}, valid to {card['exp_month']}/{card['exp_year']}"
    return f"""<section class="card"><h2>Card</h2><p>{h(held)}</p>
<form method="post" action="{base}/card"><div class="field"><label for="card">New card number</label>
<input id="card" name="card" inputmode="numeric" autocomplete="off" value="5555 5555 5555 4444"></div>
<button class="second">Use this card</button></form></section>"""


def _invoices(world: World, customer: StripeObject) -> str:
    found = [i for i in world.find("invoice", customer=customer["id"]) if i["status"] not in ("draft",)][:24]
    if not found:
        return '<section class="card"><h2>Invoices</h2><p>None yet.</p></section>'
    rows = "".join(
        f'<li><div><a href="{h(i["hosted_invoice_url"])}">{h(i["number"])}</a>'
        f'<div class="quiet">{date(i["effective_at"])} · {h(i["status"])}</div></div>'
        f'<span class="number">{h(money(i["amount_due"], i["currency"]))}</span></li>'
        for i in found
    )
    return f'<section class="card"><h2>Invoices</h2><ul class="lines">{rows}</ul></section>'
