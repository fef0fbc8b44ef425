"""Logs tell what happened and where, and nothing of what people wrote."""

import json
import logging
import uuid
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import structlog

from bot.log import CONTENT_KEYS, configure_logging, strike_out
from models.people.message import Message, MessageKind

MESSAGE = Message(
    MessageKind.TEXT, "gh_account", "oPerson", 1_700_000_000, "23456789012345678", "我叫张三，电话13800000000"
)


@pytest.fixture(autouse=True)
def as_before():
    handlers = logging.getLogger().handlers[:]
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers


@pytest.fixture
def lines(capsys):
    """What has been logged since the last look, a JSON object a line."""
    configure_logging(json=True)
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.fixture
def line(lines):
    def only():
        found = lines()
        assert len(found) == 1
        return found[0]

    return only


@pytest.fixture
def log():
    return structlog.get_logger()


def test_an_event_is_one_json_object_with_its_facts(line, log):
    log.info("turn.answered", key="9f2c", flow="start_appeal", step="title", ms=12, tried=2)
    found = line()
    assert datetime.fromisoformat(found.pop("timestamp")).tzinfo is not None
    assert found == {
        "event": "turn.answered",
        "level": "info",
        "key": "9f2c",
        "flow": "start_appeal",
        "step": "title",
        "ms": 12,
        "tried": 2,
    }


def test_what_is_bound_to_the_turn_is_on_each_of_its_lines(lines, log):
    with structlog.contextvars.bound_contextvars(key="9f2c"):
        log.info("turn.began")
        logging.getLogger("some.library").warning("slow")
    assert [found["key"] for found in lines()] == ["9f2c", "9f2c"]


def test_in_a_terminal_it_is_readable(capsys, log):
    configure_logging(json=False)
    try:
        raise ValueError("13800000000")
    except ValueError:
        log.exception("turn.failed", key="9f2c", text="我叫张三")
    written = capsys.readouterr().err
    assert "turn.failed" in written
    assert "key=9f2c" in written
    assert "ValueError: ***" in written
    assert "张三" not in written
    assert not written.startswith("{")


def test_configured_twice_an_event_is_still_logged_once(line, log):
    configure_logging(json=True)
    logging.getLogger("some.library").warning("slow")
    assert line()["event"] == "slow"


def test_quieter_levels_are_left_out(lines, log):
    configure_logging(json=True, level="WARNING")
    log.info("turn.answered")
    logging.getLogger("some.library").info("hello")
    log.warning("turn.over_budget")
    assert [found["event"] for found in lines()] == ["turn.over_budget"]


# --- Content stays out


@pytest.mark.parametrize("key", sorted(CONTENT_KEYS))
def test_a_field_named_like_content_is_withheld_and_named(capsys, log, key):
    configure_logging(json=True)
    log.info("turn.answered", **{key: "Zhang San", "step": "name"})
    written = capsys.readouterr().err
    assert "Zhang San" not in written
    assert json.loads(written)["withheld"] == [key]
    assert json.loads(written)["step"] == "name"


def test_content_is_withheld_from_inner_values_too(capsys, log):
    configure_logging(json=True)
    log.info("turn.answered", facts={"name": "Zhang San", "more": [{"phone": "13800000000", "step": 3}]})
    assert json.loads(capsys.readouterr().err)["facts"] == {"more": [{"step": 3}]}


@pytest.mark.parametrize("value", [MESSAGE, [MESSAGE], {"it": MESSAGE}, b"\xe5\xbc\xa0", Exception("张三")])
def test_an_object_leaves_only_its_kind(capsys, log, value):
    configure_logging(json=True)
    log.info("turn.answered", about=value)
    written = capsys.readouterr().err
    assert "张" not in written.encode().decode("unicode_escape")
    assert "<" in written


def test_what_people_typed_is_struck_out_wherever_it_is_put(line, log):
    log.info("said 我叫张三", step="隆回 title")
    found = line()
    assert (found["event"], found["step"]) == ("said ***", "*** title")


