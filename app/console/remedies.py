"""Ways to mend a case, by its code. Each changes something through a service; then what waited goes on.

A case whose code is not here has the two that every case has: mended elsewhere, and not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domains.orders.lifecycle import HoldKind
from app.flows import acceptance, listing_wish, sku_mapping
from app.infra.cases import ExceptionCase
from app.infra.decisions import choices_of, choose
from app.infra.uow import UnitOfWork
from app.infra.value_maps import set_value
from app.kernel.errors import Invalid

Apply = Callable[[UnitOfWork, ExceptionCase, Mapping[str, str], str], str]  # (…, form, who) → what was done


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A field of a remedy's form."""

    name: str
    label: str
    placeholder: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One way to mend a case. `apply` does it in the open unit of work and says what it did."""

    name: str
    title: str
    small: str
    button: str
    apply: Apply
    asks: tuple[Asked, ...] = ()
    proof: str = ""


@dataclass(frozen=True, slots=True)
class _Registry:
    makers: dict[str, list[Callable[[ExceptionCase], Remedy]]] = field(default_factory=dict)

    def remedy(self, code: str) -> Callable[[Callable[[ExceptionCase], Remedy]], Callable[[ExceptionCase], Remedy]]:
        def add(maker: Callable[[ExceptionCase], Remedy]) -> Callable[[ExceptionCase], Remedy]:
            self.makers.setdefault(code, []).append(maker)
            return maker

        return add


_REGISTRY = _Registry()
MENDED = "mended"


def remedies_of(case: ExceptionCase) -> list[Remedy]:
    """What can be done about a case, the likeliest first: its choices, else remedies and "mended elsewhere"."""
    if choices := choices_of(case):
        return [_choice(choice) for choice in choices]
    made = [maker(case) for maker in _REGISTRY.makers.get(case.code, ())]
    return [*made, _mended(case)]


def remedy_named(case: ExceptionCase, name: str) -> Remedy:
    for remedy in remedies_of(case):
        if remedy.name == name:
            return remedy
    raise Invalid("cases.no_such_remedy", f"a case of {case.code} has no remedy {name!r}; reload the page")


def _choice(given: Mapping[str, Any]) -> Remedy:
    """A choice of a case that waits for a decision: the flow that asked goes on with its fact."""

    def apply(uow: UnitOfWork, case: ExceptionCase, form: Mapping[str, str], who: str) -> str:
        choose(uow, case.id, given["name"], who, form.get("why", "").strip())
        return f"decided: {given['title'][:1].lower()}{given['title'][1:]}"

    return Remedy(name=given["name"], title=given["title"], small=given["small"], button=given["title"], apply=apply)


def _mended(case: ExceptionCase) -> Remedy:
    return Remedy(
        name=MENDED,
        title="I have mended the cause where it is",
        small="In the other system, in its settings or by hand. What waited goes again; nothing is done twice.",
        button="Release what waits",
        apply=lambda uow, case, form, who: "the cause was mended elsewhere",
    )


@_REGISTRY.remedy("orders.sku_unmapped")
def _map_sku(case: ExceptionCase) -> Remedy:
    sku = str(case.facts.get("sku") or case.about.removeprefix("sku "))
    return Remedy(
        name="map_sku",
        title=f"Map {sku or 'this SKU'} to an item",
        small=f"Adds one row to the item map of {case.connection}. New orders with this SKU pass by themselves.",
        button="Map and release",
        apply=_setting("item", sku),
        asks=(Asked(name="target", label="Item number there", placeholder="for example 1896-S"),),
    )


@_REGISTRY.remedy("orders.sku_unmapped")
def _name_sku(case: ExceptionCase) -> Remedy:
    sku = str(case.facts.get("sku") or case.about.removeprefix("sku "))

    def apply(uow: UnitOfWork, case: ExceptionCase, form: Mapping[str, str], who: str) -> str:
        ours, channels = sku_mapping.name_sku(uow, sku, form.get("target", "").strip(), who)
        return f"said that {sku} is {ours} at {', '.join(channels)}"

    return Remedy(
        name="name_sku",
        title=f"Say which SKU of the catalogue {sku or 'it'} is",
        small="For the channels whose orders wait. The page SKUs of channels has what it may be.",
        button="Say so and release",
        apply=apply,
        asks=(Asked(name="target", label="Our SKU", placeholder="for example TENT-2P-GRN"),),
    )


def _publish(which: str) -> Apply:
    def apply(uow: UnitOfWork, case: ExceptionCase, form: Mapping[str, str], who: str) -> str:
        due = listing_wish.send_again(uow, case.connection, which, who)
        return f"had {due} products published again"

    return apply


@_REGISTRY.remedy("product.listing_refused")
def _send_refused(case: ExceptionCase) -> Remedy:
    return Remedy(
        name="send_refused", title="Publish the rejected products again", button="Publish again",
        small="Each is sent as it stands now. What the channel still refuses is told anew.", apply=_publish("rejected"),
    )  # fmt: skip


@_REGISTRY.remedy("product.listing_incomplete")
def _look_again(case: ExceptionCase) -> Remedy:
    return Remedy(
        name="look_again", title="Look again at the products that wait", button="Look again",
        small="A product goes out by itself once what is missing is there; this looks at once.",
        apply=_publish("waiting"),
    )  # fmt: skip


@_REGISTRY.remedy("product.listing_drift")
def _publish_drifted(case: ExceptionCase) -> Remedy:
    return Remedy(
        name="publish_drifted", title="Publish what differs again", button="Publish again",
        small="The hub's word is set over what the channel shows; what was deleted there is made anew.",
        apply=_publish("drift"),
    )  # fmt: skip


@_REGISTRY.remedy("erp.location_missing")
def _map_location(case: ExceptionCase) -> Remedy:
    place = case.about.removeprefix("location ")
    return Remedy(
        name="map_location",
        title=f"Map {place} to another location code",
        small=f"Adds one row to the location map of {case.connection}.",
        button="Map and release",
        apply=_setting("location", place),
        asks=(Asked(name="target", label="Location code there", placeholder="for example MAIN"),),
    )


def _held(kind: HoldKind) -> Callable[[ExceptionCase], Remedy]:
    """A hold by a person or a rule that only a person lifts: let the order go on."""

    def apply(uow: UnitOfWork, case: ExceptionCase, form: Mapping[str, str], who: str) -> str:
        acceptance.release(uow, str(case.facts["order_id"]), kind, who, form.get("target", ""))
        return f"released the {kind.value} hold"

    return lambda case: Remedy(
        name=f"release_{kind.value}",
        title="Let the order go on",
        small="The hold ends under your name, and the hub looks at the order again at once.",
        button="Release the order",
        apply=apply,
        asks=(Asked(name="target", label="Why it may go on"),),
    )


for _kind in HoldKind:
    if _kind not in acceptance.BY_RULE:
        _REGISTRY.remedy(f"orders.held_{_kind.value}")(_held(_kind))


def _setting(kind: str, source: str) -> Apply:
    """A remedy that maps one word of ours to one of theirs."""

    def apply(uow: UnitOfWork, case: ExceptionCase, form: Mapping[str, str], who: str) -> str:
        target = form.get("target", "").strip()
        if not source or not target:
            raise Invalid("cases.value_missing", f"say what {source or 'the value'} is at {case.connection}")
        set_value(uow, case.connection, kind, source, target, who)
        return f"mapped {kind} {source} to {target}"

    return apply


def facts_of(case: ExceptionCase) -> list[tuple[str, Any]]:
    """What a case knows, as name and value; what is shown elsewhere on its page is left out."""
    shown = {"sku", "order_id", "differences", "changes", "errors", "choices", "chosen"}
    return [
        (name.replace("_", " "), value) for name, value in sorted(case.facts.items()) if name not in shown and value
    ]
