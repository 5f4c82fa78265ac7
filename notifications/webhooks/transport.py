"""One HTTP POST to a receiver's server, which may be slow, endless, broken or hostile.

The connection goes to the addresses that were checked, not to whatever the name means by now; TLS still checks the
name. Redirects are not followed, the answer is read up to a few hundred bytes, and a deadline covers everything from
the first packet on.
"""

import functools
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

from notifications.webhooks.targets import Target

EXCERPT_BYTES = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt went: a status and the beginning of the body, or what kept it from being made."""

    status_code: int | None = None
    excerpt: str = ""
    error: str = ""
    duration_ms: int = 0

    @property
    def accepted(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


def post(target: Target, *, body: bytes, headers: Mapping[str, str], timeout_seconds: float) -> Answer:
    """Send one request and say how it went; trouble on the way is an answer, not an exception."""
    started = time.perf_counter()
    status_code, excerpt, error = None, b"", ""
    deadline = started + timeout_seconds
    try:
        with closing(_PinnedConnection(target, deadline)) as connection, connection.aborted_at_deadline():
            connection.request("POST", target.path, body=body, headers=dict(headers))
            response = connection.getresponse()
            if time.perf_counter() >= deadline:
                raise TimeoutError  # cut off among the headers, which looks like their end
            status_code = response.status
            with suppress(OSError, http.client.HTTPException):  # the status has decided; the body is for people
                excerpt = response.read(EXCERPT_BYTES)
    except ssl.SSLCertVerificationError as problem:
        error = f"The certificate was not accepted: {problem.verify_message}"
    except (OSError, http.client.HTTPException) as problem:
        error = str(problem) or type(problem).__name__
        if isinstance(problem, TimeoutError) or time.perf_counter() >= deadline:
            error = f"No answer within {timeout_seconds:g} seconds."
    if status_code is not None and 300 <= status_code < 400:
        error = "Redirects are not followed. Give the endpoint its final URL."
    return Answer(
        status_code=status_code,
        excerpt=excerpt.decode(errors="replace").replace("\x00", "�"),
        error=error[:300],
        duration_ms=round((time.perf_counter() - started) * 1000),
    )


class _PinnedConnection(http.client.HTTPConnection):
    """Connects to the target's checked addresses, in order, before a deadline (of `time.perf_counter`)."""

    def __init__(self, target: Target, deadline: float) -> None:
        self.default_port = 443 if target.scheme == "https" else 80
        super().__init__(target.host, target.port)
        self._target = target
        self._deadline = deadline

    def _remaining(self) -> float:
        return max(self._deadline - time.perf_counter(), 0.001)

    def connect(self) -> None:
        """A plain connection; `aborted_at_deadline` adds TLS when the deadline is being watched."""
        problem: OSError = OSError("There is no address to connect to.")
        for address in self._target.addresses:
            try:
                self.sock = socket.create_connection((address, self._target.port), timeout=self._remaining())
                return
            except OSError as refused:
                problem = refused
        raise problem

    @contextmanager
    def aborted_at_deadline(self) -> Iterator[None]:
        """Connect, and cut the line when time is up, however often the other side sends another byte."""
        self.connect()
        with closing(self.sock.dup()) as line:
            timer = threading.Timer(self._remaining(), _cut, [line])
            timer.daemon = True
            timer.start()
            try:
                if self._target.scheme == "https":
                    self.sock = _tls().wrap_socket(self.sock, server_hostname=self._target.host)
                yield
            finally:
                timer.cancel()
                timer.join()


def _cut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