def test_ids_times_and_paths_are_kept(line, log):
    run, at = uuid.uuid4(), datetime(2026, 11, 24, tzinfo=UTC)
    log.info("job.done", run=run, at=at, file=Path("var/demo"), msg_id="23456789012345678", kind=MessageKind.TEXT)
    found = line()
    assert found["run"] == str(run)
    assert found["at"] == str(at)
    assert found["file"] == "var/demo"
    assert found["msg_id"] == "23456789012345678"
    assert found["kind"] == "text"


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("invalid literal: '三十万'", "invalid literal: '***'"),
        ("phone 13800000000 taken", "phone *** taken"),
        ("430524190001010014", "***"),
        ("43052419000101001X", "***"),
        ("phone 138 0000 0000, 138-0000-0001 or 1 3 8 0 0 0 0 0 0 0 2", "phone ***, *** or ***"),
        ("430524 19000101 001X", "***"),
        ("card 6222 0202 0000 1234 567 refused", "card *** refused"),
        ("ID430524190001010014 tel13800000000", "ID*** tel***"),
        ("+86-138-0000-0000, 138.0000.0000 or (138) 0000-0000", "+86-***, *** or (***"),
        ("13 80 00 00 00 0, 138  0000  0000 or 138/0000/0000", "***, *** or ***"),
        ("138\u30000000\u30000000, 138，0000，0000 or 138\u20130000\u20130000", "***, *** or ***"),
        ("43 05 24 1990 01 01 001X or 430524 1990-01-01 0014", "*** or ***"),
        ("6222.0202.0000.1234.567", "***"),
        ("10.0.0.5 192.168.10.200 2026-11-30/2027-01-30 1.2.3", "10.0.0.5 192.168.10.200 2026-11-30/2027-01-30 1.2.3"),
        ("on 2026-11-30 12:30:45 from 192.168.100.200", "on 2026-11-30 12:30:45 from 192.168.100.200"),
        ("Exception on /pay/WzEsMl0.aa.bb-cc [GET]", "Exception on /pay/*** [GET]"),
        ("Exception on /pay/WzEsMl0.aa.bb/order [POST]", "Exception on /pay/***/order [POST]"),
        ("job 12345678-1234-4321-1234-123456789012 OK", "job 12345678-1234-4321-1234-123456789012 OK"),
        ("took 1234 ms on port 65535", "took 1234 ms on port 65535"),
        ("GET /cgi-bin/user?access_token=88_abc-D&openid=o1", "GET /cgi-bin/user?access_token=***&openid=o1"),
        ("/token?appid=wx1&secret=s3cr3t'", "/token?appid=wx1&secret=***'"),
        ("connect to redis://user:pw@host:6379/0", "connect to redis://***@host:6379/0"),
    ],
)
def test_free_text_keeps_what_helps_and_loses_what_could_be_somebodys(words, left):
    assert strike_out(words) == left


# --- The standard library's logging


def test_other_libraries_take_the_same_way_out(lines):
    logger = logging.getLogger("urllib3.connectionpool")
    logger.warning("Retrying after %r: %s", "broken", "/cgi-bin/token?secret=s3cr3t")
    logger.info("not worth a line")
    logger.log(35, "between the usual levels")
    first, second = lines()
    assert first["event"] == "Retrying after 'broken': /cgi-bin/token?secret=***"
    assert (first["logger"], first["level"]) == ("urllib3.connectionpool", "warning")
    assert second["level"] == "warning"


def test_other_libraries_tracebacks_are_ours(line):
    try:
        raise KeyError("张三")
    except KeyError:
        logging.getLogger("bangfu").exception("Exception on %s", "/wechat")
    found = line()
    assert found["exception"].endswith("builtins.KeyError: '***'")


# --- Tracebacks


def remember(story: str) -> None:
    hidden = f"{story} indeed"
    raise LookupError(f"no such thing\n{hidden}")


def test_a_traceback_shows_the_place_but_no_variables_and_one_line_of_words(line, log):
    try:
        remember("my story")
    except LookupError:
        log.exception("turn.failed", key="9f2c")
    shown = line()["exception"]
    assert "in remember" in shown
    assert "raise LookupError" in shown
    assert "builtins.LookupError: no such thing" in shown
    assert "my story indeed" not in shown


def test_a_traceback_shows_where_the_error_came_from(line, log):
    try:
        try:
            int("三十万")
        except ValueError as cause:
            raise RuntimeError("step failed") from cause
    except RuntimeError as error:
        log.error("turn.failed", exc_info=error)
    shown = line()["exception"]
    assert shown.index("builtins.ValueError") < shown.index("builtins.RuntimeError: step failed")
    assert "三十万" not in shown.split("builtins.ValueError")[1]


def test_a_silenced_cause_stays_silent(line, log):
    try:
        try:
            remember("my story")
        except LookupError:
            raise RuntimeError("step failed") from None
    except RuntimeError:
        log.exception("turn.failed")
    assert "LookupError" not in line()["exception"]


def test_no_error_no_traceback(line, log):
    log.info("turn.answered", exc_info=True)
    assert "exception" not in line()


def test_what_postgresql_says_about_the_row_is_not_repeated(line, log, postgres_url):
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TEMPORARY TABLE person (phone text UNIQUE, called text NOT NULL)")
        connection.execute("INSERT INTO person VALUES ('13800000000', 'Zhang San')")
        try:
            connection.execute("INSERT INTO person VALUES ('13800000000', 'Zhang San')")
        except psycopg.IntegrityError as error:
            quoted = str(error)
            log.exception("turn.failed")
    found = line()
    assert "=(13800000000)" in quoted
    assert 'UniqueViolation: duplicate key value violates unique constraint "person_phone_key"' in found["exception"]
    assert "=(13800000000)" not in found["exception"]
