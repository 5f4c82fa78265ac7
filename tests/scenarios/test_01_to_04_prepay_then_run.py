"""Prepay, then run: a product that processes things holds credits before a job and settles after it."""

from decimal import Decimal

import pytest

from credits.models import CreditGrant, Unit
from tests.credits.shop import bring_to_stripe, make_pack

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def packs(sandbox):
    found = {price: make_pack(f"usd-{price}", credits=str(price), price=price * 100) for price in (5, 20, 50)}
    bring_to_stripe()
    return found


@pytest.fixture
def product(api, service_key):
    """The product's backend."""
    return api(service_key)


def hold(product, organization, quantity, reference):
    body = {"organization": organization.public_id, "unit": "usd", "quantity": quantity, "reference": reference}
    return product.post("/holds", body)


def buy(product, organization, pack, sandbox, **more):
    answer = product.post("/billing/checkout", {"organization": organization.public_id, "pack": pack, **more})
    assert answer.status_code == 201
    sandbox.pay(answer.json()["url"].rsplit("/", 1)[-1].partition("?")[0].partition("#")[0])
    sandbox.deliver()
    return answer.json()


def wallet(product, organization):
    [found] = product.get(f"/organizations/{organization.public_id}/wallets").json()["results"]
    return found


def test_scenario_1_a_job_waits_for_its_payment_and_then_starts(acme, packs, product, receiver, sandbox):
    receiver.subscribe(organization=acme)
    refused = hold(product, acme, "5", "job-17")
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "insufficient_credits")
    details = refused.json()["error"]["details"]
    assert [(pack["code"], pack["credits"], pack["price"]) for pack in details["packs"]] == [
        ("usd-5", "5", 500),
        ("usd-20", "20", 2000),
        ("usd-50", "50", 5000),
    ]
    assert acme.public_id in details["checkout_url"]
    sandbox.set_delivery(repeat=3, shuffle=True, seed=17)

    buy(product, acme, "usd-5", sandbox, resume={"job": 17})

    assert receiver.unsigned == []
    [granted] = receiver.of_type("credits.granted")
    assert (granted.data["organization"], granted.data["resume"]) == (acme.public_id, {"job": 17})
    assert hold(product, acme, "5", "job-17").status_code == 201


def test_scenario_2_a_job_that_cost_more_leaves_debt_and_the_next_purchase_repays_it(acme, packs, product, sandbox):
    buy(product, acme, "usd-5", sandbox)
    held = hold(product, acme, "5", "job-1").json()
    captured = product.post(f"/holds/{held['id']}/capture", {"quantity": "6"}).json()
    assert (captured["captured"], captured["debt"]) == ("6", "1")
    refused = hold(product, acme, "1", "job-2")
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "debt")
    assert wallet(product, acme)["debt"] == "1"

    buy(product, acme, "usd-20", sandbox)

    assert (wallet(product, acme)["available"], wallet(product, acme)["debt"]) == ("19", "0")
    assert hold(product, acme, "1", "job-2").status_code == 201


def test_scenario_3_what_to_set_aside_follows_from_what_jobs_cost(acme, packs, product, sandbox):
    for _ in range(3):
        buy(product, acme, "usd-50", sandbox)
    costs = [Decimal("1.20") + (Decimal("4.90") - Decimal("1.20")) * step / 39 for step in range(40)]
    costs = [cost.quantize(Decimal("0.001")) for cost in costs]
    for number, cost in enumerate(costs):
        held = hold(product, acme, "5", f"job-{number}").json()
        product.post(f"/holds/{held['id']}/capture", {"quantity": str(cost)})
    # The 38th of 40 costs, 4.71025 before rounding to the unit's cent; the floor of 5 stands above it.
    assert wallet(product, acme)["reserve_suggested"] == "5"
    Unit.objects.filter(code="usd").update(reserve_floor=0)
    assert sorted(costs)[37] == Decimal("4.710")
    assert wallet(product, acme)["reserve_suggested"] == "4.71"
    Unit.objects.filter(code="usd").update(step="0.25")
    assert wallet(product, acme)["reserve_suggested"] == "4.75"


def test_scenario_4_a_failed_job_costs_nothing(acme, packs, product, sandbox):
    buy(product, acme, "usd-5", sandbox)
    held = hold(product, acme, "5", "job-1").json()
    assert wallet(product, acme)["available"] == "0"
    captured = product.post(f"/holds/{held['id']}/capture", {"quantity": "3", "status": "failed"})
    assert (captured.status_code, captured.json()["captured"]) == (200, "0")
    assert (wallet(product, acme)["available"], wallet(product, acme)["held"]) == ("5", "0")
    assert CreditGrant.objects.get().remaining == 5
