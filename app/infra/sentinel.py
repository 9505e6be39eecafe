"""Redis behind Sentinel: one address that names the sentinels and the service, as other programs write it.

`redis+sentinel://user:password@host:26379,host:26379/service/0?sentinel_username=…&sentinel_password=…`, with
`rediss+sentinel://` where sentinels and servers speak TLS. User and password are the servers'.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs, unquote

import redis
from redis.sentinel import Sentinel

SCHEMES = ("redis+sentinel", "rediss+sentinel")
USUAL_PORT = 26379


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A service that sentinels watch, read from its address."""

    sentinels: tuple[tuple[str, int], ...]
    service: str
    database: int = 0
    tls: bool = False
    account: dict[str, str] = field(default_factory=dict, repr=False)  # of the servers
    sentinel_account: dict[str, str] = field(default_factory=dict, repr=False)


def is_watched(address: str) -> bool:
    """Whether an address names sentinels rather than a server."""
    return address.partition("://")[0] in SCHEMES


def read_address(address: str) -> Watched:
    """Take an address apart. Raises ValueError naming what is missing."""
    scheme, _, rest = address.partition("://")
    rest, _, query = rest.partition("?")
    where, _, path = rest.partition("/")
    account, _, hosts = where.rpartition("@")
    service, _, database = path.partition("/")
    if not hosts or not service:
        raise ValueError(f"give {scheme}://host:port,host:port/service/database")
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    return Watched(
        sentinels=tuple(_host(one) for one in hosts.split(",")),
        service=unquote(service),
        database=int(database or 0),
        tls=scheme == "rediss+sentinel",
        account=_account(*account.rpartition(":")[::2]),
        sentinel_account=_account(asked.get("sentinel_username", ""), asked.get("sentinel_password", "")),
    )


def connect(watched: Watched, **line: Any) -> redis.Redis:
    """A client of whichever server is the master now; each new connection asks the sentinels. `line`: its time-outs."""
    tls = {"ssl": True} if watched.tls else {}
    asking = Sentinel(  # type: ignore[no-untyped-call]
        list(watched.sentinels), sentinel_kwargs={**line, **tls, **watched.sentinel_account}
    )
    given = {"db": watched.database, **line, **tls, **watched.account}
    return cast(redis.Redis, asking.master_for(watched.service, **given))  # type: ignore[no-untyped-call]


def _account(name: str, password: str) -> dict[str, str]:
    given = {"username": unquote(name), "password": unquote(password)}
    return {key: value for key, value in given.items() if value}


def _host(text: str) -> tuple[str, int]:
    """`host`, `host:port` or `[::1]:port`."""
    name, _, port = text.rpartition(":") if text.rpartition(":")[2].isdigit() else (text, "", "")
    return (name.strip("[]"), int(port or USUAL_PORT))
