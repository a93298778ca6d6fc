"""The HTTP side alone, for a WSGI server beside Daphne in the scaled form."""

import os

from django.core.wsgi import get_wsgi_application

from videoflow.sqlite.turns import Turns

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoflow.settings")
Turns.answers_requests = True
application = get_wsgi_application()
