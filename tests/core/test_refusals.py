"""A service's refusal is shown where the person asked for it."""

import pytest
from django import forms
from django.contrib.messages import get_messages
from django.contrib.messages.storage.fallback import FallbackStorage

from core.errors import Conflict, InvalidInput
from core.refusals import add_refusal, refusal_as_message


class Form(forms.Form):
    amount = forms.CharField()


@pytest.fixture
def form():
    form = Form({"amount": "12"})
    assert form.is_valid()
    return form


@pytest.fixture
def request_(rf):
    request = rf.get("/")
    request.session = {}
    request._messages = FallbackStorage(request)
    return request


def test_it_stands_at_the_field_that_it_names(form):
    add_refusal(form, InvalidInput("Too much.", field="amount"))
    assert form.errors == {"amount": ["Too much."]}


@pytest.mark.parametrize("refusal", [Conflict("Done before."), InvalidInput("Done before.", field="elsewhere")])
def test_without_such_a_field_it_stands_above_the_form(form, refusal):
    add_refusal(form, refusal)
    assert form.errors == {"__all__": ["Done before."]}


def test_the_next_page_shows_it_and_what_follows_in_the_block_is_skipped(request_):
    with refusal_as_message(request_):
        raise Conflict("Done before.")
    assert [(each.level_tag, each.message) for each in get_messages(request_)] == [("error", "Done before.")]


def test_a_mistake_of_the_program_is_not_shown_as_a_refusal(request_):
    with pytest.raises(ZeroDivisionError), refusal_as_message(request_):
        raise ZeroDivisionError
    assert list(get_messages(request_)) == []
