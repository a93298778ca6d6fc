from django.http import HttpResponse

from videoflow.errors import VideoflowError
from videoflow.tasks.services import TooManyWaiting

RETRY_AFTER_SECONDS = 30


def refusal(page: HttpResponse, error: VideoflowError) -> HttpResponse:
    """Return the page that shows a refusal with the status that says the same to a program."""
    page.status_code = 422
    if isinstance(error, TooManyWaiting):
        page.status_code = 429
        page.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return page
