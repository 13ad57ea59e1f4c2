"""Reads one stream with airbyte-cdk. It runs in an environment of its own, so it imports nothing of this project.

A line on stdin is a JSON array: first the job, then what to read, and the answers to requests. A line on stdout is a
row, which is an object, or an array that says something: ``ready``, ``request``, ``response``, ``end`` or ``failed``.
"""

import copy
import gc
import importlib.util
import json
import logging
import os
import queue
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from xml.parsers.expat import ExpatError

import dpath
import orjson
import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative import concurrent_declarative_source
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from airbyte_cdk.sources.declarative.decoders import JsonDecoder, XmlDecoder, xml_decoder
from airbyte_cdk.sources.declarative.decoders.composite_raw_decoder import JsonLineParser
from airbyte_cdk.sources.declarative.partition_routers.substream_partition_router import SubstreamPartitionRouter
from airbyte_cdk.sources.streams.http.requests_native_auth.oauth import SingleUseRefreshTokenOauth2Authenticator
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

OURS = "%Y-%m-%dT%H:%M:%S.%f%z"
TIMEOUT = (10, 300)
"""Seconds to connect, and between two bytes."""
LONGEST = 2_000
"""Characters of an error."""
WRITTEN = orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
Job = Mapping[str, Any]


class RefusedError(Exception):
    """A request that must not be made."""


class Parent:
    """The process that started this one; this one ends with it."""

    def __init__(self) -> None:
        """Keep stdout for rows: what a connector prints goes to stderr."""
        self._rows = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
        os.dup2(2, 1)
        self._said: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
        self._writing, self._asking = threading.RLock(), threading.RLock()
        self._shown: set[str] = set()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin.buffer:
            self._said.put(json.loads(line))
        os._exit(3)  # the parent has ended, or nobody reads the rows any more

    def hear(self) -> list[Any]:
        """Wait for what the parent says."""
        return self._said.get()

    def say(self, *words: Any) -> None:
        """Tell the parent something, after all rows before it."""
        with self._writing:
            self._rows.write(orjson.dumps(words, default=str) + b"\n")
            self._rows.flush()

    def give(self, row: Any) -> None:
        """Write a row; one that is an array would be read as a message.

        Raises:
            TypeError: it is not an object.
        """
        if not isinstance(row, Mapping):
            raise TypeError(f"a row is not an object, but {type(row).__name__}: check the path to the rows")
        try:
            line = orjson.dumps(row, default=str, option=WRITTEN)
        except (TypeError, orjson.JSONEncodeError):  # a number of more than 64 bits
            line = json.dumps(row, default=str).encode() + b"\n"
        with self._writing:
            self._rows.write(line)

    def allow(self, request: requests.PreparedRequest) -> None:
        """Wait until a request may be made.

        Raises:
            RefusedError: it may not.
        """
        tokens = [str(value).split()[-1] for name, value in request.headers.items() if name == "Authorization"]
        fresh = [token for token in tokens if token and token not in self._shown]
        self._shown.update(fresh)
        self.say("request", request.method, request.url, fresh)
        answer, *why = self.hear()
        if answer != "go":
            raise RefusedError(*why)

    def keep(self, changes: list[tuple[list[str], Any]]) -> None:
        """Let the parent keep values of the configuration, and wait until it has done so."""
        with self._asking:
            self.say("keep", changes)
            self.hear()

    def watch_requests(self) -> None:
        """Let the parent allow every request, also those that follow a redirect or ask for a token."""
        send, asking = requests.adapters.HTTPAdapter.send, self._asking

        def allowed_send(adapter: Any, request: requests.PreparedRequest, **given: Any) -> requests.Response:
            with asking:
                self.allow(request)
                given["timeout"], status = given.get("timeout") or TIMEOUT, 0
                try:
                    response = send(adapter, request, **given)
                    status = response.status_code
                finally:
                    self.say("response", status)
            return response

        requests.adapters.HTTPAdapter.send = allowed_send  # type: ignore[assignment,method-assign]


