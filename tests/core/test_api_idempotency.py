"""`Idempotency-Key`: the same key and body, the same answer; the work once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Organization
from accounts.services.api_keys import create_api_key
from core.models import IdempotentRequest
from core.tasks import delete_old_idempotent_requests

pytestmark = pytest.mark.urls("tests.core.views_under_test")
both = pytest.mark.parametrize("address", ["/together", "/calls-out"])


@pytest.fixture
def send(api, service_key):
    def send(address, body, key="k-1", secret=service_key):
        return api(secret).post(address, body, HTTP_IDEMPOTENCY_KEY=key)

    return send


@both
def test_a_repeat_gets_the_same_answer_and_does_nothing(send, address):
    first = send(address, {"name": "Initech"})
    again = send(address, {"name": "Initech"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert Organization.objects.count() == 1


@both
def test_another_order_of_names_is_the_same_body(send, api, service_key, address):
    first = send(address, {"name": "Initech", "note": 1})
    again = send(address, {"note": 1, "name": "Initech"})
    assert again.content == first.content
    assert Organization.objects.count() == 1


@both
def test_another_body_is_a_409(send, address):
    send(address, {"name": "Initech"})
    answer = send(address, {"name": "Hooli"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_mismatch")
    assert Organization.objects.count() == 1


@both
def test_a_refusal_is_repeated_too(send, address):
    first = send(address, {"name": "Initech", "then": "refuse"})
    again = send(address, {"name": "Initech", "then": "refuse"})
    assert (first.status_code, first.json()["error"]["code"]) == (422, "not_today")
    assert (again.status_code, again.content) == (422, first.content)


@pytest.mark.parametrize(("then", "status"), [("fail", 503), ("break", 500)])
@both
def test_after_a_5xx_the_work_may_be_tried_again(send, address, then, status):
    assert send(address, {"name": "Initech", "then": then}).status_code == status
    assert not IdempotentRequest.objects.exists()
    assert send(address, {"name": "Initech"}).status_code == 201


@pytest.mark.parametrize("then", ["refuse", "fail", "break"])
def test_in_one_transaction_a_failure_undoes_the_work(send, then):
    send("/together", {"name": "Initech", "then": then})
    assert not Organization.objects.exists()


def test_keys_belong_to_one_path_and_one_api_key(send):
    other = create_api_key(name="Other backend").secret
    assert send("/together", {"name": "A"}).status_code == 201
    assert send("/calls-out", {"name": "B"}).status_code == 201
    assert send("/together", {"name": "C"}, secret=other).status_code == 201
    assert Organization.objects.count() == 3


@both
def test_without_a_key_every_request_does_its_work(api, service_key, address):
    for _ in range(2):
        assert api(service_key).post(address, {"name": "Initech"}).status_code == 201
    assert Organization.objects.count() == 2
    assert not IdempotentRequest.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "caf\xe9"])
def test_an_unusable_key_is_refused(send, key):
    answer = send("/together", {"name": "Initech"}, key=key)
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]["fields"]) == ["Idempotency-Key"]
    assert not Organization.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_do_the_work_once(send, sandbox):
    start = Barrier(8)

    def one_of_eight(_):
        start.wait()
        try:
            return send("/together", {"name": "Initech"})
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one_of_eight, range(8)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert Organization.objects.count() == 1


def test_while_the_first_calls_out_a_second_gets_a_409_until_the_claim_lapses(send, time_machine):
    send("/calls-out", {"name": "Initech"})
    IdempotentRequest.objects.update(status=None, body="")  # as if the process had died before it could answer
    meanwhile = send("/calls-out", {"name": "Initech"})
    assert (meanwhile.status_code, meanwhile.json()["error"]["code"]) == (409, "idempotency_in_progress")
    assert Organization.objects.count() == 1
    time_machine.move_to(timezone.now() + timedelta(minutes=3))
    assert send("/calls-out", {"name": "Initech"}).status_code == 201
    assert Organization.objects.count() == 2


def test_answers_are_forgotten_after_seven_days(send, time_machine):
    start = timezone.now()
    time_machine.move_to(start, tick=False)
    send("/together", {"name": "Initech"})
    time_machine.move_to(start + timedelta(days=7, seconds=-1), tick=False)
    delete_old_idempotent_requests()
    assert IdempotentRequest.objects.count() == 1
    time_machine.move_to(start + timedelta(days=7), tick=False)
    delete_old_idempotent_requests()
    assert not IdempotentRequest.objects.exists()
