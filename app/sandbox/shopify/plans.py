"""Plans: a validated GraphQL document turned once into steps that run many times, on plain documents.

graphql-core parses, validates and reads values; its executor costs several times what the steps cost, and the
sandbox shares its machine with a benchmark.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

from app.sandbox.shopify.arguments import (
    Read,
    Variables,
    constant,
    first_argument,
    key_reader,
    nothing,
    reader,
)
from app.sandbox.shopify.paging import page
from app.sandbox.shopify.views import SCALARS, Arguments, Fields, Query, Resolver, View, by_name, enum

Complete = Callable[[Any, Variables, Query], Any]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a selection costs: points of its own, and connections with what one of their nodes costs.

    shopify.dev, "Rate limits": an object 1, a connection by its size, a mutation 10. The sandbox counts objects with
    an identity and takes a quarter of a connection's nodes, near to what the real shop answers since 2023.
    """

    own: int
    connections: tuple[tuple[Read, Cost], ...] = ()

    def asked(self, variables: Variables) -> int:
        """Return the cost asked for, from the sizes of the pages."""
        points = self.own
        for read, node in self.connections:
            arguments = read(variables)
            size = arguments.get("first") or arguments.get("last") or 0
            points += 2 + math.ceil(size * node.asked(variables) / 4)
        return points


@dataclass(frozen=True, slots=True)
class Step:
    """One field: where its answer goes, how it is found, and how it is written."""

    key: str
    name: str
    resolve: Resolver
    read: Read
    complete: Complete
    key_of: Read | None = None  # the arguments of @idempotent
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """An operation ready to run: its root steps and its cost."""

    kind: str
    steps: tuple[Step, ...]
    cost: Cost


