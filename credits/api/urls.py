"""Addresses of the credits' part of the API."""

from django.urls import path

from credits.api import views

urlpatterns = [
    path("organizations/<str:organization>/wallets", views.WalletListView.as_view(), name="api_wallets"),
    path("organizations/<str:organization>/ledger", views.LedgerView.as_view(), name="api_ledger"),
    path("organizations/<str:organization>/grants", views.GrantListView.as_view(), name="api_grants"),
    path("gift-cards/redeem", views.GiftCardRedemptionView.as_view(), name="api_gift_card_redeem"),
]
