"""The application for a WSGI server: Django's own way, in which a view and its connection have a thread."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.drf.settings"
application = get_wsgi_application()
