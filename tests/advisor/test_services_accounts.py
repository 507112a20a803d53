"""How people get in, and how guessing is slowed."""

import datetime as dt
import io
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command

from advisor.models import Membership, SignInLink, User
from advisor.services import accounts, throttle
from tests.advisor.factories import MOMENT, PASSWORD, a_user

pytestmark = pytest.mark.django_db

HERE = {"address": "127.0.0.1", "host": "127.0.0.1:8000", "forwarded": False}


def a_token() -> str:
    return urlsplit(accounts.issue_sign_in_link(base_url="http://127.0.0.1:8000/", moment=MOMENT)).path.split("/")[-1]


def after(**duration: float) -> dt.datetime:
    return MOMENT + dt.timedelta(**duration)


def test_the_local_owner_is_made_once_with_a_workspace_and_no_password() -> None:
    first = accounts.ensure_local_owner(moment=MOMENT)
    second = accounts.ensure_local_owner(moment=after(days=1))

    assert first == second
    assert not first.has_usable_password()
    assert [one.role for one in Membership.objects.filter(user=first)] == ["owner"]


def test_a_link_signs_in_the_local_owner_once() -> None:
    token = a_token()

    user = accounts.redeem_sign_in_link(token=token, moment=after(minutes=1), **HERE)

    assert user.email == accounts.LOCAL_OWNER_EMAIL
    with pytest.raises(accounts.SignInRefused, match="used already"):
        accounts.redeem_sign_in_link(token=token, moment=after(minutes=2), **HERE)


def test_a_link_is_not_kept_in_clear() -> None:
    token = a_token()

    assert token not in str(list(SignInLink.objects.values()))
    assert len(token) >= 40


def test_a_link_ends_after_a_quarter_of_an_hour() -> None:
    token = a_token()

    with pytest.raises(accounts.SignInRefused, match="too old"):
        accounts.redeem_sign_in_link(token=token, moment=after(minutes=15), **HERE)


def test_a_new_link_ends_the_one_before() -> None:
    older, newer = a_token(), a_token()

    with pytest.raises(accounts.SignInRefused):
        accounts.redeem_sign_in_link(token=older, moment=MOMENT, **HERE)
    assert accounts.redeem_sign_in_link(token=newer, moment=MOMENT, **HERE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"address": "192.0.2.7"},
        {"host": "advisor.example.org"},
        {"forwarded": True},  # a proxy on this machine speaks for somebody elsewhere
        {"address": ""},
    ],
)
def test_a_link_works_only_on_this_machine_and_is_not_spent_elsewhere(elsewhere: dict[str, object]) -> None:
    token = a_token()

    with pytest.raises(accounts.SignInRefused, match="machine that printed it"):
        accounts.redeem_sign_in_link(token=token, moment=MOMENT, **(HERE | elsewhere))
    assert accounts.redeem_sign_in_link(token=token, moment=MOMENT, **(HERE | {"address": "::1", "host": "[::1]:8000"}))


def test_a_link_of_a_closed_account_does_not_open() -> None:
    token = a_token()
    User.objects.update(is_active=False)

    with pytest.raises(accounts.SignInRefused):
        accounts.redeem_sign_in_link(token=token, moment=MOMENT, **HERE)


def sign_in(*, email: str, password: str, address: str = "192.0.2.1", moment: dt.datetime = MOMENT) -> User:
    return accounts.sign_in(email=email, password=password, address=address, moment=moment)


def test_a_password_signs_in_whatever_the_case_of_the_address() -> None:
    user = a_user(email="ann@example.org", password=PASSWORD)

    assert sign_in(email=" Ann@Example.org", password=PASSWORD) == user


def test_five_wrong_passwords_close_the_door_for_a_quarter_of_an_hour() -> None:
    a_user(email="ann@example.org", password=PASSWORD)
    for _ in range(5):
        with pytest.raises(accounts.SignInRefused, match="do not belong together"):
            sign_in(email="ann@example.org", password="wrong")

    with pytest.raises(throttle.TooManyTries, match="Wait 14 minutes") as refusal:
        sign_in(email="ann@example.org", password=PASSWORD, moment=after(minutes=1))
    assert refusal.value.retry_after_s == 14 * 60
    assert sign_in(email="ann@example.org", password=PASSWORD, moment=after(minutes=15))


def test_failures_from_one_place_do_not_lock_the_person_out_elsewhere() -> None:
    a_user(email="ann@example.org", password=PASSWORD)
    for _ in range(5):
        with pytest.raises(accounts.SignInRefused):
            sign_in(email="ann@example.org", password="wrong", address="192.0.2.66")

    assert sign_in(email="ann@example.org", password=PASSWORD, address="192.0.2.1")


def test_one_place_may_not_try_many_people() -> None:
    for number in range(20):
        with pytest.raises(accounts.SignInRefused, match="do not belong"):
            sign_in(email=f"person{number}@example.org", password="wrong")

    with pytest.raises(throttle.TooManyTries):
        sign_in(email="somebody.else@example.org", password="wrong")


def test_a_right_password_forgets_the_failures_before_it() -> None:
    a_user(email="ann@example.org", password=PASSWORD)
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(accounts.SignInRefused, match="do not belong"):
                sign_in(email="ann@example.org", password="wrong")
        assert sign_in(email="ann@example.org", password=PASSWORD)


def test_the_command_makes_an_owner_who_can_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))

    call_command("create_owner", "Bea@Example.org", "--password-stdin", verbosity=0)

    assert sign_in(email="bea@example.org", password=PASSWORD).memberships.get().role == "owner"


@pytest.mark.parametrize(
    ("email", "password", "says"),
    [
        ("nobody", PASSWORD, "not an e-mail address"),
        ("taken@example.org", PASSWORD, "already has an account"),
        ("new@example.org", "short", "too short"),
        ("new@example.org", "password1234", "too common"),
    ],
)
def test_the_command_says_why_it_makes_no_owner(
    email: str, password: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_user(email="taken@example.org")
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))

    with pytest.raises(CommandError, match=says):
        call_command("create_owner", email, "--password-stdin", verbosity=0)
    assert User.objects.count() == 1


def test_the_command_makes_an_operator_and_takes_the_role_away_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    a_user(email="ann@example.org")

    call_command("create_owner", "bea@example.org", "--operator", "--password-stdin", verbosity=0)
    call_command("create_owner", "ann@example.org", "--operator", verbosity=0)
    assert set(User.objects.filter(is_operator=True).values_list("email", flat=True)) == {
        "ann@example.org",
        "bea@example.org",
    }
    call_command("create_owner", "ann@example.org", "--no-operator", verbosity=0)

    assert User.objects.get(is_operator=True).email == "bea@example.org"


def test_whoever_has_this_machines_terminal_is_its_operator() -> None:
    assert accounts.ensure_local_owner(moment=MOMENT).is_operator
