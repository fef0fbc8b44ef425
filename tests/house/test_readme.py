"""README.md and the pages below docs/ are true: their conversations are played, and what they name is there."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from bot.app import create_app
from bot.demo.dump import load_dump
from bot.demo.seed import seed
from bot.processes import web
from bot.words.lexicon import load_lexicon
from config.settings import ROOT, Settings
from models.core.codes import ALPHABET
from models.core.database import connect
from models.giving.pledge import CODE_LENGTH
from tests.harness.money.merchant import MCHID
from tests.harness.money.paid_stage import Collecting
from tests.harness.pages.handbook_pictures import PICTURES
from tests.harness.platform import wechat
from tests.harness.processes.databases import PostgresDatabases
from tests.harness.simulator.in_process import RunningSimulator
from tests.harness.stage import Clock, Stage, settings_for
from tests.harness.transcript import Actor

HANDBOOK = {path.relative_to(ROOT).as_posix(): path for path in sorted(ROOT.glob("docs/手册/*.md"))}
PAGES = {path.relative_to(ROOT).as_posix(): path for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]}
PAGES |= HANDBOOK
LONGEST_README = 250
# Of a page of the handbook: a screen of a desk, two or three of a phone.
MOST_SIGNS = 1_200

NEWCOMER = "oReadmeNewcomer0000000000001"
FOLLOWS = "[event subscribe]"
# The one thing in these replies that is drawn by lot, and the one that is signed.
PLEDGE_CODE = re.compile(rf"(?<=编号：)[{ALPHABET}]{{{CODE_LENGTH}}}|(?<=/pay/)\S+")
ASTRAY = {
    "replies/routing/not_understood",
    "replies/routing/did_you_mean",
    "replies/routing/stale",
    "replies/routing/sorry",
    "replies/routing/fresh_start",
}
# What is asked by an operator's own machines, and by nobody outside.
INSIDE = {"/healthz", "/readyz", "/metrics"}
# A file's path as the pages write it, from the project's folder on.
PATH = re.compile(
    r"(?:bot|handlers|flows|models|templates|config|docs|tests|\.ci)/\S*|[\w.-]+\.(?:md|toml|in|yaml)|Makefile|LICENSE"
)


@pytest.fixture
def stage(new_database: Callable[[], str]) -> Iterator[Stage]:
    """Like the demo it takes money; at ten in the morning in China of 24 November 2026."""
    stage = Collecting(new_database(), "redis://127.0.0.1:1/0", Clock(), pay_partner_mch_id=MCHID)
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def seeded(databases: PostgresDatabases) -> Iterator[Stage]:
    """With the demo's prepared year: what the pages tell happens to one of it, a page after the other."""
    url = databases.create()
    filling = connect(url)
    load_dump(filling, url)
    with filling.begin() as connection:
        for table in ("conversations", "staff"):
            connection.execute(text(f"UPDATE {table} SET account = :ours"), {"ours": wechat.ACCOUNT})  # noqa: S608
    filling.dispose()
    stage = Collecting(url, "redis://127.0.0.1:1/0", Clock())
    yield stage
    stage.close()
    databases.drop(url)


def read(page: str) -> str:
    return PAGES[page].read_text(encoding="utf-8")


