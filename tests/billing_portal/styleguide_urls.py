"""The portal's addresses and the style guide, which is only served in development and in the demo."""

from django.urls import path

from billing_portal.urls import urlpatterns as portal
from billing_portal.views.styleguide import styleguide

urlpatterns = [*portal, path("styleguide/", styleguide)]
