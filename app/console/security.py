"""What keeps a signed-in page ours: content policy, CSRF tokens, cookies, the end of a session."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFProtect

from app.infra.hub import Hub

CONSOLE = "/admin"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
REST = timedelta(minutes=30)  # a console left open on a counter is closed before the next shift
WHOLE_DAY = timedelta(hours=12)  # nobody works longer; a stolen cookie ends with the day
CHANGES = ("POST", "PUT", "PATCH", "DELETE")


def secure(app: Flask, hub: Hub) -> None:
    """Set the session up and guard every page and post under /admin. API and webhooks carry no cookie and no token."""
    settings = hub.settings
    app.config.update(
        SECRET_KEY=_session_key(settings.secret_key),
        SECRET_KEY_FALLBACKS=[_session_key(key) for key in settings.other_secret_keys],
        SESSION_COOKIE_NAME="roundhouse",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.cookie_secure,
        SESSION_COOKIE_PATH=CONSOLE,
        PERMANENT_SESSION_LIFETIME=REST,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,  # the session ends before a token could grow old
    )
    csrf = CSRFProtect(app)

    @app.before_request
    def check_token() -> None:
        if in_console() and request.method in CHANGES:
            csrf.protect()

    @app.after_request
    def close_windows(response: Response) -> Response:
        if in_console():
            response.headers["Content-Security-Policy"] = POLICY
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["X-Frame-Options"] = "DENY"
            response.headers["Referrer-Policy"] = "same-origin"
            response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
            if response.mimetype == "text/html":
                response.headers["Cache-Control"] = "no-store"
            if settings.cookie_secure:
                response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response


def _session_key(secret: str) -> str:
    return hashlib.sha256(b"roundhouse sessions " + secret.encode()).hexdigest()


def in_console() -> bool:
    return request.path == CONSOLE or request.path.startswith(f"{CONSOLE}/")
