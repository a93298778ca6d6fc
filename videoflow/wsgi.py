"""The HTTP side alone, for a WSGI server beside Daphne in the scaled form."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoflow.settings")
application = get_wsgi_application()
