"""Forms of the notification pages and of the admin."""

from typing import Any

from django import forms

from core.errors import InvalidInput
from notifications import event_types
from notifications.models import WebhookEndpoint
from notifications.services.endpoints import checked_event_types
from notifications.webhooks.targets import check_target


class PreferencesForm(forms.Form):
    """One box for each email that can be switched."""

    def __init__(self, *args: Any, wanted: set[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for event_type in event_types.optional_emails():
            self.fields[event_type.code] = forms.BooleanField(
                label=event_type.title,
                help_text=event_type.description,
                required=False,
                initial=event_type.code in wanted,
            )

    def wanted(self) -> set[str]:
        return {code for code, on in self.cleaned_data.items() if on}


class WebhookEndpointForm(forms.ModelForm):
    """An endpoint as staff enter it; the secret is made by the service."""

    event_types = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen means all, also those that come later.",
    )

    class Meta:
        model = WebhookEndpoint
        fields = ["url", "organization", "description", "event_types", "enabled"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "event_types" in self.fields:  # not for staff who may only look
            self.fields["event_types"].choices = [  # type: ignore[attr-defined]
                (code, code) for code in event_types.codes_to_subscribe_to()
            ]

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        if url != self.instance.url:  # an endpoint whose name no longer resolves can still be disabled
            try:
                check_target(url)
            except InvalidInput as refusal:
                raise forms.ValidationError(refusal.message) from None
        return url

    def clean_event_types(self) -> list[str]:
        return checked_event_types(self.cleaned_data["event_types"])
