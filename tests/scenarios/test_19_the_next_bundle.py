"""Scenario 19: Team, annual, five; the sixth is refused with the bundle's prorated price; accepting it makes ten."""

import pytest

pytestmark = pytest.mark.django_db


def test_the_sixth_instance_under_block_is_the_next_bundle(stage, customer, backend) -> None:
    customer.subscribe("team", "year", 5)
    [yearly] = stage.live_at_stripe()
    assert [(item.interval, item.quantity) for item in yearly.items] == [("year", 5)]
    backend.report("instances", quantity="5")
    assert backend.may("instances") == (False, "commitment_reached")

    stage.travel(days=73)
    preview = backend.client.post(
        "/billing/preview",
        {"organization": stage.organization.public_id, "plan": "team", "interval": "year", "quantity": 10},
    ).json()
    assert (preview["total"], preview["timing"], preview["recurring_amount"]) == (60000, "now", 150000)
    assert "Due now, with your saved card $600.00" in customer.review("team", "year", 10)
    customer.confirm()
    stage.deliver()

    assert [view.id for view in stage.live_at_stripe()] == [yearly.id]
    backend.report("instances", quantity="6")
    answer = backend.client.get(f"/organizations/{stage.organization.public_id}/entitlements/instances").json()
    assert (answer["allowed"], answer["commitment"]) == (True, {"bought": "10", "used": "6"})
    assert stage.invoices()[-1].total == 60000


@pytest.mark.parametrize(
    ("quantity", "why"), [(4, "smallest quantity is 5"), (7, "choose 5 or 10"), (105, "largest quantity is 100")]
)
def test_a_quantity_that_is_not_sold_comes_back_beside_its_field(stage, customer, quantity, why) -> None:
    assert why in customer.review("team", "year", quantity)
    assert stage.terms.plan == "free"
