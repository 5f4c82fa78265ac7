from django.apps import AppConfig


class UsageConfig(AppConfig):
    name = "usage"
    back_office_order = 40

    def ready(self) -> None:
        from core import health, locks, navigation
        from core.locks import Rank
        from credits import hooks as credit_hooks
        from notifications import event_types
        from plans import hooks as plan_hooks
        from usage.event_types import EVENT_TYPES
        from usage.health import tally_is_fresh
        from usage.models import MeterState, UsageHold
        from usage.services import holds, meter_snapshots, segments, settlement

        locks.register(Rank.METER_STATE, MeterState, by=("organization_id", "meter_id"))
        locks.register(Rank.HOLD, UsageHold)
        health.register("tally", tally_is_fresh)
        navigation.register("Usage", "usage:overview", order=30)
        for event_type in EVENT_TYPES:
            event_types.register(event_type)
        credit_hooks.on_available(settlement.pay_unpaid_usage)
        credit_hooks.on_before_expiry(settlement.settle_before_expiry)
        credit_hooks.on_hold_expired(holds.announce_expired)
        plan_hooks.on_terms_changed(segments.apply_new_terms)
        plan_hooks.on_catalogue_changed(segments.apply_new_catalogue)
        plan_hooks.on_window_closing(settlement.settle_organization)
        plan_hooks.reads_usage(meter_snapshots.used_of)
