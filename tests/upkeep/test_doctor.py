"""The doctor finds each thing that can be wrong, names it alone, says what to do, and prints no secret.

Slow: each has a web server, a simulator of WeChat and a Redis.
"""

import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server

import pytest
from click.testing import Result
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import SecretStr
from redis import Redis
from rq.serializers import JSONSerializer
from sqlalchemy import text
from sqlalchemy.orm import Session as Database

from bot.app import create_app
from bot.books.sealing import seal_all
from bot.push.cards import as_in_console
from bot.simulator.faults import Fault, Kind
from bot.simulator.fields import Template
from bot.simulator.serving import serving
from bot.upkeep.checks import time as clocks
from bot.upkeep.checks.database import check_database
from bot.upkeep.checks.door import check_certificate, check_domain
from bot.upkeep.checks.examine import CHECKS, examine
from bot.upkeep.checks.finding import Finding, bad
from bot.upkeep.checks.installation import Installation
from bot.work.queues import QUEUES, JobQueues
from bot.work.workers import Sender
from config.settings import Environment, Settings
from models.core.database import LIMITS
from models.upkeep.dead_job import DeadJob
from models.upkeep.schedule import claim_run
from tests.harness.command_line import run
from tests.harness.simulator.in_process import RunningSimulator
from tests.harness.stage import Stage

pytestmark = pytest.mark.slow

IDS = {name: f"t-{name}" for name in ("progress", "money", "task", "goods")}
TEMPLATES = tuple(Template(each["template_id"], each["title"], each["content"]) for each in as_in_console("t-"))

# An event that no scheduler has sealed for an hour.
_UNSEALED = "INSERT INTO audit_unsealed VALUES (99, now() - interval '1 hour')"
_ANOTHER = """
    UPDATE conversations SET account = 'gh_x';
    INSERT INTO conversations (account, openid, session, created_at, touched_at)
    SELECT 'gh_y', 'o-other', session, created_at, touched_at FROM conversations LIMIT 1
"""
# What is wrong because that is: the server here is not ready, and there is no token for what comes after.
FOLLOWS = {"migrations": {"server"}, "wechat": {"templates"}}


@dataclass
class Patient:
    """An installation that is well: its web process, its worker and WeChat answer."""

    stage: Stage
    settings: Settings
    wechat: RunningSimulator
    redis: Redis

    def examine(self, **changes: object) -> dict[str, list[Finding]]:
        """What the doctor finds, by what it is about."""
        settings = self.settings.model_copy(update=changes)
        installation = Installation(settings, self.settings.public_url, self.stage.clock)
        found: dict[str, list[Finding]] = {}
        for name, finding in examine(installation):
            found.setdefault(name, []).append(finding)
        installation.close()
        return found

    def ask(self, *words: str, **changes: object) -> Result:
        app = create_app(self.settings.model_copy(update=changes), self.stage.clock)
        told = run(app, "doctor", "--server", self.settings.public_url, *words)
        app.extensions["bangfu"]["turns"].database.dispose()
        return told

    def sql(self, statement: str) -> None:
        with self.stage.database.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text(statement))


@pytest.fixture
def patient(
    database_url: str, redis_flushed: str, run_simulator: Callable[..., RunningSimulator], tmp_path: Path
) -> Iterator[Patient]:
    stage = Stage(database_url, redis_url=redis_flushed)
    stage.clock.now = datetime.now(UTC)
    stage.register("o-wang", "resident")
    seal_all(stage.database)
    wechat = run_simulator(templates=TEMPLATES, subscriptions=TEMPLATES)
    with serving(stage.app) as url, Redis.from_url(redis_flushed) as redis:
        ours = {"public_url": url, "wechat_api_url": wechat.url, "media_dir": str(tmp_path)}
        settings = stage.settings.model_copy(update={**ours, "wechat_templates": IDS, "wechat_subscriptions": IDS})
        worker = Sender(QUEUES, connection=redis, serializer=JSONSerializer)
        worker.register_birth()  # type: ignore[no-untyped-call]
        redis.set("bangfu:books", json.dumps({"violations": 0, "at": datetime.now(UTC).timestamp()}))
        with Database(stage.database) as db, db.begin():
            claim_run(db, "figures", timedelta(seconds=10), stage.clock())
        yield Patient(stage, settings, wechat, redis)
    stage.close()


