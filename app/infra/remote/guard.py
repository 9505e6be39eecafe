"""No call of ours reaches loopback, private or link-local addresses, whatever a name resolves to.

The peer of the connected socket is judged, before a byte is sent: a name that resolves differently the second time
gains nothing. Only the demo and the tests lift this, by HUB_ALLOW_LOOPBACK=1.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import Timeout

CONNECT_SECONDS = 3.0  # a healthy remote takes the connection in well under one
ANSWER_SECONDS = 30.0  # vendors' own gateways give up between 30 and 60


class AddressRefused(Exception):
    """The address is not one of the public internet."""


def is_public(address: str) -> bool:
    """Whether an address, with or without a zone, is one of the public internet."""
    peer = ip_address(address.split("%")[0])
    return peer.is_global and not peer.is_multicast


def judged(sock: socket.socket) -> socket.socket:
    """The connected socket, if its peer is an address of the public internet. Raises AddressRefused."""
    peer = str(sock.getpeername()[0])
    if not is_public(peer):
        sock.close()
        raise AddressRefused(f"{peer} is not a public address; outbound calls go to the public internet only")
    return sock


class _GuardedHTTP(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return judged(super()._new_conn())


class _GuardedHTTPS(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return judged(super()._new_conn())


class _GuardedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTP


class _GuardedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPS


def guarded_pool(
    url: str, size: int, *, allow_loopback: bool, answer_seconds: float = ANSWER_SECONDS
) -> HTTPConnectionPool:
    """Kept connections to one remote's host, without retries of their own and without redirects."""
    pool = urllib3.PoolManager(
        num_pools=1,
        maxsize=size,
        block=False,
        retries=False,
        timeout=Timeout(connect=CONNECT_SECONDS, read=answer_seconds),
    )
    if not allow_loopback:
        pool.pool_classes_by_scheme = {"http": _GuardedHTTPPool, "https": _GuardedHTTPSPool}
    return pool.connection_from_url(url)
