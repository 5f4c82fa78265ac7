"""Fault injection, the clock, settings, reset, and the developer's dashboard."""

import urllib.request

import pytest
import stripe

from stripe_sandbox.testing import LocalSandbox, SandboxRefused
from tests.stripe_sandbox.shop import Shop, iso


def test_an_injected_error_does_nothing_and_passes(sandbox: LocalSandbox) -> None:
    sandbox.fault("error", status=503, times=2)
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failure:
            sandbox.client.v1.customers.create({"name": "Ada"})
        assert failure.value.http_status == 503
    assert sandbox.client.v1.customers.list().data == []


def test_a_lost_answer_has_done_the_work(sandbox: LocalSandbox) -> None:
    sandbox.fault("lost")
    with pytest.raises(stripe.APIConnectionError):
        sandbox.client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})
    again = sandbox.client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})
    assert [customer.id for customer in sandbox.client.v1.customers.list().data] == [again.id]


def test_while_it_is_down_nothing_happens(sandbox: LocalSandbox) -> None:
    sandbox.fault("down")
    with pytest.raises(stripe.APIConnectionError):
        sandbox.client.v1.customers.create({"name": "Ada"})
    assert sandbox.client.v1.customers.list().data == []


def test_a_fault_can_be_aimed_at_one_path(sandbox: LocalSandbox) -> None:
    sandbox.fault("error", path="/v1/refunds", method="POST")
    assert sandbox.client.v1.customers.create({"name": "Ada"}).name == "Ada"
    assert sandbox.client.v1.refunds.list().data == []
    with pytest.raises(stripe.APIError):
        sandbox.client.v1.refunds.create({"charge": "ch_1"})


def test_faults_can_be_taken_back(sandbox: LocalSandbox) -> None:
    sandbox.fault("error", times=100)
    sandbox.clear_faults()
    assert sandbox.client.v1.customers.list().data == []


def test_the_clock_stands_where_it_was_put_and_never_goes_back(sandbox: LocalSandbox) -> None:
    sandbox.advance("2027-01-31T12:00:00+00:00")
    assert sandbox.now() == 1801396800
    assert sandbox.client.v1.customers.create({}).created == 1801396800
    assert sandbox.client.v1.customers.list().data
    with pytest.raises(SandboxRefused, match="forward"):
        sandbox.advance("2027-01-30T12:00:00+00:00")
    assert sandbox.now() == 1801396800


def test_an_empty_sandbox_can_be_put_at_any_moment(sandbox: LocalSandbox) -> None:
    sandbox.advance("2001-01-31T12:00:00+00:00")
    assert iso(sandbox.client.v1.customers.create({}).created) == "2001-01-31"


def test_an_unknown_setting_switch_or_fault_is_refused(sandbox: LocalSandbox) -> None:
    with pytest.raises(SandboxRefused, match="unknown settings"):
        sandbox.settings(colour="red")
    with pytest.raises(SandboxRefused):
        sandbox.set_delivery(colour="red")
    with pytest.raises(SandboxRefused):
        sandbox.fault("earthquake")


def test_reset_forgets_everything(sandbox: LocalSandbox) -> None:
    sandbox.client.v1.customers.create({"name": "Ada"})
    sandbox.advance(days=400)
    sandbox.settings(tax_percent="19")
    sandbox.reset()
    assert sandbox.client.v1.customers.list().data == []
    assert sandbox.events() == []
    assert sandbox.settings()["tax_percent"] == "0"


def test_the_dashboard_shows_what_happened_and_its_buttons_work(shop: Shop) -> None:
    session = shop.paid_session()
    page = urllib.request.urlopen(f"{shop.sandbox.url}/_sandbox/").read().decode()
    assert "checkout.session.completed" in page
    charge = shop.v1.charges.list().data[0]
    assert charge.id in page
    form = urllib.request.Request(f"{shop.sandbox.url}/_sandbox/refunds/create", data=f"id={charge.id}".encode())
    assert "refunded" in urllib.request.urlopen(form).read().decode()
    assert shop.v1.refunds.list({"payment_intent": session.payment_intent}).data[0].amount == 2000
