"""Addresses of the plan pages."""

from django.urls import path

from plans.views import invoices, plan, review, welcome

app_name = "plans"
urlpatterns = [
    path("o/<str:org_id>/plan/", plan.plan, name="plan"),
    path("o/<str:org_id>/plan/choose/", plan.choose, name="choose"),
    path("o/<str:org_id>/plan/review/", review.review, name="review"),
    path("o/<str:org_id>/plan/fold-in/", review.fold, name="fold"),
    path("o/<str:org_id>/plan/cancel/", plan.cancel, name="cancel"),
    path("o/<str:org_id>/plan/keep/", plan.keep_plan, name="keep"),
    path("o/<str:org_id>/plan/portal/", plan.portal, name="portal"),
    path("o/<str:org_id>/plan/changes/<int:change_id>/take-back/", plan.take_back, name="take_back"),
    path("o/<str:org_id>/plan/welcome/<str:checkout_id>/", welcome.welcome, name="welcome"),
    path("o/<str:org_id>/plan/welcome/<str:checkout_id>/status/", welcome.welcome_status, name="welcome_status"),
    path("o/<str:org_id>/invoices/", invoices.invoices, name="invoices"),
]
