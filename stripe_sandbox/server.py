"""The sandbox as a whole: its state, its clock, its background threads, and the HTTP server in front of them."""

from __future__ import annotations

import logging
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from . import control, pages, resources, timeline, webhooks
from .api import Api, Request, Response
from .store import Store
from .world import World

logger = logging.getLogger("stripe_sandbox")

resources.load()


class Sandbox:
    """Everything but the socket."""

    def __init__(self, *, state: str | None = None, public_url: str = "http://127.0.0.1:12111") -> None:
        """Open the state file (``None``: in memory). ``public_url`` is where browsers reach the hosted pages."""
        self.store = Store(state)
        self.public_url = public_url
        self.api = Api(self)
        self.mailman = webhooks.Mailman(self.store)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def now(self) -> float:
        """The sandbox's time, in seconds since the epoch."""
        return timeline.now(self.store)

    def world(self, *, now: int | None = None, **request: Any) -> World:
        """A unit of work at the present moment. Call it inside a transaction of the store."""
        return World(self.store, now=int(self.now()) if now is None else now, public_url=self.public_url, **request)

    def start(self, *, deliver: bool = True) -> None:
        """Start delivering webhooks in the background and doing what falls due as time goes by."""
        for name, work in (("clock", self._keep_time), ("webhooks", self._deliver)):
            if name == "webhooks" and not deliver:
                continue
            thread = threading.Thread(target=work, name=f"sandbox-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Stop the threads and close the file. What was not delivered stays queued in it."""
        self._stop.set()
        self.mailman.wake()
        for thread in self._threads:
            thread.join(timeout=5)
        self.store.close()

    def work_was_done(self) -> None:
        """Something was committed: there may be webhooks to send."""
        self.mailman.wake()

    def handle(self, request: Request) -> Response:
        """Answer any request."""
        try:
            if request.path.startswith(("/v1/", "/v2/")):
                return self.api.answer(request)
            if request.path.startswith("/_sandbox"):
                return control.answer(self, request)
            return pages.answer(self, request)
        except Exception:
            logger.exception("The sandbox failed at %s %s", request.method, request.path)
            body = b'{"error": {"type": "api_error", "message": "The sandbox itself failed; see its log."}}'
            return Response(500, body)

    def _keep_time(self) -> None:
        while not self._stop.wait(1.0):
            try:
                if timeline.run_due(self):
                    self.work_was_done()
            except Exception:
                logger.exception("Something that fell due failed")

    def _deliver(self) -> None:
        while not self._stop.is_set():
            try:
                self.mailman.deliver_due(stop=self._stop)
            except Exception:
                logger.exception("Delivering webhooks failed")
            self.mailman.wait(0.5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "StripeSandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 120
    sandbox: ClassVar[Sandbox]

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            method=self.command,
            path=path,
            query=query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length) if length else b"",
        )
        response = self.sandbox.handle(request)
        if response.dropped:
            self.close_connection = True
            return
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body)
        self.wfile.flush()

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug("%s %s", self.address_string(), format % args)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        # HTTPServer asks DNS for the name of its own address, which can take seconds; nothing here needs it.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("A connection from %s broke", client_address, exc_info=True)


class SandboxServer:
    """A sandbox and its HTTP server, listening from the moment it is made."""

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, state: str | None = None, public_url: str | None = None
    ) -> None:
        """``port=0`` takes a free one; ``public_url`` defaults to the address listened on."""
        handler = type("Handler", (_Handler,), {})
        self._http = _Server((host, port), handler)
        self.url = f"http://{host}:{self._http.server_port}"
        self.sandbox = Sandbox(state=state, public_url=public_url or self.url)
        handler.sandbox = self.sandbox  # type: ignore[attr-defined]
        self._thread: threading.Thread | None = None

    def serve_in_thread(self, *, deliver: bool = True) -> None:
        """Answer requests from a background thread."""
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, name="sandbox-http", daemon=True
        )
        self._thread.start()
        self.sandbox.start(deliver=deliver)

    def serve_forever(self) -> None:
        """Answer requests until interrupted."""
        self.sandbox.start()
        started = time.strftime("%H:%M:%S")
        logger.info("Stripe sandbox listening on %s (%s); dashboard at %s/_sandbox/", self.url, started, self.url)
        try:
            self._http.serve_forever()
        finally:
            self.close()

    def close(self) -> None:
        """Stop listening and close the state."""
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join(timeout=5)
        self._http.server_close()
        self.sandbox.close()
