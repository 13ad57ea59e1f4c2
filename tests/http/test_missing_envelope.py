"""A page on which data_selector matches nothing has no rows, if that is declared and nothing speaks against it."""

from dataclasses import replace
from typing import Any

import pytest

from connectors_dagster.errors import ApiError, EnvelopeError
from tests.support.numbered import numbered, numbers
from tests.support.shop import things
from tests.support.wire import reply

CURSOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}


def lenient(folder: Any, **options: Any) -> Any:
    own = {name: options.pop(name) for name in ("error_when", "accept_fewer", "total_path") if name in options}
    return replace(things(folder, **options).connector, missing_envelope="empty", **own).graph["things"]


@pytest.mark.parametrize("body", [{}, {"kind": "list"}, {"data": None}, {"data": {}}, None, [], {"next": None}])
def test_a_page_without_the_list_has_no_rows_if_declared(shop, read, tmp_path, caplog, body):
    shop.replies = [reply(body)]
    assert read(lenient(tmp_path, paginator=CURSOR))[0] == []
    assert "shop/things: page 1 has no list at 'data', like all pages of this read" in caplog.text
    with pytest.raises(EnvelopeError, match="page 1 has no list at 'data'"):
        read(things(tmp_path, paginator=CURSOR))


@pytest.mark.parametrize("more", [{}, {"message": "nothing was found"}])
def test_an_empty_list_is_there_even_if_all_are_empty_or_the_page_says_why(shop, read, tmp_path, caplog, more):
    shop.replies = [reply({"data": [], **more})]
    assert read(lenient(tmp_path, paginator=CURSOR))[0] == []
    assert read(things(tmp_path, paginator=CURSOR))[0] == []
    assert "no list" not in caplog.text


def test_a_first_response_without_a_body_has_no_rows_if_declared(shop, read, tmp_path):
    shop.replies = [reply(b"", "204 No Content")]
    assert read(lenient(tmp_path))[0] == []


def test_an_object_in_the_place_of_the_list_is_its_only_row_if_declared(shop, read, tmp_path):
    replies = [reply({"data": numbered(1, 2), "next": "b"}), reply({"data": numbered(3)[0], "next": None})]
    connector = things(tmp_path, paginator=CURSOR).connector
    options = {"things": replace(connector.graph["things"].options, object_is_row=True)}
    shop.replies = list(replies)
    assert numbers(read(replace(connector, resources=options).graph["things"])) == [1, 2, 3]
    shop.replies = list(replies)
    with pytest.raises(EnvelopeError, match="page 2 has no list at 'data'"):
        read(connector.graph["things"])


def test_a_page_without_the_list_is_not_the_end_while_the_api_names_another_page(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1), "next": "b"}), reply({"next": "c"}), reply({"data": numbered(2)})]
    assert numbers(read(lenient(tmp_path, paginator=CURSOR))) == [1, 2]


def test_a_path_of_several_names_may_end_before_the_list(shop, read, tmp_path):
    for body in ({"result": None}, {"result": {}}, {"result": []}, {}):
        shop.replies = [reply(body)]
        assert read(lenient(tmp_path, selector="result.items"))[0] == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "maintenance"}, "says why"),
        ({"errors": [{"detail": "too old"}]}, "says why"),
        ({"message": "the shop is closed"}, "says why"),
        ({"data": "maintenance"}, "has no list at 'data'"),
        ([{"id": "1"}], "the body' is a list"),
        ("maintenance", "the body' is a single value"),
    ],
)
def test_something_else_in_place_of_the_list_still_fails(shop, read, tmp_path, body, said):
    shop.replies = [reply(body)]
    with pytest.raises(EnvelopeError, match=f"page 1 .*{said}"):
        read(lenient(tmp_path, paginator=CURSOR))


def test_an_error_in_the_body_fails_by_the_rules_of_error_when(shop, read, tmp_path):
    shop.replies = [reply({"success": False})]
    with pytest.raises(ApiError, match="reports an error"):
        read(lenient(tmp_path))
    assert read(lenient(tmp_path, error_when=""))[0] == []
    shop.replies = [reply({"problem": "closed", "message": "none"})]
    with pytest.raises(ApiError, match="reports an error"):
        read(lenient(tmp_path, error_when="problem"))
    assert read(lenient(tmp_path, error_when="fault"))[0] == []


def test_a_later_page_without_the_list_must_look_like_the_pages_before_it(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1), "next": "b"}), reply({"maintenance": "until noon"})]
    with pytest.raises(EnvelopeError, match=r"page 2 has no list at 'data' and has 'maintenance', unlike the pages"):
        read(lenient(tmp_path, paginator=CURSOR))


def test_a_page_without_the_list_after_a_full_one_does_not_end_a_list_whose_total_says_more(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1, 2), "next": "b", "total": 4}), reply({"total": 4})]
    with pytest.raises(EnvelopeError, match=r"2 different rows were read.* reports a total of 4"):
        read(lenient(tmp_path, paginator=CURSOR, total_path="total"))


def test_a_page_of_another_kind_is_not_an_empty_page_for_a_path_with_wildcards(shop, read, tmp_path):
    shop.replies = [reply({})]
    assert read(lenient(tmp_path, selector="list.*.item"))[0] == []
    shop.replies = [reply({"list": [{"thing": {"id": "1"}}]})]
    with pytest.raises(EnvelopeError, match="1 items at 'list' but 0"):
        read(lenient(tmp_path, selector="list.*.item"))


def test_an_item_without_what_is_selected_in_it_has_no_rows_beside_others_that_have_it(shop, read, tmp_path, caplog):
    shop.replies = [reply({"list": [{"thing": {"id": "1"}}, {"item": numbered(2)[0]}]})]
    assert len(read(lenient(tmp_path, selector="list.*.item"))[0]) == 1
    assert "page 1 has 2 items at 'list' but 1 at 'list.*.item': the others have no rows" in caplog.text
    with pytest.raises(EnvelopeError, match="2 items at 'list' but 1"):
        read(things(tmp_path, selector="list.*.item"))
