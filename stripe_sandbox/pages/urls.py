"""Which page answers which address."""

from __future__ import annotations

from ..http import Request, Response
from ..sandbox import Sandbox
from . import checkout, customer_portal, dashboard, html, invoice


def answer(sandbox: Sandbox, request: Request) -> Response:
    """Answer a request from a browser."""
    parts = [part for part in request.path.split("/") if part]
    match parts:
        case []:
            return html.redirect("/_sandbox/")
        case ["healthz"]:
            return Response(200, b'{"status": "ok"}')
        case ["sandbox.css"]:
            return html.stylesheet()
        case ["c", "pay", session_id]:
            return checkout.session_page(sandbox, request, session_id)
        case ["authenticate", intent_id]:
            return checkout.authentication_page(sandbox, request, intent_id)
        case ["receipts", charge_id]:
            return invoice.receipt_page(sandbox, charge_id)
        case ["i", invoice_id]:
            return invoice.invoice_page(sandbox, request, invoice_id)
        case ["i", invoice_id, "pdf"]:
            return invoice.invoice_pdf(sandbox, invoice_id)
        case ["p", "session", session_id, *action]:
            return customer_portal.portal_page(sandbox, request, session_id, action)
        case _:
            return dashboard.not_found()
