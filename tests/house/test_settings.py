"""Production starts with secrets of its own or not at all, and says which are missing without showing any."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from config.embedded import demo_folder, own_database_url, url_in
from config.settings import SAMPLE_AES_KEY, SAMPLE_DATA_KEYS, SAMPLE_TOKEN, Settings, read_settings
from tests.harness.own_secrets import OWN_SECRETS, PRODUCTION

REAL = {name: value for name, value in PRODUCTION.items() if name != "BANGFU_ENV"}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*OWN_SECRETS, "BANGFU_ENV", "DATABASE_URL", "PUBLIC_URL", "REDIS_URL", "WECHAT_AES_KEY_PREVIOUS"):
        monkeypatch.delenv(name, raising=False)


def settings(monkeypatch: pytest.MonkeyPatch, **given: str) -> Settings:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return Settings(_env_file=None)


@pytest.mark.parametrize(
    ("given", "production"),
    [
        ({}, False),
        ({"PUBLIC_URL": "http://localhost:8000", "DATABASE_URL": own_database_url()}, False),
        ({**REAL, "DATABASE_URL": url_in(demo_folder() / "other")}, True),
        ({**REAL, "DATABASE_URL": "postgresql://postgres@/postgres"}, True),
        ({**REAL, "DATABASE_URL": "postgresql://u@db.internal/b?sslmode=verify-full"}, True),
        (REAL, True),
        (PRODUCTION, True),
        ({"BANGFU_ENV": "demo", "DATABASE_URL": "postgresql://u@db.internal/b"}, False),
    ],
)
def test_anything_real_makes_it_production(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], production: bool
) -> None:
    assert settings(monkeypatch, **given).is_production is production


@pytest.mark.parametrize("name", sorted(OWN_SECRETS))
@pytest.mark.parametrize("wrong", ["missing", "", " ", "sample"])
def test_production_refuses_a_secret_that_is_none_and_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: str
) -> None:
    value = Settings.model_fields[name.lower()].default
    sample = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    given: dict[str, Any] = {**PRODUCTION, name: {"sample": sample}.get(wrong, wrong)}
    if wrong == "missing":
        del given[name]
    with pytest.raises(ValidationError) as refused:
        settings(monkeypatch, **given)
    said = str(refused.value)
    assert name in said
    assert not [other for other in OWN_SECRETS if other != name and other in said]
    assert not [secret for secret in OWN_SECRETS.values() if secret in said]


def test_a_sample_among_the_data_keys_is_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = f"{OWN_SECRETS['DATA_KEYS']},{SAMPLE_DATA_KEYS}"
    with pytest.raises(ValidationError, match="DATA_KEYS"):
        settings(monkeypatch, **{**PRODUCTION, "DATA_KEYS": keys})


def test_the_sample_is_no_previous_key_either(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="WECHAT_AES_KEY_PREVIOUS"):
        settings(monkeypatch, WECHAT_AES_KEY_PREVIOUS=SAMPLE_AES_KEY, **PRODUCTION)


def test_no_secret_shows_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = repr(settings(monkeypatch, **PRODUCTION))
    assert not [name for name, value in OWN_SECRETS.items() if name != "WECHAT_APP_ID" and value in printed]
    assert SAMPLE_TOKEN not in repr(settings(monkeypatch, WECHAT_TOKEN=SAMPLE_TOKEN, BANGFU_ENV="demo"))


def test_the_ids_of_templates_are_read_by_card(monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings(monkeypatch, WECHAT_TEMPLATES="progress=tA-_1, money=tB", WECHAT_SUBSCRIPTIONS="")
    assert given.wechat_templates == {"progress": "tA-_1", "money": "tB"}
    assert given.wechat_subscriptions == {}


def test_long_term_templates_are_among_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WECHAT_SUBSCRIPTIONS", "progress=sA,money=sB")
    assert settings(monkeypatch, WECHAT_LONG_TERM="progress, money,").wechat_long_term == {"progress", "money"}
    with pytest.raises(ValidationError, match=r"WECHAT_LONG_TERM names .*: goods"):
        settings(monkeypatch, WECHAT_LONG_TERM="goods")


@pytest.mark.parametrize("wrong", ["progress", "progress=", "=tA", "progress=tA,progress=tB"])
def test_ids_that_say_nothing_are_refused(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    with pytest.raises(ValidationError, match="each is card=ID"):
        settings(monkeypatch, WECHAT_TEMPLATES=wrong)


def test_the_recogniser_is_called_by_its_name_or_else_by_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch).recogniser == ""
    assert settings(monkeypatch, SPEECH_NAME="听写员").recogniser == ""
    assert settings(monkeypatch, SPEECH_URL="https://speech.example.cn/v1").recogniser == "听写员"
    assert settings(monkeypatch, SPEECH_NAME=" ").recogniser == "speech.example.cn"


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"SPEECH_URL": "http://speech.example.cn", "SPEECH_KEY": "k"}, "SPEECH_URL that begins with https://"),
        ({"SPEECH_URL": "https://speech.example.cn"}, "SPEECH_KEY that belongs to SPEECH_URL"),
        ({"SPEECH_URL": "https://speech.example.cn", "SPEECH_KEY": " "}, "SPEECH_KEY that belongs to SPEECH_URL"),
        ({"SPEECH_URL": "speech.example.cn", "SPEECH_KEY": "k"}, "SPEECH_URL is the address of a server"),
    ],
)
def test_production_sends_voices_to_nobody_unproved(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], refused: str
) -> None:
    with pytest.raises(ValidationError, match=refused):
        settings(monkeypatch, **PRODUCTION, **given)


BUCKET = {
    "S3_URL": "https://s3.example.cn/bangfu?region=cn-north-1",
    "S3_ACCESS_KEY_ID": "AKID0123456789",
    "S3_SECRET_ACCESS_KEY": "0c7f1be2-s3cret-of-the-bucket",
}


def test_a_bucket_has_a_server_a_name_and_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch).bucket is None
    found = settings(monkeypatch, **PRODUCTION, **BUCKET).bucket
    assert found is not None
    assert (found.endpoint, found.name, found.region, found.is_virtual) == (
        "https://s3.example.cn",
        "bangfu",
        "cn-north-1",
        False,
    )
    assert "s3cret" not in repr(found)
    own = settings(monkeypatch, S3_URL="http://127.0.0.1:9000/bangfu/?addressing=virtual").bucket
    assert own is not None
    assert (own.endpoint, own.region, own.is_virtual) == ("http://127.0.0.1:9000", "us-east-1", True)


@pytest.mark.parametrize("missing", BUCKET)
def test_half_a_bucket_is_refused_anywhere(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for given in ({**BUCKET, missing: ""}, {**BUCKET, missing: " "}):
        with pytest.raises(ValidationError, match=f"missing: {missing}" if missing != "S3_URL" else "S3_URL"):
            settings(monkeypatch, BANGFU_ENV="demo", **given)


@pytest.mark.parametrize(
    "url",
    [
        "s3://bangfu",
        "https://s3.example.cn",
        "https://s3.example.cn/",
        "https://s3.example.cn/a/b",
        "https://s3.example.cn/Bangfu",
        "https://s3.example.cn/bangfu?region=cn_north",
        "https://s3.example.cn/bangfu?region=a&region=b",
        "https://s3.example.cn/bangfu?acl=public",
        "https://user:s3cret@s3.example.cn/bangfu",
        "https://s3.example.cn:port/bangfu",
        "https://[s3cret/bangfu",
        "https://s3.example.cn/bangfu#s3cret",
    ],
)
def test_an_address_that_is_no_buckets_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name, value in {**BUCKET, "S3_URL": url, "BANGFU_ENV": "demo"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as refused:
        read_settings()
    [line] = str(refused.value).splitlines()
    assert line.startswith("S3_URL: it is https://SERVER/BUCKET")
    assert "s3cret" not in line


@pytest.mark.parametrize(
    ("name", "weak"),
    [
        ("S3_URL", "http://s3.example.cn/bangfu"),
        ("S3_URL", "http://10.0.0.7:9000/bangfu"),
        ("S3_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("S3_ACCESS_KEY_ID", "minioadmin"),
        ("S3_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("S3_SECRET_ACCESS_KEY", "minioadmin"),
        ("S3_SECRET_ACCESS_KEY", "s3cret"),
        ("S3_SECRET_ACCESS_KEY", "0" * 40),
    ],
)
def test_production_refuses_a_bucket_that_others_can_open(
    monkeypatch: pytest.MonkeyPatch, name: str, weak: str
) -> None:
    for key, value in {**PRODUCTION, **BUCKET, name: weak}.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(SystemExit) as refused:
        read_settings()
    [line] = str(refused.value).splitlines()
    assert line.startswith(f"{name}: ")
    assert weak not in line
    assert settings(monkeypatch, BANGFU_ENV="demo")


def test_production_reaches_a_bucket_on_its_own_machine_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("http://127.0.0.1:9000/bangfu", "http://localhost/bangfu", "http://[::1]:9000/bangfu"):
        assert settings(monkeypatch, **{**PRODUCTION, **BUCKET, "S3_URL": url}).bucket


WEAK = {
    "SECRET_KEY": ["x", "0" * 64, "ab" * 32, "short-but-various"],
    "DATA_KEYS": ["A" * 43 + "=", f"{OWN_SECRETS['DATA_KEYS']},{'A' * 43}="],
    "WECHAT_TOKEN": ["t", "weixin", "1" * 32],
    "WECHAT_APP_SECRET": ["s", "0" * 32],
    "WECHAT_AES_KEY": ["A" * 43],
    "WECHAT_AES_KEY_PREVIOUS": ["B" * 43],
    "WECHAT_MODE": ["plain"],
    "PUBLIC_URL": ["http://bangfu.example.cn", "http://127.0.0.1:8000"],
    "WECHAT_API_URL": ["http://api.weixin.qq.com"],
    "DATABASE_URL": [
        "postgresql://u:s3cret@db.internal/b",
        "postgresql://u:s3cret@10.0.0.5/b?sslmode=disable",
        "postgresql://u:s3cret@/b?host=db.internal&sslmode=prefer",
        "postgresql://u:s3cret@db.internal/b?sslmode=require",
        # The driver goes to the host among the options, and which of two values counts is up to it.
        "postgresql://u:s3cret@localhost/b?host=db.internal",
        "postgresql://u:s3cret@127.0.0.1/b?hostaddr=10.0.0.5",
        "postgresql://u:s3cret@/b?host=db.internal&host=localhost",
        "postgresql://u:s3cret@db.internal/b?sslmode=require&sslmode=verify-full",
        "postgresql:///b?service=s3cret",
    ],
    "REDIS_URL": [
        "redis://:s3cret@redis.internal:6379/0",
        "redis://127.redis.internal/0",
        "rediss://redis.internal:6379/0",
        "rediss://:x@redis.internal:6379/0",
        "rediss://:a-password@redis.internal:6379/0?ssl_cert_reqs=none",
        "rediss://:a-password@redis.internal:6379/0?ssl_check_hostname=no",
    ],
}


@pytest.mark.parametrize(("name", "weak"), [(name, weak) for name, all_ in WEAK.items() for weak in all_])
def test_production_refuses_what_is_weak_and_names_it_alone(
    monkeypatch: pytest.MonkeyPatch, name: str, weak: str
) -> None:
    for key, value in {**PRODUCTION, name: weak}.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(SystemExit) as refused:
        read_settings()
    [line] = str(refused.value).splitlines()
    assert line.startswith(name)
    assert len(weak) == 1 or weak not in line
    assert "s3cret" not in line
    assert settings(monkeypatch, BANGFU_ENV="demo")


@pytest.mark.parametrize(
    "given",
    [
        {"DATABASE_URL": "postgresql://u:p@127.0.0.1/b", "REDIS_URL": "redis://localhost:6379/0"},
        {"DATABASE_URL": "postgresql://u:p@db.internal/b?sslmode=verify-full"},
        {"DATABASE_URL": "postgresql://u:p@localhost/b?host=/run/postgresql"},
        {"REDIS_URL": "rediss://:a-password@redis.internal:6379/0"},
        {"REDIS_URL": "rediss://:a-password@redis.internal:6379/0?ssl_cert_reqs=required&ssl_check_hostname=True"},
        {"REDIS_URL": "unix:///run/valkey.sock", "WECHAT_MODE": "compatible"},
        {"REDIS_URL": "redis://[::1]:6379/0", "DATA_KEYS": f"{OWN_SECRETS['DATA_KEYS']},"},
    ],
)
def test_production_takes_a_socket_the_loopback_or_what_is_sealed(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str]
) -> None:
    assert settings(monkeypatch, **{**PRODUCTION, **given}).is_production


@pytest.mark.parametrize(
    "wrong",
    ["sqlite:///a.db", "postgres://u@h/n", "mysql://u:s3cret@h/n", "postgresql://u:s3cret#@h/n", "postgresql://[h/n"],
)
def test_a_database_that_is_no_postgresql_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("DATABASE_URL", wrong)
    with pytest.raises(SystemExit) as refused:
        read_settings()
    assert str(refused.value) == "DATABASE_URL: a PostgreSQL is needed, as in postgresql://user:password@host:5432/name"


def test_each_mistake_is_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAY_MODE", "perhaps")
    monkeypatch.setenv("PUSH_PER_MINUTE", "many")
    monkeypatch.setenv("DATA_KEYS", "bm90IDMy")
    with pytest.raises(SystemExit) as refused:
        read_settings()
    lines = str(refused.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["DATA_KEYS", "PUSH_PER_MINUTE", "PAY_MODE"]
    for name in ("PAY_MODE", "PUSH_PER_MINUTE", "DATA_KEYS"):
        monkeypatch.delenv(name)
    for name, value in {"BANGFU_ENV": "production", "REGISTRY_URL": "http://r", "WECHAT_LONG_TERM": "goods"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as refused:
        read_settings()
    said = str(refused.value).splitlines()
    assert len(said) == 4
    for words in ("secrets of its own", "REGISTRY_URL that begins", "REGISTRY_TOKEN", "WECHAT_LONG_TERM names"):
        assert words in str(refused.value)


@pytest.mark.slow  # it starts a program
@pytest.mark.parametrize("program", ["flask --app wsgi run", "flask --app wsgi demo", "bot.work clock"])
def test_every_program_says_a_mistake_in_one_line(tmp_path: Path, program: str) -> None:
    ended = run(program, DATABASE_URL="sqlite:///a.db", DEMO_DIR=str(tmp_path))
    assert ended.returncode == 1
    assert ended.stderr == ("DATABASE_URL: a PostgreSQL is needed, as in postgresql://user:password@host:5432/name\n")


@pytest.mark.slow  # it starts a program
def test_nothing_is_served_from_the_demos_database_while_that_does_not_run(tmp_path: Path) -> None:
    ended = run("flask --app wsgi run --port 0", DATABASE_URL="", DEMO_DIR=str(tmp_path))
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert "DATABASE_URL is empty" in line


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *program.split()]
    root = Path(__file__).parents[2]
    ours = {**os.environ, **environment}
    return subprocess.run(command, cwd=root, env=ours, capture_output=True, text=True, check=False, timeout=60)
