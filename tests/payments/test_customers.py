"""One Stripe customer per organization, whoever asks first and however often."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from accounts.services.organizations import create_organization
from payments.errors import StripeUnavailable
from payments.models import Customer
from payments.services.customers import ensure_customer, organization_of


def stripe_customers(sandbox):
    return [customer.to_dict() for customer in sandbox.client.v1.customers.list().auto_paging_iter()]


def test_first_request_makes_the_customer_and_the_next_ones_find_it(sandbox, acme):
    first = ensure_customer(organization=acme)

    assert ensure_customer(organization=acme) == first
    [customer] = stripe_customers(sandbox)
    assert customer["id"] == first
    assert (customer["name"], customer["email"]) == ("Acme", "billing@acme.example")
    assert customer["metadata"] == {"organization": acme.public_id}
    assert organization_of(stripe_id=first) == acme


def test_each_organization_has_its_own_customer(sandbox, acme, globex):
    assert ensure_customer(organization=acme) != ensure_customer(organization=globex)
    assert len(stripe_customers(sandbox)) == 2


def test_a_lost_answer_makes_no_second_customer(sandbox, acme):
    sandbox.fault("lost", path="/v1/customers", method="POST")
    with pytest.raises(StripeUnavailable):
        ensure_customer(organization=acme)
    assert len(stripe_customers(sandbox)) == 1

    customer = ensure_customer(organization=acme)

    assert [each["id"] for each in stripe_customers(sandbox)] == [customer]


def test_a_rename_between_the_attempts_still_makes_one_customer_and_is_told_afterwards(sandbox, acme):
    sandbox.fault("lost", path="/v1/customers", method="POST")
    with pytest.raises(StripeUnavailable):
        ensure_customer(organization=acme)
    acme.name = "Acme Limited"
    acme.save()

    ensure_customer(organization=acme)
    ensure_customer(organization=acme)

    [customer] = stripe_customers(sandbox)
    assert customer["name"] == "Acme Limited"


def test_an_answer_lost_for_longer_than_stripe_keeps_keys_is_found_by_what_it_made(sandbox, acme):
    sandbox.fault("lost", path="/v1/customers", method="POST")
    with pytest.raises(StripeUnavailable):
        ensure_customer(organization=acme)
    Customer.objects.update(created_at=Customer.objects.get().created_at - timedelta(days=3))
    sandbox.advance(days=3)

    customer = ensure_customer(organization=acme)

    assert [each["id"] for each in stripe_customers(sandbox)] == [customer]


def test_stripe_learns_of_a_new_name_and_of_the_old_one_again(sandbox, acme):
    stripe_id = ensure_customer(organization=acme)
    for name in ("Acme Limited", "Acme", "Acme Limited"):
        acme.name = name
        acme.save()
        assert ensure_customer(organization=acme) == stripe_id
        assert stripe_customers(sandbox)[0]["name"] == name


@pytest.mark.parametrize(
    "fault", [{"kind": "error", "status": 500}, {"kind": "down"}, {"kind": "error", "status": 429}]
)
def test_while_stripe_is_down_nothing_is_made_and_trying_again_works(sandbox, acme, fault):
    sandbox.fault(**fault, path="/v1/customers")
    with pytest.raises(StripeUnavailable):
        ensure_customer(organization=acme)
    assert stripe_customers(sandbox) == []
    assert Customer.objects.get().stripe_id is None

    ensure_customer(organization=acme)

    assert len(stripe_customers(sandbox)) == 1


def test_a_customer_deleted_at_stripe_is_replaced_when_next_needed(sandbox, acme):
    first = ensure_customer(organization=acme)
    sandbox.client.v1.customers.delete(first)
    sandbox.deliver()

    second = ensure_customer(organization=acme)

    assert second != first
    assert organization_of(stripe_id=second) == acme
    assert organization_of(stripe_id=first) is None


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_make_one_customer(sandbox, settings, acme):
    settings.STRIPE_MAX_NETWORK_RETRIES = 5

    def ask(_):
        try:
            return ensure_customer(organization=acme)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        answers = set(pool.map(ask, range(10)))

    assert len(answers) == 1
    assert [each["id"] for each in stripe_customers(sandbox)] == list(answers)


@pytest.mark.django_db(transaction=True)
def test_a_new_organization_becomes_a_customer_right_away(sandbox):
    organization = create_organization(name="Initech", email="billing@initech.example")
    [customer] = stripe_customers(sandbox)
    assert organization.stripe_customer.stripe_id == customer["id"]


@pytest.mark.django_db(transaction=True)
def test_an_organization_is_made_though_stripe_is_down(sandbox):
    sandbox.fault("down", times=9)
    organization = create_organization(name="Initech", email="billing@initech.example")
    sandbox.clear_faults()
    assert stripe_customers(sandbox) == []
    assert ensure_customer(organization=organization)
