"""The whole way over real HTTP: Stripe sends, the portal answers at once and a worker acts."""

from payments.models import StripeEvent


def test_a_webhook_over_http_is_taken_in_and_acted_on(live_sandbox, listen, make_customer):
    heard = listen("customer.created")
    customer = make_customer()

    assert live_sandbox.flush()["delivered"] == 1

    assert [data["id"] for _, data in heard] == [customer]
    assert StripeEvent.objects.get().status == StripeEvent.Status.DONE


def test_what_the_portal_refuses_stays_with_stripe_and_arrives_later(live_sandbox, listen, make_customer, settings):
    heard = listen("customer.created")
    make_customer()
    secret, settings.STRIPE_WEBHOOK_SECRET = settings.STRIPE_WEBHOOK_SECRET, "whsec_wrong"
    assert live_sandbox.flush()["failed"] == 1

    settings.STRIPE_WEBHOOK_SECRET = secret
    assert live_sandbox.flush()["delivered"] == 1
    assert len(heard) == 1
