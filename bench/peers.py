"""The environment of the systems that figures are compared with, made once beside the program's own."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv-bench"


@cache
def python() -> str:
    """The Python that has the peers; installs them on first use."""
    program = FOLDER / "bin" / "python"
    stamp = FOLDER / "installed"
    wanted = (ROOT / "bench" / "requirements.txt").read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(FOLDER, with_pip=False, clear=True)
        installer = [str(Path(sys.executable).parent / "uv"), "pip", "install", "-q", "--python", str(program)]
        subprocess.run([*installer, "-r", str(ROOT / "bench" / "requirements.txt")], check=True, env=dict(os.environ))
        stamp.write_text(wanted)
    return str(program)
