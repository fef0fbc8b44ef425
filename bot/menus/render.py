"""Render the account's menus, from our templates or from a folder of the account's own."""

from pathlib import Path

from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader

from bot.wechat.menu import Menu, render_menus
from bot.words.render import Renderer
from flows.language.lexicon import Lexicon
from handlers.routing.command_table import COMMANDS


class NoMenus(Exception):
    """WECHAT_MENUS names no folder."""


def menus_of(lexicon: Lexicon, folder: str = "") -> dict[str, Menu]:
    """Render the menus. ``folder``: that of the account's own (WECHAT_MENUS); what it does not have is ours.

    Raises NoMenus.
    """
    words = {name: lexicon.words[name][0] for name in COMMANDS if name in lexicon.words}
    env = Renderer(lexicon.words).env
    if folder and not Path(folder).is_dir():
        raise NoMenus(f"WECHAT_MENUS: {folder} is no folder")
    if folder and env.loader:
        env = env.overlay(loader=ChoiceLoader([PrefixLoader({"menu": FileSystemLoader(folder)}), env.loader]))
    return render_menus(env, words)