class Planner:
    """Makes the plan of one operation, with the values that its @skip and @include depend on."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fields: Fields,
        fragments: Mapping[str, FragmentDefinitionNode],
        switches: Mapping[str, Any],
    ) -> None:
        self._schema = schema
        self._fields = fields
        self._fragments = fragments
        self._switches = switches

    def plan(self, operation: OperationDefinitionNode) -> Plan:
        """Return the plan of an operation."""
        root = self._schema.get_root_type(operation.operation)
        assert root is not None
        steps, cost = self._selection(root, [operation.selection_set])
        own = 10 * len(steps) if operation.operation.value == "mutation" else cost.own
        return Plan(operation.operation.value, steps, Cost(own, cost.connections))

    def _selection(self, type_: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> tuple[tuple[Step, ...], Cost]:
        grouped: dict[str, list[FieldNode]] = {}
        for selected in sets:
            self._collect(type_, selected, grouped)
        steps: list[Step] = []
        own = 0
        connections: list[tuple[Read, Cost]] = []
        for key, nodes in grouped.items():
            step, cost, pages = self._step(type_, key, nodes)
            steps.append(step)
            if pages is None:
                own += cost.own
                connections += cost.connections
            else:
                connections.append((pages, cost))
        return tuple(steps), Cost(own, tuple(connections))

    def _collect(self, type_: GraphQLObjectType, selected: SelectionSetNode, into: dict[str, list[FieldNode]]) -> None:
        for node in selected.selections:
            if not self._wanted(node.directives):
                continue
            if isinstance(node, FieldNode):
                into.setdefault((node.alias or node.name).value, []).append(node)
                continue
            part = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(part, FragmentDefinitionNode | InlineFragmentNode)
            if part.type_condition is None or self._applies(type_, part.type_condition.name.value):
                self._collect(type_, part.selection_set, into)

    def _applies(self, type_: GraphQLObjectType, condition: str) -> bool:
        if type_.name == condition:
            return True
        wider = self._schema.type_map[condition]
        return isinstance(wider, GraphQLInterfaceType | GraphQLUnionType) and self._schema.is_sub_type(wider, type_)

    def _wanted(self, directives: Sequence[DirectiveNode] | None) -> bool:
        for directive in directives or ():
            if directive.name.value in {"skip", "include"}:
                value = first_argument(directive)
                on = self._switches[value.name.value] if isinstance(value, VariableNode) else constant(value)
                if on == (directive.name.value == "skip"):
                    return False
        return True

    def _step(self, type_: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> tuple[Step, Cost, Read | None]:
        name = nodes[0].name.value
        if name == "__typename":
            return Step(key, name, lambda *_: type_.name, nothing, _as_it_is), Cost(0), None
        field = type_.fields[name]
        read = reader(field, nodes[0])
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        inner, cost = self._completion(field.type, sets)
        resolve = self._fields.get((type_.name, name)) or by_name(name)
        listed = _named(field.type)
        nullable = not isinstance(field.type, GraphQLNonNull)
        idempotent = next((each for each in nodes[0].directives or () if each.name.value == "idempotent"), None)
        if isinstance(listed, GraphQLObjectType) and listed.name.endswith("Connection"):
            step = Step(key, name, _paged(resolve, cost.own), read, inner, nullable=nullable)
            return step, Cost(max(cost.own, 1), cost.connections), read
        return Step(key, name, resolve, read, inner, key_reader(idempotent), nullable), cost, None

    def _completion(self, type_: GraphQLOutputType, sets: list[SelectionSetNode]) -> tuple[Complete, Cost]:
        if isinstance(type_, GraphQLNonNull):
            inner, cost = self._completion(type_.of_type, sets)
            return _required(inner, str(type_)), cost
        if isinstance(type_, GraphQLList):
            inner, cost = self._completion(type_.of_type, sets)
            return _each(inner), cost
        if isinstance(type_, GraphQLScalarType):
            write = SCALARS.get(type_.name)
            return (_as_it_is if write is None else _written(write)), Cost(0)
        if isinstance(type_, GraphQLEnumType):
            return _written(partial(enum, frozenset(type_.values))), Cost(0)
        if isinstance(type_, GraphQLObjectType):
            steps, cost = self._selection(type_, sets)
            return _object(steps), Cost(cost.own + ("id" in type_.fields), cost.connections)
        return self._abstract(type_, sets)

    def _abstract(
        self, type_: GraphQLInterfaceType | GraphQLUnionType, sets: list[SelectionSetNode]
    ) -> tuple[Complete, Cost]:
        by_type: dict[str, Complete] = {}
        dearest = Cost(0)
        for possible in self._schema.get_possible_types(type_):
            steps, cost = self._selection(possible, sets)
            by_type[possible.name] = _object(steps)
            dearest = max(dearest, cost, key=lambda each: (each.own, len(each.connections)))

        def complete(value: Any, variables: Variables, query: Query) -> Any:
            if value is None:
                return None
            kind = value.kind if isinstance(value, View) else value["__typename"]
            return by_type[kind](value, variables, query)

        return complete, Cost(dearest.own + 1, dearest.connections)


def _object(steps: tuple[Step, ...]) -> Complete:
    rows = [(step.key, step.resolve, step.read, step.complete) for step in steps]

    def complete(value: Any, variables: Variables, query: Query) -> Any:
        if value is None:
            return None
        return {
            key: inner(resolve(value, read(variables), query), variables, query) for key, resolve, read, inner in rows
        }

    return complete


def _paged(resolve: Resolver, node: int) -> Resolver:
    def read(value: Any, arguments: Arguments, query: Query) -> Any:
        found = page(resolve(value, arguments, query), arguments, whole=query.bulk)
        query.cost += 2 + math.ceil(len(found["nodes"]) * max(node, 1) / 4)
        return found

    return read


def _required(inner: Complete, type_: str) -> Complete:
    def complete(value: Any, variables: Variables, query: Query) -> Any:
        if value is None:
            raise AssertionError(f"the sandbox has no value for a field of type {type_}")
        return inner(value, variables, query)

    return complete


def _each(inner: Complete) -> Complete:
    def complete(value: Any, variables: Variables, query: Query) -> Any:
        return None if value is None else [inner(each, variables, query) for each in value]

    return complete


def _written(write: Callable[[Any], Any]) -> Complete:
    def complete(value: Any, variables: Variables, query: Query) -> Any:
        return None if value is None else write(value)

    return complete


def _as_it_is(value: Any, variables: Variables, query: Query) -> Any:
    return value


def _named(type_: GraphQLOutputType) -> Any:
    while isinstance(type_, GraphQLNonNull | GraphQLList):
        type_ = type_.of_type
    return type_
