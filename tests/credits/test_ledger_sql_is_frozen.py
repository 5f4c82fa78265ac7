"""What a migration has installed somewhere cannot be edited here: every database is as its migrations say."""

import hashlib
import re
import shutil
from importlib import import_module
from pathlib import Path

import pytest

CREDITS = Path(__file__).parents[2] / "credits"
SQL = CREDITS / "sql"
HOW_TO_GO_ON = (
    "is frozen: databases were made with it. Put what you change into a new version with a migration of its own, as "
    "docs/ledger.md says under “Changing the SQL”."
)


def edited_files(version: Path) -> list[str]:
    """Files of this version that were changed, added or removed since their checksums were recorded."""
    lines = (version / "SHA256SUMS").read_text().splitlines()
    recorded = {name: digest for digest, name in (line.split() for line in lines)}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in version.glob("*.sql")}
    return sorted(name for name in recorded.keys() | found.keys() if recorded.get(name) != found.get(name))


@pytest.mark.parametrize("version", sorted(SQL.iterdir()), ids=lambda version: version.name)
def test_no_file_of_a_version_was_edited(version):
    assert not edited_files(version), f"{version}/{edited_files(version)[0]} {HOW_TO_GO_ON}"


def test_an_edit_an_addition_and_a_removal_are_noticed(tmp_path):
    version = shutil.copytree(SQL / "v1", tmp_path / "v1")
    with (version / "posting.sql").open("a") as file:
        file.write("-- Only a comment.\n")
    (version / "burn_order.sql").unlink()
    (version / "bonus.sql").write_text("SELECT 1;\n")
    assert edited_files(version) == ["bonus.sql", "burn_order.sql", "posting.sql"]


def test_the_first_version_is_installed_whole():
    installed = import_module("credits.migrations.0002_ledger").FILES
    assert sorted(installed) == sorted(path.stem for path in (SQL / "v1").glob("*.sql"))


def test_migrations_read_no_file_that_is_not_frozen():
    reading = [path for path in (CREDITS / "migrations").glob("*.py") if "read_text" in path.read_text()]
    assert reading
    for path in reading:
        folders = re.findall(r'"sql"(?: / "(\w+)")?', path.read_text())
        assert folders, path
        assert all(re.fullmatch(r"v\d+", folder) for folder in folders), f"{path} reads what may be edited later"
