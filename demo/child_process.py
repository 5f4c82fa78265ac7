"""Runs a command until it ends by itself, or until the holder of a lock is gone: `child_process.py LOCK GATE COMMAND…`.

The demo's processes run under it, so that they end with the launcher however that ends, `kill -9` included. The lock is
a POSIX record lock: the kernel drops it with the process that took it, and a fork does not inherit it. The command is
not begun before there is a file GATE; `-` means at once.
"""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time


def end_with_the_holder(lock_path: str) -> None:
    with open(lock_path) as lock:
        fcntl.lockf(lock, fcntl.LOCK_SH)
        os.killpg(0, signal.SIGTERM)


def main() -> int:
    lock_path, gate, *command = sys.argv[1:]
    threading.Thread(target=end_with_the_holder, args=[lock_path], daemon=True).start()
    while gate != "-" and not os.path.exists(gate):
        time.sleep(0.1)
    child = subprocess.Popen(command)  # noqa: S603  a line of our Procfile
    # The whole group is told to stop; this process waits for its child to have done so.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    code = child.wait()
    return code if code >= 0 else 128 - code  # as a shell says it


if __name__ == "__main__":
    sys.exit(main())
