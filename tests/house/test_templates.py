"""Every word is where its name says, every template is used, and every refusal has its sentence."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import models
from bot.words.lexicon import AmbiguousWords, load_lexicon
from bot.words.render import TEMPLATES, Renderer
from flows.catalogue import FLOWS
from flows.engine.flow import Flow, Say, Step
from handlers.routing.command_table import COMMANDS
from models.core.refusal import Refusal

ROOT = TEMPLATES.parent
RENDERER = Renderer(load_lexicon().words)
STEPS = [(flow, step) for flow in FLOWS for step in flow.steps]


def macros(template: str) -> set[str]:
    """Public macros of a template, without its ending."""
    source = (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
    return {name for name in re.findall(r"{%-? *macro (\w+)", source) if not name.startswith("_")}


@pytest.mark.parametrize(("flow", "step"), STEPS, ids=lambda each: each.name)
def test_a_step_has_exactly_the_situations_it_can_come_to(flow: Flow, step: Step) -> None:
    assert macros(flow.words(step.name)) == step.situations


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_flow_has_a_template_for_each_step_its_review_and_its_end(flow: Flow) -> None:
    files = {path.stem for path in (TEMPLATES / "flows" / flow.room / flow.name).glob("*.txt")}
    assert files == {step.name for step in flow.steps} | {"review", "done"}
    assert macros(flow.words("review")) == {"head", "foot"}


def test_there_is_no_template_of_a_flow_that_is_not() -> None:
    files = {path.relative_to(TEMPLATES / "flows") for path in (TEMPLATES / "flows").rglob("*.*")}
    folders = {str(path.parent) for path in files - {Path("engine/drafts.txt")}}
    assert folders == {f"{flow.room}/{flow.name}" for flow in FLOWS}


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_flow_has_a_name_when_it_is_left(flow: Flow) -> None:
    assert RENDERER.say(Say("flows/engine/drafts", "name", {"v": {"flow": flow.name, "given": {}}}))


def refusals(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    for each in kind.__subclasses__():
        yield each
        yield from refusals(each)


def test_every_refusal_has_its_sentence() -> None:
    for module in pkgutil.walk_packages(models.__path__, "models."):
        if not module.name.startswith("models.migrations."):
            importlib.import_module(module.name)
    ours = {each.code for each in refusals() if each.__module__.startswith("models.")}
    assert macros("replies/refusals") == ours


def spoken() -> Iterator[str]:
    """Templates that handlers, flows and the turn name in full: the first argument of Say."""
    for folder in ("bot", "handlers", "flows", "models"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                text = node.value if isinstance(node, ast.Constant) else None
                if isinstance(text, str) and re.fullmatch(r"replies/(\w+/)?\w+", text):
                    yield text


def test_every_reply_is_used_and_present() -> None:
    written = (TEMPLATES / "replies").rglob("*.*")
    assert set(spoken()) == {str(path.relative_to(TEMPLATES).with_suffix("")) for path in written}


def imported() -> set[str]:
    """Templates that others take words from, and those that are a page."""
    named = set()
    for path in (path for path in TEMPLATES.rglob("*.*") if "simulator" not in path.parts):
        source = path.read_text(encoding="utf-8")
        named |= set(re.findall(r'{%-? *(?:from|import|include|extends) "([^"]+)"', source))
    for path in (ROOT / "bot").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        named |= {f"pages/{name}.html" for name in re.findall(r'\bshow\(\s*"([\w/]+)"', source)}
        named |= {
            f"pages/{name}.html"
            for name in re.findall(r'show_refusals\(blueprint, (?:parts\.)?pages, "([\w/]+)"\)', source)
        }
        # Of what is paid there is a page to pay it, and one for whoever may not (bot.web.payments.sheet).
        paid = re.findall(r'template: ClassVar\[str\] = "([\w/]+)"', source)
        named |= {f"pages/{name}{page}.html" for name in paid for page in ("", "_gone")}
        named |= {f"pages/{name}" for name in re.findall(r'pages\.file\("([\w/.]+)"\)', source)}
    return named


def test_whatever_is_shared_or_a_page_is_used_and_present() -> None:
    files = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.*")}
    assert imported() <= files
    assert {name for name in files if name.startswith(("shared/", "pages/"))} <= imported()


def test_every_notice_can_be_read_with_the_next_message() -> None:
    for path in (TEMPLATES / "notifications").rglob("*.txt"):
        assert "unread" in macros(str(path.relative_to(TEMPLATES).with_suffix("")))


def test_no_template_shows_both_sides_of_a_merge() -> None:
    """Jinja reads the marks of an unfinished merge as text, and people would."""
    for path in TEMPLATES.rglob("*"):
        if path.is_file():
            assert not re.search(r"^(<<<<<<<|>>>>>>>) ", path.read_text(encoding="utf-8"), re.MULTILINE), path


def test_no_template_says_one_macro_twice() -> None:
    """The second would be taken, and the first never be read."""
    for path in TEMPLATES.rglob("*.txt"):
        names = re.findall(r"{%-? *macro (\w+)\(", path.read_text(encoding="utf-8"))
        assert sorted(names) == sorted(set(names)), path


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.txt")), ids=lambda path: path.stem)
def test_every_template_compiles_and_knows_its_filters(path: Path) -> None:
    RENDERER.env.get_template(str(path.relative_to(TEMPLATES)))


def test_every_command_with_words_is_in_the_table_and_back() -> None:
    import tomllib

    with (ROOT / "config" / "keywords.toml").open("rb") as file:
        words = set(tomllib.load(file)["commands"])
    assert words <= set(COMMANDS)


def copy_words(folder: Path, addition_to: str, addition: str) -> None:
    """config's words, with a line more in one of the files."""
    for name in (
        "keywords",
        "readers",
        "choices",
        "assessment",
        "norms",
        "sorts",
        "danger",
        "intents",
        "goods",
        "market",
    ):
        words = (ROOT / "config" / f"{name}.toml").read_text(encoding="utf-8")
        more = f"\n{addition}\n" if name == addition_to else ""
        (folder / f"{name}.toml").write_text(words + more, encoding="utf-8")


def test_a_choice_may_not_be_called_like_a_keyword(tmp_path: Path) -> None:
    copy_words(tmp_path, "choices", '[trap]\nyes = ["菜单"]')
    with pytest.raises(AmbiguousWords, match="菜单"):
        load_lexicon(tmp_path)


def test_one_word_may_not_mean_two_things(tmp_path: Path) -> None:
    copy_words(tmp_path, "keywords", 'second = ["注册"]')
    with pytest.raises(AmbiguousWords, match="注册"):
        load_lexicon(tmp_path)


def test_a_room_of_templates_is_a_room_of_the_code() -> None:
    rooms = {path.name for layer in ("models", "flows", "handlers") for path in (ROOT / layer).iterdir()}
    for kind in ("replies", "flows", "notifications", "pages", "shared"):
        found = {path.name for path in (TEMPLATES / kind).iterdir() if path.is_dir()}
        assert found
        assert found - {"shared"} <= rooms, kind
