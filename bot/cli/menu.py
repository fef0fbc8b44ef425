"""Add the commands of the account's menus: check them, publish them."""

import sys
from pathlib import Path

import click
from flask import Flask
from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader

from bot.wechat.menu import Menu, NotPublished, diff, lint_all, publish, published, render_menus
from bot.wechat.policy import Unreachable, WeChatError
from bot.words.render import Renderer
from bot.work.context import make_api
from config.settings import Settings
from flows.language.lexicon import Lexicon
from handlers.routing.command_table import COMMANDS


def menus_of(lexicon: Lexicon, folder: str = "") -> dict[str, Menu]:
    """Render the menus. ``folder``: that of the account's own (WECHAT_MENUS); what it does not have is ours.

    Raises click.ClickException where it is no folder.
    """
    words = {name: lexicon.words[name][0] for name in COMMANDS if name in lexicon.words}
    env = Renderer(lexicon.words).env
    if folder and not Path(folder).is_dir():
        raise click.ClickException(f"WECHAT_MENUS: {folder} is no folder")
    if folder and env.loader:
        env = env.overlay(loader=ChoiceLoader([PrefixLoader({"menu": FileSystemLoader(folder)}), env.loader]))
    return render_menus(env, words)


def add_menu_commands(app: Flask, settings: Settings, lexicon: Lexicon) -> None:
    @app.cli.command("lint-menu")
    def lint_menu() -> None:
        """Check the menus against WeChat's limits."""
        problems = lint_all(menus_of(lexicon, settings.wechat_menus), COMMANDS)
        for problem in problems:
            click.echo(problem, err=True)
        if problems:
            sys.exit(1)
        click.echo("The menus keep every limit.")

    @app.cli.command("publish-menu")
    @click.option("--dry-run", is_flag=True, help="Only tell what would change.")
    def publish_menu(dry_run: bool) -> None:
        """Publish the menus, touching only what differs."""
        wanted = menus_of(lexicon, settings.wechat_menus)
        if problems := lint_all(wanted, COMMANDS):
            raise click.ClickException("\n".join(problems))
        api = make_api(settings)
        try:
            changes = diff(published(api), wanted.values()) if dry_run else publish(api, wanted)
        except (WeChatError, Unreachable, NotPublished) as error:
            raise click.ClickException(str(error)) from error
        click.echo("\n".join(changes) or "Nothing to change.")
