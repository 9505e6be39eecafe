"""How the arguments of a field are read: once where they are constant, else from the variables of each run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    GraphQLField,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)
from graphql.execution.values import VariableValues, get_argument_values

from app.sandbox.shopify.views import Arguments

Variables = VariableValues
Read = Callable[[Variables], Arguments]


def nothing(variables: Variables) -> Arguments:
    """Read no arguments."""
    return {}


def reader(field: GraphQLField, node: FieldNode) -> Read:
    """Return what reads a field's arguments: once where they are constant, else at every run."""
    if not field.args:
        return nothing
    if not any(_varies(argument.value) for argument in node.arguments or ()):
        fixed = get_argument_values(field, node)
        return lambda variables: fixed
    return lambda variables: get_argument_values(field, node, variables)


def _varies(value: ValueNode) -> bool:
    if isinstance(value, ListValueNode):
        return any(_varies(each) for each in value.values)
    if isinstance(value, ObjectValueNode):
        return any(_varies(each.value) for each in value.fields)
    return isinstance(value, VariableNode)


def key_reader(directive: DirectiveNode | None) -> Read | None:
    """Return what reads the key of @idempotent, None without the directive."""
    if directive is None:
        return None
    value = first_argument(directive)
    if isinstance(value, VariableNode):
        return lambda variables: {"key": variables.coerced.get(value.name.value)}
    return lambda variables: {"key": constant(value)}


def first_argument(directive: DirectiveNode) -> ValueNode:
    """Return the value of a directive's only argument."""
    assert directive.arguments
    return directive.arguments[0].value


def constant(value: ValueNode) -> Any:
    """Return a literal text or truth value."""
    assert isinstance(value, StringValueNode | BooleanValueNode)
    return value.value
