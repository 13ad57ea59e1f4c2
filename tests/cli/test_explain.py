"""The command that says what becomes of a manifest."""

import json
from pathlib import Path

import yaml

CREW = Path(__file__).parents[1] / "airbyte" / "crew.yaml"


def test_explain_shows_engine_key_cursor_and_window_of_each_stream_and_the_settings_to_give(connectors):
    done = connectors("explain", str(CREW))
    assert done.exit_code == 0
    lines = [line.split() for line in done.output.splitlines()]
    assert ["teams", "native", "id"] in lines
    assert ["team_members", "native", "_teams_id,", "id"] in lines
    assert ["shifts", "native", "id", "changed", "P30D"] in lines
    assert (
        "request     team_members: GET https://host.example/v1/teams/{teams.id}/members?locale=nl&verbose=1; "
        "Authorization: Bearer ***; for each row of teams; for each page (json_link)"
    ) in done.output.splitlines()
    [shifts] = [
        one for one in json.loads(connectors("explain", str(CREW), "--json").output)["streams"] if one["cursor"]
    ]
    bounds = {"since": "2023-12-31T23:59:59Z", "until": "2024-01-31T00:00:00Z"}
    assert shifts["requests"] == [
        {
            "method": "GET",
            "url": "https://host.example/v1/shifts",
            "params": {"locale": "nl", "verbose": "1", **bounds},
            "headers": {"Authorization": "***"},
            "body": None,
            "repeated": ["for each page (cursor)"],
        }
    ]
    assert ["SOURCES__CREW__CREDENTIALS_TOKEN", "secret", "must", "be", "given", "Made", "under", "Profile"] in lines
    assert ["SOURCES__CREW__LOCALE", "str", "nl"] in lines
    assert done.output.splitlines()[-1] == "4 of 4 streams are native"


def explained(connectors, tmp_path, **transformation: str) -> tuple[int, list[tuple[str, str, list[str]]]]:
    """Explain a manifest whose only stream has a transformation that has no translation."""
    written = yaml.safe_load(CREW.read_text())
    written["streams"] = [{"$ref": "#/definitions/plan", "transformations": [transformation]}]
    (tmp_path / "crew.yaml").write_text(yaml.safe_dump(written))
    done = connectors("explain", str(tmp_path / "crew.yaml"), "--json")
    streams = json.loads(done.output)["streams"]
    return done.exit_code, [(one["stream"], one["engine"], one["reasons"]) for one in streams]


def test_explain_says_why_a_stream_is_not_native_but_read_by_airbyte_cdk(connectors, tmp_path):
    reason = "a transformation: FlattenFields"
    assert explained(connectors, tmp_path, type="FlattenFields") == (0, [("plan", "airbyte", [reason])])


def test_the_requests_of_airbyte_cdk_are_shown_as_the_manifest_writes_them(connectors, tmp_path):
    written = yaml.safe_load(CREW.read_text())
    crew, flat = written["definitions"], {"type": "FlattenFields"}
    key = {"inject_into": "request_parameter", "field_name": "by"}
    crew["requester"]["authenticator"] = {"type": "ApiKeyAuthenticator", "api_token": "hidden", "inject_into": key}
    kinds = {"type": "ListPartitionRouter", "values": ["day", "night"], "cursor_field": "kind"}
    kinds["request_option"] = {"inject_into": "header", "field_name": "X-Kind"}
    crew["shifts"]["retriever"]["partition_router"] = kinds
    crew["plan"]["retriever"]["requester"] = {**crew["requester"], "path": "plan", "request_body_json": {"of": "all"}}
    streams = [{**crew[name], "transformations": [flat]} for name in ("members", "shifts", "plan")]
    (tmp_path / "crew.yaml").write_text(yaml.safe_dump({**written, "streams": streams}))
    lines = connectors("explain", str(tmp_path / "crew.yaml")).output.splitlines()
    who, address = "by airbyte-cdk, as the manifest writes it", "GET {{ config['host'] }}/v1"
    always, window = "locale={{ config.locale }}&verbose=1", "since={start of the window}&until={end of the window}"
    assert [line for line in lines if line.startswith("request")] == [
        f"request     team_members: {address}/teams/{{{{ stream_partition.team_id }}}}/members?{always}&by=***; "
        f"for each row of Teams; for each page; {who}",
        f"request     shifts: {address}/shifts?{always}&{window}&by=***; "
        f"X-Kind: {{kind}}; for each value of kind; for each page; {who}",
        f'request     plan: {address}/plan?{always}&by=***; {{"of": "all"}}; {who}',
    ]


def test_explain_says_why_a_stream_is_not_read_at_all_and_ends_with_1_if_none_is(connectors, tmp_path):
    status, [(name, engine, reasons)] = explained(
        connectors, tmp_path, type="CustomTransformation", class_name="source_crew.components.Change"
    )
    assert (status, name, engine) == (1, "plan", "none")
    only = "Python of the connector's own, which only runs with trust_python: source_crew.components.Change"
    assert reasons[0] == only


def test_explain_names_a_file_that_is_no_manifest(connectors, tmp_path):
    (tmp_path / "manifest.yaml").write_text("a: 1")
    done = connectors("explain", str(tmp_path))
    assert done.exit_code == 1
    assert "manifest.yaml: is not a manifest of Airbyte: it has no 'streams'" in done.output


def test_the_default_of_a_secret_is_hidden_and_so_is_a_password_of_the_manifest(connectors, tmp_path):
    written = yaml.safe_load(CREW.read_text())
    spec = written["spec"]["connection_specification"]
    spec["properties"]["user"] = {"type": "string", "airbyte_secret": True, "default": "hidden-user"}
    auth = {"type": "BasicHttpAuthenticator", "username": "{{ config['user'] }}", "password": "hidden-word"}
    written["definitions"]["plan"]["retriever"]["requester"] = {
        "type": "HttpRequester",
        "url_base": "https://crew.example",
        "path": "/plan",
        "authenticator": auth,
    }
    (tmp_path / "crew.yaml").write_text(yaml.safe_dump(written))
    for option in ([], ["--json"]):
        done = connectors("explain", str(tmp_path / "crew.yaml"), *option)
        assert done.exit_code == 0
        assert "hidden" not in done.output
    settings = {one["setting"]: one["default"] for one in json.loads(done.output)["settings"]}
    assert settings["SOURCES__CREW__USER"] == settings["SOURCES__CREW__PASSWORD_OF_THE_MANIFEST"] == "***"


def test_a_stream_whose_requests_cannot_be_made_says_why(connectors, tmp_path):
    written = yaml.safe_load(CREW.read_text())
    written["definitions"]["requester"]["url_base"] = "no address"
    (tmp_path / "crew.yaml").write_text(yaml.safe_dump(written))
    done = connectors("explain", str(tmp_path / "crew.yaml"))
    assert done.exit_code == 0, done.output
    assert "no request  teams: base_url 'no address' is not an http(s) URL" in done.output
    assert "4 of 4 streams are native" in done.output
