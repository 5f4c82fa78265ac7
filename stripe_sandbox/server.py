"""The HTTP server in front of the sandbox: which part of it answers a request."""

from __future__ import annotations

import logging
import socketserver
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from . import control
from .api.requests import Api
from .http import Request, Response
from .pages import urls
from .sandbox import Sandbox

logger = logging.getLogger("stripe_sandbox")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "StripeSandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 120
    answer: ClassVar[Callable[[Request], Response]]

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
        response = type(self).answer(request)
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
        handler = type("Handler", (_Handler,), {"answer": staticmethod(self.answer)})
        self._http = _Server((host, port), handler)
        self.url = f"http://{host}:{self._http.server_port}"
        self.sandbox = Sandbox(state=state, public_url=public_url or self.url)
        self.api = Api(self.sandbox)
        self._thread: threading.Thread | None = None

    def answer(self, request: Request) -> Response:
        """Answer any request."""
        try:
            if request.path.startswith(("/v1/", "/v2/")):
                return self.api.answer(request)
            if request.path.startswith("/_sandbox"):
                return control.answer(self.sandbox, request)
            return urls.answer(self.sandbox, request)
        except Exception:
            logger.exception("The sandbox failed at %s %s", request.method, request.path)
            body = b'{"error": {"type": "api_error", "message": "The sandbox itself failed; see its log."}}'
            return Response(500, body)

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
