"""Where an event counts: its window, and within it the segment of its meter."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from plans.engine.terms import Segment, Terms
from plans.terms import RememberedTimeline


class Place(NamedTuple):
    """A window is identified by its start, a segment by its own. `end` is the segment's."""

    window_start: datetime
    segment_start: datetime
    end: datetime


class Places:
    """Finds places for many events after one look at each organization's terms."""

    def __init__(self, timelines: Mapping[int, RememberedTimeline]) -> None:
        self._timelines = timelines
        self._found: dict[tuple[int, str], list[Place]] = {}

    def of(self, organization_id: int, meter: str, at: datetime) -> Place:
        known = self._found.setdefault((organization_id, meter), [])
        for place in known:
            if place.segment_start <= at < place.end:
                return place
        terms = self._timelines[organization_id].terms_at(at)
        segment = segment_at(terms, meter, at)
        place = Place(terms.window.start, segment.start, segment.end)
        known.append(place)
        return place


def segment_at(terms: Terms, meter: str, at: datetime) -> Segment:
    """The segment around `at` as this meter sees them."""
    if len(terms.segments) == 1:
        return terms.segment
    segments = [segment for segment, _ in terms.segments_of(meter)]
    return next((segment for segment in reversed(segments) if segment.start <= at), segments[0])
