"""The hosted checkout page and the bank's authentication page."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation

from .. import cards
from ..errors import StripeError
from ..flows import checkout, payments
from ..flows.checkout import Choice, Outcome
from ..http import Request, Response
from ..objects import StripeObject
from ..resources import checkout_sessions
from ..sandbox import Sandbox
from ..values import THREE_DECIMAL, ZERO_DECIMAL, money
from ..world import World
from .html import form_of, h, message, notice, page, redirect


def _places(currency: str) -> int:
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def session_page(sandbox: Sandbox, request: Request, session_id: str) -> Response:
    """Show the page (GET) or pay (POST). Only what was shown is charged: otherwise the page is shown again."""
    if request.method != "POST":
        return _show(sandbox, session_id, {}, None)
    form: dict[str, str] = form_of(request)
    try:
        seen = _reckon(sandbox, session_id, form)
        if seen is not None and (form.get("action") == "update" or form.get("total") != str(seen)):
            changed = "The total has changed. Please check it before you pay."
            return _show(sandbox, session_id, form, None if form.get("action") == "update" else changed)
        outcome = pay(sandbox, session_id, _choice(sandbox, session_id, form))
    except StripeError as error:
        return _show(sandbox, session_id, form, error.message)
    if outcome.url:
        return redirect(outcome.url)
    problem = f"{outcome.message} Nothing was charged. Try another card." if outcome.status == "declined" else None
    return _show(sandbox, session_id, form, problem)


def _reckon(sandbox: Sandbox, session_id: str, form: dict[str, str]) -> int | None:
    """What this form would cost; None when there is nothing left to decide."""
    choice = _choice(sandbox, session_id, form)
    with sandbox.store.transaction():
        world = sandbox.world()
        session = world.need("checkout.session", session_id)
        if session["status"] != "open" or not session["_items"]:
            return None
        return int(_preview(world, session, choice)["amount_total"])


def _show(sandbox: Sandbox, session_id: str, form: dict[str, str], problem: str | None) -> Response:
    with sandbox.store.transaction():
        world = sandbox.world()
        session = world.get(session_id)
        if session is None or session["object"] != "checkout.session":
            return message("Not found", "There is no such checkout session in this sandbox.", status=404)
        if session["status"] == "complete":
            return message(
                "Already paid" if session["payment_status"] == "paid" else "Completed",
                "This checkout is complete. Nothing more will be charged.",
                link=checkout.return_url(session),
                label="Back to the shop",
            )
        if session["status"] == "expired" or session["expires_at"] <= world.now:
            return message(
                "This page has expired",
                "Nothing was charged. Go back to the shop and start again.",
                link=session["cancel_url"] or "",
                label="Back to the shop",
                status=410,
            )
    shown = session
    if form and session["_items"]:
        # What was chosen is shown, but not kept: it counts only once it is paid.
        choice = _choice(sandbox, session_id, form)
        with sandbox.store.transaction():
            try:
                shown = _preview(sandbox.world(), session, choice)
            except StripeError as error:
                problem = problem or error.message
    with sandbox.store.transaction():
        world = sandbox.world()
        return page(f"Pay {world.setting('account_name')}", _body(world, shown, form, problem))


def pay(sandbox: Sandbox, session_id: str, choice: Choice) -> Outcome:
    """Pay a session; used by the page and by ``/_sandbox/pay``. Raises ``StripeError`` for impossible choices."""
    return sandbox.change(lambda world: checkout.pay(world, world.need("checkout.session", session_id), choice))


def _choice(sandbox: Sandbox, session_id: str, form: dict[str, str]) -> Choice:
    with sandbox.store.transaction():
        session = sandbox.world().need("checkout.session", session_id)
    quantities: dict[str, int] = {}
    amounts: dict[str, int] = {}
    for item in session["_items"]:
        if f"quantity-{item['id']}" in form:
            text = form[f"quantity-{item['id']}"].strip()
            quantities[item["id"]] = int(text) if text.isdigit() else -1
        if f"amount-{item['id']}" in form:
            try:
                exact = Decimal(form[f"amount-{item['id']}"]).scaleb(_places(session["currency"]))
            except InvalidOperation:
                exact = Decimal(-1)
            amounts[item["id"]] = int(exact) if exact == exact.to_integral_value() else -1
    method = form.get("method", "card")
    return Choice(
        card=form.get("card", "") if method == "card" else method,
        email=form.get("email") or None,
        name=form.get("name") or None,
        quantities=quantities,
        amounts=amounts,
        promotion_code=form.get("promotion_code") or None,
        saved_method=method if method.startswith("pm_") else None,
    )


def _preview(world: World, session: StripeObject, choice: Choice) -> StripeObject:
    """The session as it would be with this choice; nothing is written. Raises ``InvalidRequest``."""
    copy: StripeObject = json.loads(json.dumps(session))
    checkout.apply_choice(world, copy, choice)
    return copy


_INTERVALS = {"day": "day", "week": "week", "month": "month", "year": "year"}


def _body(world: World, session: StripeObject, form: dict[str, str], problem: str | None) -> str:
    merchant = world.setting("account_name")
    currency = session["currency"] or "usd"
    total = money(session["amount_total"] or 0, currency)
    items = "".join(_line(world, session, item) for item in session["_items"])
    details = session["total_details"] or {}
    extra = "".join(
        f'<li><span>{label}</span><span class="number">{h(money(amount, currency))}</span></li>'
        for label, amount in (("Discount", -details.get("amount_discount", 0)), ("Tax", details.get("amount_tax", 0)))
        if amount
    )
    setup = session["mode"] == "setup"
    verb = "Save card" if setup else "Start trial" if checkout_sessions.has_trial(session) else f"Pay {total}"
    if session["mode"] == "subscription" and not checkout_sessions.has_trial(session):
        verb = f"Subscribe and pay {total}"
    heading = "Save a card" if setup else f"Pay {merchant}"
    amount = "" if setup else f'<p class="amount">{h(total)}</p>'
    cancel = session["cancel_url"]
    back = f'<p><a href="{h(cancel)}">← Back to {h(merchant)}</a></p>' if cancel else ""
    trial = ""
    if checkout_sessions.has_trial(session):
        trial = '<p class="quiet">The trial is free. The subscription begins when it ends.</p>'
    return f"""
{back}
<section class="card" aria-labelledby="what">
<h1 id="what">{h(heading)}</h1>
{amount}{trial}
<p class="quiet">{currency.upper()} · charged by {h(merchant)}</p>
<form method="post" id="pay">
<ul class="lines">{items}{extra}
{"" if setup else f'<li class="total"><span>Total due</span><span class="number">{h(total)}</span></li>'}
</ul>
{_promotion(session, form)}
{notice(problem)}
{_contact(world, session, form)}
{_methods(world, session, form)}
<input type="hidden" name="total" value="{session["amount_total"] or 0}">
<button type="submit">{h(verb)}</button>
{_update_button(session)}</form>
</section>
{_test_cards()}
"""


def _update_button(session: StripeObject) -> str:
    """For those who change a quantity, an amount or a code and want to see the total first."""
    changes = session["allow_promotion_codes"] or any(
        item["adjustable_quantity"] or item["_unit_amount"] is not None for item in session["_items"]
    )
    return '<p></p><button class="second" name="action" value="update">Update total</button>' if changes else ""


def _line(world: World, session: StripeObject, item: StripeObject) -> str:
    price = world.need("price", item["price"])
    currency = session["currency"]
    recurring = price["recurring"]
    every = ""
    if recurring:
        count = recurring["interval_count"]
        unit = _INTERVALS[recurring["interval"]]
        every = f" per {unit}" if count == 1 else f" every {count} {unit}s"
    each = checkout_sessions.unit_amount(world, item)
    label = h(item["description"])
    note = ""
    name = f"quantity-{item['id']}"
    if item["_unit_amount"] is not None:
        places = _places(currency)
        value = Decimal(item["_unit_amount"]).scaleb(-places)
        name = f"amount-{item['id']}"
        note = (
            f'<div class="field"><label for="{name}">Amount in {currency.upper()}</label>'
            f'<input id="{name}" name="{name}" '
            f'inputmode="decimal" class="small" value="{value}" required></div>'
        )
    elif item["adjustable_quantity"]:
        limits = item["adjustable_quantity"]
        note = (
            f'<div class="field"><label for="{name}">Quantity</label><input id="{name}" name="{name}" type="number" '
            f'class="small" min="{limits["minimum"]}" max="{limits["maximum"]}" '
            f'value="{item["quantity"]}" required></div>'
        )
    elif (item["quantity"] or 1) > 1:
        note = f'<div class="quiet">Quantity {item["quantity"]}</div>'
    if recurring and recurring["usage_type"] == "metered":
        note = f'<div class="quiet">Billed by use{every}</div>'
    elif recurring and each == int(each) and price["billing_scheme"] == "per_unit":
        note += f'<div class="quiet">{h(money(int(each), currency))}{every}</div>'
    amount = h(money(item["amount_subtotal"], currency))
    return f'<li><div><div>{label}</div>{note}</div><span class="number">{amount}</span></li>'


def _promotion(session: StripeObject, form: dict[str, str]) -> str:
    if not session["allow_promotion_codes"]:
        return ""
    value = h(form.get("promotion_code", ""))
    return (
        '<div class="field"><label for="promotion_code">Promotion code (optional)</label>'
        f'<input id="promotion_code" name="promotion_code" value="{value}" autocomplete="off"></div>'
    )


def _contact(world: World, session: StripeObject, form: dict[str, str]) -> str:
    customer = world.get(session["customer"])
    known = (customer and customer["email"]) or session["customer_email"]
    if known:
        return f'<p class="quiet">Receipt to {h(known)}</p>'
    value = h(form.get("email", "customer@example.com"))
    return (
        '<div class="field"><label for="email">Email</label>'
        f'<input id="email" name="email" type="email" autocomplete="email" value="{value}" required></div>'
    )


def _methods(world: World, session: StripeObject, form: dict[str, str]) -> str:
    saved = (
        [m for m in world.find("payment_method", customer=session["customer"]) if m["type"] == "card"]
        if session["customer"]
        else []
    )
    chosen = form.get("method", saved[0]["id"] if saved and not form else "card")
    options = [(m["id"], f"{m['card']['brand'].title()} ending in {m['card']['last4']} (saved)") for m in saved[:3]] + [
        ("card", "Card")
    ]
    if "us_bank_account" in session["payment_method_types"]:
        options += [
            (cards.DELAYED, "Bank debit: succeeds days later"),
            (cards.DELAYED_FAILS, "Bank debit: fails days later"),
        ]
    choices = "".join(
        f'<label class="choice"><input type="radio" name="method" value="{h(value)}"'
        f"{' checked' if value == chosen else ''}>{h(label)}</label>"
        for value, label in options
    )
    number = h(form.get("card", "4242 4242 4242 4242"))
    return f"""
