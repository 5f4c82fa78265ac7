"""The portal's addresses and the style guide, which is only served in development and in the demo."""

from django.urls import path

from billing_portal.styleguide import styleguide
from billing_portal.urls import urlpatterns as portal

urlpatterns = [*portal, path("styleguide/", styleguide)]
