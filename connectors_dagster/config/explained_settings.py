"""Every setting of this project, with its meaning and default in Markdown; `make docs` writes the page from them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Explained(NamedTuple):
    """What a setting means, and what counts if it is not given."""

    meaning: str
    default: str = ""


OF_A_CONNECTOR: Mapping[str, Explained] = MappingProxyType(
    {
        "resources": Explained(
            "names of the resources to load, separated by commas; or names with a `-` before each, such as `-refunds,-coupons`, to load all others except for what is read from their rows",
            "all",
        ),
        "start_date": Explained(
            "start of the first window; `START_DATE` sets it for all connectors that declare none",
            "set by the connector, else `2024-01-01`",
        ),
        "step": Explained("length of a window, an ISO 8601 duration such as `P1M` or `PT6H`", "`P30D`"),
        "automation": Explained(
            "what keeps the connector current: its `schedule`, `declarative` conditions of its assets, or `off`",
            "`CONNECTORS__AUTOMATION`",
        ),
        "schedule": Explained(
            "when the schedule runs, or the conditions ask again: a cron expression in UTC", "hourly"
        ),
        "max_parallel_requests": Explained(
            "maximum concurrent requests, 1 to 1,000, shared by all runs on the machine, or on all machines with `CONNECTORS__REQUEST_LIMITS`",
            "set by the connector, usually 4",
        ),
        "requests_per_minute": Explained(
            "maximum requests in any minute, shared in the same way", "set by the connector"
        ),
        "lookback": Explained(
            "how long the API may take to show a change, an ISO 8601 duration such as `PT10M` or `P1D`",
            "the connector's",
        ),
        "max_loss": Explained(
            "largest share of a table, 0 to 1, that one load may delete or mark because the API no longer returns the rows; 100 rows are always allowed",
            "`0.5`",
        ),
        "moved_from": Explained(
            "the address that the API had when the tables were loaded, if the same shop has another one since; rows of another shop are refused, because they would replace those that are there",
        ),
        "max_response_bytes": Explained("largest body of a response, decompressed", "1000000000"),
        "max_request_seconds": Explained(
            "seconds that one request may take in total, with redirects and the whole response; it is not retried after that",
            "600",
        ),
        "max_decompression_ratio": Explained(
            "how many times larger a body of more than 10 MB may become when it is decompressed", "200"
        ),
        "max_pages": Explained(
            "most pages of one list: of a resource, of a window, or of the children of one parent", "1000000"
        ),
        "max_undeclared_columns": Explained("most columns of a table that its schema file does not declare", "5000"),
        "stale_after_hours": Explained(
            "hours without a load after which an asset is stale; it shows a warning after half of them", "24"
        ),
        "owners": Explained("owners of the assets: a list of e-mail addresses or teams such as `team:data`"),
        "allow_http": Explained(
            "allow plain http to another machine, which sends the credentials unencrypted", "`false`"
        ),
    }
)
"""Settings under ``sources.<connector>``; address and credentials are declared by each connector."""
OF_ALL: Mapping[str, Explained] = MappingProxyType(
    {
        "enabled": Explained(
            "names of the connectors to load, separated by commas",
            "the five connectors of the demo, and connectors of your own that do not say otherwise",
        ),
        "shops": Explained(
            "the shops of a connector, as `CONNECTORS__SHOPS__STOREFRONT=nl,de`; see [several shops](#several-shops)",
            "one, whose settings are those of the connector",
        ),
        "automation": Explained(
            "what keeps connectors current: `schedule`, `declarative` or `off`, see [loading](loading.md#conditions-instead-of-a-schedule)",
            "`schedule`",
        ),
        "destination": Explained(
            "a destination of dlt that can replace rows, by name; see [below](#the-destination)", "`duckdb`"
        ),
        "table_format": Explained("`delta` or `iceberg`: the format of the tables of the destination `filesystem`"),
        "preview_rows": Explained(
            "number of rows that Dagster stores for each load; 0 keeps all rows out of Dagster", "5"
        ),
        "failure_webhook": Explained(
            "URL to which the sensor `report_failures` posts each run that fails after it was turned on, once; it is disabled by default"
        ),
        "executor": Explained(
            "what executes the runs that Dagster launches: `multiprocess`, `in_process`, or `module:name` of another package, such as `dagster_celery:celery_executor` or `dagster_k8s:k8s_job_executor`",
            "`multiprocess`",
        ),
        "executor_config": Explained(
            "the configuration of that executor, as a JSON object",
            "four processes at once, forked from one that has imported everything",
        ),
        "examples": Explained("show an example of an asset that is built on the tables: revenue by month", "`false`"),
        "work_folder": Explained(
            "folder for files that exist during a load, relative to the project folder", "`.connectors`"
        ),
        "airbyte_python": Explained(
            "a Python in which [airbyte-cdk](airbyte.md#streams-that-airbyte-cdk-reads) is installed; by default it is installed into the work folder when it is needed"
        ),
        "airbyte_memory": Explained(
            "bytes of memory that a process with airbyte-cdk may have of its own", "1500000000"
        ),
        "busy_timeout": Explained(
            "seconds to wait for another program to close the DuckDB file, in each of the three attempts of a step",
            "60",
        ),
        "locks": Explained(
            "URL of a Postgres that keeps a family to one run at a time on all machines, `postgresql://user:password@host:port/database`; it is a secret. See [several machines](deploy.md#several-machines)",
            "the destination if it is Postgres, else files in the work folder",
        ),
        "request_limits": Explained(
            "URL of a Redis that counts the requests of all machines, `redis://user:password@host:port/0`, so that they share the limits of each API; it is a secret. See [several machines](deploy.md#several-machines)",
            "files in the work folder: each machine counts its own",
        ),
        "siblings_timeout": Explained(
            "seconds to wait for another run that loads the same family, or into the same DuckDB file; the run says whom it waits for",
            "3600",
        ),
    }
)
"""Settings under ``connectors``."""
