"""A load of HTTP requests over kept connections, from a process of its own: `python -m bench.load` reads a plan.

Raw sockets and prepared bytes: the generator shares the machine with what it measures, so it must cost little.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send. `{n}` in a header value becomes a number that no other request has."""

    port: int
    path: str
    body: str
    headers: dict[str, str]
    threads: int = 8
    seconds: float = 5.0
    pace: float = 0.0  # requests a second in all; 0 is as fast as it goes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    per_second: float
    p50_ms: float
    p99_ms: float
    refused: int


def send(plan: Plan) -> Outcome:
    """Send the load from another process and say how it went."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"], input=json.dumps(asdict(plan)), capture_output=True, text=True,
        timeout=plan.seconds + 60, check=True,
    )  # fmt: skip
    return Outcome(**json.loads(done.stdout))


def send_each(
    requests: list[tuple[str, str, dict[str, str]]], *, port: int, path: str, pace: float = 0.0, threads: int = 4
) -> None:
    """Send given requests once each, from another process: (a number of its own, body, headers)."""
    given = {"port": port, "path": path, "pace": pace, "threads": threads, "requests": requests}
    subprocess.run(
        [sys.executable, "-m", "bench.load", "each"], input=json.dumps(given), text=True, check=True,
        timeout=60 + (len(requests) / pace if pace else 120),
    )  # fmt: skip


def each(given: dict[str, Any]) -> None:
    """Send what `send_each` gave; a refused request ends the run."""
    requests, pace, threads = given["requests"], given["pace"], given["threads"]
    began = time.perf_counter()

    def one(first: int) -> None:
        line = socket.create_connection(("127.0.0.1", given["port"]), timeout=30)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for n in range(first, len(requests), threads):
            if pace and (wait := began + n / pace - time.perf_counter()) > 0:
                time.sleep(wait)
            number, body, named = requests[n]
            plan = Plan(port=given["port"], path=given["path"], body="", headers=named)
            line.sendall(request_of(plan, number, body.encode()))
            answer = line.recv(65536)
            if answer[9:10] != b"2":
                raise SystemExit(f"refused: {answer[:400]!r}")
        line.close()

    with ThreadPoolExecutor(threads) as workers:
        list(workers.map(one, range(threads)))


def request_of(plan: Plan, number: str, body: bytes, *, length: int = 0) -> bytes:
    size = length or len(body)
    lines = [f"POST {plan.path} HTTP/1.1", f"Host: 127.0.0.1:{plan.port}", f"Content-Length: {size}"]
    lines += [f"{name}: {value.replace('{n}', number)}" for name, value in plan.headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _opened(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=30)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _answer(line: socket.socket) -> bytes:
    """A whole answer with its body; empty where the server has hung up."""
    answer = line.recv(65536)
    while answer:
        head, ended, body = answer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        if ended and len(body) >= int(length or 0):
            break
        more = line.recv(65536)
        answer = answer + more if more else b""
    return answer


def _is_last(answer: bytes) -> bool:
    return not answer or b"connection: close" in answer.lower()


def hammer(plan: Plan) -> Outcome:
    """Send for the plan's time over its kept connections, all from one thread: threads of ours would wait for each
    other instead of for the server. With a pace, a request's time counts from when it should have gone.
    """
    waiting, lines = select.epoll(), {}
    for _ in range(plan.threads):
        line = _opened(plan.port)
        lines[line.fileno()] = line
        waiting.register(line, select.EPOLLIN)
    began: dict[int, float] = {}
    free, body, times, refused = deque(lines), plan.body.encode(), list[float](), 0
    head = request_of(plan, "\0", b"", length=len(body)).split(b"\0")
    start = due = time.perf_counter()
    gap, until = 1 / plan.pace if plan.pace else 0.0, start + plan.seconds
    while (now := time.perf_counter()) < until or began:
        while free and due <= now < until:
            number = free.popleft()
            lines[number].sendmsg([f"{len(times)}-{now:.7f}".encode().join(head), body])
            began[number] = due if gap else now
            due += gap
        for number, _ in waiting.poll(max(0.0, due - time.perf_counter()) if gap and free else 1.0):
            answer, since = _answer(lines[number]), began.pop(number, None)
            if since is not None and answer:
                times.append(time.perf_counter() - since)
                refused += answer[9:10] != b"2"
            if _is_last(answer):  # a server may end a kept connection after any answer
                lines.pop(number).close()
                free = deque(one for one in free if one != number)
                line = _opened(plan.port)
                lines[number := line.fileno()] = line
                waiting.register(line, select.EPOLLIN)
            free.append(number)
    for line in lines.values():
        line.close()
    ordered = sorted(times)
    return Outcome(
        per_second=len(times) / plan.seconds,
        p50_ms=ordered[len(ordered) // 2] * 1000,
        p99_ms=ordered[int(len(ordered) * 0.99)] * 1000,
        refused=refused,
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["each"]:
        each(json.load(sys.stdin))
    else:
        json.dump(asdict(hammer(Plan(**json.load(sys.stdin)))), sys.stdout)
