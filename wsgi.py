"""The WSGI entry point: `granian wsgi:application`, `flask --app wsgi …`."""

import os

from app.commands.gate import await_prepared
from app.factory import create_app
from app.kernel.garbage import settle_in
from app.settings import home_of

application = create_app()
settle_in()
await_prepared(home_of(os.environ))
