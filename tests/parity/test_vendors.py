"""The comparison with manifests of the same vendors, which `make parity-vendors` makes with airbyte-cdk."""

import requests

from connectors_dagster.connectors import load_connector
from connectors_dagster.sandbox import CREDENTIALS
from tests.parity.sandboxed import sandboxed
from tests.parity.vendors import _differences, _led_to


def test_links_to_the_vendor_lead_back_to_the_sandbox_and_requests_are_counted() -> None:
    key = CREDENTIALS["paddle"]["api_key"]
    with sandboxed(0.05) as (sandbox, port):
        url = f"http://127.0.0.1:{port}/paddle/prices?per_page=1"
        meta = requests.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=10).json()["meta"]
    assert meta["pagination"]["next"].startswith(f"http://127.0.0.1:{port}/paddle/prices?after=")
    assert sandbox.asked == {"/paddle/prices?per_page=1": 1}


def test_a_contact_is_added_to_requests_if_wanted() -> None:
    auth = (CREDENTIALS["picqer"]["api_key"], "")
    with sandboxed(0.05) as (sandbox, port):
        found = []
        for sandbox.with_contact in (False, True):
            found.append(requests.get(f"http://127.0.0.1:{port}/picqer/api/v1/tags", auth=auth, timeout=10).status_code)
    assert found == [400, 200]


def test_every_difference_between_rows_is_named() -> None:
    resource = load_connector("paddle").graph["prices"]
    mine = [{"id": "a", "status": "active"}, {"id": "b"}, {"id": "c", "note": ""}]
    theirs = [{"id": "a", "status": "archived"}, {"id": "c", "uuid": "u"}, {"id": "c", "uuid": "u"}, {"id": "d"}]
    assert list(_differences(resource, mine, theirs)) == [
        "1 rows of it have the key of another",
        '1 only in the connector, such as ["b"]',
        '1 only in it, such as ["d"]',
        "other values of status",
        "fields only in the connector: note",
        "fields only in it: uuid",
    ]


def test_requests_of_a_manifest_lead_to_the_sandbox() -> None:
    written = {"streams": [{"requester": {"url_base": "https://x.example/", "path": "a"}}]}
    assert _led_to(written, "http://base") == {"streams": [{"requester": {"url_base": "http://base", "path": "a"}}]}
