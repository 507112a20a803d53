"""`manage.py create_owner EMAIL [--operator]`: a person with a password and a workspace of their own."""

import getpass
import sys
from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from advisor.services import accounts


class Command(BaseCommand):
    help = "Make a user who owns a new workspace. Asks for the password, or reads one line from standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
        parser.add_argument(
            "--operator",
            action=BooleanOptionalAction,
            help="give the instance role operator; for an account that exists, only give it (or take it away)",
        )

    def handle(self, *, email: str, password_stdin: bool, operator: bool | None, **_: Any) -> None:
        try:
            self.stdout.write(_make(email=email, from_stdin=password_stdin, operator=operator))
        except accounts.AccountRefused as error:
            raise CommandError(" ".join(error.messages)) from error


def _make(*, email: str, from_stdin: bool, operator: bool | None) -> str:
    moment = timezone.now()
    known = accounts.find(email=email)
    if known and operator is not None:
        accounts.set_operator(user=known, is_operator=operator, moment=moment)
        return f"{known.email} is {'now' if operator else 'no longer'} an operator of this instance."
    password = _password(from_stdin)
    user = accounts.create_owner(email=email, password=password, moment=moment, is_operator=bool(operator))
    return f"Made {user.email}, owner of a new workspace{' and operator of this instance' if operator else ''}."


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise CommandError("There is no terminal to ask for a password: use --password-stdin.")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Password again: ") != password:
        raise CommandError("The two passwords differ.")
    return password
