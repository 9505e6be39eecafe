"""The WSGI entry point: `granian wsgi:application`, `flask --app wsgi …`."""

from app.factory import create_app

application = create_app()
