"""The connection of a connector: its settings are read once, for everything that makes requests."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from connectors_dagster.config import placeholders, settings
from connectors_dagster.config.destination_secrets import proxy_passwords
from connectors_dagster.config.selected_resources import leave_out
from connectors_dagster.config.shared_servers import REQUEST_LIMITS, described, request_limits_server
from connectors_dagster.config.workdir import kept_secrets, work_folder
from connectors_dagster.http.file_limits import FileLimits
from connectors_dagster.http.filled_config import find_auth
from connectors_dagster.http.rate_limiter import LimitStore, RateLimiter
from connectors_dagster.http.redis_limits import RedisLimits
from connectors_dagster.http.request_policy import RequestPolicy
from connectors_dagster.http.response import JsonAdapter
from connectors_dagster.read.concurrency import pause
from connectors_dagster.secrets.redaction import remember
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.options import Retry
from connectors_dagster.spec.placeholders import Secret, Setting, fill_placeholders, find_placeholders
from connectors_dagster.spec.resource import Resource


@dataclass(frozen=True, kw_only=True)
class Connection:
    """The settings of a connector, and how its requests are made.

    Args:
        values: the values of the connector's placeholders.
        policy: how requests are made.
        max_parallel_requests: maximum concurrent requests.
        of_resources: how the requests of a resource are made that has an address of its own, by its name.
    """

    values: Mapping[Setting, Any]
    policy: RequestPolicy
    max_parallel_requests: int
    of_resources: Mapping[str, RequestPolicy] = field(default_factory=dict)

    def policy_of(self, resource: Resource) -> RequestPolicy:
        """Return how the requests of a resource are made."""
        policy = self.of_resources.get(resource.name, self.policy)
        return replace(policy, leave_out=leave_out(resource), labels={**policy.labels, "resource": resource.name})

    def with_retry(self, retry: Retry) -> "Connection":
        """Return a connection that retries in another way."""
        others = {name: replace(policy, retry=retry) for name, policy in self.of_resources.items()}
        return replace(self, policy=replace(self.policy, retry=retry), of_resources=others)


def connect(
    connector: Connector, *, max_parallel_requests: int | None = None, now: datetime | None = None
) -> Connection:
    """Read the settings of a connector; `max_parallel_requests` overrides the configured number.

    With `now`, the current time, the clock of the API is compared with ours.

    Raises:
        MissingSettingsError: names every setting without a value.
        ApiError: a base_url is not an http(s) URL, or would send the credentials unencrypted.
    """
    values = placeholders.read_settings(connector)
    remember([*placeholders.secret_values(values), *proxy_passwords()])
    requests_at_once = max_parallel_requests or settings.max_parallel_requests(connector)
    base_url = fill_placeholders(connector.config["client"]["base_url"], values)
    policy = RequestPolicy(
        base_url=base_url,
        retry=connector.retry,
        allow_http=settings.allow_http(connector),
        limits=settings.limits(connector),
        sleep=pause,
        adapter=JsonAdapter(pool_maxsize=requests_at_once),
        rate_limiter=RateLimiter(
            store=_limit_store(connector, base_url),
            at_once=requests_at_once,
            per_minute=settings.requests_per_minute(connector),
        ),
        rate_limit_header=connector.rate_limit_header,
        credentials=_credentials(connector, values, connector.config["client"].get("auth")),
        now=None if now is None else _clock_from(now),
        kept_secrets=kept_secrets(),
        labels={"connector": connector.name},
    )
    return Connection(
        values=values,
        policy=policy,
        max_parallel_requests=requests_at_once,
        of_resources=_policies_of_other_origins(connector, policy, values),
    )


def _limit_store(connector: Connector, base_url: str) -> LimitStore:
    """Return where requests are counted; on a shared server, those of one connector to one host count together."""
    if url := request_limits_server():
        name = f"{connector.name}:{urlsplit(base_url).netloc.rpartition('@')[2]}"
        return RedisLimits(url, name, described(REQUEST_LIMITS, url))
    return FileLimits(work_folder() / "requests" / connector.name)


def _policies_of_other_origins(
    connector: Connector, policy: RequestPolicy, values: Mapping[Setting, Any]
) -> dict[str, RequestPolicy]:
    """Return how requests are made for the resources that have an address of their own, by their names."""
    return {
        name: replace(
            policy,
            base_url=fill_placeholders(resource.base_url, values),
            credentials=_credentials(connector, values, find_auth(resource, values)),
            reached=threading.Event(),
        )
        for name, resource in connector.graph.items()
        if resource.options.base_url
    }


def _credentials(connector: Connector, values: Mapping[Setting, Any], auth: Any) -> list[str]:
    """Return the environment variables of what a connector authenticates with."""
    of_auth = set(find_placeholders(auth))
    names = [name for name in connector.needed_settings(values) if isinstance(name, Secret) or name in of_auth]
    return [settings.environment_name(connector, name) for name in names]


def _clock_from(now: datetime) -> Callable[[], datetime]:
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)
