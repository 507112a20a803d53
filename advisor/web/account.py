"""The page of one's own account: name, password, where one is signed in, API tokens."""

from typing import cast

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from advisor.models import User
from advisor.services import access, accounts, audit, sessions, throttle, tokens, visitor, workspaces
from advisor.web.forms_people import ChangePasswordForm, NameForm, SetUpForm, TokenForm


@login_required
@never_cache
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    return _page(request)


@login_required
@require_POST
def rename_account(request: HttpRequest) -> HttpResponse:
    form = NameForm(request.POST)
    if not form.is_valid():
        return _page(request, name_form=form)
    accounts.rename(user=request.user, name=form.cleaned_data["name"])
    messages.success(request, "Your name is saved.")
    return redirect("web:account")


@login_required
@never_cache
@sensitive_post_parameters()
@require_POST
def change_password(request: HttpRequest) -> HttpResponse:
    """Change the password, or set a first one together with an address. Every other session ends by it."""
    form = _password_form(request)
    if not form.is_valid():
        return _page(request, password_form=form)
    typed = {name: form.cleaned_data[name] for name in form.fields if name != "again"}
    try:
        if isinstance(form, SetUpForm):
            accounts.set_up(user=request.user, moment=timezone.now(), **typed)
        else:
            address = visitor.address(request.META)
            accounts.change_password(user=request.user, address=address, moment=timezone.now(), **typed)
    except accounts.AccountRefused as error:
        form.add_error("password", error.messages)
    except (accounts.SignInRefused, throttle.TooManyTries) as error:
        form.add_error("current", str(error))
    else:
        update_session_auth_hash(request, request.user)
        messages.success(request, "Your password is set. Every other browser is signed out.")
        return redirect("web:account")
    _user(request).refresh_from_db()  # a refused address must not stand in the page's header
    return _page(request, password_form=form)


@login_required
@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    sessions.end_all(user=request.user, moment=timezone.now())
    update_session_auth_hash(request, request.user)
    messages.success(request, "Every other browser is signed out.")
    return redirect("web:account")


@login_required
@never_cache
@require_POST
def create_token(request: HttpRequest) -> HttpResponse:
    """Make a token and show its secret, this once."""
    form = TokenForm(request.POST, workspaces=workspaces.workspaces_of(user=request.user))
    if not form.is_valid():
        return _page(request, token_form=form)
    workspace = access.workspace(user=request.user, workspace_id=form.cleaned_data["workspace"])
    try:
        secret = tokens.issue(
            user=request.user,
            workspace=workspace,
            name=form.cleaned_data["name"],
            cap=form.cleaned_data["cap"],
            lifetime=form.lifetime,
            moment=timezone.now(),
        )
    except tokens.CannotIssue as error:
        form.add_error("cap", str(error))
        return _page(request, token_form=form)
    return _page(request, secret=secret)


@login_required
@require_POST
def revoke_own_token(request: HttpRequest, token_id: int) -> HttpResponse:
    token = access.own_token(user=request.user, token_id=token_id)
    tokens.revoke(token=token, by=request.user, moment=timezone.now())
    messages.success(request, f"The token “{token.name}” is revoked.")
    return redirect("web:account")


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)  # @login_required saw to it


def _password_form(request: HttpRequest) -> ChangePasswordForm | SetUpForm:
    form = ChangePasswordForm if _user(request).has_usable_password() else SetUpForm
    return form(request.POST or None)


def _page(request: HttpRequest, **shown: object) -> HttpResponse:
    """Render the page; a form that was refused stands in for its fresh one."""
    user, moment = _user(request), timezone.now()
    context = {
        "name_form": NameForm(initial={"name": user.name}),
        "password_form": ChangePasswordForm() if user.has_usable_password() else SetUpForm(),
        "token_form": TokenForm(workspaces=workspaces.workspaces_of(user=user)),
        "places": sessions.places(user=user, session_key=request.session.session_key, moment=moment),
        "tokens": tokens.own_tokens(user=user, moment=moment),
        "events": audit.own_events(user=user),
        "secret": None,
    } | shown
    refused = context["refused"] = any(getattr(form, "errors", None) for form in shown.values())
    return render(request, "web/account.html", context, status=400 if refused else 200)
