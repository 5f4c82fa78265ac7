"""Django's admin with the portal's own door."""

from django.contrib.admin.apps import AdminConfig


class PortalAdminConfig(AdminConfig):
    default_site = "core.admin.site.PortalAdminSite"
