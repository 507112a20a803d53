"""The pages through which people get in and out: sign-in, one-time links, invites, resets."""

from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from advisor.models import Invite, User
from advisor.services import access, accounts, invites, resets, sessions, throttle, visitor
from advisor.web.forms import SignInForm
from advisor.web.forms_people import FindPersonForm, JoinForm, ResetForm

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    form = SignInForm(request.POST or None)
    refusal, status = None, 200
    if request.method == "POST" and form.is_valid():
        try:
            user = accounts.sign_in(**form.cleaned_data, address=visitor.address(request.META), moment=timezone.now())
        except (accounts.SignInRefused, throttle.TooManyTries) as error:
            refusal = str(error)
            status = 429 if isinstance(error, throttle.TooManyTries) else 403
        else:
            _enter(request, user)
            return redirect(_next_page(request))
    return render(
        request, "web/sign_in.html", {"form": form, "refusal": refusal, "next": _next(request)}, status=status
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Ask once before the link is used up: a browser that only looks ahead must not spend it."""
    refusal = None
    if request.method == "POST":
        try:
            user = accounts.redeem_sign_in_link(
                token=token,
                address=request.META.get("REMOTE_ADDR", ""),
                host=request.get_host(),
                forwarded="HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META,
                moment=timezone.now(),
            )
        except accounts.SignInRefused as error:
            refusal = str(error)
        else:
            _enter(request, user)
            return redirect("web:start")
    context = {"refusal": refusal}
    return render(request, "web/sign_in_by_link.html", context, status=403 if refusal else 200)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return redirect("web:sign_in")


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest, token: str) -> HttpResponse:
    """Who invites whom to what; joining takes one press of a button, with an account made here or an old one."""
    try:
        found = invites.look(token=token, address=visitor.address(request.META), moment=timezone.now())
        if request.user.is_authenticated:
            return _invite_of_member(request, found)
        return _invite_of_newcomer(request, found)
    except (invites.InviteRefused, throttle.TooManyTries) as error:
        return _closed_link(request, error)


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest, token: str) -> HttpResponse:
    """Where a reset link leads: a new password, and every session of the person ends."""
    place = {"address": visitor.address(request.META), "moment": timezone.now()}
    form = ResetForm(request.POST or None)
    try:
        user = resets.user_of(token=token, **place)
        if request.method == "POST" and form.is_valid():
            resets.redeem(token=token, password=form.cleaned_data["password"], **place)
            auth.logout(request)
            messages.success(request, "Your new password is set. Sign in with it.")
            return redirect("web:sign_in")
    except accounts.AccountRefused as error:
        form.add_error("password", error.messages)
    except (resets.ResetRefused, throttle.TooManyTries) as error:
        return _closed_link(request, error)
    return render(request, "web/reset.html", {"form": form, "person": user}, status=400 if form.errors else 200)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def operator_resets(request: HttpRequest) -> HttpResponse:
    """An operator makes a reset link for anybody, and sees it once."""
    access.operator(user=request.user)
    form = FindPersonForm(request.POST or None)
    link = None
    if request.method == "POST" and form.is_valid():
        person = accounts.find(email=form.cleaned_data["email"])
        if person is None:
            form.add_error("email", "Nobody has an account under this address.")
        else:
            token = resets.issue(user=person, by=request.user, moment=timezone.now())
            link = request.build_absolute_uri(reverse("web:reset", args=[token]))
    context = {"form": form, "link": link}
    return render(request, "web/operator_resets.html", context, status=400 if form.errors else 200)


def _invite_of_member(request: HttpRequest, found: Invite) -> HttpResponse:
    """Let somebody with an account join."""
    belongs = access.role(user=request.user, workspace_id=found.workspace_id) is not None
    if request.method == "POST":
        invites.accept(invite=found, user=request.user, moment=timezone.now())
        return redirect("web:workspace", found.workspace_id)
    return render(request, "web/invite.html", {"invite": found, "belongs": belongs})


def _invite_of_newcomer(request: HttpRequest, found: Invite) -> HttpResponse:
    """Make an account and let it join."""
    form = JoinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        typed = {name: form.cleaned_data[name] for name in ("email", "name", "password")}
        try:
            user = invites.accept_as_new(invite=found, moment=timezone.now(), **typed)
        except accounts.AccountRefused as error:
            form.add_error(None, error.messages)
        else:
            _enter(request, user)
            return redirect("web:workspace", found.workspace_id)
    context = {"invite": found, "form": form, "here": request.path}
    return render(request, "web/invite.html", context, status=400 if form.errors else 200)


def _closed_link(request: HttpRequest, error: Exception) -> HttpResponse:
    status = 429 if isinstance(error, throttle.TooManyTries) else 404
    return render(request, "web/closed_link.html", {"reason": str(error)}, status=status)


def _enter(request: HttpRequest, user: User) -> None:
    """Sign in under a fresh session key, and note where that was."""
    auth.login(request, user, backend=MODEL_BACKEND)
    sessions.begin(
        session=request.session,
        address=visitor.address(request.META),
        user_agent=request.headers.get("User-Agent", ""),
        moment=timezone.now(),
    )


def _next(request: HttpRequest) -> str:
    return request.POST.get("next") or request.GET.get("next") or ""


def _next_page(request: HttpRequest) -> str:
    page = _next(request)
    allowed = url_has_allowed_host_and_scheme(
        page, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return page if allowed else "web:start"
