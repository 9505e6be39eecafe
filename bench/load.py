"""A load of HTTP requests over kept connections, from a process of its own: `python -m bench.load` reads a plan.

Raw sockets and prepared bytes: the generator shares the machine with what it measures, so it must cost little.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
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


def request_of(plan: Plan, number: str, body: bytes) -> bytes:
    lines = [f"POST {plan.path} HTTP/1.1", f"Host: 127.0.0.1:{plan.port}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value.replace('{n}', number)}" for name, value in plan.headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def one_thread(plan: Plan, thread: int, until: float, times: list[float], bad: list[int]) -> None:
    body = plan.body.encode()
    line = socket.create_connection(("127.0.0.1", plan.port), timeout=30)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    n, gap, next_at = 0, plan.threads / plan.pace if plan.pace else 0.0, time.perf_counter()
    while (now := time.perf_counter()) < until:
        if gap:
            if next_at > now:
                time.sleep(next_at - now)
            next_at += gap
        began = time.perf_counter()
        line.sendall(request_of(plan, f"{thread}-{n}-{began:.6f}", body))
        answer = line.recv(65536)
        while b"\r\n\r\n" not in answer:
            answer += line.recv(65536)
        times.append(time.perf_counter() - began)
        n += 1
        if answer[9:10] != b"2":
            bad.append(n)
    line.close()


def main() -> None:
    plan = Plan(**json.load(sys.stdin))
    times: list[float] = []
    bad: list[int] = []
    until = time.perf_counter() + plan.seconds
    threads = [threading.Thread(target=one_thread, args=(plan, n, until, times, bad)) for n in range(plan.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ordered = sorted(times)
    outcome = Outcome(
        per_second=len(times) / plan.seconds,
        p50_ms=ordered[len(ordered) // 2] * 1000,
        p99_ms=ordered[int(len(ordered) * 0.99)] * 1000,
        refused=len(bad),
    )
    json.dump(asdict(outcome), sys.stdout)


if __name__ == "__main__":
    if sys.argv[1:] == ["each"]:
        each(json.load(sys.stdin))
    else:
        main()
