"""Add the commands of the account's menus: check them, publish them."""

import sys

import click
from flask import Flask

from bot.menus.render import NoMenus, menus_of
from bot.wechat.menu import Menu, NotPublished, diff, lint_all, publish, published
from bot.wechat.policy import Unreachable, WeChatError
from bot.work.context import make_api
from config.settings import Settings
from flows.language.lexicon import Lexicon
from handlers.routing.command_table import COMMANDS


def add_menu_commands(app: Flask, settings: Settings, lexicon: Lexicon) -> None:
    def wanted() -> dict[str, Menu]:
        try:
            return menus_of(lexicon, settings.wechat_menus)
        except NoMenus as error:
            raise click.ClickException(str(error)) from error

    @app.cli.command("lint-menu")
    def lint_menu() -> None:
        """Check the menus against WeChat's limits."""
        problems = lint_all(wanted(), COMMANDS)
        for problem in problems:
            click.echo(problem, err=True)
        if problems:
            sys.exit(1)
        click.echo("The menus keep every limit.")

    @app.cli.command("publish-menu")
    @click.option("--dry-run", is_flag=True, help="Only tell what would change.")
    def publish_menu(dry_run: bool) -> None:
        """Publish the menus, touching only what differs."""
        menus = wanted()
        if problems := lint_all(menus, COMMANDS):
            raise click.ClickException("\n".join(problems))
        api = make_api(settings)
        try:
            changes = diff(published(api), menus.values()) if dry_run else publish(api, menus)
        except (WeChatError, Unreachable, NotPublished) as error:
            raise click.ClickException(str(error)) from error
        click.echo("\n".join(changes) or "Nothing to change.")
