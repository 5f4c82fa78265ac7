"""One organization with something of everything, on the demo's catalogue, for whoever asks the API at random."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from accounts.models import Organization
from credits.services.grants import grant_credits
from credits.services.holds import open_hold
from payments.catalogue_file import load
from payments.stripe_catalogue import sync_catalogue
from tests.plugins_prepared import Prepared
from tests.plugins_stripe import PortalSandbox
from usage.services.ingest import ingest

CATALOGUE = Path(__file__).parents[2] / "demo" / "catalogue.toml"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def load_demo_catalogue(*, on_sale: bool) -> None:
    """What the demo sells; brought to Stripe if it is to be on sale."""
    load(text=CATALOGUE.read_text(), now=LONG_AGO)
    if on_sale:
        sync_catalogue(now=timezone.now())


@dataclass
class Seeds:
    """The names of what there is."""

    organization: str
    hold: str
    names: dict[str, str] = field(
        default_factory=lambda: {"meter": "bandwidth", "unit": "usd", "plan": "pro", "pack": "usd-20"}
    )

    def name_in(self, case: Any) -> None:
        """Let a request be about what there is, wherever it names something."""
        path = {"organization": self.organization, "hold": self.hold, "event_id": "e-1", "meter": "bandwidth"}
        for name in case.path_parameters or {}:
            case.path_parameters[name] = path[name]
        if "organization" in (case.query or {}):
            case.query["organization"] = self.organization
        if isinstance(case.body, dict):
            self._name_in_body(case.body)
            for event in case.body.get("events") or []:
                self._name_in_body(event)

    def _name_in_body(self, body: Any) -> None:
        if isinstance(body, dict):
            known = self.names | {"organization": self.organization}
            body.update({name: value for name, value in known.items() if isinstance(body.get(name), str)})


def plant(organization: Organization, prepared: Prepared, sandbox: PortalSandbox | None = None) -> Seeds:
    """An event, an open hold and some credits of every kind. With `sandbox` what the demo sells is on sale there."""
    now, on_sale = timezone.now(), sandbox is not None
    prepared("the demo's catalogue", on_sale, make=lambda: load_demo_catalogue(on_sale=on_sale), sandbox=sandbox)
    for unit in ("usd", "mau", "bandwidth_gb", "sessions"):
        grant_credits(
            organization=organization,
            unit=unit,
            amount="1000000",
            source="staff",
            reference=f"seed:{unit}",
            announce=False,
            now=now,
        )
    ingest(events=[{"id": "e-1", "organization": organization.public_id, "meter": "bandwidth"}], now=now)
    hold = open_hold(organization=organization, unit="usd", amount="5", reference="seed", now=now)
    return Seeds(organization=organization.public_id, hold=hold.public_id)
