"""`manage.py create_token EMAIL`: an API token of a member, printed once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from advisor.models import Token, User, Workspace
from advisor.services import accounts, tokens, workspaces


class Command(BaseCommand):
    help = "Make an API token for a member of a workspace and print it, this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--workspace", type=int, metavar="ID", help="needed when the user belongs to several")
        parser.add_argument("--name", default="made on the command line", help="what the token is for")
        parser.add_argument("--cap", choices=Token.Cap.values, default=Token.Cap.READ.value)
        parser.add_argument("--days", type=int, default=30, help="how long it works, 365 at most (default: 30)")

    def handle(self, *, email: str, workspace: int | None, name: str, cap: str, days: int, **_: Any) -> None:
        user = accounts.find(email=email)
        if user is None:
            raise CommandError(f"{email} has no account.")
        try:
            secret = tokens.issue(
                user=user,
                workspace=_workspace(user=user, workspace_id=workspace),
                name=name[:80],
                cap=cap,
                lifetime=timedelta(days=days),
                moment=timezone.now(),
            )
        except tokens.CannotIssue as error:
            raise CommandError(str(error)) from error
        self.stdout.write(secret)


def _workspace(*, user: User, workspace_id: int | None) -> Workspace:
    """Return the workspace that was named, or the only one there is."""
    belonging = workspaces.workspaces_of(user=user)
    chosen = [one for one in belonging if workspace_id in (None, one.pk)]
    if len(chosen) != 1:
        listed = ", ".join(f"{one.pk} ({one.name})" for one in belonging) or "none"
        raise CommandError(f"Name one workspace of {user.email} with --workspace ID: {listed}.")
    return chosen[0]