<fieldset><legend>Pay with</legend>{choices}</fieldset>
<div class="field"><label for="card">Card number</label>
<input id="card" name="card" inputmode="numeric" autocomplete="off" value="{number}"></div>
<div class="pair">
<div class="field"><label for="expiry">Expiry</label>
<input id="expiry" name="expiry" value="12 / 34" autocomplete="off"></div>
<div class="field"><label for="cvc">Security code</label>
<input id="cvc" name="cvc" value="123" autocomplete="off"></div>
</div>
"""


def _test_cards() -> str:
    rows = "".join(
        f"<tr><td><code>{' '.join(card.number[i : i + 4] for i in range(0, len(card.number), 4))}</code></td>"
        f"<td>{h(card.what)}</td></tr>"
        for card in cards.CARDS
    )
    return (
        '<details><summary>Test cards</summary><div class="scroll"><table><thead><tr><th scope="col">Number</th>'
        f'<th scope="col">What it does</th></tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def authentication_page(sandbox: Sandbox, request: Request, intent_id: str) -> Response:
    """The bank asks its customer: complete or fail."""
    outcome = form_of(request).get("outcome") if request.method == "POST" else None
    with sandbox.store.transaction():
        world = sandbox.world()
        intent = world.get(intent_id)
        if intent is None or intent["object"] not in ("payment_intent", "setup_intent"):
            return message("Not found", "There is nothing to authenticate here.", status=404)
        if outcome in ("complete", "fail"):
            payments.authenticate(world, intent, succeeds=outcome == "complete")
            world.flush()
        status = intent["status"]
        session = world.get(intent.get("_session"))
        amount = money(intent["amount"], intent["currency"]) if "amount" in intent else None
        merchant = world.setting("account_name")
    if status != "requires_action":
        sandbox.work_was_done()
        if status == "requires_payment_method" and session is not None:
            return message(
                "Not authenticated",
                "Your bank did not approve this. Nothing was charged.",
                link=f"/c/pay/{session['id']}",
                label="Try again",
            )
        target = intent.get("_return_url")
        return redirect(target) if target else message("Done", f"The payment is {status.replace('_', ' ')}.")
    asks = f"Do you approve {h(amount)} to {h(merchant)}?" if amount else f"May {h(merchant)} keep this card?"
    return page(
        "Your bank asks",
        f"""<section class="card"><h1>Your bank asks</h1><p>{asks}</p>
<form method="post"><p><button name="outcome" value="complete">Complete authentication</button></p>
<button class="second" name="outcome" value="fail">Fail authentication</button></form></section>""",
    )
