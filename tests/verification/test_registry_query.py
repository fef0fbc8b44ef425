"""The registry over HTTP: a server on this machine that answers, is slow, fails or lies, and who asks it and when."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request
from pydantic import SecretStr, ValidationError
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import LargeBinary, type_coerce, update
from sqlalchemy.orm import Session as Database

from bot.log import configure_logging
from bot.registry import make_registry
from bot.registry.breaker import Breaker, Patience
from bot.registry.query import LARGEST_ANSWER, TRIES, HttpRegistry
from bot.registry.table import TableRegistry
from bot.simulator.serving import serving
from bot.verification.check_registry import check_registry
from bot.work.context import WorkerContext
from bot.work.redis_client import open_redis
from config.settings import Environment, Settings
from models.core.database import connect
from models.people.user import User
from models.verification.case import Verification, newest_case_of
from models.verification.registry import UNAVAILABLE, Finding
from tests.harness.own_secrets import PRODUCTION
from tests.harness.processes.workers import sweep_all
from tests.harness.stage import Stage, id_number, settings_for

ROOT = Path(__file__).parents[2]
NUMBER, NAME, TOKEN = id_number(3), "王秀兰", "a-token-of-nobody"
MATCH = {"result": "match", "status": "监测对象", "source": "invented county list", "as_of": "2026-06-30"}
FOUND = Finding("match", "监测对象", "invented county list", date(2026, 6, 30))


class Office:
    """The authorities' side: ``answers`` in turn, the last of them again and again."""

    def __init__(self) -> None:
        self.answers: list[Callable[[], Response]] = [said(MATCH)]
        self.asked: list[tuple[Any, str | None]] = []
        self.app = Flask("office")
        self.app.add_url_rule("/ask", view_func=self._answer, methods=["POST"])
        self.app.add_url_rule("/elsewhere", view_func=self._answer, methods=["GET", "POST"])

    def _answer(self) -> Response:
        self.asked.append((request.get_json(silent=True), request.headers.get("Authorization")))
        return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])()


def said(body: object, status: int = 200, **headers: str) -> Callable[[], Response]:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return lambda: Response(text, status, content_type="application/json", headers=headers)


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def url(office: Office) -> Iterator[str]:
    with serving(office.app) as url:
        yield url


@contextmanager
def asking(url: str, redis_url: str, patience: Patience | None = None, timeout: float = 5.0) -> Iterator[HttpRegistry]:
    with open_redis(redis_url) as redis:
        breaker = Breaker(redis, "registry", patience or Patience(failures=1000))
        registry = HttpRegistry(f"{url}/ask", SecretStr(TOKEN), breaker, timeout=(timeout, timeout), pause=0.0)
        yield registry
        registry.close()


@pytest.fixture
def registry(url: str, redis_flushed: str) -> Iterator[HttpRegistry]:
    with asking(url, redis_flushed) as registry:
        yield registry


def test_a_person_is_asked_for_with_the_token(office: Office, registry: HttpRegistry) -> None:
    assert registry.look_up(NUMBER, NAME) == FOUND
    assert office.asked == [({"id_number": NUMBER, "name": NAME}, f"Bearer {TOKEN}")]


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        ({"result": "not_found"}, Finding("not_found")),
        ({"result": "not_found", "status": None, "source": "x", "as_of": None}, Finding("not_found", None, "x", None)),
        ({**MATCH, "result": "name_mismatch"}, Finding("name_mismatch", None, FOUND.source, FOUND.as_of)),
        ({"result": "unavailable"}, UNAVAILABLE),
        ({**MATCH, "added": ["later", 1]}, FOUND),
    ],
)
def test_what_it_may_answer(office: Office, registry: HttpRegistry, answer: object, finding: Finding) -> None:
    office.answers = [said(answer)]
    assert registry.look_up(NUMBER, NAME) == finding


LIES: list[object] = [
    "",
    "null",
    "[]",
    "<html>match</html>",
    "{",
    b"\xff\xfe{}",
    '{"result": "match"' + "[" * 5000,
    {},
    {"result": "match"},
    {**MATCH, "result": "MATCH"},
    {**MATCH, "result": ["match"]},
    {**MATCH, "status": None},
    {**MATCH, "status": ""},
    {**MATCH, "status": 1},
    {**MATCH, "status": "监" * 41},
    {**MATCH, "status": "监测\n对象"},
    {**MATCH, "status": "监测\u0000"},
    {**MATCH, "status": " "},
    {**MATCH, "source": "x" * 61},
    {**MATCH, "as_of": "2026-02-30"},
    {**MATCH, "as_of": "30/06/2026"},
    {**MATCH, "as_of": 20260630},
    {**MATCH, "as_of": "9999-01-01"},
    {**MATCH, "padding": "x" * LARGEST_ANSWER},
]


