"""A whole sandbox: its books, its switches and its vendors behind one WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from app.sandbox.books import Books
from app.sandbox.faults import Faults
from app.sandbox.limits import Limits
from app.sandbox.settings import Settings
from app.sandbox.web import Answerer, StartResponse, Wsgi


class Persona(Protocol):
    """Somebody who acts on his own, from threads that run between `start` and `stop`."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Vendor(Persona, Protocol):
    """An emulated vendor: what answers at which first path part."""

    def answerers(self) -> Mapping[str, Answerer]: ...


VendorFactory = Callable[[Settings, Books, Faults, Limits], Vendor]


class Sandbox:
    """One sandbox. Call it as a WSGI application between `start` and `stop`."""

    def __init__(self, settings: Settings, vendors: Mapping[str, VendorFactory]) -> None:
        self.settings = settings
        self.books = Books(settings.store)
        self.faults = Faults(seed=settings.random_seed)
        self.limits = Limits()
        self.vendors = {name: make(settings, self.books, self.faults, self.limits) for name, make in vendors.items()}
        self.personas: list[Persona] = []
        answerers: dict[str, Answerer] = {
            "_books": self.books.answer,
            "_faults": self.faults.answer,
            "_limits": self.limits.answer,
        }
        for vendor in self.vendors.values():
            answerers.update(vendor.answerers())
        self.application = Wsgi(answerers)

    def __call__(self, environ: Mapping[str, Any], start: StartResponse) -> Iterable[bytes]:
        """Answer one request as a WSGI application."""
        return self.application(environ, start)

    def start(self) -> None:
        """Start the threads of the vendors, then those of the personas."""
        for each in (*self.vendors.values(), *self.personas):
            each.start()

    def stop(self) -> None:
        """Stop every thread and close the books."""
        for each in (*reversed(self.personas), *self.vendors.values()):
            each.stop()
        self.books.close()
