"""`flask secret …`: the key under which secrets of connections and data of privacy requests lie in the database."""

from __future__ import annotations

from dataclasses import asdict

from app.commands.terminal import Commands, as_json, tell, who
from app.infra.resealing import reseal
from app.infra.web.wiring import hub

secrets = Commands("secret", help="The key that seals secrets of connections and data of privacy requests.")


@secrets.command("rotate")
@as_json
def rotate(json_wanted: bool) -> None:
    """Seal with HUB_SECRET_KEY what keys of HUB_OTHER_SECRET_KEYS sealed; status 1 where something opens with none."""
    done = reseal(hub(), who())
    said = f"{len(done.again)} sealed with the present key, {len(done.present)} had it already."
    if done.unreadable:
        said += f" No key that is set opens {', '.join(done.unreadable)}."
    else:
        said += " HUB_OTHER_SECRET_KEYS may go once every process has the present key."
    tell(said, asdict(done), json_wanted=json_wanted)
    if done.unreadable:
        raise SystemExit(1)
