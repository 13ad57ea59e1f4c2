"""The shapes of what is loaded: what the server and all programs must know of one. Every peer can import this."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.task import bounds

INSTANT = "instant"
KEY, CURSOR = "id", "date_modified_gmt"
TYPES = {
    "integer": {"data_type": "bigint"},
    "boolean": {"data_type": "bool"},
    "object": {"data_type": "json"},
    "array": {"data_type": "json"},
    "string": {"data_type": "text"},
    INSTANT: {"data_type": "timestamp"},
}
LOCAL = {"data_type": "timestamp", "timezone": False}
"""Of times that do not say where they are; the names of the others end in `_gmt`."""


def _fields(**names: str) -> Mapping[str, str]:
    return {name: kind for kind, listed in names.items() for name in listed.split()}


def _column(name: str, kind: str) -> Mapping[str, Any]:
    declared = LOCAL if kind == INSTANT and not name.endswith("_gmt") else TYPES[kind]
    return {"name": name, "nullable": name != KEY, **declared}


ORDER = _fields(
    integer="id customer_id parent_id",
    boolean="prices_include_tax",
    object="_links billing shipping",
    array="coupon_lines fee_lines line_items meta_data refunds shipping_lines tax_lines",
    string="""
        cart_hash cart_tax created_via currency customer_ip_address customer_note customer_user_agent discount_tax
        discount_total number order_key payment_method payment_method_title shipping_tax shipping_total status total
        total_tax transaction_id version
    """,
    instant="""
        date_completed date_completed_gmt date_created date_created_gmt
        date_modified date_modified_gmt date_paid date_paid_gmt
    """,
)
MOVEMENT = _fields(integer="id quantity warehouse_id", string="reason reference sku", instant=CURSOR)
CUSTOMER = _fields(integer=KEY, string="email name", instant=CURSOR)
ADDRESS = _fields(integer="id customer_id", string="city street")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Rows of one kind, and how a server sends them.

    Args:
        name: its name on the command line.
        about: what it is, for people.
        rows: how many there are in a run of full size.
        resource: the path at which they are served, and the name of their table.
        fields: the JSON type of each field, or `INSTANT`; rows differ by `KEY`.
        page: rows on a page.
        latency: in ms, of the server.
        connections: concurrent requests of the programs that can have them.
        filtered: whether the API can be asked for the rows of a window.
        child: the resource with the children of each row, one request for each; empty if there is none.
        child_fields: those of a child, which has the key of its parent, too.
        children: how many each row has.
        destination: `duckdb` or `postgres`.
        again: whether everything is loaded before, so that there is nothing new; only the second load is measured.
    """

    name: str
    about: str
    rows: int
    resource: str = "orders"
    fields: Mapping[str, str] = field(default_factory=lambda: ORDER, hash=False)
    page: int = 100
    latency: int = 0
    connections: int = 4
    filtered: bool = True
    child: str = ""
    child_fields: Mapping[str, str] = field(default_factory=dict, hash=False)
    children: int = 0
    destination: str = "duckdb"
    again: bool = False

    @property
    def table(self) -> str:
        """The table whose ids are checked."""
        return self.child or self.resource

    @property
    def tables(self) -> Mapping[str, Mapping[str, str]]:
        """The fields by table, parents first."""
        return {self.resource: self.fields} | ({self.child: self.child_fields} if self.child else {})

    @property
    def windowed(self) -> bool:
        """Whether it is loaded in windows; children are not, because they can change without their parent."""
        return not self.child

    def columns(self, table: str) -> Mapping[str, Mapping[str, Any]]:
        """Return the columns of a table, as a schema of dlt declares them."""
        return {name: _column(name, kind) for name, kind in self.tables[table].items()}

    def bounds(self) -> Mapping[str, str]:
        """Return the parameters that request all windows, if there is a filter, and no program remembers its end."""
        return bounds() if self.filtered and not self.again else {}

    def loaded(self, rows: int) -> int:
        """Return how many rows the table has after so many rows were served; their ids count up from 1."""
        return rows * self.children if self.child else rows


ORDERS = Shape(name="orders", about="orders of 2 KB, 36 windows", rows=100_000)
SHAPES = (
    Shape(
        name="small",
        about="1,000,000 stock movements of 200 bytes, 250 on a page, 36 windows",
        rows=1_000_000,
        resource="movements",
        fields=MOVEMENT,
        page=250,
    ),
    Shape(name="deep", about="5,000 orders of 20 KB, most of it in a list of lines, 36 windows", rows=5_000),
    Shape(
        name="children",
        about="10,000 customers with 3 addresses each, one request per customer; the server responds after 50 ms",
        rows=10_000,
        resource="customers",
        fields=CUSTOMER,
        latency=50,
        connections=16,
        filtered=False,
        child="addresses",
        child_fields=ADDRESS,
        children=3,
    ),
    Shape(
        name="cut",
        about="100,000 orders of 2 KB that the API cannot filter; ours are read once and cut into 36 windows",
        rows=100_000,
        filtered=False,
    ),
    Shape(name="postgres", about="100,000 orders of 2 KB into Postgres", rows=100_000, destination="postgres"),
    Shape(name="refresh", about="100,000 orders of 2 KB that are loaded already", rows=100_000, again=True),
)
BY_NAME = {shape.name: shape for shape in (ORDERS, *SHAPES)}
