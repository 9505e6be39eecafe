"""What a channel's SKU is here: chosen by a person, kept as an alias, with a line in the audit."""

from __future__ import annotations

from app.domains.product.queries import Place
from app.infra.acts import record_act
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound

LONGEST = 200  # signs of a channel's SKU
CHOOSE = """
INSERT INTO product.sku_alias (connection, kind, external, variant_id, chosen_by)
VALUES (%(connection)s, 'sku', %(external)s, %(variant)s::uuid, %(who)s)
    ON CONFLICT (connection, kind, external)
    DO UPDATE SET variant_id = excluded.variant_id, chosen_by = excluded.chosen_by, chosen_at = now()
"""
FORGET = """
DELETE FROM product.sku_alias WHERE (connection, kind, external) = (%(connection)s, 'sku', %(external)s)
RETURNING variant_id::text
"""


def choose_alias(uow: UnitOfWork, connection: str, external: str, place: Place, who: str, why: str = "") -> None:
    """Say that a channel's SKU is this one of ours, from now on. Raises Invalid `product.alias_word`, `..._retired`."""
    if not external.strip() or external != external.strip() or len(external) > LONGEST or not external.isprintable():
        said = f"SKU {external[:60]!r}: give 1 to {LONGEST} signs without blanks around them"
        raise Invalid("product.alias_word", said, about="external")
    if place.status == "retired":
        said = f"SKU {place.sku} is retired: choose one that is sold, or offer it again first"
        raise Invalid("product.alias_retired", said, about=f"sku {place.sku}")
    given = {"connection": connection, "external": external, "variant": place.variant_id, "who": who}
    uow.sql(CHOOSE, given)
    record_act(
        uow, who, "mapped a SKU", kind="product.alias", key=f"{connection}:{external}", why=why,
        facts={"to": place.sku},
    )  # fmt: skip


def forget_alias(uow: UnitOfWork, connection: str, external: str, who: str, why: str = "") -> None:
    """Take an alias out. Raises NotFound `product.alias_unknown`."""
    row = uow.sql(FORGET, {"connection": connection, "external": external}).fetchone()
    if row is None:
        raise NotFound("product.alias_unknown", f"{connection} has no alias {external!r}", about=external)
    record_act(
        uow, who, "took out the mapping of a SKU", kind="product.alias", key=f"{connection}:{external}", why=why,
        facts={"was": row[0]},
    )  # fmt: skip
