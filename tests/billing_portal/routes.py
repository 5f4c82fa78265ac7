"""Every address of the portal, and to whom it is open. `test_every_route_is_scoped` holds them to it.

A new page under `/o/<org_id>/` is one line in PAGES, a new API address one in API. What is rightly open goes into OPEN,
with the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Organization
from tests.billing_portal import belongings as its
from tests.billing_portal.belongings import Parameters, nothing

PAGES: dict[str, Callable[[Organization], Parameters]] = {
    # name of the page: makes something of the organization and returns the further parameters of the address
    "overview": nothing,
    "accounts:invitation_resend": its.an_invitation,
    "accounts:invitation_revoke": its.an_invitation,
    "accounts:invite": nothing,
    "accounts:key_revoke": its.a_key,
    "accounts:keys": nothing,
    "accounts:leave": nothing,
    "accounts:member_remove": its.a_member,
    "accounts:member_role": its.a_member,
    "accounts:settings": nothing,
    "accounts:team": nothing,
    "credits:automation": nothing,
    "credits:buy": nothing,
    "credits:give": nothing,
    "credits:history": nothing,
    "credits:history_csv": its.a_history,
    "credits:overview": nothing,
    "credits:pack_renewal": its.a_recurring_pack,
    "credits:purchase": its.a_purchase,
    "credits:purchase_status": its.a_purchase,
    "credits:purchase_try_again": its.a_purchase,
    "credits:redeem": nothing,
    "credits:threshold": its.a_wallet,
    "credits:top_up_stop": its.a_top_up,
    "notifications:preferences": nothing,
    "plans:cancel": nothing,
    "plans:choose": nothing,
    "plans:fold": nothing,
    "plans:invoices": nothing,
    "plans:keep": nothing,
    "plans:plan": nothing,
    "plans:portal": nothing,
    "plans:review": nothing,
    "plans:take_back": its.a_planned_change,
    "plans:welcome": its.a_checkout,
    "plans:welcome_status": its.a_checkout,
    "usage:csv": its.a_used_meter,
    "usage:meter": its.a_used_meter,
    "usage:overview": nothing,
}


@dataclass(frozen=True)
class Call:
    """A request about an organization: its own key gets an answer other than 404, another's gets 404."""

    method: str
    address: Callable[[Organization], str]
    body: Callable[[Organization], dict[str, Any]] = field(default=nothing)


def get(path: str) -> Call:
    return Call("get", lambda organization: path.format(organization.public_id))


def post(path: str, **body: Any) -> Call:
    """With the organization's id in the body."""
    return Call("post", lambda _: path, lambda organization: {"organization": organization.public_id, **body})


API: dict[str, list[Call]] = {
    # route as it stands in the urls, without `api/v1/`: one call for each method that it answers
    "billing/checkout": [post("/billing/checkout", pack="usd-5")],
    "billing/portal": [post("/billing/portal")],
    "billing/usage": [get("/billing/usage?organization={}")],
    "billing/preview": [post("/billing/preview", plan="pro", interval="month")],
    "events/<str:organization>/<event_id:event_id>/void": [
        Call("post", lambda organization: its.an_event(organization) + "/void", lambda _: {"reason": "A mistake."})
    ],
    "gift-cards/redeem": [post("/gift-cards/redeem", code="ABCD")],
    "holds": [post("/holds", unit="usd", quantity="1", reference="job-2")],
    "holds/<str:hold>": [Call("get", its.a_hold)],
    "holds/<str:hold>/capture": [Call("post", lambda organization: its.a_hold(organization) + "/capture")],
    "holds/<str:hold>/release": [Call("post", lambda organization: its.a_hold(organization) + "/release")],
    "organizations/<str:organization>": [get("/organizations/{}")],
    "organizations/<str:organization>/entitlements": [get("/organizations/{}/entitlements")],
    "organizations/<str:organization>/entitlements/<str:meter>": [get("/organizations/{}/entitlements/sessions")],
    "organizations/<str:organization>/ledger": [get("/organizations/{}/ledger?unit=usd")],
    "organizations/<str:organization>/usage": [get("/organizations/{}/usage?meter=sessions")],
    "organizations/<str:organization>/wallets": [get("/organizations/{}/wallets")],
}

OPEN = {
    "": "the way in",
    "healthz": "for the operator's probes",
    "readyz": "for the operator's probes",
    "favicon.ico": "a picture",
    "robots.txt": "for crawlers",
    "profile/": "the signed-in person's own",
    "organizations/new/": "makes one's own",
    "pricing/": "public",
    "pricing/choose/": "leads on to the visitor's own organization",
    "invitations/<str:token>/": "the signed link is the proof",
    "notifications/unsubscribe/<str:token>/": "the signed link is the proof",
    "demo/mail/": "the demo's mailbox, closed elsewhere",
    "demo/mail/<str:public_id>/": "the demo's mailbox, closed elsewhere",
    "demo/mail/<str:public_id>/html/": "the demo's mailbox, closed elsewhere",
    "styleguide/": "development and demo only",
    "api/docs/": "public documentation",
    "api/v1/schema/": "public documentation",
    "api/v1/events": "each event of another organization is rejected by name, its neighbours accepted",
    "api/v1/organizations": "lists what the key reaches; making one takes a service key",
    "api/v1/organizations/<str:organization>/grants": "takes a service key",
    "api/v1/webhooks/stripe": "Stripe's signature is the proof",
    "api/^.*$": "answers 404 to everything",
}

# Whole branches with tests of their own: the back office (permissions of staff) and sign-in (django-allauth).
BRANCHES = ("admin/", "accounts/")
