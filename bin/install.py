"""Bring the locked packages into .venv; instant, and without a network, when they are there already.

Standard library only, because it runs before anything is installed: `python bin/install.py runtime [development]`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
FILES = {"runtime": "requirements.txt", "development": "requirements-dev.txt"}
SOURCES = ("app", "bench", "migrations", "wsgi.py")
ROOM = {"runtime": 400, "development": 900}  # MB that the packages and the caches they are unpacked in take


def main(groups: list[str]) -> None:
    """Install each group that is not installed as its lock file says."""
    for group in groups:
        stamp = VENV / f".{group}-{_fingerprint(ROOT / FILES[group])}"
        if not stamp.exists():
            _require_room(ROOM[group])
            _make_environment()
            print(f"Installing the {group} packages into .venv (once; about a minute)", flush=True)
            how = ("--require-hashes", "--compile-bytecode")
            _run("uv", "pip", "install", "--python", str(_binary("python")), *how, "-r", FILES[group])
            for old in VENV.glob(f".{group}-*"):
                old.unlink()
            stamp.touch()
    _compile()


def _compile() -> None:
    """Our own bytecode, written here once: where PYTHONDONTWRITEBYTECODE is set, each process would compile it anew."""
    _run("python", "-m", "compileall", "-q", *SOURCES)


def _make_environment() -> None:
    """A virtual environment with uv in it, at the version that the lock file of the development packages names."""
    if not _binary("python").exists() or not _binary("pip").exists():
        if importlib.util.find_spec("ensurepip") is None:
            _stop(f"{sys.executable} cannot make a virtual environment: install its venv package (python3-venv).")
        print("Making .venv", flush=True)
        _run(sys.executable, "-m", "venv", str(VENV))
    if not _binary("uv").exists():
        print("Bringing uv into .venv", flush=True)
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes")
        _run("python", *pip, "-r", "/dev/stdin", told=_uv())


def _uv() -> str:
    """What the lock file says of uv: its version and hashes, up to the first line that no other follows."""
    _, found, rest = (ROOT / FILES["development"]).read_text(encoding="utf-8").partition("\nuv==")
    lines = (found + rest).strip().splitlines()
    return "\n".join(lines[: 1 + next(number for number, line in enumerate(lines) if not line.endswith("\\"))]) + "\n"


def _run(program: str, *arguments: str, told: str = "") -> None:
    """Run to the end with its output shown; a failure stops with one sentence under that output."""
    own = _binary(program)
    command = [str(own) if own.exists() else program, *arguments]
    if subprocess.run(command, cwd=ROOT, check=False, text=True, input=told).returncode:
        _stop("The installation failed as shown above: see that the package index can be reached, then make it again.")


def _require_room(megabytes: int) -> None:
    free = shutil.disk_usage(ROOT).free // 1_000_000
    if free < megabytes:
        _stop(f"Only {free} MB are free under {ROOT}: the packages need {megabytes} MB, free some and make it again.")


def _binary(name: str) -> Path:
    return VENV / "bin" / name


def _fingerprint(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def _stop(sentence: str) -> None:
    print(sentence, file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
