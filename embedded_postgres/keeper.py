"""Waits until nobody uses the server any more, then stops it: `python -m embedded_postgres.keeper DIR`.

It runs by itself beside the server. Users are counted by locks, which the kernel drops with the process that held
them, so a user that was killed counts as gone like one that left.
"""

import sys
from pathlib import Path

from embedded_postgres.server import Server

if __name__ == "__main__":
    Server(Path(sys.argv[1])).stop_when_unused()
