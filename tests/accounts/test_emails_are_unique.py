"""One person per email address, however it is written."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User


def test_an_address_is_one_person_whatever_its_case(alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user(email="ALICE@Acme.Example", password="x")
    assert User.objects.get(email="Alice@ACME.example") == alice
    assert User.objects.count() == 1


def test_the_database_refuses_upper_case_by_any_road(alice):
    shouted = "UPDATE accounts_user SET email = 'Alice@acme.example' WHERE id = %s"
    with (
        pytest.raises(IntegrityError, match="user_email_is_lower_case"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(shouted, [alice.pk])
