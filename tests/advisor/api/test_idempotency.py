"""A request that is sent twice under one key is done once, even by two at the same moment."""

import datetime as dt
import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.utils import timezone

from advisor.models import Decision, KeptAnswer, Run, Token, User
from advisor.services import idempotency
from advisor.services.idempotency import Answer
from tests.advisor.api.conftest import Program, fault, program
from tests.advisor.factories import DOCUMENT, a_member, a_run, a_token

ON_POSTGRESQL = pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="the tests' SQLite is one memory that knows no waiting: make test-postgres",
)
KEY = {"idempotency_key": "one-of-ours"}


@pytest.mark.django_db
def test_a_repeated_request_gets_the_first_answer_and_makes_nothing(ours: Program, published: int) -> None:
    first = ours.post("/decisions", DOCUMENT, **KEY)
    again = ours.post("/decisions", DOCUMENT, **KEY)

    assert (first.status_code, first.json(), first.headers["Location"]) == (
        again.status_code,
        again.json(),
        again.headers["Location"],
    )
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    assert Decision.objects.count() == Run.objects.count() == 1


@pytest.mark.django_db
def test_the_key_of_another_request_is_refused(ours: Program, published: int) -> None:
    ours.post("/decisions", DOCUMENT, **KEY)

    for answer in (
        ours.post("/decisions", {**DOCUMENT, "decision": "Another"}, **KEY),
        ours.post("/decisions?run=false", DOCUMENT, **KEY),
        ours.post("/tokens", {"name": "x"}, **KEY),
    ):
        assert (answer.status_code, fault(answer)["code"]) == (422, "key_reused")


@pytest.mark.django_db
def test_a_key_belongs_to_one_token(owner: User, ours: Program, published: int) -> None:
    ours.post("/decisions", DOCUMENT, **KEY)
    program(owner).post("/decisions", DOCUMENT, **KEY)

    assert Decision.objects.count() == 2


@pytest.mark.django_db
def test_a_refusal_is_not_kept(ours: Program, published: int) -> None:
    refused = ours.post("/decisions", {"version": 1}, **KEY)

    assert refused.status_code == 400
    assert ours.post("/decisions", DOCUMENT, **KEY).status_code == 202


@pytest.mark.django_db
def test_the_secret_of_a_token_is_kept_encrypted_and_given_again(ours: Program) -> None:
    first = ours.post("/tokens", {"name": "nightly"}, **KEY).json()
    again = ours.post("/tokens", {"name": "nightly"}, **KEY).json()

    assert first["secret"] == again["secret"]
    assert first["secret"] not in KeptAnswer.objects.get().content


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "two words", "ä", "x" * 201])
def test_an_odd_key_is_refused(key: str, ours: Program, owner: User) -> None:
    run = a_run(owner=owner)

    answer = ours.post(f"/runs/{run.pk}/cancel", idempotency_key=key.encode("utf-8").decode("latin-1"))

    assert (answer.status_code, fault(answer)["items"][0]["path"]) == (400, "Idempotency-Key")


@pytest.mark.django_db
def test_a_key_is_free_again_after_a_day() -> None:
    token, moment = _a_token(), timezone.now()
    asked = {"token_id": token, "key": "k", "work": lambda: Answer(200, "done")}

    idempotency.once(**asked, request_sha256="a", moment=moment)
    answer, is_repeated = idempotency.once(**asked, request_sha256="b", moment=moment + dt.timedelta(hours=24))

    assert (answer.body, is_repeated) == ("done", False)


@ON_POSTGRESQL
@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_moment_do_the_work_once() -> None:
    token, moment, inside = _a_token(), timezone.now(), threading.Event()
    done: list[str] = []
    answers: list[tuple[Answer, bool]] = []

    def work() -> Answer:
        inside.set()
        threading.Event().wait(0.3)  # long enough for the twin to arrive and wait
        done.append("once")
        return Answer(201, {"number": len(done)})

    def ask() -> None:
        try:
            answers.append(idempotency.once(token_id=token, key="k", request_sha256="a", moment=moment, work=work))
        finally:
            connection.close()

    _together(ask, after=inside)

    assert done == ["once"]
    assert [answer for answer, _ in answers] == [Answer(201, {"number": 1})] * 2
    assert sorted(is_repeated for _, is_repeated in answers) == [False, True]


@ON_POSTGRESQL
@pytest.mark.django_db(transaction=True)
def test_a_twin_does_the_work_that_failed() -> None:
    token, moment, inside = _a_token(), timezone.now(), threading.Event()
    tries: list[str] = []
    answers: list[Answer] = []

    def work() -> Answer:
        tries.append("try")
        if len(tries) == 1:
            inside.set()
            threading.Event().wait(0.3)
            raise ConnectionError("the first one broke")
        return Answer(200, "done")

    def ask() -> None:
        try:
            answers.append(idempotency.once(token_id=token, key="k", request_sha256="a", moment=moment, work=work)[0])
        except ConnectionError:
            pass
        finally:
            connection.close()

    _together(ask, after=inside)

    assert (len(tries), answers) == (2, [Answer(200, "done")])


def _a_token() -> int:
    owner = a_member()
    a_token(user=owner, workspace=owner.workspaces.get(), moment=timezone.now())
    return Token.objects.get().pk


def _together(ask: Callable[[], None], *, after: threading.Event) -> None:
    first, twin = threading.Thread(target=ask), threading.Thread(target=ask)
    first.start()
    assert after.wait(10)
    twin.start()
    first.join(30)
    twin.join(30)
