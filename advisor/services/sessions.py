"""Sessions that know whose they are, so that a person sees where they are signed in. Django's SESSION_ENGINE."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends import db
from django.utils.crypto import constant_time_compare

from advisor.models import Session, User
from advisor.services import audit

SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "Macintosh", "Linux")
BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}


class SessionStore(db.SessionStore):
    """Django's own store in the database, with the user beside it."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        row.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        return row


@dataclass(frozen=True)
class Place:
    """One browser in which somebody is signed in."""

    browser: str
    address: str
    since: str
    is_this: bool


def begin(*, session: Any, address: str, user_agent: str, moment: datetime) -> None:
    """Note where a session begins, for its owner to see; drop those that have run out."""
    Session.objects.filter(expire_date__lt=moment).delete()
    session["browser"] = _browser(user_agent)
    session["address"] = address
    session["since"] = moment.strftime("%Y-%m-%d %H:%M")


def places(*, user: User, session_key: str | None, moment: datetime) -> list[Place]:
    """Return where the user is signed in, this browser first."""
    found = []
    for row in Session.objects.filter(user=user, expire_date__gt=moment):
        data = SessionStore().decode(row.session_data)
        if constant_time_compare(data.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
            found.append(
                Place(
                    browser=data.get("browser", "A browser"),
                    address=data.get("address", ""),
                    since=data.get("since", ""),
                    is_this=row.session_key == session_key,
                )
            )
    newest_first = sorted(found, key=lambda place: place.since, reverse=True)
    return sorted(newest_first, key=lambda place: not place.is_this)


def end_all(*, user: User, moment: datetime) -> None:
    """End every session of the user. The caller binds its own again if that one shall stay."""
    user.session_salt = secrets.token_hex(16)
    user.save(update_fields=["session_salt"])
    audit.record(user=user, workspace=None, action="sessions.ended", subject=user.email, moment=moment)


def _browser(user_agent: str) -> str:
    name = next((name for mark, name in BROWSERS.items() if mark in user_agent), "A browser")
    system = next((system for system in SYSTEMS if system in user_agent), "")
    return f"{name} on {system.replace('Macintosh', 'Mac')}" if system else name
