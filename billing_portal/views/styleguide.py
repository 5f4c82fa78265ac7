"""The living style guide: every component of templates/components with sample data.

Served at /styleguide/ in development and in the demo; docs/design-system.md is its text.
"""

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


class SampleForm(forms.Form):
    name = forms.CharField(help_text="As it should appear on invoices.")
    email = forms.EmailField(label="Billing email")
    note = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)
    role = forms.ChoiceField(choices=[("owner", "Owner"), ("billing_admin", "Billing admin"), ("member", "Member")])
    interval = forms.ChoiceField(
        choices=[("month", "Monthly"), ("year", "Yearly")],
        widget=forms.RadioSelect,
        help_text="Yearly saves two months.",
    )
    alerts = forms.BooleanField(label="Email me when credits run low", required=False, help_text="Once per top-up.")


NAV = ["Overview", "Credits", "Usage", "Plan", "Invoices", "Team & keys"]

SHORT_MONTHS = ["Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov"]
MAU = [640, 710, 690, 820, 905, 980, 1120, 1240, 1180, 1390, 1510, 1600]


def sample_months() -> list[dict[str, object]]:
    return [
        {
            "short": short,
            "label": f"{short} {2025 if short == 'Dec' else 2026}",
            "included": min(mau, 1000),
            "credits": max(0, min(mau - 1000, 400)),
            "billed": max(0, mau - 1400),
            "total": f"{mau:,}",
        }
        for short, mau in zip(SHORT_MONTHS, MAU, strict=True)
    ]


def sample_plans() -> list[dict[str, object]]:
    return [
        {
            "name": "Free",
            "tagline": "To try it out.",
            "prices": [{"amount": "$0", "per": "a month", "note": "for ever"}],
            "features": ["100 sessions a month", "5 at a time", "Community support"],
            "current": True,
        },
        {
            "name": "Pro",
            "tagline": "For a product in use.",
            "badge": "Most chosen",
            "featured": True,
            "prices": [
                {
                    "interval": "month",
                    "amount": "$29",
                    "per": "a month",
                    "note": "billed monthly",
                    "url": "#",
                    "cta": "Upgrade",
                },
                {
                    "interval": "year",
                    "amount": "$290",
                    "per": "a year",
                    "note": "$24.17 a month, saves $58",
                    "url": "#",
                    "cta": "Upgrade",
                },
            ],
            "features": ["400 sessions a month, then $0.07 each", "Priority support (24 h)", "SLA 99.9 %"],
        },
        {
            "name": "Team",
            "tagline": "By the instance, from five.",
            "prices": [
                {"interval": "month", "amount": "$15", "per": "an instance a month", "note": "at least 5", "url": "#"},
                {
                    "interval": "year",
                    "amount": "$150",
                    "per": "an instance a year",
                    "note": "$12.50 a month each",
                    "url": "#",
                },
            ],
            "features": ["Everything in Pro", "Instances in bundles of five"],
        },
    ]


def styleguide(request: HttpRequest) -> HttpResponse:
    bound = SampleForm({"email": "ada@northwind", "interval": "year"})
    bound.add_error(None, "Two things need your attention before this can be saved.")
    return render(
        request,
        "styleguide.html",
        {
            "nav": [{"label": label, "url": "#", "current": label == "Overview"} for label in NAV],
            "interval": "year" if request.GET.get("interval") == "year" else "month",
            "form": SampleForm(auto_id="sample_%s"),
            "bound_form": bound,
            "months": sample_months(),
            "plans": sample_plans(),
            "page_obj": Paginator(range(90), 10).get_page(request.GET.get("page", 2)),
            "stats": [
                {"label": "This period so far", "value": "$32.50", "note": "estimate in USD"},
                {"label": "Sessions", "value": "450", "note": "of 400 included"},
                {"label": "Renews", "value": "3 Dec 2026", "note": "in 12 days"},
                {"label": "Credits", "value": "8,400 MAU", "note": "last into February"},
            ],
            "facts": [
                {"label": "Plan", "value": "Pro, yearly"},
                {"label": "Organization", "value": "org_2vK9fQ4mXw"},
                {"label": "Invoice", "value": "NW-0042", "url": "#"},
            ],
            "crumbs": [{"label": "Credits", "url": "#"}, {"label": "MAU", "url": "#"}, {"label": "History"}],
            "tabs": [
                {"label": "Members", "url": "#", "current": True},
                {"label": "Invitations", "url": "#"},
                {"label": "API keys", "url": "#"},
            ],
        },
    )
