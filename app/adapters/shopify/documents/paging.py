"""What every page of a connection is asked for."""

from __future__ import annotations

PAGE = "pageInfo { hasNextPage endCursor }"
