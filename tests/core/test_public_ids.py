"""Ids that customers see cannot be guessed, and say what they name."""

import re

from accounts.models import Organization
from core.public_ids import PublicIdField, new_public_id


def test_an_id_is_its_prefix_and_22_random_characters():
    ids = {new_public_id("org") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"org_[A-Za-z0-9]{22}", each) for each in ids)
    assert {character for each in ids for character in each[4:]} == set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    )


def test_a_row_gets_its_id_when_it_is_made_and_nobody_edits_it():
    field = Organization._meta.get_field("public_id")
    assert field.unique and not field.editable
    first, second = Organization(), Organization()
    assert first.public_id.startswith("org_") and first.public_id != second.public_id


def test_a_migration_names_the_prefix_alone():
    _, path, arguments, keywords = PublicIdField("gift").deconstruct()
    assert (path, arguments, keywords) == ("core.public_ids.PublicIdField", ["gift"], {})
