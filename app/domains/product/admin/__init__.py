"""What the console asks about products. Reads only; whoever changes a product calls its service."""

from __future__ import annotations

from app.domains.product.admin.page import ProductPage, page_of

__all__ = ["ProductPage", "page_of"]
