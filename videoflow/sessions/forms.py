from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, UserCreationForm, UsernameField
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from videoflow.sessions.accounts import SIGN_INS_PER_NAME, SIGN_UPS_PER_ADDRESS, address_of, attempt_begin, attempts_forget

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


def _password(label: "_StrPromise", autocomplete: str) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"class": "input", "autocomplete": autocomplete})
    return forms.CharField(label=label, strip=False, max_length=1024, widget=widget)


def _name_input(**attributes: Any) -> forms.TextInput:
    shared = {"class": "input", "autocapitalize": "none", "spellcheck": "false", "autocomplete": "username"}
    return forms.TextInput(attrs={**shared, **attributes})


def _too_often(seconds: int) -> ValidationError:
    minutes = -(-seconds // 60)
    sentence = ngettext(
        "Too many attempts. Wait %(minutes)s minute, then try again.",
        "Too many attempts. Wait %(minutes)s minutes, then try again.",
        minutes,
    )
    return ValidationError(sentence % {"minutes": minutes}, code="throttled")


class SignInForm(AuthenticationForm):
    """Name and password. What was wrong with them is not told; ten failures of a name from one address are the most."""

    username = UsernameField(label=_("Name"), widget=_name_input(autofocus=True))
    password = _password(_("Password"), "current-password")
    error_messages = {
        "invalid_login": _("The name or the password is wrong. Capital letters count."),
        "inactive": _("The name or the password is wrong. Capital letters count."),
    }
    wait_seconds = 0

    def __init__(self, request: HttpRequest, data: QueryDict | None = None) -> None:
        super().__init__(request, data, label_suffix="")
        self._address = address_of(request)

    def clean(self) -> dict[str, Any]:
        who = {"what": "sign-in", "address": self._address, "name": str(self.cleaned_data.get("username", ""))}
        self.wait_seconds = attempt_begin(**who, limit=SIGN_INS_PER_NAME)
        if self.wait_seconds:
            raise _too_often(self.wait_seconds)
        cleaned: dict[str, Any] = super().clean()
        attempts_forget(**who)
        return cleaned


class SignUpForm(UserCreationForm):  # type: ignore[type-arg]
    """A new account: a name that nobody has, and a password twice."""

    password1 = _password(_("Password"), "new-password")
    password2 = _password(_("The password once more"), "new-password")
    error_messages = {"password_mismatch": _("The two passwords are not the same.")}
    wait_seconds = 0

    class Meta:
        model = User
        fields = ("username",)
        labels = {"username": _("Name")}
        help_texts = {"username": _("Letters, digits and @ . + - _")}
        widgets = {"username": _name_input()}
        error_messages = {"username": {"unique": _("Somebody has this name already. Choose another.")}}

    def __init__(self, data: QueryDict | None = None, *, address: str = "") -> None:
        super().__init__(data, label_suffix="")
        self._address = address
        self.fields["password1"].help_text = _("10 characters or more.")
        self.fields["password2"].help_text = ""

    def clean(self) -> dict[str, Any] | None:
        self.wait_seconds = attempt_begin(what="sign-up", address=self._address, limit=SIGN_UPS_PER_ADDRESS)
        if self.wait_seconds:
            raise _too_often(self.wait_seconds)
        return super().clean()
