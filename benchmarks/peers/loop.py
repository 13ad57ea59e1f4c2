"""A plain loop over the rows: the children of each are fetched one after another, and nothing is loaded."""

from collections.abc import Iterator

import requests

from benchmarks.peers.answer import answer_ids, arguments, chosen_shape
from benchmarks.shapes import KEY, Shape


def main() -> None:
    """Fetch all children."""
    address, _ = arguments()
    answer_ids(child[KEY] for child in children(address, chosen_shape()))


def children(address: str, shape: Shape) -> Iterator[dict[str, int]]:
    """Yield the children of all rows."""
    offset, total = 0, 1
    with requests.Session() as session:
        while offset < total:
            page = session.get(f"{address}/{shape.resource}", params={"offset": offset, "per_page": shape.page})
            offset, total = offset + shape.page, int(page.headers["X-WP-Total"])
            for row in page.json()["data"]:
                yield from session.get(f"{address}/{shape.resource}/{row[KEY]}/{shape.child}").json()["data"]


if __name__ == "__main__":
    main()
