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
    ours, _ = StripeWebhookEndpoint.objects.get_or_create(url=url)
    at_stripe = {endpoint["id"]: endpoint for endpoint in gateway.webhook_endpoints()}
    for endpoint in at_stripe.values():
        if endpoint["url"] == url and endpoint["id"] != ours.stripe_id:
            report.edit(
                f"endpoint {endpoint['id']} has our address and a secret that we do not know; what it sends is refused."
                " Delete it at Stripe."
            )
    if ours.stripe_id and ours.stripe_id not in at_stripe:
        report.edit(f"endpoint {ours.stripe_id} was deleted. Registering a new one.")
        ours.stripe_id, ours.secret, ours.idempotency_key = None, "", uuid.uuid4()
        ours.save()
    if ours.stripe_id is None:
        made = gateway.create_webhook_endpoint(
            url=url, enabled_events=events, idempotency_key=str(ours.idempotency_key)
        )
        ours.stripe_id, ours.secret = made["id"], made["secret"]
        ours.save()
        report.change(f"Registered the webhook endpoint {url}.")
        return
    present = at_stripe[ours.stripe_id]
    if sorted(present["enabled_events"]) != events or present["status"] != "enabled":
        gateway.update_webhook_endpoint(
            endpoint=ours.stripe_id, enabled_events=events, idempotency_key=str(uuid.uuid4())
        )
        report.change(f"The webhook endpoint {url} is enabled for {len(events)} kinds of events.")
