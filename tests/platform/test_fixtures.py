"""The fixtures that every other test stands on."""

from __future__ import annotations

import redis
from sqlalchemy import Engine, text

from app.settings import Settings


class TestFixtures:
    def test_a_test_begins_with_empty_tables(self, database: Engine) -> None:
        with database.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1

    def test_a_redis_database_begins_empty(self, redis_client: redis.Redis) -> None:
        assert redis_client.dbsize() == 0
        redis_client.set("left", "behind")

    def test_what_a_test_leaves_in_redis_is_gone_for_the_next(self, redis_client: redis.Redis) -> None:
        assert redis_client.dbsize() == 0
        redis_client.set("left", "behind")

    def test_settings_point_to_the_workers_own_database(self, settings: Settings, engine: Engine) -> None:
        with engine.connect() as connection:
            assert settings.database_url.endswith("/" + str(connection.scalar(text("SELECT current_database()"))))
