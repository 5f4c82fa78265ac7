"""docs/integrating.md is true: every snippet is run, in order, against a live portal."""

import io
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from credits.models import Purchase, Unit
from credits.services.gift_cards import issue_gift_cards
from notifications.services.endpoints import create_endpoint
from tests.billing_portal.seeds import load_demo_catalogue
from usage.models import UsageEvent

TEXT = (Path(__file__).parents[2] / "docs" / "integrating.md").read_text()
pytestmark = pytest.mark.django_db(transaction=True)


def snippets(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.fixture
def portal(live_sandbox, live_server, settings, monkeypatch) -> str:
    """A live portal that sells the demo's catalogue; its address and a key stand where the examples look for them."""
    settings.WEBHOOKS_ALLOW_PRIVATE_TARGETS = True
    load_demo_catalogue(on_sale=True)
    printed = io.StringIO()
    call_command("create_service_key", name="backend, production", stdout=printed)
    monkeypatch.setenv("BILLING_URL", live_server.url)
    monkeypatch.setenv("BILLING_KEY", printed.getvalue().split()[-1])
    return live_server.url


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def test_the_python_example_does_what_it_says(portal, live_sandbox, monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    endpoint = create_endpoint(url=f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("WEBHOOK_SECRET", endpoint.secret)
    product: dict[str, Any] = {"__name__": "product"}
    rest = iter(snippets("python"))

    def run_until(name: str) -> Any:
        """Run the examples up to the one that defines this name."""
        while name not in product:
            exec(next(rest), product)
        return product[name]

    organization = run_until("organization")
    assert product["again"] == product["acme"]
    assert run_until("second") == {"accepted": 0, "duplicates": 1, "rejected": []}
    assert product["first"] == {"accepted": 1, "duplicates": 0, "rejected": []}
    assert [(each["index"], each["code"]) for each in run_until("answer")["rejected"]] == [(2, "missing_subject")]
    assert run_until("voided")["void_reason"] == "The file was broken."
    assert (run_until("entitlement")["allowed"], product["entitlement"]["code"]) == (True, "allowance")
    assert (run_until("done")["captured"], product["done"]["from_allowance"]) == ("1", "1")
    assert product["run_session"](2, lambda: 1 / 0)["captured"] == "0"

    assert run_until("pay_at").startswith(live_sandbox.url)
    assert product["hold"] is None
    run_until("Receiver")
    server.RequestHandlerClass = product["Receiver"]
    product["Receiver"].log_message = lambda *arguments: None
    with serving(server):
        live_sandbox.pay(Purchase.objects.get().checkout_session)
        for _ in range(3):
            live_sandbox.redeliver()
            live_sandbox.flush()
        assert (run_until("cost")["captured"], product["pay_at"]) == ("4.2", None)
    assert product["paid_jobs"].empty()
    assert [(each["unit"], each["available"]) for each in product["wallets"]] == [("usd", "0.8")]

    redeem = run_until("redeem")
    [(_, code)] = issue_gift_cards(name="Thanks", unit=Unit.objects.get(code="mau"), amount="100", now=timezone.now())
    assert redeem(code)["amount"] == "100"
    assert redeem(code) is None
    assert run_until("two") == product["one"]
    assert Purchase.objects.filter(organization__public_id=organization).count() == 2
    assert list(rest) == []


def test_the_shell_example_does_what_it_says(portal, live_sandbox):
    (script,) = snippets("sh")
    ran = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, env=os.environ)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"insufficient_credits"' in ran.stdout
    assert f"{live_sandbox.url}/c/pay/" in ran.stdout
    assert list(UsageEvent.objects.order_by("event_id").exclude(voided_at=None).values_list("event_id", flat=True)) == [
        "download-1"
    ]
    assert UsageEvent.objects.filter(billable=True, voided_at=None).count() == 2
