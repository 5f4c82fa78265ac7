"""The back office at a desk: lists keep all their columns in the window, times say their zone."""

import re

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from credits.models import CreditGrant, LedgerEntry
from credits.services.grants import grant_credits
from tests.credits.shop import bring_to_stripe, buy, make_pack, make_unit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDER = "(element) => element.scrollWidth - element.clientWidth"


@pytest.fixture
def ledger(acme, stella):
    make_unit("usd")
    for number in range(3):
        grant_credits(
            organization=acme,
            unit="usd",
            amount="1234.5",
            source=CreditGrant.Source.STAFF,
            reference=f"staff:{number}",
            reason="Compensation for a bug in the export of very large maps",
            actor=stella,
            now=timezone.now(),
        )


def test_no_list_is_wider_than_the_window(page_at, ledger, stella):
    page = page_at(1280, user=stella)
    for model in admin.site._registry:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        assert page.goto(address).status == 200
        assert page.locator("html").evaluate(WIDER) <= 0, address
    page.goto(reverse("admin:credits_ledgerentry_changelist"))
    assert page.locator(".results").evaluate(WIDER) <= 0, "the ledger's last columns are out of sight"


@pytest.mark.parametrize("width", [375, 1280])
def test_our_own_forms_fit(page_at, ledger, stella, width):
    page = page_at(width, user=stella)
    grant = CreditGrant.objects.first()
    for address in (
        reverse("admin:credits_creditgrant_take_back", args=[grant.pk]),
        reverse("admin:usage_usageevent_try"),
    ):
        assert page.goto(address).status == 200
        assert page.locator("html").evaluate(WIDER) <= 0, address


def test_a_second_click_does_not_send_a_form_again(page_at, acme, ledger, stella, sandbox):
    pack = make_pack("usd-20", credits="20", price=2000)
    bring_to_stripe()
    purchase, grant = buy(acme, pack, sandbox), CreditGrant.objects.first()
    page = page_at(1280, user=stella)
    for address in (
        reverse("admin:credits_purchase_refund", args=[purchase.pk]),
        reverse("admin:credits_creditgrant_take_back", args=[grant.pk]),
        reverse("admin:credits_creditgrant_add"),
        reverse("admin:credits_giftcard_add"),
    ):
        page.goto(address)
        sent = page.evaluate("""() => {
            let sent = 0;
            const form = document.querySelector("#content form[method=post]");
            addEventListener("submit", (event) => { if (!event.defaultPrevented) sent++; event.preventDefault(); });
            form.noValidate = true;
            form.requestSubmit(); form.requestSubmit();
            return sent;
        }""")
        assert sent == 1, address


def test_the_search_field_is_labelled_in_words(stella, signed_in):
    page = signed_in(stella).get(reverse("admin:credits_ledgerentry_changelist")).content.decode()
    assert re.search(r'<label for="searchbar">.*>Search</span></label>', page)


def test_dates_and_times_have_labels_of_their_own(stella, signed_in):
    page = signed_in(stella).get(reverse("admin:credits_creditgrant_add")).content.decode()
    assert page.count('for="id_expires_at_0"') == page.count('for="id_expires_at_1"') == 1


def test_times_say_their_zone(ledger, stella, signed_in):
    [entry] = LedgerEntry.objects.all()[:1]
    page = signed_in(stella).get(reverse("admin:credits_ledgerentry_changelist")).content.decode()
    assert f"{entry.created_at:%-d %b %Y, %H:%M} UTC" in page
