"""$metadata: the EDMX of everything the sandbox serves, made of the tables it validates with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from xml.sax.saxutils import quoteattr

from app.sandbox.business_central.entities import ENTITIES
from app.sandbox.business_central.properties import Entity, Property

_TYPES = {
    "guid": "Edm.Guid",
    "decimal": "Edm.Decimal",
    "int": "Edm.Int32",
    "bool": "Edm.Boolean",
    "date": "Edm.Date",
    "datetime": "Edm.DateTimeOffset",
    "code": "Edm.String",
    "text": "Edm.String",
}


@cache
def metadata() -> str:
    """Return the service's EDMX document."""
    return "".join(_document())


def _document() -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
    yield '<Schema Namespace="Microsoft.NAV" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
    for entity in ENTITIES.values():
        yield from _entity(entity)
    for entity in ENTITIES.values():
        for each in entity.properties.values():
            if each.type == "option":
                yield from _options(entity, each)
        for action in entity.actions:
            yield f'<Action Name="{action}" IsBound="true">'
            yield f'<Parameter Name="bindingParameter" Type="Microsoft.NAV.{entity.name}"/></Action>'
    yield '<EntityContainer Name="NAV">'
    for entity in ENTITIES.values():
        yield f'<EntitySet Name="{entity.set_name}" EntityType="Microsoft.NAV.{entity.name}"/>'
    yield "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"


def _entity(entity: Entity) -> Iterator[str]:
    yield f'<EntityType Name="{entity.name}"><Key><PropertyRef Name="{entity.key}"/></Key>'
    for each in entity.properties.values():
        name = f"Microsoft.NAV.{entity.name}_{each.name}" if each.type == "option" else _TYPES[each.type]
        length = f' MaxLength="{each.length}"' if each.length else ""
        yield f'<Property Name="{each.name}" Type="{name}"{length}/>'
    for navigation in entity.navigations.values():
        target = f"Microsoft.NAV.{ENTITIES[navigation.target].name}"
        kind = f"Collection({target})" if navigation.many else target
        contains = ' ContainsTarget="true"' if navigation.many else ""
        yield f'<NavigationProperty Name="{navigation.name}" Type="{kind}"{contains}/>'
    if entity.name == "company":
        for inner in ENTITIES.values():
            if inner.set_name not in {"companies", "subscriptions"}:
                kind = f"Collection(Microsoft.NAV.{inner.name})"
                yield f'<NavigationProperty Name="{inner.set_name}" Type="{kind}" ContainsTarget="true"/>'
    yield "</EntityType>"


def _options(entity: Entity, each: Property) -> Iterator[str]:
    yield f'<EnumType Name="{entity.name}_{each.name}">'
    for value, option in enumerate(each.options):
        yield f'<Member Name={quoteattr(option.replace(" ", "_x0020_"))} Value="{value}"/>'
    yield "</EnumType>"
