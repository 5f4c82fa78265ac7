"""Addresses of the credit pages."""

from django.urls import path

from credits.views import automation, balances, gift_cards, history, purchases

app_name = "credits"
urlpatterns = [
    path("o/<str:org_id>/credits/", balances.overview, name="overview"),
    path("o/<str:org_id>/credits/buy/", purchases.buy, name="buy"),
    path("o/<str:org_id>/credits/purchases/<str:purchase_id>/", purchases.purchase, name="purchase"),
    path(
        "o/<str:org_id>/credits/purchases/<str:purchase_id>/status/", purchases.purchase_status, name="purchase_status"
    ),
    path(
        "o/<str:org_id>/credits/purchases/<str:purchase_id>/try-again/", purchases.try_again, name="purchase_try_again"
    ),
    path("o/<str:org_id>/credits/redeem/", gift_cards.redeem, name="redeem"),
    path("o/<str:org_id>/credits/give/", gift_cards.give, name="give"),
    path("o/<str:org_id>/credits/automation/", automation.automation, name="automation"),
    path("o/<str:org_id>/credits/automation/<int:pk>/stop/", automation.stop_top_up, name="top_up_stop"),
    path("o/<str:org_id>/credits/automation/<slug:unit>/threshold/", automation.threshold, name="threshold"),
    path("o/<str:org_id>/credits/packs/<int:pk>/renewal/", balances.pack_renewal, name="pack_renewal"),
    path("o/<str:org_id>/credits/history/", history.history, name="history"),
    path("o/<str:org_id>/credits/history.csv", history.download, name="history_csv"),
]
