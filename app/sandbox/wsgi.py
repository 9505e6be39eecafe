"""The sandbox as a process of its own: `granian --interface wsgi app.sandbox.wsgi:application`."""

from __future__ import annotations

import os

from app.kernel.garbage import settle_in
from app.sandbox.assembly import create_sandbox
from app.sandbox.settings import Settings

application = create_sandbox(Settings.from_environment(os.environ))
settle_in()
application.start()
