"""What the program is started with, read once from the environment where a process starts."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from environs import Env, EnvValidationError
from marshmallow import ValidationError
from marshmallow.validate import Length, OneOf, Range, Regexp

from app.kernel.errors import HubError
from app.kernel.queues import rules_of, served_of

# Orders with hundreds of lines, each with properties, taxes and discounts, are 1 to 2 MB of JSON; the rest is room.
# Eight web threads that each hold one such body are 40 MiB, which the smallest machine has.
MAX_BODY_BYTES = 5 * 1024 * 1024
DRIVER = "postgresql+psycopg://"


class CannotStart(HubError):
    """The program cannot start as it was asked to; the message is one sentence that says what to do."""


def home_of(environment: Mapping[str, str]) -> Path:
    """The folder that everything of a local run lies in: HUB_HOME, else ./var; absolute."""
    return Path(environment.get("HUB_HOME") or "var").expanduser().absolute()


def addresses_file(home: Path) -> Path:
    """Where the embedded servers leave their addresses while they run, for `flask …` in another terminal."""
    return home / "servers.json"


def kept_secret(file: Path) -> str:
    """The secret in `file`, made at the first call, readable by its owner only; whole or absent, whenever killed."""
    if not file.exists():
        fresh = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as written:
            written.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):  # of two first calls at once one wins, and both use its secret
            os.link(fresh, file)
        fresh.unlink()
    return file.read_text(encoding="ascii")


def reachable(host: str) -> str:
    """An address at which a server that listens on `host` is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)


def secret_key_file(home: Path) -> Path:
    """Where the key of an installation lies when HUB_SECRET_KEY does not give it; `make run` makes it."""
    return home / "secret.key"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of every process; `.env.example` describes each variable, a test compares the two."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    home: Path
    host: str = "127.0.0.1"
    port: int = 8000
    sandbox_port: int = 8001
    public_url: str = "http://127.0.0.1:8000"
    trusted_proxies: int = 0
    cookie_secure: bool = False
    max_body_bytes: int = MAX_BODY_BYTES
    allow_loopback: bool = False
    web_processes: int = 1
    web_threads: int = 8
    workers: int = 2
    drain_threads: int = 4
    call_threads: int = 32
    queues: str = ""  # what differs from the queues' usual weights and bounds, see app/kernel/queues.py
    worker_queues: str = ""  # the queues that this process' worker serves; all where nothing is said
    partitions: int = 8  # inside work runs in so many lines of batches; a power of two, at most 64
    doubt_seconds: float = 10.0  # how long a remote may still be working on a call whose answer was lost
    prepared: bool = True
    other_secret_keys: tuple[str, ...] = field(default=(), repr=False)  # open what they sealed, and seal nothing
    archive: Path = Path("var/archive")  # where what leaves the database is written, if a policy says so
    storage_gb: float = 0.0  # what the database may grow to; 0: nobody is warned
    ping_pong_turns: int = 4  # so often two systems may change one field back and forth, until the hub takes no more
    ping_pong_hours: float = 72.0  # within so many hours
    retention_from: str = "01:07"  # UTC; for four hours from then what is past its days leaves the database
    log_level: str = "INFO"
    log_format: str = "json"
    demo: bool = False
    demo_rate: float = 1.0
    demo_secret: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read all settings; raises CannotStart with one sentence that names each variable that is missing or wrong."""
        given = os.environ if environment is None else environment
        reader = _Reader(given)
        values = _read(reader, home_of(given))
        try:
            reader.seal()
        except EnvValidationError as error:
            named = cast("Mapping[str, list[str]]", error.error_messages)  # a list only where one variable is read
            wrong = "; ".join(f"{name}: {_said(messages)}" for name, messages in named.items())
            raise CannotStart("start.settings", f"The settings do not hold, see .env.example: {wrong}.") from error
        return cls(**values)


class _Reader(Env):
    """environs over a mapping of ours; a variable that is set to nothing counts as not set, as in a .env file."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__(eager=False)
        self._given = given

    def _get_value(self, env_key: str, default: Any) -> Any:
        return self._given.get(env_key) or default


