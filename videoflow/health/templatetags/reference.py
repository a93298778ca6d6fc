"""What a visitor tells whoever runs the studio, so that the lines of the log about this page are found."""

from django import template

from videoflow.logs import request_named

register = template.Library()


@register.simple_tag
def reference() -> str:
    """Return the name of the request that is answered; empty outside of any."""
    return request_named()
