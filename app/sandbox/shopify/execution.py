"""GraphQL requests: prepared once per document, charged, and run on the shop's documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    execute_sync,
    parse,
    validate,
    visit,
)
from graphql.execution.values import VariableValues, get_variable_values

from app.sandbox.shopify import wording
from app.sandbox.shopify.plans import Plan, Planner
from app.sandbox.shopify.schema import schema_of
from app.sandbox.shopify.views import Fields

PREPARED = 512  # documents kept ready; a hub sends a few dozen


class Invalid(Exception):
    """A document or its variables are refused before anything runs; `errors` as the shop answers them."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Prepared:
    """A parsed and validated document with one of its operations chosen."""

    schema: GraphQLSchema
    document: DocumentNode
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    switches: frozenset[str]
    fields: Fields
    plans: dict[tuple[Any, ...], Plan] = field(default_factory=dict)

    @property
    def roots(self) -> list[str]:
        """The names of the fields asked for at the root."""
        return [each.name.value for each in self.operation.selection_set.selections if hasattr(each, "name")]

    @property
    def introspects(self) -> bool:
        """Whether the document asks for the schema itself."""
        return any(name in {"__schema", "__type"} for name in self.roots)

    def plan(self, variables: VariableValues) -> Plan:
        """Return the plan for these variables; it depends only on those that switch fields on and off."""
        on = {name: bool(variables.coerced.get(name)) for name in self.switches}
        key = tuple(sorted(on.items()))
        if key not in self.plans:
            self.plans[key] = Planner(self.schema, self.fields, self.fragments, on).plan(self.operation)
        return self.plans[key]

    def variables(self, given: Mapping[str, Any]) -> VariableValues:
        """Return the variables' values. Raises Invalid when one does not fit its type."""
        found = get_variable_values(self.schema, self.operation.variable_definitions or (), dict(given))
        if isinstance(found, list):
            raise Invalid([wording.invalid_variable(error) for error in found])
        return found

    def introspected(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Answer what the document asks about the schema."""
        found = execute_sync(self.schema, self.document, variable_values=dict(variables))
        return {"data": found.data}


class Preparation:
    """Prepares documents, and keeps those that came before."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self.prepare = lru_cache(maxsize=PREPARED)(self._prepare)

    def _prepare(self, version: str, text: str, name: str | None) -> Prepared:
        """Return a document ready to run. Raises Invalid when this version of the API refuses it."""
        schema = schema_of(version)
        try:
            document = parse(text)
        except GraphQLSyntaxError as error:
            raise Invalid([wording.invalid_document(error)]) from error
        errors = validate(schema, document)
        if errors:
            raise Invalid([wording.invalid_document(error) for error in errors])
        operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
        chosen = [each for each in operations if name is None or (each.name and each.name.value == name)]
        if len(chosen) != 1:
            raise Invalid([wording.invalid_document(GraphQLError(_which(name)))])
        finder = _Switches()
        visit(document, finder)
        fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        return Prepared(schema, document, chosen[0], fragments, frozenset(finder.names), self._fields)


class _Switches(Visitor):
    """Finds the variables that @skip and @include depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: Any, *_: Any) -> None:
        if node.name.value in {"skip", "include"}:
            self.names |= {each.value.name.value for each in node.arguments if isinstance(each.value, VariableNode)}


def _which(name: str | None) -> str:
    return "An operation name is required" if name is None else f'No operation named "{name}"'


def digest(arguments: Mapping[str, Any]) -> str:
    """Return a mutation's input in one form, to tell a repeat from another use of its key."""
    return json.dumps(arguments, sort_keys=True, default=str)