def _read(env: Env, home: Path) -> dict[str, Any]:
    """All values by field name; what does not hold stays with the reader, which names it when it is sealed."""
    here = _embedded(home)
    host = env.str("HUB_HOST", "127.0.0.1")
    port = env.int("HUB_PORT", 8000, validate=_PORT)
    local = f"http://{reachable(host or '')}:{port}"
    public_url = env.str("HUB_PUBLIC_URL", local, validate=_web_address) or ""
    return {
        "home": home,
        "host": host,
        "port": port,
        "public_url": public_url.rstrip("/"),
        "database_url": _psycopg(env.str("DATABASE_URL", here["DATABASE_URL"], validate=_postgresql_address)),
        "redis_url": env.str("REDIS_URL", here["REDIS_URL"], validate=_redis_address),
        "secret_key": env.str("HUB_SECRET_KEY", _kept_key(home), validate=_KEY),
        "other_secret_keys": tuple(env.list("HUB_OTHER_SECRET_KEYS", [], subcast=str, validate=_keys) or ()),
        "sandbox_port": env.int("HUB_SANDBOX_PORT", 8001, validate=_PORT),
        "trusted_proxies": env.int("HUB_TRUSTED_PROXIES", 0, validate=_COUNT),
        "cookie_secure": env.bool("HUB_COOKIE_SECURE", public_url.startswith("https://")),
        "max_body_bytes": env.int("HUB_MAX_BODY", MAX_BODY_BYTES, validate=_POSITIVE),
        "allow_loopback": env.bool("HUB_ALLOW_LOOPBACK", here["HUB_ALLOW_LOOPBACK"] == "1"),
        "web_processes": env.int("HUB_WEB_PROCESSES", 1, validate=_POSITIVE),
        "web_threads": env.int("HUB_WEB_THREADS", 8, validate=_POSITIVE),
        "workers": env.int("HUB_WORKERS", 2, validate=_POSITIVE),
        "drain_threads": env.int("HUB_DRAIN_THREADS", 4, validate=_POSITIVE),
        "queues": env.str("HUB_QUEUES", "", validate=_queue_rules),
        "worker_queues": env.str("HUB_WORKER_QUEUES", "", validate=_queue_names),
        "partitions": env.int("HUB_PARTITIONS", 8, validate=_PARTITIONS),
        "call_threads": env.int("HUB_CALL_THREADS", 32, validate=_POSITIVE),
        "doubt_seconds": env.float("HUB_DOUBT_SECONDS", 10.0, validate=_COUNT),
        "prepared": env.bool("HUB_PREPARED", True),
        "archive": Path(env.str("HUB_ARCHIVE", str(home / "archive"))).expanduser().absolute(),
        "log_level": env.str("HUB_LOG_LEVEL", "INFO", validate=_LEVEL),
        "log_format": env.str("HUB_LOG_FORMAT", "json", validate=_FORMAT),
        "demo": env.bool("HUB_DEMO", False),
        "demo_rate": env.float("HUB_DEMO_RATE", 1.0, validate=_COUNT),
        "demo_secret": env.str("HUB_DEMO_SECRET", ""),
        **_upkeep(env),
    }


def _upkeep(env: Env) -> dict[str, Any]:
    return {
        "storage_gb": env.float("HUB_STORAGE_GB", 0.0, validate=_COUNT),
        "retention_from": env.str("HUB_RETENTION_FROM", "01:07", validate=_HOUR),
        "ping_pong_turns": env.int("HUB_PING_PONG_TURNS", 4, validate=_POSITIVE),
        "ping_pong_hours": env.float("HUB_PING_PONG_HOURS", 72.0, validate=_COUNT),
    }


_PORT = Range(min=1, max=65535, error="give a port from {min} to {max}")
_COUNT = Range(min=0, error="give a number from {min} up")
_POSITIVE = Range(min=1, error="give a number from {min} up")
_KEY = Length(min=32, error="give at least {min} characters, or none: `make run` makes one under HUB_HOME")
_PARTITIONS = OneOf((1, 2, 4, 8, 16, 32, 64), error="give one of {choices}")
_HOUR = Regexp(r"([01]\d|2[0-3]):[0-5]\d$", error="give a time of day in UTC, such as 01:07")
_LEVEL = OneOf(("DEBUG", "INFO", "WARNING", "ERROR"), error="give one of {choices}")
_FORMAT = OneOf(("json", "text"), error="give one of {choices}")


def _embedded(home: Path) -> dict[str, Any]:
    """Where the embedded servers of `home` listen; Ellipsis, which is "must be given", where none run."""
    file = addresses_file(home)
    found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return {"DATABASE_URL": ..., "REDIS_URL": ..., "HUB_ALLOW_LOOPBACK": "", **found}


def _kept_key(home: Path) -> Any:
    file = secret_key_file(home)
    return file.read_text(encoding="ascii") if file.exists() else ...


def _psycopg(address: str | None) -> str | None:
    """The address with SQLAlchemy's name of the driver, however the platform spells PostgreSQL's scheme."""
    return DRIVER + address.partition("://")[2] if address else None


def _postgresql_address(address: str) -> None:
    if address.partition("://")[0] not in ("postgres", "postgresql", DRIVER.removesuffix("://")):
        raise ValidationError("give an address that begins with postgresql://")


def _redis_address(address: str) -> None:
    scheme, _, rest = address.partition("://")
    if scheme.endswith("+sentinel") and not rest.partition("?")[0].partition("/")[2]:
        raise ValidationError(f"give {scheme}://host:port,host:port/service/database")
    if scheme not in ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"):
        raise ValidationError("give an address that begins with redis://, rediss://, redis+sentinel:// or unix://")


def _queue_rules(text: str) -> None:
    try:
        rules_of(text)
    except ValueError as wrong:
        raise ValidationError(str(wrong)) from wrong


def _queue_names(text: str) -> None:
    try:
        served_of(text)
    except ValueError as wrong:
        raise ValidationError(str(wrong)) from wrong


def _keys(keys: list[str]) -> None:
    for key in keys:
        _KEY(key)


def _web_address(address: str) -> None:
    if address.partition("://")[0] not in ("http", "https"):
        raise ValidationError("give an address that begins with http:// or https://")


def _said(messages: Any) -> str:
    """One phrase from marshmallow's messages, the missing one with the way out."""
    if "Environment variable not set." in messages:
        return "not set, and nothing that `make run` left under HUB_HOME says it"
    return " ".join(str(message).rstrip(".").replace("Not a valid", "not a valid") for message in messages)
