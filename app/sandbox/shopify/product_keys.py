"""Custom ids of products: metafields of type `id`, each value of one product alone, and the definitions they need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.books import Change, Document
from app.sandbox.shopify.mutations import Mutations, Payload, mutation
from app.sandbox.shopify.records import number_of
from app.sandbox.shopify.store import Rejected
from app.sandbox.shopify.views import Arguments, Fields, Query, View, identity

_RESERVED = "$app"  # the namespace of what names none


def product_of(query: Query, identifier: Mapping[str, Any], *field: str) -> Document | None:
    """Return the product that an identifier names, None where there is none. Raises Rejected without a definition."""
    if identifier.get("id"):
        return query.store.records.read("products", number_of(identifier["id"], "Product"))
    if identifier.get("handle"):
        every = query.store.records.all("products")
        return next((each for each in every if each["handle"] == identifier["handle"]), None)
    custom = identifier.get("customId")
    if not custom:
        return None
    if _definition(query, custom) is None:
        raise Rejected("Metafield definition not found", *field, code="NOT_FOUND")
    found = query.store.records.read("customIds", _key(custom))
    return query.store.records.read("products", found["product_id"]) if found else None


def key_changes(identifier: Mapping[str, Any], product: Document) -> list[Change]:
    """Return the change that gives a product the custom id that named it."""
    custom = identifier.get("customId")
    return [("customIds", _key(custom), {"id": _key(custom), "product_id": product["id"]})] if custom else []


def product_by_identifier(_: Any, arguments: Arguments, query: Query) -> View | None:
    """Return the product that an identifier names."""
    try:
        found = product_of(query, arguments["identifier"])
    except Rejected:
        return None
    return View("Product", found) if found else None


def metafield_definition(_: Any, arguments: Arguments, query: Query) -> View | None:
    """Return the definition of a metafield by its name."""
    found = _definition(query, arguments.get("identifier") or {})
    return View("MetafieldDefinition", found) if found else None


def _define(arguments: Arguments, query: Query) -> Payload:
    wished = arguments["definition"]
    unique = ((wished.get("capabilities") or {}).get("uniqueValues") or {}).get("enabled")
    if wished["type"] == "id" and unique is False:
        message = "Unique values capability is required for id definitions"
        raise Rejected(message, "definition", "capabilities", code="CAPABILITY_REQUIRED_BUT_DISABLED")
    if len(wished["key"]) < 2:
        raise Rejected("Key is too short (minimum is 2 characters)", "definition", "key", code="TOO_SHORT")
    with query.store.records.lock:
        if _definition(query, wished) is not None:
            raise Rejected("Key is in use for Product metafields on this namespace", "definition", "key", code="TAKEN")
        made = {
            "id": query.store.records.next_id(), "namespace": wished.get("namespace") or _RESERVED,
            "key": wished["key"], "name": wished["name"], "owner_type": wished["ownerType"], "type": wished["type"],
        }  # fmt: skip
        query.store.records.write([("metafieldDefinitions", _name(wished), made)])
    return {"created_definition": View("MetafieldDefinition", made)}


def _definition(query: Query, named: Mapping[str, Any]) -> Document | None:
    return query.store.records.read("metafieldDefinitions", _name(named))


def _name(named: Mapping[str, Any]) -> str:
    return f"{named.get('ownerType') or 'PRODUCT'} {named.get('namespace') or _RESERVED}.{named.get('key')}"


def _key(custom: Mapping[str, Any]) -> str:
    return f"{_name(custom)}={custom['value']}"


MUTATIONS: Mutations = {"metafieldDefinitionCreate": mutation(_define)}
FIELDS: Fields = {("MetafieldDefinition", "id"): identity}
