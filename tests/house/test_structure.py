"""The house is in order; and each rule that says so is shown to find what it looks for."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from tests.house import house_rules

ROOT = Path(__file__).parents[2]
CODE = sorted(
    path.relative_to(ROOT).as_posix()
    for room in ("bot", "handlers", "flows", "models", "config", "wsgi")
    for path in [*ROOT.glob(f"{room}.py"), *ROOT.glob(f"{room}/**/*.py")]
)
SPEAKING = ("bot/", "handlers/", "flows/", "models/")
TEMPLATES = sorted(
    path.relative_to(ROOT).as_posix()
    for ending in ("txt", "json", "jinja")
    for path in ROOT.glob(f"templates/**/*.{ending}")
)

Rule = Callable[[str, str], Iterator[str]]


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def faults(rule: Rule, paths: list[str]) -> str:
    return "\n".join(sentence for path in paths for sentence in rule(path, read(path)))


@pytest.mark.parametrize("rule", [house_rules.hidden_imports, house_rules.wrong_logging])
def test_the_code_keeps_the_rule(rule):
    assert CODE
    assert faults(rule, CODE) == ""


def test_no_test_imports_another():
    paths = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")]
    assert len(paths) > 200
    assert faults(house_rules.borrowed_tests, sorted(paths)) == ""


def test_no_page_is_looked_at_twice_in_the_fast_tier():
    """One with a script is looked at once; the others in the slow tier, where each page is examined."""
    paths = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))
    browsing = [path for path in paths if "needs_chromium" in read(path) and not path.startswith("tests/house/")]
    assert len(browsing) >= 10
    assert faults(house_rules.smoke_tests, browsing) == ""


def test_python_holds_no_words():
    assert faults(house_rules.chinese_words, [path for path in CODE if path.startswith(SPEAKING)]) == ""


def test_every_template_can_be_read():
    assert TEMPLATES
    assert faults(house_rules.broken_template, TEMPLATES) == ""


def test_the_operators_page_names_every_setting():
    defaults = house_rules.shown_defaults(Settings)
    assert list(house_rules.missing_settings(read("docs/operating.md"), defaults)) == []


def test_no_secrets_are_tracked():
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("git cannot say here what is tracked")
    assert list(house_rules.tracked_secrets(listed.stdout.split("\0"))) == []


def test_every_change_is_linted_and_tested():
    assert list(house_rules.missing_checks(read(".ci/run"))) == []


# --- The rules find what they look for


@pytest.mark.parametrize(
    "source", ["from tests.test_x import a", "import tests.test_x", "from tests.a.test_x import b"]
)
def test_a_test_that_is_borrowed_from_is_found(source):
    [sentence] = house_rules.borrowed_tests("tests/test_y.py", source)
    assert "tests/test_y.py:1 imports tests." in sentence
    assert list(house_rules.borrowed_tests("tests/test_y.py", source.replace("test_x", "x"))) == []


def test_a_page_with_two_smoke_tests_is_found():
    [sentence] = house_rules.smoke_tests("tests/simulator/test_x.py", "@needs_chromium\n" + "@pytest.mark.smoke\n" * 2)
    assert "marks 2 smoke tests" in sentence
    assert list(house_rules.smoke_tests("tests/simulator/test_x.py", "@needs_chromium\n@pytest.mark.smoke\n")) == []
    assert list(house_rules.smoke_tests("tests/simulator/test_x.py", "")) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("handlers/text.py", "importlib.import_module('bot.turn')"),
        ("bot/app.py", "def later():\n    return __import__('tests')"),
        ("wsgi.py", "from models.people.user import User"),
        ("wsgi.py", "import tests.harness"),
    ],
)
def test_an_import_that_no_contract_sees_is_found(path, source):
    [sentence] = house_rules.hidden_imports(path, source)
    assert sentence.startswith(f"{path}:")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("handlers/text.py", "from flows import engine\nimport models"),
        ("wsgi.py", "from bot.app import create_app\nimport config"),
    ],
)
def test_an_import_that_the_contracts_see_is_left_to_them(path, source):
    assert list(house_rules.hidden_imports(path, source)) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("flows/pledge.py", "WORD = '确认'"),
        ("flows/pledge.py", "say(f'已收到{amount}元')"),
        ("bot/turn.py", r"WORD = '\u786e\u8ba4'"),
        ("handlers/text.py", "WORDS = {'help': ['帮助']}"),
        ("models/user.py", "class A:\n    '''居民'''\n    label = '居民'"),
        ("handlers/reasons.py", "BETWEEN = '[,，和]+'"),
        ("flows/readers/money.py", "SORRY = '这不是钱数'"),
        ("flows/readers/dates.py", "MATCH = '三个月后吧'"),
        ("bot/words/render.py", "def day(d):\n    return f'{d.year}年{d.month}月{d.day}日'"),
    ],
)
def test_words_in_python_are_found(path, source):
    sentences = list(house_rules.chinese_words(path, source))
    assert sentences
    assert all("templates/" in sentence for sentence in sentences)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("flows/pledge.py", '"""捐: a promise."""\n# 确认 comes later\nlimit = 100\n"""确认 ends it."""'),
        ("flows/language/numerals.py", "WORDS = '壹贰叁人民币'"),
        ("flows/readers/weight.py", "UNITS = ('公?[吨噸]', '[元块圆圓塊]', '千克', '人民币')"),
        ("handlers/routing/typed_commands.py", "HEAD = '第?([0-9]+|[零一二三四五六七八九十百千万两]+)号'"),
    ],
)
def test_numerals_units_and_documentation_are_no_words(path, source):
    assert list(house_rules.chinese_words(path, source)) == []


@pytest.mark.parametrize(
    "source",
    [
        "log.info(f'turn {key} failed')",
        "log.info('turn %s failed', key)",
        "log.warning(event)",
        "log.error('Turn failed!')",
        "log.info()",
        "log.info('turn.failed', text=message.text)",
        "log.exception('turn.failed', key=key, phone=phone)",
    ],
)
def test_a_log_line_with_content_is_found(source):
    assert len(list(house_rules.wrong_logging("bot/turn.py", source))) == 1


def test_a_log_line_with_ids_is_fine():
    source = "log.info('turn.answered', key=key)\nlog.exception('push_failed')\nother.info(f'{x}')\nmath.log(2)"
    assert list(house_rules.wrong_logging("bot/turn.py", source)) == []


def test_a_broken_template_is_found():
    [sentence] = house_rules.broken_template("templates/replies/routing/sorry.txt", "您好\n{% if %}")
    assert sentence.startswith("templates/replies/routing/sorry.txt:2 ")
    assert (
        list(house_rules.broken_template("templates/replies/routing/sorry.txt", "{% macro ask() %}您好{% endmacro %}"))
        == []
    )


def test_a_macro_that_hides_another_is_found():
    twice = "{% macro ask() %}a{% endmacro %}\n{% macro said() %}b{% endmacro %}\n{% macro ask() %}c{% endmacro %}"
    [sentence] = house_rules.broken_template("templates/replies/refusals.txt", twice)
    assert sentence.startswith("templates/replies/refusals.txt:3 says ask a second time")


def test_a_setting_that_the_operators_page_lacks_is_found():
    defaults = {"REDIS_URL": "redis://127.0.0.1", "PAY_MODE": "off", "WECHAT_TOKEN": "sample"}
    page = "`PAY_MODE` is off\n| `REDIS_URL` | `redis://elsewhere` | x |\n| `WECHAT_TOKEN` | a sample | x |"
    lacks_default, lacks_row = house_rules.missing_settings(page, defaults)
    assert "`REDIS_URL` lacks its default" in lacks_default
    assert "lacks `PAY_MODE`" in lacks_row


def test_defaults_are_shown_as_a_person_would_write_them():
    shown = house_rules.shown_defaults(Settings)
    assert shown["WECHAT_MODE"] == "safe"
    assert shown["SECRET_KEY"] == "sample"
    assert shown["WECHAT_AES_KEY_PREVIOUS"] == "empty"
    assert shown["DATABASE_URL"] == "empty"
    assert shown["REDIS_URL"].startswith("redis://")


def test_tracked_secrets_are_found():
    assert len(list(house_rules.tracked_secrets([".env", "deploy/.env", "deploy/env.md", ".envrc"]))) == 2


def test_a_check_that_is_left_out_is_found():
    assert list(house_rules.missing_checks("make lint\nmake test ARGS=x\nexec make test-slow\n")) == []
    assert len(list(house_rules.missing_checks("# make lint\nmake testing\nmake test-slow\n"))) == 2
