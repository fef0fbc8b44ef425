"""Run commands of the application as an operator does."""

from click.testing import Result
from flask import Flask


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=list(words))
