"""How we reach Stripe: one client, with key, version, base address, timeout and retries all explicit.

The same transport is put under the `stripe` library's globals, which dj-stripe uses when it follows references, so that
nothing in this process can reach another host than `STRIPE_API_BASE`.
"""

import functools
import os
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any

import stripe
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from payments.gateway.error_translation import translated
from payments.stripe_objects.fields import StripeObject

STRIPE_HOST = "https://api.stripe.com"


class PinnedTransport(stripe.RequestsClient):
    """An HTTP client that opens one base address and no other."""

    def __init__(self, *, base: str, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._base = base.rstrip("/") + "/"

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **kwargs: Any
    ) -> Any:
        self._refuse_other_hosts(url)
        return super().request(method, url, headers, post_data)

    def request_stream(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **kwargs: Any
    ) -> Any:
        self._refuse_other_hosts(url)
        return super().request_stream(method, url, headers, post_data)

    def _refuse_other_hosts(self, url: str) -> None:
        if not url.startswith(self._base):
            raise ImproperlyConfigured(f"Refused to open {url}: payments go to {self._base} and nowhere else.")


def client() -> stripe.StripeClient:
    """The client for the present settings. Raises `ImproperlyConfigured` when they contradict each other."""
    base, retries = settings.STRIPE_API_BASE, settings.STRIPE_MAX_NETWORK_RETRIES
    refuse_mixed_modes(base=base, sandbox=settings.STRIPE_SANDBOX)
    transport = _transport(base=base, timeout=settings.STRIPE_TIMEOUT_SECONDS)
    stripe.api_base = stripe.upload_api_base = stripe.connect_api_base = stripe.meter_events_api_base = base
    stripe.api_version = settings.STRIPE_API_VERSION
    stripe.max_network_retries = retries
    stripe.default_http_client = transport
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        stripe_version=settings.STRIPE_API_VERSION,
        base_addresses={"api": base, "connect": base, "files": base, "meter_events": base},
        max_network_retries=retries,
        http_client=transport,
    )


@functools.lru_cache(maxsize=8)
def _transport(*, base: str, timeout: float) -> PinnedTransport:
    return PinnedTransport(base=base, timeout=timeout)


def refuse_mixed_modes(*, base: str, sandbox: bool) -> None:
    """The sandbox never opens Stripe, and Stripe's key never goes to another host."""
    if sandbox and "stripe.com" in base:
        raise ImproperlyConfigured("STRIPE_SECRET_KEY is not set, so payments must go to the sandbox, not to Stripe.")
    if not sandbox and base != STRIPE_HOST:
        raise ImproperlyConfigured(f"STRIPE_SECRET_KEY is set: payments go to {STRIPE_HOST}, not to {base}.")


# A forked worker must not share its parent's open connection.
os.register_at_fork(after_in_child=_transport.cache_clear)


def read(operation: str, *path: str, **params: object) -> StripeObject:
    """A call that changes nothing, such as `read("customers.retrieve", "cus_…", expand=["…"])`."""
    with translated():
        return _plain(_operation(operation)(*path, params=given(params)))


def read_all(operation: str, *path: str, maximum: int | None = None, **params: object) -> Iterator[StripeObject]:
    """Every object of a list, page by page, newest first as Stripe lists; at most `maximum` of them."""
    with translated():
        page = _operation(operation)(*path, params=given({"limit": 100} | params))
        for index, item in enumerate(page.auto_paging_iter()):
            if maximum is not None and index >= maximum:
                return
            yield _plain(item)


def write(operation: str, *path: str, idempotency_key: str, **params: object) -> StripeObject:
    """A call that changes something at Stripe, once for this idempotency key."""
    with translated():
        return _plain(_operation(operation)(*path, params=given(params), options={"idempotency_key": idempotency_key}))


def given(params: Mapping[str, object]) -> dict[str, object]:
    """Without what is None: Stripe distinguishes absent from empty."""
    return {name: value for name, value in params.items() if value is not None}


def _operation(name: str) -> Any:
    _refuse_inside_transaction()
    return attrgetter(name)(client().v1)


def _refuse_inside_transaction() -> None:
    """Raises `RuntimeError` when a transaction of ours is open (the one around a test does not count)."""
    with transaction.atomic(durable=True):
        pass


def _plain(answer: Any) -> StripeObject:
    data: StripeObject = answer.to_dict(for_json=True)
    return data