@pytest.mark.parametrize("lie", LIES, ids=range(len(LIES)))
def test_an_odd_answer_counts_as_none(office: Office, registry: HttpRegistry, lie: object) -> None:
    office.answers = [said(lie)]
    assert registry.look_up(NUMBER, NAME) == UNAVAILABLE
    assert len(office.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_registry_is_asked_again(office: Office, registry: HttpRegistry, status: int) -> None:
    busy = said("busy", status, **{"Retry-After": "3600"})
    office.answers = [busy, busy, said(MATCH)]
    assert registry.look_up(NUMBER, NAME) == FOUND
    assert len(office.asked) == 3
    office.answers = [busy]
    assert registry.look_up(NUMBER, NAME) == UNAVAILABLE
    assert len(office.asked) == 3 + TRIES


@pytest.mark.parametrize("status", [201, 204, 400, 401, 403, 404, 422, 501])
def test_a_refusal_is_taken_for_one_at_once(office: Office, registry: HttpRegistry, status: int) -> None:
    office.answers = [said(MATCH, status)]
    assert registry.look_up(NUMBER, NAME) == UNAVAILABLE
    assert len(office.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_token_follows_no_redirect(office: Office, registry: HttpRegistry, url: str, status: int) -> None:
    office.answers = [said("", status, Location=f"{url}/elsewhere"), said(MATCH)]
    assert registry.look_up(NUMBER, NAME) == UNAVAILABLE
    assert len(office.asked) == 1


def test_nobody_listening_is_no_answer(redis_flushed: str) -> None:
    with asking("http://127.0.0.1:9", redis_flushed) as registry:
        assert registry.look_up(NUMBER, NAME) == UNAVAILABLE


def test_one_that_hangs_is_given_up_and_asked_again(office: Office, url: str, redis_flushed: str) -> None:
    held = threading.Event()

    def hang() -> Response:
        held.wait()
        return said(MATCH)()

    office.answers = [hang, said(MATCH)]
    try:
        with asking(url, redis_flushed, timeout=2.0) as registry:
            assert registry.look_up(NUMBER, NAME) == FOUND
    finally:
        held.set()  # otherwise the thread that hangs would stay


def test_one_that_drips_is_given_up(office: Office, url: str, redis_flushed: str) -> None:
    ended = threading.Event()

    def drip() -> Response:
        def pieces() -> Iterator[bytes]:
            while not ended.wait(0.05):
                yield b" "

        return Response(pieces(), content_type="application/json")

    office.answers = [drip]
    with asking(url, redis_flushed, timeout=0.3) as registry:
        assert registry.look_up(NUMBER, NAME) == UNAVAILABLE
    ended.set()


# --- The breaker


def test_it_opens_after_failures_in_a_row_and_a_good_answer_begins_anew(
    office: Office, url: str, redis_flushed: str
) -> None:
    refused = said("", 400)
    office.answers = [refused, refused, said(MATCH), refused]
    with asking(url, redis_flushed, Patience(failures=3)) as registry:
        results = [registry.look_up(NUMBER, NAME).result for _ in range(9)]
    assert results == ["unavailable"] * 2 + ["match"] + ["unavailable"] * 6
    assert len(office.asked) == 6


SECOND_PROCESS = """
import sys
from pydantic import SecretStr
from bot.work.redis_client import open_redis
from bot.registry.breaker import Breaker
from bot.registry.query import HttpRegistry
url, redis_url = sys.argv[1:]
registry = HttpRegistry(url + "/ask", SecretStr("x"), Breaker(open_redis(redis_url), "registry"), pause=0.0)
print([registry.look_up("{number}", "{name}").result for _ in range(2)])
"""


def in_another_process(url: str, redis_url: str) -> str:
    program = SECOND_PROCESS.replace("{number}", NUMBER).replace("{name}", NAME)
    command = [sys.executable, "-c", program, url, redis_url]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.mark.slow  # it starts a process
def test_other_processes_see_it_open(office: Office, url: str, redis_flushed: str) -> None:
    assert "'match'" in in_another_process(url, redis_flushed)
    office.answers = [said("", 500)]
    with asking(url, redis_flushed, Patience(failures=2, pause=600.0)) as registry:
        registry.look_up(NUMBER, NAME)
        registry.look_up(NUMBER, NAME)
    before = len(office.asked)
    office.answers = [said(MATCH)]
    assert "['unavailable', 'unavailable']" in in_another_process(url, redis_flushed)
    assert len(office.asked) == before
    with open_redis(redis_flushed) as redis:
        redis.delete("bangfu:registry:open")  # as the pause ends
    assert "['match', 'match']" in in_another_process(url, redis_flushed)


def keys(redis: Redis) -> set[str]:
    return {key if isinstance(key, str) else key.decode() for key in redis.keys("*")}


def test_after_the_pause_one_tries_for_everybody(redis_flushed: str) -> None:
    with open_redis(redis_flushed) as redis, open_redis(redis_flushed) as another:
        mine, others = (Breaker(each, "registry", Patience(failures=1)) for each in (redis, another))
        mine.failed()
        assert not mine.may_call()
        assert not others.may_call()
        redis.delete("bangfu:registry:open")
        assert mine.may_call()
        assert not others.may_call()
        mine.failed()
        assert not others.may_call()
        redis.delete("bangfu:registry:open")
        assert others.may_call()
        others.worked()
        assert mine.may_call()
        assert mine.may_call()
        assert keys(redis) == set()


def test_every_key_has_an_end_and_holds_nothing_of_anybody(office: Office, url: str, redis_flushed: str) -> None:
    office.answers = [said("", 500)]
    with asking(url, redis_flushed, Patience(failures=1)) as registry, open_redis(redis_flushed) as redis:
        registry.look_up(NUMBER, NAME)
        redis.delete("bangfu:registry:open")
        registry.look_up(NUMBER, NAME)
        Breaker(redis, "registry").may_call()
        held = keys(redis)
        assert {f"bangfu:registry:{part}" for part in ("open", "tripped", "failures")} == held
        assert all(redis.pttl(key) > 0 for key in held)
        assert all(len(redis.get(key) or b"") < 4 for key in held)


def test_without_redis_it_asks_all_the_same(office: Office, url: str) -> None:
    office.answers = [said("", 500)]
    with asking(url, "redis://127.0.0.1:1/0", Patience(failures=1)) as registry:
        assert registry.look_up(NUMBER, NAME) == UNAVAILABLE
        office.answers = [said(MATCH)]
        assert registry.look_up(NUMBER, NAME) == FOUND


def test_nothing_of_anybody_is_logged_or_raised(
    office: Office, url: str, redis_flushed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(json=True, level="DEBUG")
    echo = json.dumps({**MATCH, "status": NAME, "as_of": NUMBER})
    with asking(url, redis_flushed) as registry:
        for answer in (said(echo), said(echo, 400), said(echo, 500), said(echo.encode() + b"\xff")):
            office.answers = [answer]
            assert registry.look_up(NUMBER, NAME) == UNAVAILABLE
    with asking("http://127.0.0.1:9", "redis://127.0.0.1:1/0") as registry:
        assert registry.look_up(NUMBER, NAME) == UNAVAILABLE
    written = capsys.readouterr().err
    assert written.count("registry.no_answer") == 5
    assert "status_400" in written
    assert not [secret for secret in (NUMBER, NAME, TOKEN, json.dumps(NAME)[1:-1]) if secret in written]


# --- The job


class Case:
    """A resident whose case waits for the registry, and a worker that may ask it."""

    def __init__(self, stage: Stage, url: str, redis_url: str) -> None:
        self.stage, self.database = stage, stage.database
        ours = {"registry_url": f"{url}/ask", "registry_token": SecretStr(TOKEN)}
        self.context = WorkerContext(settings_for(stage.settings.database_url, redis_url).model_copy(update=ours))
        user_id = stage.register("o-wang", "resident", verified=False)
        with Database(self.database) as db:
            found = newest_case_of(db, user_id)
            assert found
            self.number = found.id

    def row(self) -> Verification:
        with Database(self.database, expire_on_commit=False) as db:
            return db.get_one(Verification, self.number)

    def check(self) -> Verification:
        check_registry(self.database, self.context.registry, self.number, self.stage.clock)
        return self.row()


@pytest.fixture
def case(database_url: str, url: str, redis_flushed: str) -> Iterator[Case]:
    stage = Stage(database_url)
    case = Case(stage, url, redis_flushed)
    yield case
    case.context.close()
    stage.close()


def test_the_answer_moves_the_case_once(office: Office, case: Case) -> None:
    row = case.check()
    assert (row.state, row.registry_result, row.registry_status) == ("registry_checked", "match", FOUND.status)
    assert (row.registry_source, row.registry_as_of) == (FOUND.source, FOUND.as_of)
    case.check()
    assert len(office.asked) == 1


def test_without_an_answer_the_case_waits_and_is_asked_again(office: Office, case: Case) -> None:
    office.answers = [said("", 400)]
    row = case.check()
    assert (row.state, row.registry_result, row.registry_tries) == ("submitted", "unavailable", 1)
    case.check()
    assert len(office.asked) == 1, "the next question is not due yet"
    assert row.registry_next_at
    case.stage.clock.now = row.registry_next_at + timedelta(seconds=1)
    office.answers = [said({"result": "not_found"})]
    assert case.check().registry_result == "not_found"


def test_no_transaction_is_open_while_the_registry_is_asked(case: Case) -> None:
    class Looking:
        def look_up(self, id_number: str, name: str) -> Finding:
            # Inside of one it would wait for the row.
            with case.database.begin() as connection:
                connection.execute(update(Verification).values(registry_tries=7))
            return UNAVAILABLE

    check_registry(case.database, Looking(), case.number, case.stage.clock)
    assert case.row().registry_tries == 8


def test_a_case_withdrawn_while_it_was_asked_stays_so(case: Case) -> None:
    class Late:
        def look_up(self, id_number: str, name: str) -> Finding:
            with case.database.begin() as connection:
                connection.execute(update(Verification).values(state="withdrawn"))
            return FOUND

    check_registry(case.database, Late(), case.number, case.stage.clock)
    assert (case.row().state, case.row().registry_result) == ("withdrawn", None)


def test_a_person_whom_no_key_opens_makes_the_case_wait(office: Office, case: Case) -> None:
    with case.database.begin() as connection:
        connection.execute(update(User).values(name=type_coerce(b"junk" * 10, LargeBinary)))
    row = case.check()
    assert (row.registry_result, row.registry_tries) == ("unavailable", 1)
    assert office.asked == []


def test_the_sweep_finds_the_questions_that_are_due(case: Case, redis_flushed: str) -> None:
    now = case.stage.clock()
    assert sweep_all(case.context, now) == 1
    with open_redis(redis_flushed) as redis:
        [job] = Queue("default", connection=redis, serializer=JSONSerializer).jobs
        assert (job.func_name, job.args) == ("check_registry", [case.number])
    with case.database.begin() as connection:
        connection.execute(update(Verification).values(registry_next_at=now + timedelta(minutes=1)))
    assert sweep_all(case.context, now) == 0


# --- The settings


def test_the_setting_chooses_who_is_asked(database_url: str, redis_url: str) -> None:
    database = connect(database_url)
    with open_redis(redis_url) as redis:
        ours = settings_for(database_url)
        assert isinstance(make_registry(ours, database, redis), TableRegistry)
        asked = ours.model_copy(update={"registry_url": "https://registry.example/ask"})
        assert isinstance(make_registry(asked, database, redis), HttpRegistry)
    database.dispose()


@pytest.mark.parametrize(
    ("url", "token", "missing"),
    [
        ("https://registry.example/ask", "", "REGISTRY_TOKEN"),
        ("https://registry.example/ask", "  ", "REGISTRY_TOKEN"),
        ("http://registry.example/ask", TOKEN, "https"),
        ("registry.example/ask", TOKEN, "https"),
    ],
)
def test_production_asks_no_registry_without_a_token_or_in_the_open(url: str, token: str, missing: str) -> None:
    own: dict[str, Any] = {name.lower(): value for name, value in PRODUCTION.items()}
    del own["bangfu_env"]
    with pytest.raises(ValidationError, match=missing) as refused:
        Settings(bangfu_env=Environment.PRODUCTION, registry_url=url, registry_token=token, _env_file=None, **own)
    assert TOKEN not in str(refused.value)
    settings = Settings(bangfu_env=Environment.DEMO, registry_url=url, registry_token=token, _env_file=None, **own)
    assert settings.registry_url == url
