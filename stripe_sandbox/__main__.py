"""``python -m stripe_sandbox --port 12111 --state var/stripe-sandbox.sqlite3``"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from typing import Any

from .server import SandboxServer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options shared by this module and the management command."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=12111, help="port to listen on (default 12111)")
    parser.add_argument(
        "--state", default="var/stripe-sandbox.sqlite3", help="SQLite file that keeps everything over a restart"
    )
    parser.add_argument("--public-url", default=None, help="where browsers reach it (default: the address listened on)")


def serve(*, host: str, port: int, state: str, public_url: str | None) -> None:
    """Run in the foreground until SIGINT or SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    server = SandboxServer(host=host, port=port, state=state, public_url=public_url)

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        logging.getLogger("stripe_sandbox").info("Stopped; undelivered webhooks stay queued in %s", state)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m stripe_sandbox", description="A Stripe sandbox of our own.")
    add_arguments(parser)
    serve(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
