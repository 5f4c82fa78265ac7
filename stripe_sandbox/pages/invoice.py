"""Hosted invoices that can be paid, their PDF, and receipts."""

from __future__ import annotations

from .. import cards
from ..errors import StripeError
from ..flows import collection
from ..http import Request, Response
from ..objects import StripeObject
from ..resources import payment_methods
from ..sandbox import Sandbox
from ..values import money
from ..world import World
from . import pdf
from .html import date, form_of, h, message, notice, page, redirect

_SAID = {
    "draft": "Draft",
    "open": "To be paid",
    "paid": "Paid",
    "uncollectible": "Written off",
    "void": "Void",
}


def _rows(invoice: StripeObject) -> list[tuple[str, str]]:
    """Label and amount of every line and total."""
    currency = invoice["currency"]
    rows = [(line["description"] or "Item", money(line["amount"], currency)) for line in invoice["lines"]["data"]]
    taken = sum(entry["amount"] for entry in invoice["total_discount_amounts"])
    tax = sum(entry["amount"] for entry in invoice["total_taxes"])
    if taken:
        rows.append(("Discount", money(-taken, currency)))
    if tax:
        rows.append(("Tax", money(tax, currency)))
    rows.append(("Total", money(invoice["total"], currency)))
    credit = invoice["amount_due"] - invoice["total"]
    if credit and invoice["total"] > 0:
        rows.append(("Customer balance", money(credit, currency)))
    rows.append(("Amount due", money(invoice["amount_due"], currency)))
    return rows


def _invoice(world: World, invoice_id: str) -> StripeObject | None:
    found = world.get(invoice_id)
    is_shown = found is not None and found["object"] == "invoice" and found["status"] != "draft"
    return found if is_shown and not (found or {}).get("deleted") else None


def invoice_page(sandbox: Sandbox, request: Request, invoice_id: str) -> Response:
    """Show an invoice (GET) or pay it (POST)."""
    problem = None
    if request.method == "POST":
        try:
            onward = _pay(sandbox, invoice_id, str(form_of(request).get("card", "")).replace(" ", ""))
        except StripeError as error:
            problem = error.message
        else:
            if onward:
                return redirect(onward)
            problem = "Your card was declined. Nothing was charged. Try another card."
    with sandbox.store.transaction():
        world = sandbox.world()
        invoice = _invoice(world, invoice_id)
        if invoice is None:
            return message("Not found", "There is no such invoice in this sandbox.", status=404)
        merchant = world.setting("account_name")
    rows = "".join(
        f'<li class="{"total" if label in ("Total", "Amount due") else ""}"><span>{h(label)}</span>'
        f'<span class="number">{h(amount)}</span></li>'
        for label, amount in _rows(invoice)
    )
    amount = h(money(invoice["amount_due"], invoice["currency"]))
    state = _SAID[invoice["status"]]
    return page(
        f"Invoice {invoice['number']}",
        f"""<section class="card"><h1>Invoice {h(invoice["number"])}</h1>
<p class="amount">{amount}</p>
<p class="notice {"done" if invoice["status"] == "paid" else "plain"}">{state}</p>
<p class="quiet">From {h(merchant)} to {h(invoice["customer_name"] or invoice["customer_email"] or "customer")},
{date(invoice["effective_at"])}</p>
<ul class="lines">{rows}</ul>
<p><a href="{h(invoice["invoice_pdf"])}">Download PDF</a></p>
{_form(invoice, amount, problem) if invoice["status"] in ("open", "uncollectible") else ""}</section>""",
    )


def _form(invoice: StripeObject, amount: str, problem: str | None) -> str:
    return f"""{notice(problem)}<form method="post">
<div class="field"><label for="card">Card number</label>
<input id="card" name="card" inputmode="numeric" autocomplete="off" value="4242 4242 4242 4242"></div>
<button type="submit">Pay {amount}</button></form>"""


def _pay(sandbox: Sandbox, invoice_id: str, number: str) -> str | None:
    """Where to go next: the invoice again once paid, the bank when it asks; None when the card was declined."""
    with sandbox.store.transaction():
        world = sandbox.world()
        invoice = world.need("invoice", invoice_id)
        address = str(invoice["hosted_invoice_url"])
        if invoice["status"] not in ("open", "uncollectible"):
            return address
        card = cards.BY_NUMBER.get(number)
        if card is None:
            raise payment_methods.unknown_number()
        intent = world.need("payment_intent", invoice["_intent"])
        intent["_return_url"] = address
        method = payment_methods.make_card(world, card)
        status = collection.attempt(world, invoice, method=method, off_session=False, automatic=False)
        world.flush()
    sandbox.work_was_done()
    if status == "requires_action":
        return str(intent["next_action"]["redirect_to_url"]["url"])
    return None if status == "failed" else address


def invoice_pdf(sandbox: Sandbox, invoice_id: str) -> Response:
    """The invoice as a PDF."""
    with sandbox.store.transaction():
        world = sandbox.world()
        invoice = _invoice(world, invoice_id)
        if invoice is None:
            return message("Not found", "There is no such invoice in this sandbox.", status=404)
        merchant = world.setting("account_name")
    lines = [
        f"From {merchant}",
        f"To {invoice['customer_name'] or ''} {invoice['customer_email'] or ''}".strip(),
        f"Issued {date(invoice['effective_at'])} (UTC)",
        f"Status: {_SAID[invoice['status']]}",
        "",
        *(f"{label}: {amount}" for label, amount in _rows(invoice)),
        "",
        "Made by the Stripe sandbox. No real money moved.",
    ]
    body = pdf.document(f"Invoice {invoice['number']}", lines)
    name = f'attachment; filename="invoice-{invoice["number"]}.pdf"'
    return Response(200, body, "application/pdf", {"Content-Disposition": name})


def receipt_page(sandbox: Sandbox, charge_id: str) -> Response:
    """A receipt for a charge."""
    with sandbox.store.transaction():
        world = sandbox.world()
        charge = world.get(charge_id)
        if charge is None or charge["object"] != "charge" or charge["status"] != "succeeded":
            return message("Not found", "There is no such receipt in this sandbox.", status=404)
        merchant = world.setting("account_name")
    currency = charge["currency"]
    refunded = charge["amount_refunded"]
    back = (
        f'<li><span>Refunded</span><span class="number">{h(money(-refunded, currency))}</span></li>' if refunded else ""
    )
    card = charge["payment_method_details"].get("card")
    paid_by = f"{card['brand'].title()} ending in {card['last4']}" if card else "Bank debit"
    return page(
        "Receipt",
        f"""<section class="card"><h1>Receipt from {h(merchant)}</h1>
<p class="amount">{h(money(charge["amount"], currency))}</p>
<p class="quiet">{date(charge["created"])} · {h(paid_by)}</p>
<ul class="lines"><li><span>Paid</span>
<span class="number">{h(money(charge["amount"], currency))}</span></li>{back}</ul>
</section>""",
    )
