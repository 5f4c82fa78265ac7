"""How the API reads requests and answers them, whatever the resource."""

import base64
import threading
import urllib.request
from typing import Any

import pytest
import stripe

from stripe_sandbox.testing import LocalSandbox
from tests.stripe_sandbox.shop import Shop


def test_a_key_that_is_no_sandbox_key_is_refused(sandbox: LocalSandbox) -> None:
    for key in ("sk_live_" + "a" * 24, "sk_test_short", "pk_test_" + "a" * 24):
        stranger = stripe.StripeClient(key, base_addresses={"api": sandbox.url}, max_network_retries=0)
        with pytest.raises(stripe.AuthenticationError) as refusal:
            stranger.v1.customers.list()
        assert refusal.value.http_status == 401
        assert "a" * 24 not in str(refusal.value)


def test_the_key_may_come_as_basic_authentication(sandbox: LocalSandbox) -> None:
    credentials = base64.b64encode(f"{sandbox.api_key}:".encode()).decode()
    request = urllib.request.Request(f"{sandbox.url}/v1/customers", headers={"Authorization": f"Basic {credentials}"})
    assert urllib.request.urlopen(request).status == 200


def test_what_the_sandbox_cannot_do_it_refuses_instead_of_ignoring(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="cannot do") as refusal:
        shop.subscription(
            shop.customer("pm_card_visa"), shop.price(interval="month"), billing_cycle_anchor_config={"day_of_month": 1}
        )
    assert refusal.value.param == "billing_cycle_anchor_config"


def test_every_answer_names_its_request_and_version(client: Any) -> None:
    answer = client.v1.customers.list().last_response
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"] == "2026-05-27.dahlia"


