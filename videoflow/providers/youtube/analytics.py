"""How long viewers stay: YouTube's Analytics API, a service beside the other with a permission of its own.

Source: https://developers.google.com/youtube/analytics/reference/reports/query
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from videoflow.providers.net import Client, Connection, ServiceError
from videoflow.providers.youtube.api import Token
from videoflow.providers.youtube.errors import YouTubeBusy, YouTubeRefused, said_read

_METRICS = ("views", "averageViewDuration", "averageViewPercentage")
_ALL = range(200, 600)


@dataclass(frozen=True, slots=True)
class Retention:
    """What viewers watch of a video on average."""

    seconds: float
    percent: float


def retention_read(base_url: str, *, token: Token, video_ids: Sequence[str], first: date, last: date) -> dict[str, Retention]:
    """Return what is known by video; one that YouTube has no figures for yet, which takes some days, is not in it.

    Raises:
        ProviderError: the permission does not cover it, the service is not switched on, or it does not answer.
    """
    params = {
        "ids": "channel==MINE",
        "startDate": first.isoformat(),
        "endDate": last.isoformat(),
        "metrics": ",".join(_METRICS),
        "dimensions": "video",
        "filters": f"video=={','.join(video_ids)}",
        "sort": "-views",
        "maxResults": len(video_ids),
    }
    client = Client(Connection("youtube", base_url))
    for is_again in (False, True):
        headers = {"Authorization": f"Bearer {token(renew=is_again)}"}
        try:
            answer = client.request("GET", "v2/reports", params=params, headers=headers, accept=_ALL, deadline_seconds=30)
            value = answer.json() if answer.status == 200 else {}
        except ServiceError as error:
            raise YouTubeBusy("YouTube's statistics do not answer at the moment.") from error
        if answer.status != 401:
            break
    if answer.status != 200:
        said = said_read(answer.body)
        raise YouTubeRefused("YouTube does not tell how long viewers stay.", reason=said.reason, status=answer.status)
    try:
        return {str(row[0]): Retention(float(row[2]), float(row[3])) for row in value.get("rows") or []}
    except (AttributeError, IndexError, TypeError, ValueError):
        raise YouTubeBusy("YouTube's statistics answered with something unexpected.") from None
