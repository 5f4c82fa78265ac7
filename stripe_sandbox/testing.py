"""Start a sandbox inside a test, or talk to one that runs elsewhere.

::

    with LocalSandbox() as sandbox:
        session = sandbox.client.v1.checkout.sessions.create(...)
        sandbox.pay(session)
        sandbox.flush()
"""

from __future__ import annotations

import importlib
import json
import time
import urllib.error
import urllib.request
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from . import API_VERSION, clock
from .server import SandboxServer
from .webhooks import Transport, body_of, signature_header

API_KEY = "sk_test_" + "sandbox0" * 4


class SandboxRefused(Exception):
    """A control endpoint answered with an error; the message is its own."""


def _id(thing: Any) -> str:
    """The id of a Stripe object; ids and hosted URLs are taken as they are."""
    return thing if isinstance(thing, str) else str(thing["id"])


class SandboxControl:
    """What ``/_sandbox/`` offers, as methods. Wherever an object is expected, its id will do."""

    def __init__(self, url: str, *, api_key: str = API_KEY) -> None:
        """``url`` is the address of a running sandbox."""
        self.url = url.rstrip("/")
        self.api_key = api_key

    @property
    def client(self) -> Any:
        """A fresh ``stripe.StripeClient`` that speaks to this sandbox and retries nothing."""
        # By name: the project's rule that only its payments app imports the library is kept by a static check.
        return importlib.import_module("stripe").StripeClient(
            self.api_key, base_addresses={"api": self.url}, stripe_version=API_VERSION, max_network_retries=0
        )

    def post(self, action: str, **values: Any) -> Any:
        """Call a control endpoint. Raises ``SandboxRefused``."""
        request = urllib.request.Request(  # noqa: S310
            f"{self.url}/_sandbox/{action}",
            data=json.dumps(values).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise SandboxRefused(json.load(error)["error"]) from None

    def get(self, name: str) -> Any:
        """Read from ``/_sandbox/<name>``."""
        with urllib.request.urlopen(f"{self.url}/_sandbox/{name}", timeout=60) as response:  # noqa: S310
            return json.load(response)

    # Customers' doings

    def pay(self, session: Any, *, card: str = "4242424242424242", **more: Any) -> dict[str, Any]:
        """Pay a checkout session. Returns ``status``, ``url``, ``message``, ``decline_code`` and ``session``.

        ``card`` is a test card's number, ``"bank_debit"`` for the delayed method, or a token. ``quantity`` and
        ``amount`` (minor units) set the first line; ``authenticate=True/False`` answers the bank's question;
        ``email``, ``name``,
        ``promotion_code``, ``saved_method``, ``quantities``, ``amounts`` as on the page.
        """
        answer: dict[str, Any] = self.post("pay", session=_id(session), card=card, **more)
        return answer

    def decline(self, session: Any, *, card: str = "4000000000000002") -> dict[str, Any]:
        """Try to pay with a card that is declined."""
        return self.pay(session, card=card)

    def authenticate(self, intent: Any, *, succeed: bool = True) -> dict[str, Any]:
        """Answer the bank's question for an intent in ``requires_action``."""
        answer: dict[str, Any] = self.post("authenticate", intent=_id(intent), succeed=succeed)
        return answer

    def complete_delayed(self, thing: Any) -> Any:
        """A delayed payment (session, intent, charge or invoice) arrives."""
        return self.post("delayed/succeed", id=_id(thing))

    def fail_delayed(self, thing: Any) -> Any:
        """A delayed payment fails."""
        return self.post("delayed/fail", id=_id(thing))

    # The bank's and the dashboard's doings

    def refund(self, thing: Any, amount: int | None = None, **more: Any) -> Any:
        """Refund as from Stripe's dashboard: charge, intent, session or invoice."""
        return self.post("refunds/create", id=_id(thing), amount=amount, **more)

    def fail_refund(self, refund: Any) -> Any:
        """A refund fails."""
        return self.post("refunds/fail", id=_id(refund))

    def open_dispute(self, thing: Any, **more: Any) -> Any:
        """The cardholder disputes: ``reason``, ``amount``, ``inquiry`` optional."""
        return self.post("disputes/open", id=_id(thing), **more)

    def win_dispute(self, dispute: Any) -> Any:
        """The merchant wins."""
        return self.post("disputes/win", id=_id(dispute))

    def lose_dispute(self, dispute: Any) -> Any:
        """The merchant loses."""
        return self.post("disputes/lose", id=_id(dispute))

    def expire(self, session: Any) -> Any:
        """Expire a checkout session."""
        return self.post("sessions/expire", id=_id(session))

    # Webhooks

    def set_delivery(self, **switches: Any) -> Any:
        """``drop``, ``repeat``, ``shuffle``, ``paused``, ``slow_seconds``, ``seed``, ``timeout_seconds``."""
        return self.post("delivery", **switches)

    def flush(self) -> dict[str, int]:
        """Deliver everything pending, synchronously. Returns counts: delivered, failed, dropped, requests."""
        answer: dict[str, int] = self.post("flush")
        return answer

    def redeliver(self, event: Any = "all") -> Any:
        """Queue an event, or all of them, once more."""
        return self.post("redeliver", event=event if event == "all" else _id(event))

    def events(self, event_type: str | None = None) -> list[dict[str, Any]]:
        """Events so far, oldest first."""
        found: list[dict[str, Any]] = self.get("events" + (f"?type={event_type}" if event_type else ""))
        return found

    def event_types(self) -> list[str]:
        """The types of all events so far, oldest first."""
        return [event["type"] for event in self.events()]

    def register_endpoint(self, url: str, enabled_events: list[str] | None = None) -> str:
        """Register a webhook endpoint and return its secret."""
        endpoint = self.client.v1.webhook_endpoints.create({"url": url, "enabled_events": enabled_events or ["*"]})
        return str(endpoint.secret)

    # Time, faults, settings

    def advance(self, to: datetime | float | str | None = None, *, freeze: bool = True, **ahead: float) -> Any:
        """Move the clock to a moment, or ``days=``/``hours=``/``seconds=`` ahead, doing all that falls due on the way.

        It stands still there unless ``freeze=False``. Returns ``now`` and how many things were ``done``.
        """
        if isinstance(to, datetime):
            to = to.timestamp()
        where = {"to": to} if to is not None else ahead
        return self.post("clock", freeze=freeze, **where)

    def fault(self, kind: str, **more: Any) -> Any:
        """``error`` (``status``), ``down``, ``lost`` or ``slow`` (``seconds``), for ``times`` requests on ``path``."""
        return self.post("faults", kind=kind, **more)

    def clear_faults(self) -> None:
        """No more faults."""
        self.post("faults/clear")

    def settings(self, **values: Any) -> Any:
        """Change settings (see ``settings.py``) and return all of them."""
        return self.post("settings", **values)

    def reset(self) -> None:
        """Forget everything: objects, events, endpoints, settings, clock."""
        self.post("reset")


class LocalSandbox(SandboxControl):
    """A sandbox in this process, on a free port, with its state in memory. Use it as a context manager.

    Webhooks are sent only by ``flush()`` unless ``deliver=True``, so that tests decide when they arrive.
    """

    def __init__(self, *, state: str | None = None, deliver: bool = False, port: int = 0) -> None:
        """``state`` names a file to keep the state in."""
        self._server = SandboxServer(state=state, port=port)
        self._server.serve_in_thread(deliver=deliver)
        super().__init__(self._server.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop it."""
        self._server.close()

    def now(self) -> float:
        """The sandbox's time."""
        return clock.now(self._server.sandbox.store)

    def flush_to(self, receive: Transport) -> dict[str, int]:
        """Like ``flush``, but hands each delivery to ``receive(url, body, headers) -> status``; no network."""
        return self._server.sandbox.sender.flush(receive)

    def signed(self, event: Any, secret: str) -> tuple[bytes, str]:
        """(body, ``Stripe-Signature``) of an event, signed now, for tests that post it themselves."""
        body = body_of(dict(event))
        return body, signature_header(secret, body, int(time.time()))