def test_all_that_is_well_is_told_so(patient: Patient) -> None:
    told = patient.ask()
    assert told.exit_code == 3  # a demo
    assert told.stdout.endswith("Warnings: settings.\n")
    assert "ok    workers      workers: push 1, bulk 1, voice 1, default 1, slow 1\n" in told.stdout
    lines = [json.loads(line) for line in patient.ask("--json").stdout.splitlines()]
    assert list(dict.fromkeys(line["check"] for line in lines)) == list(CHECKS)
    assert {line["check"] for line in lines if line["level"] != "ok"} == {"settings"}


def _no_template(patient: Patient) -> None:
    patient.wechat.simulator.templates.remove("t-task")


def _other_fields(patient: Patient) -> None:
    money = next(each for each in TEMPLATES if each.template_id == "t-money")
    patient.wechat.simulator.templates.put(replace(money, content="金额:{{amount9.DATA}}"))


def _not_on_the_list(patient: Patient) -> None:
    patient.wechat.simulator.faults.add(Fault(Kind.REFUSE, where="/cgi-bin/stable_token", code=40164))


def _no_worker(patient: Patient) -> None:
    for key in patient.redis.scan_iter("rq:worker*"):
        patient.redis.delete(key)


def _job_waits(patient: Patient) -> None:
    jobs = JobQueues(patient.settings.redis_url)
    jobs.put([("forget_photo", 1)])
    [job_id] = jobs.queues["default"].get_job_ids()
    patient.redis.hset(f"rq:job:{job_id}", "enqueued_at", "2026-01-01T00:00:00.000000Z")
    jobs.redis.close()


def _dead_job(patient: Patient) -> None:
    with Database(patient.stage.database) as db, db.begin():
        now = patient.stage.clock()
        db.add(DeadJob(name="forget_photo", argument="1", error="E at x.py:1", tries=3, died_at=now))


def _books_wrong(patient: Patient) -> None:
    patient.redis.set("bangfu:books", json.dumps({"violations": 2, "at": datetime.now(UTC).timestamp()}))


def _sql(statement: str) -> Callable[[Patient], None]:
    return lambda patient: patient.sql(statement)


@pytest.mark.parametrize(
    ("harm", "name", "level", "found", "do"),
    [
        (_sql("UPDATE alembic_version SET version_num = '0001'"), "migrations", "bad", "is at 0001", "run upgrade"),
        (
            _sql("UPDATE alembic_version SET version_num = '9999'"),
            "migrations",
            "bad",
            "newer than the code",
            "install",
        ),
        (_sql("UPDATE audit_head SET hash = repeat('0', 64)"), "chains", "bad", "the audit chain", "run check-books"),
        (_sql("DELETE FROM ledger_head"), "chains", "bad", "the ledger chain has no head", "run check-books"),
        (_sql(_UNSEALED), "chains", "bad", "1 rows wait for theirs, for up to 60 minutes", "no scheduler seals"),
        (_books_wrong, "chains", "bad", "2 violations", "run check-books"),
        (_sql("UPDATE users SET name = '\\x00'"), "keys", "bad", "a key that DATA_KEYS lacks: 00", "find that key"),
        (_not_on_the_list, "wechat", "bad", "40164", "add this machine's address 203.0.113.7 to the IP whitelist"),
        (
            _sql(_ANOTHER),
            "wechat",
            "bad",
            "people of several accounts are in the database, gh_x and gh_y",
            "set WECHAT_ACCOUNT",
        ),
        (_no_template, "templates", "bad", "no template for task", "copy its ID"),
        (
            _other_fields,
            "templates",
            "bad",
            "the template lacks amount2, thing1, thing3, time4; it has amount9",
            "WeChat",
        ),
        (_no_worker, "workers", "bad", "no worker serves push, bulk, voice, default, slow", "systemctl start"),
        (_sql("UPDATE last_runs SET ran_at = now() - interval '1 day'"), "workers", "bad", "24 hours ago", "deadline"),
        (_job_waits, "queues", "bad", "the first job of default has waited for", "worker --queues"),
        (_dead_job, "queues", "warn", "1 jobs failed for good", "dead-jobs names them"),
    ],
)
def test_what_is_wrong_is_named_alone_and_says_what_to_do(
    patient: Patient, harm: Callable[[Patient], None], name: str, level: str, found: str, do: str
) -> None:
    harm(patient)
    wrong = {about: told for about, all_told in patient.examine().items() for told in all_told if told.level != "ok"}
    assert wrong.keys() - FOLLOWS.get(name, set()) == {"settings", name}
    told = wrong[name]
    assert told.level == level
    assert found in told.found
    assert do in told.do


