"""Read config/intents.toml, and refuse to start if an intent leads nowhere."""

from collections.abc import Mapping, Sequence
from typing import Any

from flows.language.folding import Folding
from flows.language.intents import Intent, Intents


class BadIntents(Exception):
    """An intent has no sentence, or offers a way that does not exist."""


def read_intents(raw: Mapping[str, Any], words: Mapping[str, Sequence[str]]) -> Intents:
    """Build the table from the parsed file; a command's ``words`` are sentences for it too. Raises BadIntents."""
    left = dict(words)
    table = {
        name: Intent(
            label=said["label"],
            says=(*said["says"], *left.pop(said.get("command", ""), ())),
            command=said.get("command", ""),
            ways=tuple(said.get("ways", ())),
            at_once=said.get("at_once", False),
            small_talk=said.get("small_talk", False),
        )
        for name, said in raw["intents"].items()
    }
    for name, intent in table.items():
        if not intent.says or not set(intent.ways) <= table.keys() or name in intent.ways:
            raise BadIntents(f"{name} has no sentences, or a way that is no other intent")
        if bool(intent.command) is bool(intent.ways):
            raise BadIntents(f"{name} has to have either a command or an answer with ways")
    return Intents(table, Folding(raw["same"], **raw["left_out"]), tuple(raw["nothing"]["says"]))
