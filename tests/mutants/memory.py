"""What is remembered from run to run: how long each test took, and which functions it called.

Forgotten for a test when its file has changed, and for all when anything else of the project has.
"""

import fcntl
import hashlib
import json
from pathlib import Path

from tests.mutants.areas import ROOT

FILE = ROOT / "var" / "mutants.json"
Memory = dict[str, tuple[float, list[list[str]]]]
"""Of each test: seconds, and pairs of file and function."""


def recall() -> Memory:
    if not FILE.exists():
        return {}
    kept = json.loads(FILE.read_text())
    if kept["project"] != _digest_of_project():
        return {}
    return {
        test: (seconds, calls)
        for path, of_file in kept["files"].items()
        if of_file["digest"] == _digest(ROOT / path)
        for test, (seconds, calls) in of_file["tests"].items()
    }


def keep(memory: Memory) -> Memory:
    """Beside what other processes have kept meanwhile; returns all of it."""
    FILE.parent.mkdir(exist_ok=True)
    with FILE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        memory = recall() | memory
        files: dict[str, dict] = {}
        for test, known in memory.items():
            path = test.partition("::")[0]
            of_file = files.setdefault(path, {"digest": _digest(ROOT / path), "tests": {}})
            of_file["tests"][test] = known
        FILE.write_text(json.dumps({"project": _digest_of_project(), "files": files}))
    return memory


def _digest_of_project() -> str:
    found = (path for pattern in ("*/**/*.py", "*/**/*.sql") for path in ROOT.glob(pattern))
    ours = (path for path in found if path.relative_to(ROOT).parts[0] not in (".venv", "var"))
    return _digest(*sorted(path for path in ours if not path.name.startswith("test_") and "mutants" not in path.parts))


def _digest(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()
