"""Lists reach PostgreSQL as they are, whatever stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from app.infra.db import make_engine
from app.settings import Settings

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=6, max_value=10**12, min_value=-(10**12))
KINDS = {"text": WORDS, "bigint": NUMBERS, "timestamptz": INSTANTS, "numeric": AMOUNTS, "bool": st.booleans()}


@pytest.fixture
def plain(settings: Settings) -> Iterator[Engine]:
    engine = make_engine(settings.database_url, pool_size=1)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_sent_comes_back(plain: Engine, kind: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.none() | KINDS[kind], max_size=8))
    with plain.connect() as connection:
        line = connection.connection.driver_connection
        assert line.execute(f"SELECT %s::{kind}[]", [values]).fetchone()[0] == values


def test_the_other_side_may_say_the_type(plain: Engine) -> None:
    with plain.connect() as connection:
        line = connection.connection.driver_connection
        assert line.execute("SELECT 2::bigint = ANY(%s)", [[1, 2]]).fetchone() == (True,)
        assert line.execute("SELECT %s::int[]", [[[1, 2], [3, 4]]]).fetchone() == ([[1, 2], [3, 4]],)
        assert line.execute("SELECT %s::bytea[]", [[b'\\"\0']]).fetchone()[0] == [b'\\"\0']
        assert line.execute("SELECT %s::numeric[]", [[Decimal("1.10")]]).fetchone() == ([Decimal("1.10")],)
