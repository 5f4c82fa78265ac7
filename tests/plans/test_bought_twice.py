"""What was bought twice is paid back, whatever breaks in between."""

import pytest

from plans.models import PlanCheckout, Subscription
from plans.services.duplicate_subscriptions import refund_duplicates


@pytest.fixture
def surplus(stage):
    """Two tabs, both paid; nothing has been given back yet."""

    def make() -> None:
        first = stage.check_out("pro")
        PlanCheckout.objects.update(status="expired")
        second = stage.check_out("team", quantity=5)
        for checkout in (first, second):
            stage.sandbox.pay(checkout.stripe_session_id)
        stage.sandbox.deliver()  # without the tasks that follow

    stage.begin_with("two plans paid", make=make)
    return Subscription.objects.get(role="surplus")


def refunded(stage) -> int:
    return sum(refund.amount for refund in stage.sandbox.client.v1.refunds.list().data)


@pytest.mark.parametrize("kind", ["down", "lost"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/refunds"), ("DELETE", "/v1/subscriptions")])
def test_a_failure_in_between_is_made_up_for(stage, surplus, kind, method, path) -> None:
    stage.sandbox.fault(kind, path=path, method=method)
    with pytest.raises(Exception, match="not answering"):
        refund_duplicates(organization=stage.organization, now=stage.now)
    stage.sandbox.deliver()
    stage.travel(days=2)  # long after Stripe has forgotten the idempotency keys
    refund_duplicates(organization=stage.organization, now=stage.now)
    stage.sandbox.deliver()
    paid = sum(one.amount_paid for one in stage.invoices() if one.subscription == surplus.stripe_id)
    assert refunded(stage) == paid > 0
    surplus.refresh_from_db()
    assert not surplus.is_live


def test_a_refund_that_failed_meanwhile_is_made_again(stage, surplus) -> None:
    stage.sandbox.fault("down", path="/v1/subscriptions", method="DELETE")
    with pytest.raises(Exception, match="not answering"):
        refund_duplicates(organization=stage.organization, now=stage.now)
    [first] = stage.sandbox.client.v1.refunds.list().data
    stage.sandbox.fail_refund(first)
    stage.travel(days=2)
    refund_duplicates(organization=stage.organization, now=stage.now)
    assert [(refund.amount, refund.status) for refund in stage.sandbox.client.v1.refunds.list().data] == [
        (first.amount, "succeeded"),
        (first.amount, "failed"),
    ]


def test_where_the_first_has_ended_meanwhile_the_second_is_kept(stage, surplus) -> None:
    stage.sandbox.client.v1.subscriptions.cancel(stage.base.stripe_id)  # and we have not heard of it
    assert refund_duplicates(organization=stage.organization, now=stage.now) == []
    assert refunded(stage) == 0
    assert stage.base == surplus
