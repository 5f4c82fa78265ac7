"""Forms of the account pages."""

from typing import Any

from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.core import context
from django import forms
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.invitation_links import remembered_invitation
from accounts.models import ApiKey, Role, User
from accounts.names import NAME_LENGTH, clean_name
from accounts.services.invitations import accept_invitation
from accounts.services.organizations import create_organization
from core.errors import InvalidInput


class NameField(forms.CharField):
    """A name as the services accept it, refused here where the form can say so."""

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        try:
            return clean_name(text) if text else text
        except InvalidInput as refusal:
            raise forms.ValidationError(refusal.message) from None


class SignupForm(AllauthSignupForm):
    """Email, password and the name of the organization that is made with the account; invited people join theirs."""

    organization_name = NameField(
        label="Organization",
        max_length=NAME_LENGTH,
        help_text="The company or team that pays. You can invite others to it later.",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    field_order = ["email", "password1", "organization_name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = remembered_invitation(context.request)
        if self.invitation is not None:
            del self.fields["organization_name"]

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        try:
            return super().try_save(request)
        except IntegrityError:
            # The address was taken after `clean` had looked: a second click, most likely.
            self.account_already_exists = True
            return super().try_save(request)

    @transaction.atomic
    def save(self, request: HttpRequest) -> User:
        return super().save(request)

    def custom_signup(self, request: HttpRequest, user: User) -> None:
        if self.invitation is not None and self.invitation.email == user.email:
            accept_invitation(invitation=self.invitation, user=user, now=timezone.now())
        else:
            name = self.cleaned_data.get("organization_name") or user.get_short_name()
            create_organization(name=name, email=user.email, owner=user)


class OrganizationForm(forms.Form):
    name = NameField(max_length=NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "organization"}))
    email = forms.EmailField(label="Billing email", max_length=254, help_text="Receipts and notices go here.")


class ProfileForm(forms.Form):
    name = NameField(
        max_length=NAME_LENGTH,
        required=False,
        help_text="How the others in your organizations see you.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class InvitationForm(forms.Form):
    email = forms.EmailField(max_length=254)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.MEMBER)


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class ApiKeyForm(forms.Form):
    name = NameField(max_length=NAME_LENGTH, help_text="What uses it, such as “backend, production”.")
    scope = forms.ChoiceField(
        choices=ApiKey.Scope.choices,
        initial=ApiKey.Scope.READ,
        help_text="A key that only reads cannot spend or change anything.",
    )