def limit_memory(most: int) -> None:
    """Let this process have no more than so many bytes of memory of its own."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def load_python(names: list[str], file: str) -> None:
    """Import the connector's own Python under the names that its manifest uses."""
    spec = importlib.util.spec_from_file_location(names[0], file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    for name in ("components", *names):
        sys.modules[name] = module
    spec.loader.exec_module(module)


def make_it_quick() -> None:
    """Replace what airbyte-cdk does slowly and often: its schema is read once, and plain paths need no search."""
    schema = concurrent_declarative_source.get_declarative_component_schema()
    concurrent_declarative_source.get_declarative_component_schema = lambda: schema
    search = dpath.get

    def get(found: Any, path: Any, separator: str = "/", default: Any = ..., **given: Any) -> Any:
        steps = [path] if isinstance(path, str) and separator not in path else path
        if isinstance(steps, list) and type(found) is dict and not given:
            at = found
            for step in steps:
                if type(at) is not dict or type(step) is not str or set("*?[!") & set(step) or separator in step:
                    break
                if step not in at:
                    if default is not ...:
                        return default
                    break
                at = at[step]
            else:
                return at
        asked = {} if default is ... else {"default": default}
        return search(found, path, separator=separator, **asked, **given)

    dpath.get = get


def refuse_broken_bodies() -> None:
    """Let a successful response that cannot be read fail the stream: airbyte-cdk logs that, and goes on without it."""
    _check_first(JsonDecoder, lambda response: json.loads(response.content.decode()))
    _check_first(XmlDecoder, lambda response: xml_decoder.xmltodict.parse(response.text))
    JsonLineParser.parse = _parse_lines


def _check_first(decoder: Any, read: Callable[[requests.Response], Any]) -> None:
    """Let a decoder check whether an empty object is in the response, or in the place of one that cannot be read."""
    decode = decoder.decode

    def checked(self: Any, response: requests.Response) -> Iterator[Any]:
        for number, element in enumerate(decode(self, response)):
            if not number and element == {} and response.ok and response.content.strip():
                try:
                    read(response)
                except (ValueError, RecursionError, ExpatError) as error:
                    raise broken_body(error) from None
            yield element

    decoder.decode = checked


def _parse_lines(parser: Any, data: Iterable[bytes]) -> Iterator[Any]:
    for line in data:
        if text := line.decode(parser.encoding or "utf-8").strip():
            try:
                yield json.loads(text)
            except ValueError as error:
                raise broken_body(error) from None


def broken_body(error: Exception) -> AirbyteTracedException:
    """Return the error of a response that cannot be read; its content is not shown."""
    said = f"a response with a status of success cannot be read: {type(error).__name__}: {error}"
    return AirbyteTracedException(message=said, failure_type=FailureType.transient_error)


def remember_parents(stream: Job) -> None:
    """Read the parents of children once, not once for each window; except several parents that have the same name."""
    read, known, ambiguous = SubstreamPartitionRouter.stream_slices, {}, ambiguous_parents(stream)

    def stream_slices(router: Any) -> Iterator[Any]:
        configs = router.parent_stream_configs
        if any(one.stream.name in ambiguous for one in configs):
            yield from read(router)
            return
        fields = ("parent_key", "partition_field", "extra_fields", "lazy_read_pointer")
        name = repr([(one.stream.name, *(getattr(one, field) for field in fields)) for one in configs])
        if name not in known:
            found = []
            for slice_ in read(router):
                found.append(slice_)
                yield slice_
            known[name] = found
        else:
            yield from known[name]

    SubstreamPartitionRouter.stream_slices = stream_slices


def ambiguous_parents(stream: Job) -> set[str]:
    """Return the names that several different parents have."""
    found: dict[str, set[str]] = {}

    def look_into(component: Any) -> None:
        for item in component.values() if isinstance(component, Mapping) else component:
            if isinstance(item, Mapping | list):
                look_into(item)
        parent = component.get("stream") if isinstance(component, Mapping) else None
        if isinstance(parent, Mapping):
            found.setdefault(str(parent.get("name")), set()).add(json.dumps(parent, sort_keys=True, default=str))

    look_into(stream)
    return {name for name, written in found.items() if len(written) > 1}


def keep_tokens(parent: Parent, config: dict[str, Any]) -> None:
    """Keep the tokens that an authenticator is given: a refresh token may be another one after each use."""

    def kept(authenticator: Any) -> None:
        paths = [authenticator._access_token_config_path, authenticator._refresh_token_config_path]
        changes = []
        for path in (*paths, authenticator._token_expiry_date_config_path):
            steps = [path] if isinstance(path, str) else [str(step) for step in path]
            changes.append((steps, authenticator._get_config_value_by_path(path)))
            dpath.new(config, steps, changes[-1][1])
        parent.keep(changes)

    SingleUseRefreshTokenOauth2Authenticator._emit_control_message = kept


class Reader:
    """Reads the stream of a job."""

    def __init__(self, job: Job) -> None:
        """Make the stream once, which shows what is wrong with it."""
        self.job = job
        self.adds_columns = bool(job["partitions"] or job["copies"])
        now = datetime.now(timezone.utc).isoformat()  # noqa: UP017  # this may be Python 3.10
        self.stream(self.bounded(now, now) if job["windows"] else job["stream"])

    def stream(self, definition: Mapping[str, Any]) -> Any:
        """Return a stream; None if the settings turn it off."""
        check, condition = {"type": "CheckStream", "stream_names": [definition["name"]]}, self.job["condition"]
        chosen = {"type": "ConditionalStreams", "condition": condition, "streams": [definition]}
        manifest = {**self.job["manifest"], "check": check, "streams": [definition if condition is None else chosen]}
        source = ConcurrentDeclarativeSource(
            catalog=None,
            config=copy.deepcopy(self.job["config"]),
            state=[],
            source_config=copy.deepcopy(manifest),
            custom_components_trusted=bool(self.job["python"]),
        )
        found = source.streams({})
        return found[0] if found else None

    def bounded(self, start: str, end: str | None) -> Mapping[str, Any]:
        """Return the stream from a start to an end, both inclusive; what is to come is not read."""
        latest = datetime.now(timezone.utc)  # noqa: UP017  # this may be Python 3.10
        if end:
            latest = min(datetime.fromisoformat(end) - timedelta(seconds=self.job["granularity"]), latest)
        stream = dict(self.job["stream"])
        moments = {"start_datetime": datetime.fromisoformat(start), "end_datetime": latest}
        cursor = {name: value for name, value in stream["incremental_sync"].items() if name != "lookback_window"}
        for name, moment in moments.items():
            cursor[name] = {"type": "MinMaxDatetime", "datetime": moment.strftime(OURS), "datetime_format": OURS}
        stream["incremental_sync"] = cursor
        return stream

    def rows(self, start: str | None, end: str | None) -> Iterator[Mapping[str, Any]]:
        """Yield the rows, with what they were requested for."""
        stream = self.stream(self.bounded(start, end) if start else self.job["stream"])
        for partition in stream.generate_partitions() if stream else ():
            for record in partition.read():
                yield self.with_columns(record) if self.adds_columns else record.data

    def with_columns(self, record: Any) -> Mapping[str, Any]:
        """Return a row with what it was requested for, and with what its key has inside of objects."""
        asked = record.associated_slice.partition if record.associated_slice else {}
        added = {column: value_at(asked, path) for column, path in self.job["partitions"].items()}
        added |= {column: value_at(record.data, path) for column, path in self.job["copies"].items()}
        return {**record.data, **added}


def value_at(found: Any, path: Iterable[str]) -> Any:
    """Return what is at a path, None if nothing is; an object is text, because it identifies a row."""
    for step in path:
        found = found.get(step) if isinstance(found, Mapping) else None
    return json.dumps(found, sort_keys=True, default=str) if isinstance(found, Mapping) else found


def explained(error: BaseException) -> tuple[str, bool]:
    """Return what went wrong, and whether it may not happen again."""
    parts: list[str] = []
    passing = isinstance(error, requests.ConnectionError | requests.Timeout)
    one: BaseException | None = error
    while one is not None and len(parts) < 6:
        texts = [f"{type(one).__name__}: {one}"]
        if isinstance(one, AirbyteTracedException):
            passing = passing or one.failure_type == FailureType.transient_error
            texts = [one.message, one.internal_message]
        parts += [text for text in texts if text and text not in parts]
        if isinstance(one, RefusedError):
            return str(one), False
        if isinstance(one, MemoryError):
            return "it needs more memory than CONNECTORS__AIRBYTE_MEMORY allows", False
        one = one.__cause__ or one.__context__
    return "; ".join(parts)[:LONGEST], passing


def serve(parent: Parent) -> None:
    """Do the job, then read what the parent asks for."""
    job: Job = parent.hear()[1]
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("airbyte").setLevel(logging.WARNING)
    parent.watch_requests()
    try:
        if job["python"]:
            load_python(job["python"]["names"], job["python"]["file"])
        make_it_quick()
        refuse_broken_bodies()
        remember_parents(job["stream"])
        keep_tokens(parent, job["config"])
        reader = Reader(job)
    except BaseException as error:  # noqa: BLE001  # told to the parent, which raises it
        parent.say("broken", *explained(error))
        return
    limit_memory(job["memory"])
    parent.say("ready")
    while (asked := parent.hear())[0] == "read":
        count, (start, end, most) = 0, asked[1:]
        try:
            for row in reader.rows(start, end):
                parent.give(row)
                count += 1
                if count == most:
                    break
        except BaseException as error:  # noqa: BLE001  # told to the parent, which raises it
            parent.say("failed", *explained(error))
        else:
            parent.say("end", count)


def become_fork(template: socket.socket) -> None:
    """Fork as often as the parent asks, and return in each fork; the template ends with the parent."""
    gc.freeze()  # what has been imported is never freed
    while True:
        word, files, _, _ = socket.recv_fds(template, LONGEST, 3)
        if not word:
            os._exit(0)
        if not files:
            template.send(b"%d" % os.waitstatus_to_exitcode(os.waitpid(int(word), 0)[1]))
            continue
        number = os.fork()
        if not number:
            template.close()
            break
        for file in files:
            os.close(file)
        os.setpgid(number, number)  # before anybody knows its number: what it starts is ended with it
        template.send(b"%d" % number)
    for to, file in enumerate(files):
        os.dup2(file, to)
        os.close(file)


if __name__ == "__main__":
    if sys.argv[1:] == ["forks"]:
        become_fork(socket.socket(fileno=0))
    serve(Parent())
    os._exit(0)  # threads of airbyte-cdk may still wait
