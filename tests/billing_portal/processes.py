"""Running the project in processes of its own, as an operator would."""

import os
import subprocess
import sys
from pathlib import Path

from django.db import connection

from bench.server import url

ROOT = Path(__file__).resolve().parents[2]
# What the test run itself was given must not decide what these processes are.
OURS = ("DEMO", "VAR_DIR", "DEBUG", "PORT", "ALLOWED_HOSTS", "STRIPE_", "EMAIL_URL", "LOG_", "DJANGO_")


def environment(**variables: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return inherited | {"DJANGO_SETTINGS_MODULE": "billing_portal.settings"} | variables


def database_url() -> str:
    """The database of the running test, for a process beside it."""
    return url(connection.settings_dict)


def run_manage(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """`manage.py …` with only these variables, to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=120,
    )
