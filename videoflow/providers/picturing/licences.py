"""Under which terms a found picture may be shown in a video that may earn money and is cut, cropped and lettered."""

import re
from dataclasses import dataclass

from videoflow.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Licence:
    name: str
    url: str = ""
    needs_credit: bool = True
    refused: str = ""
    """Why a picture under it is not taken unasked; empty where it may be used."""


PEXELS = Licence("Pexels License", "https://www.pexels.com/license/", needs_credit=True)
PIXABAY = Licence("Pixabay Content License", "https://pixabay.com/service/license-summary/", needs_credit=True)
_CC_URL = "https://creativecommons.org/licenses/{code}/{version}/"
_NC = Sentence("it forbids commercial use")
_ND = Sentence("it forbids changes, and a video crops and letters what it shows")
_UNKNOWN = Sentence("nobody says under which terms it may be used")
_FREE = ("cc0", "pdm", "public domain", "pd", "no restrictions", "copyrighted free use")
_CREDITED = ("attribution", "fal", "free art license", "ogl", "open government licence")
_CC = re.compile(r"^cc[ -]?(by(?:[ -](?:nc|nd|sa))*)[ -]?(\d(?:\.\d)?)?", re.IGNORECASE)


def licence_cc(code: str, version: str = "", url: str = "") -> Licence:
    """Return a Creative Commons licence by its code (``by-sa``), as Openverse names it; ``cc0`` and ``pdm`` ask for nothing."""
    code = code.strip().lower().replace(" ", "-")
    if code == "cc0":
        return Licence("CC0 1.0", url or "https://creativecommons.org/publicdomain/zero/1.0/", needs_credit=False)
    if code == "pdm":
        return Licence("Public domain", url or "https://creativecommons.org/publicdomain/mark/1.0/", needs_credit=False)
    parts = code.split("-")
    if parts[0] != "by" or not set(parts[1:]) <= {"nc", "nd", "sa"}:
        return Licence(code or "unknown", url, refused=_UNKNOWN)
    name = f"CC {code.upper()} {version}".strip()
    reasons = [reason for part, reason in (("nc", _NC), ("nd", _ND)) if part in parts]
    refused = Sentence("%(one)s and %(other)s", one=_NC, other=_ND) if len(reasons) > 1 else next(iter(reasons), "")
    return Licence(name, url or _CC_URL.format(code=code, version=version or "4.0"), refused=refused)


def _not_known(name: str) -> str:
    return Sentence("“%(name)s” is not among the licences known here", name=name) if name else _UNKNOWN


def licence_named(name: str, url: str = "") -> Licence:
    """Return the licence of a text such as ``CC BY-SA 4.0``, ``Public domain`` or ``GFDL``, as Wikimedia Commons names it."""
    plain = " ".join(name.split())
    match = _CC.match(plain)
    if match:
        return licence_cc(match[1].replace(" ", "-"), match[2] or "", url)
    lower = plain.lower()
    if lower.startswith(_FREE):
        return Licence(plain, url, needs_credit=False)
    if lower.startswith(_CREDITED):
        return Licence(plain, url)
    return Licence(plain or "unknown", url, refused=_not_known(plain))
