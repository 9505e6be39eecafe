"""The supervisor: it shows, restarts and stops its children, and leaves none behind however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from app.commands.supervisor import end_leftovers
from app.infra.embedded import children
from tests.platform.outside import Watched, awaited

STOP_SECONDS = 10.0  # what `make run` promises

# Supervises the processes of a JSON table; `once` ones first, in order.
PARENT = """
    import json, sys
    from pathlib import Path
    from app.commands.processes import Process
    from app.commands.supervisor import Supervisor, end_leftovers, say
    home, table = Path(sys.argv[1]), json.loads(sys.argv[2])
    end_leftovers(home)
    with Supervisor(home=home, root=home, environment={"GIVEN": "yes", "PATH": "/usr/bin:/bin"}) as supervisor:
        for name, entry in table.items():
            process = Process(**{**entry, "command": tuple(entry["command"])})
            if process.once:
                say("run", f"{name} ended {'well' if supervisor.once(name, process) else 'badly'}")
            else:
                supervisor.start(name, process)
        supervisor.run()
"""
WAITS = ["/bin/sh", "-c", 'echo "I am $$"; exec sleep 60']
DEAF = [
    "/bin/sh",
    "-c",
    """trap "" TERM INT; echo "I am $$"; (trap "" TERM; exec sleep 61) & while :; do sleep 1; done""",
]


class Parent(Watched):
    """A supervisor as a process of its own."""

    def __init__(self, home: Path, table: Mapping[str, Mapping[str, object]], *before: str) -> None:
        super().__init__([*before, sys.executable, "-c", textwrap.dedent(PARENT), str(home), json.dumps(table)])

    def pids(self, name: str, *, times: int = 1) -> list[int]:
        return [int(match[1]) for match in self.says(rf"^{re.escape(name)} *\| I am (\d+)$", times=times)]


@contextlib.contextmanager
def running(home: Path, table: Mapping[str, Mapping[str, object]], *before: str) -> Iterator[Parent]:
    parent = Parent(home, table, *before)
    try:
        yield parent
    finally:
        parent.ends(signal.SIGKILL)
        end_leftovers(home)


def gone(*pids: int) -> bool:
    return awaited(lambda: all(children.birth(pid) is None for pid in pids))


def remembered(home: Path) -> list[int]:
    """The processes that the supervisor of this folder has written down."""
    file = home / "children.json"
    return [int(pid) for pid in json.loads(file.read_text(encoding="ascii"))["running"]] if file.exists() else []


def asleep(seconds: int) -> list[str]:
    """The processes `sleep <seconds>` of this machine."""
    found = subprocess.run(["pgrep", "-f", f"^sleep {seconds}$"], capture_output=True, text=True, check=False)
    return found.stdout.split()


class TestSupervisor:
    def test_each_line_stands_under_the_name_of_who_said_it(self, home: Path) -> None:
        table = {
            "talker": {"command": ["/bin/sh", "-c", "echo one; echo two >&2; echo $GIVEN; printf rest; exec sleep 60"]},
            "worker": {"command": WAITS, "count": 2},
        }
        with running(home, table) as parent:
            for line in ("one", "two", "yes"):
                parent.says(rf"^talker +\| {line}$")
            assert parent.pids("worker.1") != parent.pids("worker.2")
            parent.ends(signal.SIGTERM)
            parent.says(r"^talker +\| rest$")

    def test_a_child_that_dies_is_started_again(self, home: Path) -> None:
        with running(home, {"web": {"command": WAITS}}) as parent:
            (first,) = parent.pids("web")
            os.kill(first, signal.SIGKILL)
            parent.says(r"^run +\| web ended \(killed by SIGKILL\); again in 0\.2 s$")
            assert parent.pids("web", times=2)[1] != first

    def test_a_child_that_always_dies_is_tried_ever_less_often(self, home: Path) -> None:
        with running(home, {"web": {"command": ["/bin/sh", "-c", "exit 3"]}}) as parent:
            waits = [match[1] for match in parent.says(r"web ended \(status 3\); again in (\S+) s", times=4)]
            assert waits[:4] == ["0.2", "0.4", "0.8", "1.6"]

    def test_what_a_dead_child_left_running_does_not_stand_in_the_way(self, home: Path) -> None:
        leader = ["/bin/sh", "-c", 'sleep 62 & echo "I am $$"; wait']
        with running(home, {"web": {"command": leader}}) as parent:
            (first,) = parent.pids("web")
            before = asleep(62)
            os.kill(first, signal.SIGKILL)
            parent.pids("web", times=2)
            assert awaited(lambda: len(asleep(62)) == 1 and asleep(62) != before)

    def test_what_runs_once_is_waited_for_and_told_apart(self, home: Path) -> None:
        table = {
            "migrate": {"command": ["/bin/sh", "-c", "echo done"], "once": True},
            "seed": {"command": ["/bin/false"], "once": True},
        }
        with running(home, table) as parent:
            parent.says(r"^run +\| migrate ended well$")
            parent.says(r"^run +\| seed ended badly$")
            assert parent.said[0] == "migrate   | done"

    @pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_a_signal_stops_everything(self, home: Path, kind: signal.Signals) -> None:
        with running(home, {"web": {"command": WAITS}, "worker": {"command": WAITS, "count": 2}}) as parent:
            pids = [parent.pids(name)[0] for name in ("web", "worker.1", "worker.2")]
            assert parent.ends(kind) < 2
            assert gone(*pids)

    def test_a_child_that_does_not_listen_is_stopped_in_time_with_its_own_children(self, home: Path) -> None:
        with running(home, {"deaf": {"command": DEAF}}) as parent:
            pids = parent.pids("deaf")
            assert parent.ends(signal.SIGTERM) < STOP_SECONDS - 4  # the servers need the rest
            assert gone(*pids)
            assert asleep(61) == []

    def test_who_asks_again_is_not_made_to_wait(self, home: Path) -> None:
        with running(home, {"deaf": {"command": DEAF}}) as parent:
            pids = parent.pids("deaf")
            began = time.monotonic()
            parent.process.send_signal(signal.SIGINT)
            parent.process.send_signal(signal.SIGTERM)  # the echo that make sends after a group's signal
            with pytest.raises(subprocess.TimeoutExpired):
                parent.process.wait(1.2)
            assert parent.ends(signal.SIGINT) + 1.2 < 3
            assert time.monotonic() - began < 3
            assert gone(*pids)

    def test_a_supervisor_that_a_shell_started_deaf_to_ctrl_c_still_hears_it(self, home: Path) -> None:
        deaf = ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh"]
        with running(home, {"web": {"command": WAITS}}, *deaf) as parent:
            parent.pids("web")
            assert parent.ends(signal.SIGINT) < 2

    def test_nohup_stays_nohup(self, home: Path) -> None:
        with running(home, {"web": {"command": WAITS}}, "/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh") as parent:
            parent.pids("web")
            parent.process.send_signal(signal.SIGHUP)
            with pytest.raises(subprocess.TimeoutExpired):
                parent.process.wait(0.5)

    def test_killing_it_takes_its_children_with_it(self, home: Path) -> None:
        with running(home, {"web": {"command": WAITS}}) as parent:
            pids = parent.pids("web")
            parent.ends(signal.SIGKILL)
            assert gone(*pids)

    def test_the_next_start_ends_what_outlived_a_killed_one(self, home: Path) -> None:
        with running(home, {"deaf": {"command": DEAF}}) as parent:
            (left,) = parent.pids("deaf")
            parent.ends(signal.SIGKILL)
            assert children.birth(left) is not None
        with running(home, {"web": {"command": WAITS}}) as parent:
            parent.pids("web")
            assert gone(left)
            assert asleep(61) == []

    def test_the_next_start_ends_what_a_dead_child_of_a_killed_one_left_running(self, home: Path) -> None:
        with running(home, {"web": {"command": ["/bin/sh", "-c", 'sleep 63 & echo "I am $$"; wait']}}) as parent:
            pids = parent.pids("web")
            parent.ends(signal.SIGKILL)
            assert gone(*pids)
            assert len(asleep(63)) == 1
            end_leftovers(home)
            assert awaited(lambda: asleep(63) == [])

    def test_numbers_from_before_a_restart_of_the_machine_mean_nothing(self, home: Path) -> None:
        with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
            left = {"numbering": "another boot", "running": {stranger.pid: children.birth(stranger.pid)}}
            (home / "children.json").write_text(json.dumps(left), encoding="ascii")
            end_leftovers(home)
            assert stranger.poll() is None
            stranger.kill()

    def test_a_number_that_belongs_to_another_process_by_now_is_left_alone(self, home: Path) -> None:
        with subprocess.Popen(["sleep", "60"]) as stranger:
            left = {"numbering": children.numbering(), "running": {stranger.pid: "another birth"}}
            (home / "children.json").write_text(json.dumps(left), encoding="ascii")
            end_leftovers(home)
            assert stranger.poll() is None
            stranger.kill()

    def test_it_goes_on_when_nobody_reads_what_it_says(self, home: Path) -> None:
        unread = ("/bin/sh", "-c", '"$@" | true', "sh")
        with running(home, {"web": {"command": WAITS}}, *unread) as parent:
            assert awaited(lambda: len(remembered(home)) == 1)
            (first,) = remembered(home)
            os.kill(first, signal.SIGKILL)
            assert awaited(lambda: remembered(home) not in ([], [first]))
            parent.ends(signal.SIGKILL, group=True)
