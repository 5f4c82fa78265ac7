"""Deployed, every static file has its content's hash in its name, and none refers to one that is not there."""

import json

from django.core.management.utils import get_random_secret_key

from tests.billing_portal.processes import run_manage


def test_static_files_can_be_collected_for_a_deployment(tmp_path):
    done = run_manage(
        "collectstatic",
        "--noinput",
        SECRET_KEY=get_random_secret_key(),
        PORTAL_URL="https://billing.example.com",
        VAR_DIR=str(tmp_path),
    )

    assert done.returncode == 0, done.stderr
    hashed = json.loads((tmp_path / "static/staticfiles.json").read_text())["paths"]
    assert hashed["css/base.css"] != "css/base.css"
    assert (tmp_path / "static" / hashed["css/base.css"]).exists()
