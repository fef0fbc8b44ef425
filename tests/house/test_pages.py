"""Every page is for everybody: a test examines each in a browser, and its colours can be told apart in every light."""

import ast
import re
from collections.abc import Iterator

import pytest

from config.settings import ROOT

TEMPLATES = ROOT / "templates" / "pages"
# A page that no test examines, with its reason.
EXCUSED = {
    "shared/base": "every page stands on it",
    "shared/gone": "the pages that do not open stand on it",
    "shared/busy": "three sentences on the shared page, which only a crowd at the server sees",
    "payments/sheet": "the pages to pay a gift and an order stand on it",
}
# Which colour stands on which, and the least contrast that WCAG 2.2 AA wants: 4.5 of words, 3 of lines and rings.
PAIRS = {
    **{(word, ground): 4.5 for word in ("ink", "soft", "green") for ground in ("sheet", "paper")},
    ("on-green", "green"): 4.5,
    **{(line, ground): 3 for line in ("ring", "warn", "green", "soft") for ground in ("sheet", "paper")},
}


def examined() -> Iterator[str]:
    """The templates that are named in calls of an Examiner."""
    for path in ROOT.glob("tests/**/test_*.py"):
        source = path.read_text(encoding="utf-8")
        if "in_a_browser" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "examine":
                yield from (str(each.value) for each in node.args[1:2] if isinstance(each, ast.Constant))


def sources() -> dict[str, str]:
    """The pages by name. What others include or take macros from is a part, and no page by itself."""
    found = {
        path.relative_to(TEMPLATES).with_suffix("").as_posix(): path.read_text(encoding="utf-8")
        for path in TEMPLATES.rglob("*.html")
    }
    taken = r'{%-? *(?:include|import|from) "pages/(.+?).html"'
    parts = {name for source in found.values() for name in re.findall(taken, source)}
    return {name: source for name, source in found.items() if name not in parts}


def test_every_page_is_examined_in_a_browser() -> None:
    pages = sources().keys()
    named = set(examined())
    forgotten = sorted(pages - named - EXCUSED.keys())
    assert not forgotten, f"examine {forgotten} in a test of the room, as tests/harness/pages/examining.py shows"
    assert sorted(named - pages) == [], "these are examined, and are no pages"
    assert sorted(EXCUSED.keys() - pages) == [], "these are excused, and are no pages"


def test_every_page_stands_on_the_shared_one() -> None:
    """Which says its language, its title, its parts, and how it looks."""
    pages = sources()
    for name in pages:
        stands_on = name
        while found := re.search(r'{% extends "pages/(.+).html" %}', pages[stands_on]):
            stands_on = found[1]
        assert stands_on == "shared/base", name
        assert "style=" not in pages[name], f"{name} styles itself, which its policy forbids: put it into style.css"


def schemes() -> dict[str, dict[str, str]]:
    """The colours of style.css by light, and those of the dark over them."""
    style = (TEMPLATES / "shared" / "style.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w+);", block)) for block in blocks)
    assert light.keys() == dark.keys()
    return {"light": light, "dark": dark}


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    shares = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_colours_can_be_told_apart(scheme: str) -> None:
    colours = schemes()[scheme]
    for (one, other), least in PAIRS.items():
        dark, light = sorted(luminance(colours[name]) for name in (one, other))
        assert (light + 0.05) / (dark + 0.05) >= least, f"{one} on {other}"


def test_no_colour_stands_outside_of_the_variables() -> None:
    """But black on white, which is paper: a colour that the dark does not turn over is unreadable there."""
    style = (TEMPLATES / "shared" / "style.css").read_text(encoding="utf-8")
    rules = re.sub(r"--[\w-]+: [^;]+;|/\*.*?\*/", "", style, flags=re.DOTALL)
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", rules)) <= {"#000", "#fff"}
