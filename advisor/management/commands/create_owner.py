"""`manage.py create_owner EMAIL`: a person with a password and a workspace of their own."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from advisor.services import accounts


class Command(BaseCommand):
    help = "Make a user who owns a new workspace. Asks for the password, or reads one line from standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *, email: str, password_stdin: bool, **_: Any) -> None:
        try:
            user = accounts.create_owner(email=email, password=_password(password_stdin), moment=timezone.now())
        except accounts.AccountRefused as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"Made {user.email}, owner of a new workspace.")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise CommandError("There is no terminal to ask for a password: use --password-stdin.")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Password again: ") != password:
        raise CommandError("The two passwords differ.")
    return password
