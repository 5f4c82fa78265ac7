"""Statements on a connection that is kept from request to request."""

import pytest
from django.db import connection

from accounts.models import Organization
from core.prepared_statements import fetch_together, prepared_cursor, row_by
from tests.factories import OrganizationFactory


def by_cursor(organization):
    with prepared_cursor() as cursor:
        cursor.execute("SELECT id FROM accounts_organization WHERE public_id = %s", [organization.public_id])
        return cursor.fetchone()[0]


def together(organization):
    sql = "SELECT id FROM accounts_organization WHERE public_id = %s"
    [[found], [again]] = fetch_together((sql, [organization.public_id]), (sql, [organization.public_id]))
    assert found == again
    return found[0]


def by_row(organization):
    return row_by(Organization, "public_id", organization.public_id).pk


@pytest.mark.parametrize("ask", [by_cursor, together, by_row])
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_closed_is_replaced_before_the_first_statement(ask):
    organization = OrganizationFactory()
    assert ask(organization) == organization.pk
    dead = connection.connection.info.backend_pid
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [dead])
    other.close()

    connection.close_if_unusable_or_obsolete()  # what a request begins with
    assert ask(organization) == organization.pk
    assert connection.connection.info.backend_pid != dead
