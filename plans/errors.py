"""What this app refuses, and why."""

from core.errors import Conflict, InvalidInput, NotFound, RuleRefused


class UnknownPlan(InvalidInput):
    """400. No plan has this code, or it is not for this organization: the answer does not tell which."""

    code = "unknown_plan"


class SelectionRefused(RuleRefused):
    """422. The plan is there, but not with that interval or quantity, or not for new subscribers."""

    def __init__(self, message: str, *, field: str, code: str, **details: object) -> None:
        super().__init__(message, code=code, fields={field: [message]}, **details)


class AlreadySubscribed(Conflict):
    """409. The organization has a plan; it is changed, not bought again."""

    code = "already_subscribed"


class ChangeUnderWay(Conflict):
    """409. One change at a time: this one has to be finished or taken back first."""

    code = "change_under_way"


class NoSubscription(NotFound):
    """404. There is nothing to change: the organization is on the free plan."""

    code = "no_subscription"


class NothingToChange(RuleRefused):
    """422. The organization already has what was asked for."""

    code = "nothing_to_change"


class PaymentOverdue(RuleRefused):
    """422. An invoice is overdue; it has to be paid before anything is changed."""

    code = "payment_overdue"


class NothingToFoldIn(RuleRefused):
    """422. Nothing is used on demand, or the commitment cannot grow that far."""

    code = "nothing_to_fold_in"
