from collections.abc import Iterator

import pytest

from tests.support.installed import required
from tests.support.redis_server import find_redis, redis_server


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a Redis of the tests; without redis-server they are skipped, but never in CI."""
    with redis_server(required(find_redis(), what="redis-server", target="redis")) as url:
        yield url
