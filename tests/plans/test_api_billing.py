"""`/billing/*`: what is opened, what is previewed, and what is refused by name."""

import pytest

from plans.models import PlanCheckout

pytestmark = pytest.mark.django_db


@pytest.fixture
def product(api, service_key):
    return api(service_key)


def asked(stage, **more):
    return {"organization": stage.organization.public_id, "plan": "pro", "interval": "month"} | more


def error(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_checkout_answers_with_a_page_and_a_purchase(stage, product) -> None:
    answer = product.post("/billing/checkout", asked(stage))
    assert answer.status_code == 201
    assert answer.json() == {
        "url": PlanCheckout.objects.get().url,
        "purchase": PlanCheckout.objects.get().public_id,
    }


def test_the_same_idempotency_key_opens_one_page(stage, product) -> None:
    first, second = (
        product.post("/billing/checkout", asked(stage), headers={"Idempotency-Key": "k1"}) for _ in range(2)
    )
    assert first.json() == second.json()
    other = product.post("/billing/checkout", asked(stage, plan="payg"), headers={"Idempotency-Key": "k1"})
    assert error(other) == (409, "idempotency_mismatch")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"plan": "gold"}, (400, "unknown_plan")),
        ({"interval": "week"}, (400, "invalid")),
        ({"quantity": 3}, (422, "quantity_not_offered")),
        ({"plan": "payg", "interval": "year"}, (422, "interval_not_offered")),
        ({"plan": "team", "quantity": 7}, (422, "quantity_not_offered")),
        ({"plan": "free"}, (422, "plan_not_for_sale")),
        ({"pack": "usd-5"}, (400, "invalid")),
        ({"resume": {"job": 1}}, (400, "invalid")),
        ({"colour": "red"}, (400, "invalid")),
        ({"success_url": "https://evil.example/"}, (400, "invalid")),
        ({"cancel_url": "http://127.0.0.1:8000@evil.example/"}, (400, "invalid")),
    ],
)
def test_what_cannot_be_opened_is_refused_and_opens_nothing(stage, product, change, expected) -> None:
    assert error(product.post("/billing/checkout", asked(stage, **change))) == expected
    assert not PlanCheckout.objects.exists()
    assert stage.sandbox.client.v1.checkout.sessions.list().data == []


def test_return_addresses_under_an_allowed_origin_are_kept(stage, product, settings) -> None:
    settings.CHECKOUT_ALLOWED_ORIGINS = ["https://app.example"]
    back = "https://app.example/billed?job=17"
    assert product.post("/billing/checkout", asked(stage, success_url=back)).status_code == 201
    assert stage.sandbox.client.v1.checkout.sessions.list().data[0].success_url == back


def test_without_a_plan_or_a_pack_there_is_nothing_to_open(stage, product) -> None:
    answer = product.post("/billing/checkout", {"organization": stage.organization.public_id})
    assert error(answer) == (400, "invalid")


def test_the_preview_of_a_first_plan_is_its_first_invoice(stage, product) -> None:
    shown = product.post("/billing/preview", asked(stage)).json()
    assert (shown["total"], shown["currency"], shown["timing"], shown["recurring_amount"]) == (2900, "usd", "now", 2900)
    assert sum(line["amount"] for line in shown["lines"]) == 2900


def test_the_preview_of_a_downgrade_says_when_and_charges_nothing(stage, product) -> None:
    base = stage.begin("pro")
    shown = product.post("/billing/preview", asked(stage, plan="payg")).json()
    assert (shown["timing"], shown["total"], shown["lines"]) == ("renewal", 0, [])
    assert shown["effective_at"].startswith(base.current_period_end.isoformat()[:19])
    assert stage.base.plan.code == "pro"


def test_the_portal_opens_for_the_organizations_own_customer(stage, product, globex_key, api) -> None:
    answer = product.post("/billing/portal", {"organization": stage.organization.public_id})
    assert answer.status_code == 200
    assert answer.json()["url"].startswith(stage.sandbox.url)
    assert error(api(globex_key).post("/billing/portal", {"organization": stage.organization.public_id}))[0] == 404


def test_a_plan_that_is_not_at_stripe_yet_says_so(catalogue, sandbox, acme, product) -> None:
    answer = product.post("/billing/checkout", {"organization": acme.public_id, "plan": "pro", "interval": "month"})
    assert error(answer) == (503, "not_for_sale_yet")
    assert not PlanCheckout.objects.exists()
