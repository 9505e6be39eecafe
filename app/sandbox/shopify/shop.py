"""The shop as one vendor of the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from types import MappingProxyType
from typing import Any

from app.sandbox.books import Books, Document
from app.sandbox.faults import Faults
from app.sandbox.limits import Limits
from app.sandbox.settings import Settings
from app.sandbox.shopify.bulk import FILES, Bulk
from app.sandbox.shopify.catalogue import stock_the_demo
from app.sandbox.shopify.controls import Controls
from app.sandbox.shopify.endpoint import Endpoint
from app.sandbox.shopify.execution import Preparation
from app.sandbox.shopify.jobs import Jobs
from app.sandbox.shopify.projection import fields_of
from app.sandbox.shopify.store import Store
from app.sandbox.web import Answerer

_PLAIN: Mapping[str, Any] = MappingProxyType({})


class Shop:
    """The demo's shop: its Admin API, its webhooks, its customers and its merchant."""

    def __init__(self, settings: Settings, books: Books, faults: Faults, limits: Limits) -> None:
        self.store = Store(settings, books, faults, limits)
        self.jobs = Jobs(self.store)
        self.bulk = Bulk(self.store)
        fields = fields_of(self.jobs, self.bulk)
        self.bulk.preparation = Preparation(fields)
        self._endpoint = Endpoint(self.store, fields)
        self._controls = Controls(self.store, self.bulk, settings.random_seed)
        stock_the_demo(self.store)

    def answerers(self) -> Mapping[str, Answerer]:
        """Return what answers at which first path part."""
        return {"shopify": self._endpoint.answer, "_shopify": self._controls.answer, FILES: self.bulk.answer}

    def start(self) -> None:
        """Start sending webhooks, doing jobs and running bulk operations."""
        self.store.sender.start()
        self.jobs.start()
        self.bulk.start()

    def stop(self) -> None:
        """Stop all of them."""
        self.bulk.stop()
        self.jobs.stop()
        self.store.sender.stop()

    def place_order(self, random: Random, wishes: Mapping[str, Any] = _PLAIN) -> Document:
        """Place an order, drawn at random or as wished, and tell of it; returns its REST document."""
        return self._controls.place(random, wishes)
