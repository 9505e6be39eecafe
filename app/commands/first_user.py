"""Let somebody in at the first start: `python -m app.commands.first_user` prints a password once, later nothing."""

from __future__ import annotations

from app.commands.users import FIRST, ensure_first_user
from app.settings import Settings


def main() -> None:
    """Make the first administrator where nobody may sign in yet; the password is kept nowhere else."""
    if password := ensure_first_user(Settings.from_environment()):
        print(f"sign in as {FIRST} with the password {password} (shown this once)")


if __name__ == "__main__":
    main()
