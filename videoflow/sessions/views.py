from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from videoflow.sessions.accounts import address_of, sessions_claim
from videoflow.sessions.forms import SignInForm, SignUpForm
from videoflow.sessions.middleware import Request
from videoflow.sessions.services import COOKIE_NAME


def _next(request: Request) -> str:
    """Return the page to go on to: one of this studio, or nothing."""
    wanted = str(request.POST.get("next") or request.GET.get("next") or "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}) and not urlsplit(wanted).netloc
    return wanted if is_ours else ""


def _page(request: Request, template: str, form: SignInForm | SignUpForm, *, is_open: bool = True) -> HttpResponse:
    has_work = not request.user.is_authenticated and request.creator.sessions.filter(projects__isnull=False).exists()
    context = {
        "form": form,
        "next": _next(request),
        "has_work": has_work,
        "is_open": is_open,
        "has_users": User.objects.exists(),
    }
    if not is_open:
        return render(request, template, context, status=403)
    response = render(request, template, context, status=422 if form.is_bound else 200)
    if form.wait_seconds:
        response.status_code = 429
        response.headers["Retry-After"] = str(form.wait_seconds)
    return response


def _enter(request: Request, user: User) -> HttpResponse:
    """Sign in, and make what this browser holds the user's; its old cookie is taken back, as it opens nothing any more."""
    with transaction.atomic():
        sessions_claim(user=user, cookie=request.creator.cookie)
        login(request, user)
    response = HttpResponseRedirect(_next(request) or reverse("pipeline:start"))
    response.delete_cookie(COOKIE_NAME, samesite="Lax")
    return response


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: Request) -> HttpResponse:
    form = SignInForm(request, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        return _enter(request, form.get_user())
    return _page(request, "sessions/sign_in.html", form)


@sensitive_post_parameters("password1", "password2")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: Request) -> HttpResponse:
    """Make an account and sign in, where that is allowed; else say who makes accounts."""
    if not settings.VIDEOFLOW_SIGN_UP:
        return _page(request, "sessions/sign_up.html", SignUpForm(), is_open=False)
    form = SignUpForm(request.POST if request.method == "POST" else None, address=address_of(request))
    if form.is_bound and form.is_valid():
        return _enter(request, form.save())
    return _page(request, "sessions/sign_up.html", form)


@require_POST
def sign_out(request: Request) -> HttpResponse:
    """End the sign-in; the live-progress sockets that it opened notice within seconds."""
    logout(request)
    messages.success(request, _("You are signed out."))
    response = redirect("sessions:sign_in" if settings.VIDEOFLOW_REQUIRE_LOGIN else "pipeline:start")
    response.delete_cookie(COOKIE_NAME, samesite="Lax")
    return response