def test_a_process_with_another_token_is_found_out(patient: Patient) -> None:
    token = type(patient.settings.wechat_token)("another-token-0123456789")
    found = patient.examine(wechat_token=token)
    for name in ("server", "callback"):
        assert "refuses our signature" in found[name][-1].found


def test_a_clock_that_is_off_is_found_out(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "true_now", lambda: datetime.now(UTC) + timedelta(minutes=10))
    told = patient.examine()["clock"]
    assert [each.level for each in told] == ["bad", "bad"]
    assert all(re.search("differ by 60[01] seconds", each.found) for each in told)  # WeChat's Date leaves out fractions
    assert all("this one is ahead" in each.do for each in told)


def test_what_is_away_hides_nothing_else_and_no_secret_is_printed(patient: Patient, tmp_path: Path) -> None:
    """Database, Redis, WeChat, folder and domain at once: every check says something, and the causes once each."""
    away = {
        "database_url": "postgresql://bot:dbpassword@127.0.0.1:1/x",
        "redis_url": "redis://:redispassword@127.0.0.1:1/0",
        "wechat_api_url": "http://127.0.0.1:1",
        "media_dir": str(tmp_path / "nowhere"),
        "pay_merchants": str(tmp_path / "merchants.toml"),
    }
    (tmp_path / "merchants.toml").write_text("")
    (tmp_path / "merchants.toml").chmod(0o644)
    found = patient.examine(**away)
    assert list(found) == list(CHECKS)
    assert "everybody on this machine may read" in found["settings"][1].found
    assert "the database does not answer" in found["database"][0].found
    assert found["migrations"] == [bad("could not be looked at", "see database")]
    assert "is not there; photos are put off" in found["disk"][0].found
    assert found["server"][-1].level == "ok"
    told = patient.ask(**away)
    assert told.exit_code == 1
    values = dict(patient.settings).values()
    secrets = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
    said = told.stdout + told.stderr
    assert not [each for each in [*secrets, "dbpassword", "redispassword"] if each and each in said]
    assert said.count("the database does not answer") == 1


# --- The domain and its certificate


def certificate(folder: Path, host: str, days: float) -> Path:
    """A certificate of its own authority, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=90))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    file = folder / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return file


@dataclass
class Tls:
    """Something that speaks TLS on this machine, with the certificate in this file."""

    file: Path

    def __enter__(self) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        self.door = create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve, args=(context,))
        self.thread.start()
        return int(self.door.getsockname()[1])

    def _serve(self, context: ssl.SSLContext) -> None:
        opened, _ = self.door.accept()
        with opened:
            try:
                context.wrap_socket(opened, server_side=True).close()
            except OSError:
                return  # the caller does not trust it

    def __exit__(self, *_: object) -> None:
        self.thread.join()
        self.door.close()


def of(stage: Stage, **changes: object) -> Installation:
    return Installation(stage.settings.model_copy(update=changes), "", stage.clock)


@pytest.mark.parametrize(
    ("host", "days", "level", "found"),
    [
        ("localhost", 60, "ok", r"holds until 20\d\d-\d\d-\d\d, 60 days"),
        ("localhost", 10, "warn", "10 days"),
        ("localhost", 3, "bad", "3 days"),
        ("localhost", -1, "bad", "is refused: certificate has expired"),
        ("elsewhere.example.cn", 60, "bad", "is refused: Hostname mismatch"),
    ],
)
def test_a_certificate_is_graded_by_its_end(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, days: float, level: str, found: str
) -> None:
    file = certificate(tmp_path, host, days + 0.1)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with Tls(file) as port:
        [told] = check_certificate(of(stage, public_url=f"https://localhost:{port}"))
    assert told.level == level
    assert re.search(found, told.found)


def test_a_limit_that_the_connections_do_not_have_is_named(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a pooler that drops what is asked for."""
    installation = of(stage)
    assert [each.level for each in check_database(installation)] == ["ok"]
    monkeypatch.setitem(LIMITS, "lock_timeout", "1")
    [told] = [each for each in check_database(installation) if each.level == "bad"]
    assert "lock_timeout" in told.found
    assert "connect_query" in told.do
    installation.close()


def test_a_domain_that_leads_nowhere_is_told(stage: Stage) -> None:
    def told(url: str) -> list[Finding]:
        return list(check_domain(of(stage, public_url=url, bangfu_env=Environment.PRODUCTION)))

    [nowhere] = told("https://bangfu.invalid")
    assert (nowhere.level, nowhere.do) == ("bad", "mend the domain's DNS records; has it been renewed?")
    bare, port = told("https://127.0.0.1:8443")
    assert "the bare address" in bare.found
    assert "80 and 443 only" in port.do
