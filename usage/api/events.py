"""Reporting usage."""

from dataclasses import asdict
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import key_of
from accounts.api.organizations import organization_or_404
from core.api.idempotency import idempotent
from core.api.serializers import validated
from core.errors import InvalidInput
from usage.api import serializers
from usage.api.serializers import MOST_EVENTS
from usage.errors import EmptyEvent
from usage.services.ingest import ingest
from usage.services.voids import void_event

NEEDED = {"id", "organization", "meter"}


class EventListView(APIView):
    @extend_schema(
        operation_id="events_create",
        summary="Report usage",
        description="One event, or up to 1,000. Each is accepted, a duplicate, or rejected by name; one bad event "
        "never rejects its neighbours, so the answer is 200 even when none was accepted. Sending an event again is "
        "harmless, for ever.",
        request=serializers.EventsBodySerializer,
        responses=serializers.TakenSerializer,
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        taken = ingest(events=events_of(request.data), organization=key_of(request).organization, now=timezone.now())
        return Response(
            {
                "accepted": taken.accepted,
                "duplicates": taken.duplicates,
                "rejected": [asdict(rejected) for rejected in taken.rejected],
            }
        )


class EventVoidView(APIView):
    @extend_schema(
        operation_id="events_void",
        summary="Take an event back",
        description="It stops counting, and what was paid for it comes back with the next settlement. Voiding it again "
        "is harmless and keeps the first reason.",
        request=serializers.VoidSerializer,
        responses=serializers.StoredEventSerializer,
    )
    @idempotent()
    def post(self, request: Request, organization: str, event_id: str) -> Response:
        found = organization_or_404(request, organization)
        asked = validated(serializers.VoidSerializer, request.data)
        event = void_event(organization=found, event_id=event_id, reason=asked["reason"], now=timezone.now())
        return Response(serializers.StoredEventSerializer(event).data)


def events_of(body: Any) -> list[Any]:
    """Raises InvalidInput for a body that is neither an event nor a list of them, EmptyEvent for one that is empty."""
    if not isinstance(body, dict):
        raise InvalidInput('The body must be one event, or {"events": […]}.', field="body")
    if "events" not in body:
        if not body.keys() & NEEDED:
            raise EmptyEvent(missing=NEEDED)
        return [body]
    if len(body) > 1:
        unknown = min(set(body) - {"events"})
        raise InvalidInput(f"{unknown}: unknown field beside events.", field=unknown)
    events = body["events"]
    if not isinstance(events, list):
        raise InvalidInput("events must be a list.", field="events")
    if len(events) > MOST_EVENTS:
        raise InvalidInput(f"events may hold at most {MOST_EVENTS:,}; send the rest separately.", field="events")
    return events
