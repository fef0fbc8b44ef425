"""Run commands of the application as an operator does."""

from click.testing import Result
from flask import Flask


def run(app: Flask, *words: str, typed: str | None = None) -> Result:
    """``typed``: what the operator answers to the command's questions, a line each."""
    return app.test_cli_runner().invoke(args=list(words), input=typed)