def section(page: str, title: str) -> str:
    """The text below a heading, to the next one of its kind or above."""
    found = re.search(rf"^(##+) {re.escape(title)}\n(.*?)(?=^##(?!#)|\Z)", read(page), re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no section {title}"
    return found[2]


def rows(words: str) -> list[list[str]]:
    """The cells of every row of the tables in a section."""
    return [line.strip("| ").split(" | ") for line in words.splitlines() if line.startswith("| ")]


def fenced(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", read(page), re.MULTILINE | re.DOTALL)


def quoted(page: str) -> set[str]:
    """What stands between backticks in a page's prose and tables."""
    prose = re.sub(r"^```.*?^```", "", read(page), flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([^`\n]+)`", prose))


def anchors(page: Path) -> set[str]:
    """The names by which a link reaches a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# --- What is typed there


def turns(block: str) -> Iterator[tuple[str, list[str]]]:
    """(typed, the reply's lines) of a block: ``> `` is typed, ``# `` is the gloss, the rest is the reply."""
    for turn in re.split(r"^> ", block, flags=re.MULTILINE)[1:]:
        typed, *lines = [line for line in turn.splitlines() if not line.startswith("#")]
        yield typed, "\n".join(lines).strip("\n").splitlines()


def without_code(words: str) -> str:
    return PLEDGE_CODE.sub("…", words)


def test_the_conversation_is_what_the_bot_says(seeded):
    [block] = fenced("README.md", "chat")
    played = list(turns(block))
    assert len(played) > 5
    for typed, lines in played:
        follows = wechat.event("subscribe", NEWCOMER, EventKey="")
        status, reply = seeded.deliver(follows if typed == FOLLOWS else wechat.text(typed, NEWCOMER))
        assert status == 200
        assert without_code(reply).splitlines() == [without_code(line) for line in lines], typed


def test_what_to_try_leads_somewhere(seeded):
    """Each row, as the person it names, in the order of the table and on one database."""
    people = seed(seeded.database, wechat.ACCOUNT, seeded.clock()).people  # who they are; nothing is written twice
    tried = [row for row in rows(section("docs/demo.md", "What to try")) if "`" in row[1]]
    assert len(tried) > 10
    for who, typed, _ in tried:
        [openid] = {person["openid"] for person in people if person["gloss"].startswith(who.split(",")[0])}
        actor = Actor(seeded)
        actor.openid = openid
        for words in re.findall(r"`([^`]+)`", typed):
            actor.play(f"> {words}")
            assert not ASTRAY & set(seeded.said), f"{who}: {words}"
            assert not [said for said in seeded.said if said.startswith("replies/refusals")], f"{who}: {words}"


def test_the_query_for_an_openid_finds_whoever_wrote(stage):
    stage.say(NEWCOMER, "你好")
    [query] = fenced("docs/operating.md", "sql")
    with stage.database.connect() as connection:
        newest = connection.execute(text(query)).mappings().first()
    assert newest is not None
    assert (newest["account"], newest["openid"]) == (wechat.ACCOUNT, NEWCOMER)


def test_the_simulators_example_runs(stage: Stage, run_simulator: Callable[..., RunningSimulator]) -> None:
    [example] = fenced("docs/simulator.md", "python")
    names: dict[str, Callable[..., None]] = {}
    exec(example, names)  # noqa: S102 - our own page
    [test] = [test for name, test in names.items() if name.startswith("test_")]
    test(run_simulator, stage.app)


# --- What is named there


@pytest.mark.parametrize("page", PAGES)
def test_a_file_that_is_named_exists(page):
    named = {token.partition("::")[0] for token in quoted(page) if PATH.fullmatch(token)}
    missing = {path for path in named if not list(ROOT.glob(re.sub(r"<\w+>", "*", path).rstrip("/")))}
    assert sorted(missing) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_test_that_is_named_exists(page):
    for name in sorted(token for token in quoted(page) if re.fullmatch(r"tests/[\w/]+\.py::\w+", token)):
        path, _, test = name.partition("::")
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^(def {test}\(|class {test}\b|{test} =)", source, re.MULTILINE), name


@pytest.mark.parametrize("page", PAGES)
def test_a_link_leads_to_a_page_and_its_heading(page):
    for target in re.findall(r"\]\((?!http)([^)]+)\)", read(page)):
        path, _, anchor = target.partition("#")
        found = PAGES[page].parent / path if path else PAGES[page]
        assert found.is_file(), target
        assert not anchor or anchor in anchors(found), target


def test_the_readme_is_short_and_leads_to_every_page():
    assert len(read("README.md").splitlines()) <= LONGEST_README
    index = "docs/手册/README.md"
    assert set(PAGES) - {"README.md"} - set(HANDBOOK) | {index} <= linked("README.md")
    assert {Path(page).name for page in HANDBOOK} - {"README.md"} <= linked(index)


def linked(page: str) -> set[str]:
    return set(re.findall(r"\]\(([^)#]+)", read(page)))


@pytest.mark.parametrize("page", HANDBOOK)
def test_what_the_handbook_says_to_type_is_understood_and_what_it_sets_is_a_setting(page):
    """「看 9」 is typed: its first word is a keyword, printed or a synonym. Between backticks stand settings alone."""
    known = {word for words in load_lexicon().words.values() for word in words}
    typed = re.findall(r"「([^」]*)」", read(page))
    assert [words for words in typed if (words.split() or [""])[0] not in {*known, ""}] == []
    assert quoted(page) <= {name.upper() for name in Settings.model_fields}


def test_the_handbooks_pictures_are_those_that_the_script_takes_and_light():
    pictures = {path.stem: path.stat().st_size for path in ROOT.glob("docs/手册/图/*")}
    assert set(pictures) == set(PICTURES)
    assert sum(pictures.values()) < 1_000_000
    shown = {Path(target).stem for page in HANDBOOK for target in linked(page) if target.startswith("图/")}
    assert shown == set(PICTURES)


@pytest.mark.parametrize("page", HANDBOOK)
def test_a_page_of_the_handbook_is_short(page):
    assert len(read(page)) <= MOST_SIGNS


def test_every_command_is_listed_and_every_listed_one_exists(database_url):
    app = create_app(settings_for(database_url))
    commands = [row[0].strip("`") for row in rows(section("docs/operating.md", "Commands")) if row[0].startswith("`")]
    listed = {command.split()[0] for command in commands} - {"make"}
    assert listed == set(app.cli.commands)
    for page in PAGES:
        assert set(re.findall(r"flask --app wsgi ([a-z-]+)", read(page))) <= listed, page


def test_every_make_target_is_listed_and_every_listed_one_exists():
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    commands = rows(section("docs/operating.md", "Commands"))
    listed = {row[0].strip("`").split()[1] for row in commands if row[0].startswith("`make")}
    assert listed == targets
    for page in PAGES:
        assert set(re.findall(r"(?:`|^)make ([a-z-]+)", read(page), re.MULTILINE)) <= targets, page


def test_every_room_is_listed():
    listed = {row[0].strip("`") for row in rows(section("docs/architecture.md", "Rooms")) if row[0].startswith("`")}
    rooms = {path.parent.name for path in ROOT.glob("models/*/__init__.py")} - {"migrations"}
    assert listed == rooms


def test_every_figure_is_listed(stage):
    stage.client.get("/metrics")
    figures = {family.name for family in REGISTRY.collect() if family.name.startswith("bangfu_")}
    listed = {row[0].strip("`") for row in rows(section("docs/operating.md", "Health")) if "bangfu_" in row[0]}
    assert {name.removesuffix("_total") for name in listed} == figures


def test_what_is_worth_an_alarm_is_logged_by_that_name():
    events = [row[0].split("`")[1] for row in rows(section("docs/operating.md", "Logs")) if "`" in row[0]]
    assert len(events) > 4
    files = [path for room in ("bot", "handlers", "models") for path in ROOT.glob(f"{room}/**/*.py")]
    sources = [path.read_text(encoding="utf-8") for path in files]
    assert [event for event in events if not any(f'"{event}"' in source for source in sources)] == []


def test_a_recipe_has_five_lines():
    recipes = re.findall(r"^### (.+)\n\n((?:.+\n)+)", section("docs/contributing.md", "Recipes"), re.MULTILINE)
    assert len(recipes) == 9
    for name, lines in recipes:
        assert re.findall(r"^(\d)\. ", lines, re.MULTILINE) == [*"12345"], name


def test_what_is_linted_before_a_commit_is_what_make_lint_runs():
    told = subprocess.run(
        ["make", "--dry-run", "lint", "VENV=.venv"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    linting = [line for line in told.splitlines() if line.startswith(".venv/bin/") and " -m pip " not in line]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"^ +entry: (.+)$", hooks, re.MULTILINE) == linting


def test_the_web_is_started_as_the_demo_starts_it():
    [command] = [command.split() for command in re.findall(r"/granian (.+?buffered)$", started(), re.MULTILINE)]
    assert command[: len(web.OPTIONS)] == list(web.OPTIONS)
    assert command[-1] == web.TARGET


def started() -> str:
    return read("docs/operating.md").replace("\\\n", " ")


# --- What the proxy lets through


def outside(stage: Stage) -> set[str]:
    """The routes that people, WeChat and WeChat Pay come by, with what varies in them as ``…``."""
    return {re.sub("<[^>]+>", "…", rule.rule) for rule in stage.app.url_map.iter_rules()} - INSIDE


def proxied() -> dict[str, bool]:
    """Path -> may it stand in the proxy's log? As the table says."""
    table = [row for row in rows(section("docs/operating.md", "The proxy")) if "`/" in row[0]]
    return {path: not row[2].startswith("no") for row in table for path in re.findall("`([^`]+)`", row[0])}


def locations() -> list[tuple[str, str]]:
    """nginx's (pattern, what is done), in the order in which they are tried."""
    [block] = fenced("docs/operating.md", "nginx")
    return re.findall(r"location ~ (\S+) \{(.*?)\}", block, re.DOTALL)


def test_the_proxys_paths_are_the_routes(stage):
    assert set(proxied()) == outside(stage)


def test_nginx_lets_those_through_and_logs_no_address_that_opens_something(stage):
    for path, logged in proxied().items():
        sample = path.replace("…", "WzEsInBheSJd.aZ-9_x.q")
        done = next((done for pattern, done in locations() if re.search(pattern, sample)), "")
        assert "proxy_pass" in done, path
        assert ("access_log off" not in done) is logged, path
    for path in INSIDE:
        assert not [pattern for pattern, _ in locations() if re.search(pattern, path)], path


def test_nginx_writes_no_address_into_its_error_log():
    """At ``error``, its own default, it quotes the first line of each request that failed, the token included."""
    [block] = fenced("docs/operating.md", "nginx")
    assert re.findall(r"error_log \S+ (\w+);", block) == ["crit"]
