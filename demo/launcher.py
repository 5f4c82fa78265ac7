"""Starts the Stripe sandbox and the processes of the Procfile, loads the data, and says where everything is.

The sandbox comes first and the rest only when the data is there: the demo's story is told in the past, where no worker
of today should interfere.
"""

import fcntl
import io
import os
import shlex
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, connections
from honcho import manager as honcho
from honcho.environ import parse_procfile

from embedded_postgres.server import Server

START_SECONDS = 60
# A worker ends its tasks first.
STOP_SECONDS = 15
END_SECONDS = 5


def run(say: Callable[[str], None]) -> int:
    """Run the demo until it is interrupted. Returns the exit code. Raises CommandError when it cannot start."""
    if not settings.DEMO:
        raise CommandError("The demo fills the database with invented customers. Set DEMO=1, or run `make demo`.")
    began = time.monotonic()
    with _only_once() as lock:
        _require_free_port(settings.PORTAL_URL, "PORT=8080 make demo")
        if settings.STRIPE_SANDBOX:
            _require_free_port(settings.STRIPE_SANDBOX_URL, "STRIPE_SANDBOX_URL=http://127.0.0.1:12222 make demo")
        say("Preparing the database …")
        try:
            call_command("migrate", verbosity=0)
        except ProgrammingError as error:
            raise CommandError(
                f"The demo's data is of an earlier version ({error}). Remove var/ and run `make demo` again."
            ) from error
        call_command("createcachetable", verbosity=0)
        gate = settings.VAR_DIR / "demo.gate"
        gate.unlink(missing_ok=True)
        manager = _manager(Path(lock.name), gate)
        threading.Thread(target=_fill, args=[manager, gate, say, began], daemon=True).start()
        manager.loop()
    connection.close()
    if "EMBEDDED_DATA_DIR" in settings.DATABASES["default"]:
        Server(Path(settings.DATABASES["default"]["EMBEDDED_DATA_DIR"])).leave()
    say("Stopped. `make demo` goes on where this ended; remove var/ to begin anew.")
    return manager.returncode or 0


def _only_once() -> IO[str]:
    """The lock that this process holds while it lives; the demo's processes end with it."""
    lock = open(settings.VAR_DIR / "demo.lock", "a")  # noqa: SIM115  closed by the caller
    deadline = time.monotonic() + END_SECONDS
    while True:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:  # processes of a launcher that was killed hold it, too, until they have ended
            if time.monotonic() > deadline:
                raise CommandError("The demo is running already. Stop it with Ctrl-C where it runs.") from None
            time.sleep(0.1)


def _require_free_port(url: str, way_out: str) -> None:
    address = urlsplit(url)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.hostname or "127.0.0.1", address.port or 80))
        except OSError as error:
            raise CommandError(f"{address.netloc} cannot be used ({error.strerror}). Try `{way_out}`.") from None


def _manager(lock: Path, gate: Path) -> honcho.Manager:
    honcho.KILL_WAIT = STOP_SECONDS
    manager = honcho.Manager()
    child_process = Path(__file__).with_name("child_process.py")
    environment = os.environ | {
        "DEMO": "1",
        "PORT": str(urlsplit(settings.PORTAL_URL).port or 80),
        "STRIPE_SANDBOX_URL": settings.STRIPE_SANDBOX_URL,
        "VAR_DIR": str(settings.VAR_DIR),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }
    processes = parse_procfile((settings.BASE_DIR / "Procfile").read_text()).processes
    if settings.STRIPE_SANDBOX:
        processes = {"sandbox": _sandbox_command()} | processes
    for name, command in processes.items():
        child = [sys.executable, str(child_process), str(lock), "-" if name == "sandbox" else str(gate)]
        manager.add_process(name, f"exec {shlex.join(child)} {command}", env=environment, cwd=str(settings.BASE_DIR))
    return manager


def _sandbox_command() -> str:
    """The one process of the demo that the Procfile does not know, since an installation has none of it."""
    address = urlsplit(settings.STRIPE_SANDBOX_URL)
    state = settings.VAR_DIR / "stripe-sandbox.sqlite3"
    return shlex.join(["python", "-m", "stripe_sandbox", "--port", str(address.port or 80), "--state", str(state)])


def _fill(manager: honcho.Manager, gate: Path, say: Callable[[str], None], began: float) -> None:
    """Load the data, let the others begin, say where things are. Whatever goes wrong here ends the demo."""
    try:
        if settings.STRIPE_SANDBOX:
            _wait_for(settings.STRIPE_SANDBOX_URL)
        say("Loading the catalogue and the customers; the first time this takes a minute …")
        logins = _run("seed_demo") if settings.STRIPE_SANDBOX else _load_catalogue_only()
        gate.touch()
        _wait_for(f"{settings.PORTAL_URL}/readyz")
        say(_welcome(logins, seconds=time.monotonic() - began))
    except Exception as error:
        say(f"The demo could not start: {error}")
        manager.returncode = 1
        manager.terminate()
    finally:
        connections.close_all()


def _load_catalogue_only() -> str:
    """With a test key of Stripe nobody is invented: nobody would pay there."""
    _run("load_catalog", str(settings.BASE_DIR / "demo" / "catalogue.toml"))
    _run("sync_catalog")
    return f"Payments go to Stripe's test mode. Make a customer at {settings.PORTAL_URL}/accounts/signup/."


def _run(command: str, *arguments: str) -> str:
    """What the command printed, without its remarks on the way."""
    printed = io.StringIO()
    call_command(command, *arguments, stdout=printed, stderr=io.StringIO())
    return printed.getvalue().strip()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310  our own address
            return
        except OSError as error:
            if time.monotonic() > deadline:
                body = error.read().decode() if isinstance(error, urllib.error.HTTPError) else ""
                raise CommandError(f"{url} did not answer within {START_SECONDS} seconds: {error}\n{body}") from None
            time.sleep(0.1)


def _welcome(logins: str, *, seconds: float) -> str:
    portal = settings.PORTAL_URL
    lines = [
        f"The portal is ready ({seconds:.0f} seconds).",
        "",
        f"  Pages        {portal}/",
        f"  Back office  {portal}/{settings.ADMIN_PATH}",
        f"  API          {portal}/api/docs/",
        f"  Mail         {portal}/demo/mail/",
        *([f"  Stripe       {settings.STRIPE_SANDBOX_URL}/_sandbox/"] if settings.STRIPE_SANDBOX else []),
        "",
        *(f"  {line}" for line in logins.splitlines()),
        "",
        "Ctrl-C stops everything.",
    ]
    rule = "─" * 72
    return "\n".join(["", rule, *lines, rule, ""])
