"""What people type into the credit pages."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms

from accounts.models import Organization
from core.errors import InvalidInput, PortalError
from core.money import Money, minor_digits
from core.public_ids import new_public_id
from core.refusals import add_refusal
from credits.errors import ReferenceConflict
from credits.models import AutoTopUp, CreditPack, Unit


def typed_amount(text: str, currency: str) -> int:
    """Minor units of what was typed in major ones (`12.50`). Raises InvalidInput, never rounds."""
    try:
        value = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        raise InvalidInput("Type an amount such as 25 or 12.50.", field="amount") from None
    if not value.is_finite() or abs(value) > 10**12:
        raise InvalidInput("Type an amount such as 25 or 12.50.", field="amount")
    money = Money.of_major(value, currency)
    if money.major != value:
        raise InvalidInput(f"Type an amount with at most {minor_digits(currency)} decimal places.", field="amount")
    return money.amount


def _title_and_price(obj: CreditPack) -> str:
    return f"{obj.money} · {obj.title}"  # the price first: a phone cuts a long name


class AttemptForm(forms.Form):
    """A form that acts once, however often its button is pressed: a service knows a repeat by `attempt`."""

    attempt = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def refuse(self, problem: PortalError) -> None:
        """Show why nothing was done. Sending the form again is another attempt, with whatever was corrected in it."""
        if isinstance(problem, ReferenceConflict):
            self.add_error(None, "This form was sent before, with other content. Sending it again acts once more.")
        else:
            add_refusal(self, problem)
        self.data = {**dict(self.data.items()), "attempt": new_public_id("attempt")}


class RedeemForm(forms.Form):
    code = forms.CharField(
        label="Gift card code",
        max_length=64,
        help_text="Twenty letters and digits, such as 7XQ2-M4VT-09GK-HRNW-E5CD. Capitals and dashes do not matter.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )


class GiftCardForm(forms.Form):
    """Buying a card for somebody."""

    pack = forms.ModelChoiceField(
        label="Worth", queryset=CreditPack.objects.none(), to_field_name="code", empty_label=None
    )
    recipient = forms.EmailField(label="Send it to", help_text="The code is emailed there when the payment is in.")
    sender = forms.CharField(label="From", max_length=120, required=False, help_text="As the recipient knows you.")
    message = forms.CharField(
        label="Message", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    attempt = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["pack"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = CreditPack.objects.on_sale().filter(credits__isnull=False, recurring="")
        field.label_from_instance = _title_and_price  # type: ignore[method-assign]


class AutoTopUpForm(forms.Form):
    """A standing order for one pack."""

    pack = forms.ModelChoiceField(
        label="Buy", queryset=CreditPack.objects.none(), to_field_name="code", empty_label=None
    )
    threshold = forms.DecimalField(
        label="When this much or less is available",
        min_value=0,
        max_digits=20,
        decimal_places=6,
    )
    monthly_cap = forms.CharField(label="Spend at most, per calendar month")

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        taken = AutoTopUp.objects.filter(wallet__organization=organization, enabled=True).values("wallet__unit")
        field = self.fields["pack"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = (
            CreditPack.objects.on_sale().filter(credits__isnull=False, recurring="").exclude(unit__in=taken)
        )
        field.label_from_instance = _title_and_price  # type: ignore[method-assign]
        packs = list(field.queryset.select_related("unit"))
        kinds = list({pack.unit_id: f"100 {pack.unit.name}" for pack in packs}.values())
        currencies = sorted({pack.currency for pack in packs})
        self.fields["threshold"].help_text = f"In credits of the pack: 100 means {' or '.join(kinds[:2])}."
        self.fields["monthly_cap"].help_text = f"In {' or '.join(currencies).upper()}. Months are UTC's."


class ThresholdForm(forms.Form):
    threshold = forms.DecimalField(min_value=0, max_digits=20, decimal_places=6, required=False)

    def __init__(self, *args: Any, unit: Unit, **kwargs: Any) -> None:
        kwargs["prefix"] = unit.code
        super().__init__(*args, **kwargs)
        self.fields["threshold"].label = f"{unit.name[:1].upper()}{unit.name[1:]}, less than"
