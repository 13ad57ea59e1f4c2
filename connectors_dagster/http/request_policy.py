"""How the requests of a connector are made, as one value that all its sessions share."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from requests.adapters import HTTPAdapter

from connectors_dagster.files.kept_secrets import KeptSecrets
from connectors_dagster.http.origin import home_origin
from connectors_dagster.http.rate_limiter import RateLimiter
from connectors_dagster.http.response import JsonAdapter
from connectors_dagster.spec.limits import Limits
from connectors_dagster.spec.options import Retry
from connectors_dagster.telemetry.measures import Labels


@dataclass(frozen=True, kw_only=True)
class RequestPolicy:
    """How the requests of a connector are made.

    Args:
        base_url: requests go only to the origin of this URL.
        retry: which requests are retried, and after how long.
        allow_http: whether plain http may be used to reach other machines.
        timeout: maximum seconds to connect, and between two bytes.
        limits: what the API may send.
        sleep: waits for a number of seconds.
        clock: returns monotonic seconds.
        adapter: holds the connections.
        rate_limiter: limits concurrent requests and requests per minute; None for no limit.
        rate_limit_header: a response header with the number of remaining requests, or with those that were used and how
            many there may be, such as ``39/40``.
        credentials: names of the settings with the credentials, for errors.
        leave_out: the setting, with its value, that leaves out the resource, for errors.
        now: returns the time with a time zone, to compare with the clock of the API; None: it is not compared.
        kept_secrets: where refresh tokens are kept that the API puts in the place of others; None: they are not kept.
        reached: set once the API has responded to a request.
        labels: the connector, and the resource if it is known, for metrics.
    """

    base_url: str
    retry: Retry = field(default_factory=Retry)
    allow_http: bool = False
    timeout: tuple[float, float] = (10.0, 60.0)
    limits: Limits = field(default_factory=Limits)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    adapter: HTTPAdapter = field(default_factory=JsonAdapter)
    rate_limiter: RateLimiter | None = None
    rate_limit_header: str | None = None
    credentials: Sequence[str] = ()
    leave_out: str = ""
    now: Callable[[], datetime] | None = None
    kept_secrets: KeptSecrets | None = None
    reached: threading.Event = field(default_factory=threading.Event)
    labels: Labels = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a base URL to which credentials must not be sent."""
        _ = self.origin

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port of the API."""
        return home_origin(self.base_url, allow_http=self.allow_http)
