"""What a lower room leaves to an upper one is connected once, by models.wiring, and never forgotten in silence."""

import pkgutil
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

import models
from models.core.hooks import ConnectedTwice, Hook, NotConnected, Registry
from models.wiring import wire

# In a process of its own, where nobody has called wire().
UNWIRED = """
from tests.core.test_hooks import empty, places
for name, place in places().items():
    print(name, empty(place))
"""


def places() -> dict[str, Hook[..., Any] | Registry[Any]]:
    """Every hook and registry that a module of models has, under the name by which it is found."""
    found = {}
    for each in pkgutil.walk_packages(models.__path__, "models."):
        if not each.name.startswith("models.migrations."):
            for name, value in vars(import_module(each.name)).items():
                if isinstance(value, Hook | Registry):
                    found[f"{each.name}.{name}"] = value
    return found


def empty(place: Hook[..., Any] | Registry[Any]) -> bool:
    try:
        _ = place.function if isinstance(place, Hook) else list(place.values())
    except NotConnected:
        return True
    return False


def test_wiring_leaves_nothing_empty() -> None:
    wire()
    wire()
    assert [name for name, place in places().items() if empty(place)] == []


def test_importing_connects_nothing() -> None:
    ran = subprocess.run([sys.executable, "-c", UNWIRED], capture_output=True, text=True, check=True)
    found = dict(line.split() for line in ran.stdout.splitlines())
    assert found == dict.fromkeys(places(), "True")
    assert len(found) >= 10


def test_each_says_where_it_stands() -> None:
    found = places()
    for place in found.values():
        assert found[f"models.{place.name}"] is place


@pytest.fixture
def double() -> Hook[[int], int]:
    return Hook("double")


@pytest.fixture
def sizes() -> Registry[int]:
    return Registry("sizes", ("small", "large"))


def test_a_hook_calls_what_is_connected(double: Hook[[int], int]) -> None:
    double.connect(lambda number: 2 * number)
    assert double(21) == 42


def test_a_hook_that_nothing_is_connected_to_says_so(double: Hook[[int], int]) -> None:
    with pytest.raises(NotConnected, match="double"):
        double(21)


def test_a_hook_takes_one_function(double: Hook[[int], int]) -> None:
    double.connect(abs)
    double.connect(abs)
    with pytest.raises(ConnectedTwice, match="double"):
        double.connect(round)
    assert double(-1) == 1


def test_a_registry_gives_what_is_connected_in_the_order_of_its_keys(sizes: Registry[int]) -> None:
    sizes.connect("large", 10)
    sizes.connect("small", 1)
    assert list(sizes.items()) == [("small", 1), ("large", 10)]


def test_a_registry_with_an_empty_place_says_so(sizes: Registry[int]) -> None:
    sizes.connect("large", 10)
    with pytest.raises(NotConnected, match=r"sizes\[small\]"):
        list(sizes.values())


def test_a_registry_takes_one_entry_for_a_key_and_none_for_others(sizes: Registry[int]) -> None:
    sizes.connect("large", 10)
    sizes.connect("large", 10)
    with pytest.raises(ConnectedTwice, match=r"sizes\[large\]"):
        sizes.connect("large", 11)
    with pytest.raises(KeyError, match="medium"):
        sizes.connect("medium", 5)
    assert "medium" not in sizes
    assert sizes["large"] == 10
