"""The test database: migrated once, copied for every worker of every run.

Migrating takes most of a minute on a busy machine, copying what came of it a second. The migrated database therefore
stays on the server as a template, named after the migrations that made it; when they change, the next run makes another
and drops the old one. A template is built under a provisional name and gets its final one when it is whole, so a run
that is killed on the way leaves nothing that another would take.

Each worker's database is copied anew for every run. With `--reuse-db` it stays after the run and is taken as it was
left, unless the migrations have changed; with `--create-db` the template itself is made anew.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.apps import AppConfig, apps
from django.conf import settings
from django.db import connection
from psycopg import sql

# PostgreSQL cuts longer names off.
LONGEST_NAME = 63


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_keepdb: bool,
    django_db_createdb: bool,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """In place of pytest-django's: a copy of the template instead of a migration for each worker."""
    given_name = connection.settings_dict["NAME"]
    # pytest-django has given each worker of a parallel run a name of its own.
    test_name = connection.settings_dict["TEST"]["NAME"] or f"test_{given_name}"
    digest = _digest_of_migrations()
    with django_db_blocker.unblock():
        with _one_run_at_a_time() as server:
            template = _template(server, given_name, digest, renew=django_db_createdb)
            if not (django_db_keepdb and not django_db_createdb and _remark(server, test_name) == digest):
                _drop(server, test_name)
                _copy(server, template, test_name, remark=digest)
        _connect_to(test_name)
    yield
    with django_db_blocker.unblock():
        _connect_to(given_name)
        if not django_db_keepdb:
            with connection._nodb_cursor() as server:
                # A thread of a test that is over may not have let go of its connection yet.
                _drop(server, test_name, force=True)


@contextmanager
def _one_run_at_a_time() -> Iterator[Any]:
    """A cursor in the server's own database, under a lock that the server drops with the connection of a killed run."""
    with connection._nodb_cursor() as server:
        server.execute("SELECT pg_advisory_lock(hashtext('template of the test databases'))")
        yield server


def _template(server: Any, given_name: str, digest: str, *, renew: bool) -> str:
    """The name of the migrated database, which is made unless it is there; those of other migrations are dropped."""
    prefix = f"test_{given_name}"[: LONGEST_NAME - len("_template_") - len(digest)] + "_template_"
    template, unfinished = f"{prefix}{digest}", f"{prefix}unfinished"
    server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix])
    present = {name for (name,) in server.fetchall()}
    for name in present - (set() if renew else {template}):
        _drop(server, name, force=True)
    if renew or template not in present:
        _migrate(unfinished)
        _connect_to(given_name)
        names = sql.Identifier(unfinished), sql.Identifier(template)
        server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))
    return template


def _migrate(name: str) -> None:
    """Make a new database as Django makes a test database."""
    options = connection.settings_dict["TEST"]
    usual_name, options["NAME"] = options["NAME"], name
    try:
        connection.creation.create_test_db(verbosity=0, serialize=False)
    finally:
        options["NAME"] = usual_name


def _copy(server: Any, source: str, name: str, *, remark: str) -> None:
    names = sql.Identifier(name), sql.Identifier(source)
    server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    server.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(names[0], sql.Literal(remark)))


def _digest_of_migrations() -> str:
    """Changes with whatever a migrated database follows from: migrations, the SQL they read, the packages' versions."""
    digest = hashlib.sha256()
    digest.update(repr(sorted((found.name, found.version) for found in metadata.distributions())).encode())
    for app in apps.get_app_configs():
        for path in _migration_files(app):
            digest.update(f"{app.label}/{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _migration_files(app: AppConfig) -> list[Path]:
    module = settings.MIGRATION_MODULES.get(app.label, f"{app.name}.migrations")
    spec = find_spec(module)
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    files = [path for folder in folders for path in Path(folder).glob("*.py")]
    if Path(app.path).is_relative_to(settings.BASE_DIR):
        files += Path(app.path).rglob("*.sql")
    return sorted(files)


def _connect_to(name: str) -> None:
    connection.close()
    settings.DATABASES[connection.alias]["NAME"] = connection.settings_dict["NAME"] = name


def _remark(server: Any, name: str) -> str | None:
    """What a database says of itself: the migrations that it was copied from. None when it is not there."""
    server.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name])
    found = server.fetchone()
    return found[0] if found else None


def _drop(server: Any, name: str, *, force: bool = False) -> None:
    options = sql.SQL(" WITH (FORCE)" if force else "")
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)) + options)
