"""The webhook endpoint: where Stripe sends its events, and the secret with which it signs them."""

import uuid

from django.conf import settings
from django.urls import reverse

from payments.errors import StripeRefused
from payments.gateway import events as gateway
from payments.inbox.enabled_events import enabled_events
from payments.models import StripeWebhookEndpoint
from payments.stripe_catalogue.report import Report


def sync_endpoint(*, report: Report) -> None:
    """Register our address, or bring the list of events up to date. With `STRIPE_WEBHOOK_SECRET` in the environment
    the operator looks after the endpoint, and nothing is done.
    """
    url = settings.PORTAL_URL + reverse("api_stripe_webhook")
    if settings.STRIPE_WEBHOOK_SECRET:
        report.say("The webhook endpoint is yours (STRIPE_WEBHOOK_SECRET is set).")
        return
    try:
        _register(url, report=report)
    except StripeRefused as refused:
        report.problem(
            f"Stripe does not take {url} as a webhook endpoint: {refused.message} For a machine that Stripe cannot "
            "reach, run `stripe listen --forward-to` this address and set STRIPE_WEBHOOK_SECRET to what it prints."
        )


def _register(url: str, *, report: Report) -> None:
    events = enabled_events()
    endpoint, _ = StripeWebhookEndpoint.objects.get_or_create(url=url)
    at_stripe = {remote["id"]: remote for remote in gateway.webhook_endpoints()}
    for remote in at_stripe.values():
        if remote["url"] == url and remote["id"] != endpoint.stripe_id:
            report.edit(
                f"endpoint {remote['id']} has our address and a secret that we do not know; what it sends is refused."
                " Delete it at Stripe."
            )
    if endpoint.stripe_id and endpoint.stripe_id not in at_stripe:
        report.edit(f"endpoint {endpoint.stripe_id} was deleted. Registering a new one.")
        endpoint.stripe_id, endpoint.secret, endpoint.idempotency_key = None, "", uuid.uuid4()
        endpoint.save()
    if endpoint.stripe_id is None:
        made = gateway.create_webhook_endpoint(
            url=url, enabled_events=events, idempotency_key=str(endpoint.idempotency_key)
        )
        endpoint.stripe_id, endpoint.secret = made["id"], made["secret"]
        endpoint.save()
        report.change(f"Registered the webhook endpoint {url}.")
        return
    present = at_stripe[endpoint.stripe_id]
    if sorted(present["enabled_events"]) != events or present["status"] != "enabled":
        gateway.update_webhook_endpoint(
            endpoint=endpoint.stripe_id, enabled_events=events, idempotency_key=str(uuid.uuid4())
        )
        report.change(f"The webhook endpoint {url} is enabled for {len(events)} kinds of events.")