def test_an_unknown_parameter_is_refused_by_name(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.customers.create({"email": "a@example.com", "colour": "red"})
    assert (refusal.value.http_status, refusal.value.code, refusal.value.param) == (400, "parameter_unknown", "colour")
    assert client.v1.customers.list().data == []


def test_an_unknown_nested_parameter_is_refused_by_its_path(client: Any) -> None:
    lines = [{"price": "price_1", "quantity": 1, "colour": "red"}]
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.checkout.sessions.create({"line_items": lines, "success_url": "https://x.example"})
    assert (refusal.value.code, refusal.value.param) == ("parameter_unknown", "line_items[0][colour]")


def test_a_missing_parameter_is_refused_by_name(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.prices.create({"unit_amount": 500})
    assert (refusal.value.code, refusal.value.param) == ("parameter_missing", "currency")


def test_a_number_that_is_none_is_refused(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.prices.create({"currency": "usd", "unit_amount": "ten", "product_data": {"name": "x"}})
    assert (refusal.value.code, refusal.value.param) == ("parameter_invalid_integer", "unit_amount")


def test_a_value_outside_an_enumeration_is_refused(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="must be one of day, month, week, or year"):
        client.v1.prices.create(
            {"currency": "usd", "unit_amount": 5, "product_data": {"name": "x"}, "recurring": {"interval": "moon"}}
        )


def test_an_unknown_id_is_404_in_the_path_and_400_among_the_parameters(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as in_path:
        client.v1.customers.retrieve("cus_nobody")
    assert (in_path.value.http_status, in_path.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as in_form:
        client.v1.prices.create({"currency": "usd", "unit_amount": 5, "product": "prod_none"})
    assert (in_form.value.http_status, in_form.value.code, in_form.value.param) == (400, "resource_missing", "product")


def test_an_unknown_address_is_404(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        client.raw_request("get", "/v1/unicorns")


def test_metadata_is_merged_and_an_empty_value_deletes(client: Any) -> None:
    customer = client.v1.customers.create({"metadata": {"a": "1", "b": "2"}})
    client.v1.customers.update(customer.id, {"metadata": {"b": "", "c": "3"}})
    assert client.v1.customers.retrieve(customer.id).metadata.to_dict() == {"a": "1", "c": "3"}
    client.v1.customers.update(customer.id, {"metadata": ""})
    assert client.v1.customers.retrieve(customer.id).metadata.to_dict() == {}


def test_a_deleted_customer_answers_only_that_it_is_gone(client: Any, shop: Shop) -> None:
    customer = shop.customer()
    client.v1.customers.delete(customer.id)
    gone = client.v1.customers.retrieve(customer.id)
    assert gone.to_dict() == {"id": customer.id, "object": "customer", "deleted": True}
    assert client.v1.customers.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.update(customer.id, {"name": "Back"})


# Lists


def test_a_list_can_be_walked_in_both_directions(client: Any) -> None:
    ids = [client.v1.customers.create({"name": str(n)}).id for n in range(7)][::-1]
    first = client.v1.customers.list({"limit": 3})
    assert ([c.id for c in first.data], first.has_more) == (ids[:3], True)
    second = client.v1.customers.list({"limit": 3, "starting_after": ids[2]})
    assert ([c.id for c in second.data], second.has_more) == (ids[3:6], True)
    last = client.v1.customers.list({"limit": 3, "starting_after": ids[5]})
    assert ([c.id for c in last.data], last.has_more) == (ids[6:], False)
    back = client.v1.customers.list({"limit": 3, "ending_before": ids[5]})
    assert ([c.id for c in back.data], back.has_more) == (ids[2:5], True)
    assert [c.id for c in client.v1.customers.list({"limit": 2}).auto_paging_iter()] == ids


def test_a_list_can_be_bounded_by_time(sandbox: LocalSandbox, client: Any) -> None:
    old = client.v1.customers.create({"name": "old"})
    sandbox.advance(days=2)
    new = client.v1.customers.create({"name": "new"})
    assert [c.id for c in client.v1.customers.list({"created": {"gt": old.created}}).data] == [new.id]
    assert [c.id for c in client.v1.customers.list({"created": {"lte": old.created}}).data] == [old.id]


def test_a_limit_outside_1_to_100_is_refused(client: Any) -> None:
    for limit in (0, 101):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.customers.list({"limit": limit})


# Expanding


def test_ids_expand_into_objects_at_depth_and_in_lists(shop: Shop) -> None:
    session = shop.paid_session(customer=shop.customer().id)
    expanded = shop.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction", "line_items"]}
    )
    assert expanded.payment_intent.latest_charge.balance_transaction.amount == 2000
    assert expanded.line_items.data[0].price.unit_amount == 2000
    listed = shop.v1.checkout.sessions.list({"expand": ["data.customer"]})
    assert listed.data[0].customer.email == "ada@example.com"


def test_what_is_not_there_cannot_be_expanded(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        shop.v1.customers.retrieve(shop.customer().id, {"expand": ["friends"]})
    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        shop.v1.customers.list({"expand": ["data.a.b.c.d"]})


# Idempotency


def test_the_same_key_and_parameters_get_the_first_answer_again(client: Any) -> None:
    options = {"idempotency_key": "order-1"}
    first = client.v1.customers.create({"name": "Ada"}, options)
    again = client.v1.customers.create({"name": "Ada"}, options)
    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(client.v1.customers.list().data) == 1


def test_the_same_key_with_other_parameters_is_refused(client: Any) -> None:
    client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "order-1"})
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"name": "Bob"}, {"idempotency_key": "order-1"})
    assert len(client.v1.customers.list().data) == 1


def test_a_decline_is_replayed_and_not_tried_again(shop: Shop) -> None:
    params = {"amount": 500, "currency": "usd", "payment_method": "pm_card_chargeDeclined", "confirm": True}
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            shop.v1.payment_intents.create(params, {"idempotency_key": "pay-1"})
    assert len(shop.v1.charges.list().data) == 1


def test_a_refused_parameter_leaves_the_key_free(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.create({"colour": "red"}, {"idempotency_key": "k"})
    assert client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"}).name == "Ada"


def test_a_key_is_forgotten_after_a_day(sandbox: LocalSandbox, client: Any) -> None:
    first = client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})
    sandbox.advance(hours=25)
    assert client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"}).id != first.id


def test_a_request_with_a_key_under_way_is_a_conflict(sandbox: LocalSandbox) -> None:
    api = sandbox._server.api
    held, release = threading.Event(), threading.Event()
    store = sandbox._server.sandbox.store

    def hold_the_lock() -> None:
        with store.transaction():
            held.set()
            release.wait(5)

    holder = threading.Thread(target=hold_the_lock)
    holder.start()
    held.wait(5)
    answers: list[Any] = []
    first = threading.Thread(
        target=lambda: answers.append(sandbox.client.v1.customers.create({"name": "A"}, {"idempotency_key": "k"}))
    )
    with api._guard:
        api._in_progress.add("k")
    release.set()
    with pytest.raises(stripe.StripeError) as conflict:
        sandbox.client.v1.customers.create({"name": "A"}, {"idempotency_key": "k"})
    assert conflict.value.http_status == 409
    with api._guard:
        api._in_progress.discard("k")
    first.start()
    first.join(5)
    holder.join(5)
    assert answers[0].name == "A"


def test_state_survives_a_restart(tmp_path: Any) -> None:
    state = str(tmp_path / "state.sqlite3")
    with LocalSandbox(state=state) as before:
        customer = before.client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})
        before.advance(days=3)
        moment = before.now()
    with LocalSandbox(state=state) as after:
        assert after.client.v1.customers.retrieve(customer.id).name == "Ada"
        assert after.now() == moment
