"""The embedded server starts by itself, is shared, outlives nobody, and recovers from whatever happened to it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from embedded_postgres.server import DATABASE, USER, Server
from tests.billing_portal.processes import ROOT

# A user of the server: joins, says so, and stays until its input ends.
USING = """
import sys
from pathlib import Path
from embedded_postgres.server import Server
Server(Path(sys.argv[1])).join()
print("joined", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of our own: pytest closes its own to other users again and again, and root's server is another user."""
    with tempfile.TemporaryDirectory(prefix="portal-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    yield from server_in(folder / "data")


def server_in(data_dir: Path) -> Iterator[Server]:
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    server = Server(data_dir)
    yield server
    assert server.leave(), "the server outlived its users"
    if server.socket_dir != server.data_dir:
        server.socket_dir.unlink(missing_ok=True)


def query(server: Server, sql: str) -> object:
    with psycopg.connect(host=str(server.socket_dir), user=USER, dbname=DATABASE, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchone() if cursor.description else None


def another_user(server: Server) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", USING, str(server.data_dir)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "joined\n"
    return process


def wait_until(true, *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"


def test_the_first_user_gets_a_server_with_our_database_in_utc(server):
    server.join()

    assert query(server, "SELECT current_database(), current_setting('TimeZone')") == (DATABASE, "UTC")


def test_the_data_is_still_there_after_everybody_left(server):
    server.join()
    query(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert server.leave()

    server.join()

    assert query(server, "SELECT answer FROM kept") == (42,)


def test_the_server_stays_while_one_of_several_users_stays(server):
    server.join()
    other = another_user(server)

    assert not server.leave(patience_seconds=0.5)

    other.communicate("")


def test_a_user_that_is_killed_counts_as_gone(server):
    other = another_user(server)
    other.send_signal(signal.SIGKILL)
    other.communicate()

    wait_until(lambda: not server._answers())


def test_it_recovers_when_the_server_itself_was_killed(server):
    server.join()
    query(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(int((server.data_dir / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    wait_until(lambda: not server._answers())

    assert server.leave()
    server.join()

    assert query(server, "SELECT answer FROM kept") == (42,)


def test_a_pid_file_whose_number_is_another_programs_by_now_is_no_obstacle(server):
    server.join()
    pid_file = server.data_dir / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    assert server.leave()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    server.join()

    assert query(server, "SELECT 1") == (1,)


def test_an_interrupted_first_start_is_begun_anew(server):
    unfinished = server._beside("new")
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18")

    server.join()

    assert query(server, "SELECT 1") == (1,)


def test_eight_processes_at_once_share_one_server(server):
    users = [another_user(server) for _ in range(8)]
    server.join()

    starts = server.log.read_text().count("ready to accept connections")
    for user in users:
        user.communicate("")
    assert starts == 1


@pytest.mark.parametrize("name", ["with a space", "x" * 120, "comma,comma"], ids=["space", "long", "comma"])
def test_it_runs_wherever_the_project_lies(folder, name):
    for server in server_in(folder / name / "data"):
        server.join()
        assert query(server, "SELECT 1") == (1,)


def test_only_its_owner_may_enter_the_data(server):
    server.join()

    assert server.data_dir.stat().st_mode & 0o077 == 0


def test_settings_alone_start_nothing(tmp_path):
    from embedded_postgres import database

    settings = database(tmp_path / "data")

    assert settings["HOST"]
    assert list(tmp_path.iterdir()) == []
