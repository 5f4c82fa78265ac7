"""What is measured, what is subscribed to, who is on what, and what is owed for it."""

from plans.models.billed_usage import BilledUsage, InvoiceCorrection, MeterReading
from plans.models.dunning import DunningCase, DunningStep
from plans.models.meters import CreditRate, LadderOverride, Meter
from plans.models.plan_changes import PlanChange, PlanCheckout
from plans.models.plans import Allowance, Commitment, Interval, Plan, PlanPrice, PlanRevision
from plans.models.subscriptions import OnDemand, Subscription, SubscriptionItem, TermsPeriod

__all__ = [
    "Allowance",
    "BilledUsage",
    "Commitment",
    "CreditRate",
    "DunningCase",
    "DunningStep",
    "Interval",
    "InvoiceCorrection",
    "LadderOverride",
    "Meter",
    "MeterReading",
    "OnDemand",
    "Plan",
    "PlanChange",
    "PlanCheckout",
    "PlanPrice",
    "PlanRevision",
    "Subscription",
    "SubscriptionItem",
    "TermsPeriod",
]
