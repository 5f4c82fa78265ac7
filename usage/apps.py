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
        from usage import reactions
        from usage.event_types import EVENT_TYPES
        from usage.health import tally_is_fresh
        from usage.models import MeterState, UsageHold
        from usage.services import segment_moves

        locks.register(Rank.METER_STATE, MeterState, by=("organization_id", "meter_id"))
        locks.register(Rank.HOLD, UsageHold)
        health.register("tally", tally_is_fresh)
        navigation.register("Usage", "usage:overview", order=30)
        for event_type in EVENT_TYPES:
            event_types.register(event_type)
        credit_hooks.on_available(reactions.pay_unpaid)
        credit_hooks.before_expiry(reactions.settle_before_expiry)
        credit_hooks.on_hold_expired(reactions.tell_of_expired_hold)
        plan_hooks.on_terms_changed(segment_moves.follow_terms)
        plan_hooks.on_catalogue_changed(segment_moves.follow_catalogue)
        plan_hooks.on_window_closing(reactions.settle_closing_window)
        plan_hooks.reads_usage(reactions.used)
