"""The pages through which people get in and out."""

from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from advisor.services import accounts
from advisor.web.forms import SignInForm

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    form = SignInForm(request.POST or None)
    refusal, status = None, 200
    if request.method == "POST" and form.is_valid():
        try:
            user = accounts.sign_in(**form.cleaned_data, address=_address(request), moment=timezone.now())
        except accounts.SignInRefused as error:
            refusal = str(error)
            status = 429 if isinstance(error, accounts.TooManyFailures) else 403
        else:
            auth.login(request, user, backend=MODEL_BACKEND)
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
                address=_address(request),
                host=request.get_host(),
                forwarded="HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META,
                moment=timezone.now(),
            )
        except accounts.SignInRefused as error:
            refusal = str(error)
        else:
            auth.login(request, user, backend=MODEL_BACKEND)
            return redirect("web:start")
    context = {"refusal": refusal}
    return render(request, "web/sign_in_by_link.html", context, status=403 if refusal else 200)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return redirect("web:sign_in")


def _address(request: HttpRequest) -> str:
    return request.META.get("REMOTE_ADDR", "")


def _next(request: HttpRequest) -> str:
    return request.POST.get("next") or request.GET.get("next") or ""


def _next_page(request: HttpRequest) -> str:
    page = _next(request)
    allowed = url_has_allowed_host_and_scheme(
        page, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return page if allowed else "web:start"
