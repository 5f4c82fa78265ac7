"""Addresses of the account pages."""

from django.urls import path

from accounts.views import api_keys, invitations, organizations, profile, team

app_name = "accounts"
urlpatterns = [
    path("profile/", profile.profile, name="profile"),
    path("organizations/new/", organizations.create, name="organization_create"),
    path("invitations/<str:token>/", invitations.invitation, name="invitation"),
    path("o/<str:org_id>/settings/", organizations.settings, name="settings"),
    path("o/<str:org_id>/keys/", api_keys.keys, name="keys"),
    path("o/<str:org_id>/keys/<str:key_id>/revoke/", api_keys.revoke, name="key_revoke"),
    path("o/<str:org_id>/team/", team.team, name="team"),
    path("o/<str:org_id>/team/leave/", team.leave, name="leave"),
    path("o/<str:org_id>/team/invitations/", team.send_invitation, name="invite"),
    path("o/<str:org_id>/team/invitations/<str:invitation_id>/resend/", team.resend, name="invitation_resend"),
    path("o/<str:org_id>/team/invitations/<str:invitation_id>/revoke/", team.revoke, name="invitation_revoke"),
    path("o/<str:org_id>/team/<str:membership_id>/role/", team.set_role, name="member_role"),
    path("o/<str:org_id>/team/<str:membership_id>/remove/", team.remove, name="member_remove"),
]
