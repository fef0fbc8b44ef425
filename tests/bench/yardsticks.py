"""The servers that the bot is measured beside, each as a WSGI application for granian.

``echo`` is Flask and wechatpy alone; ``echo_stored`` adds one indexed SELECT and
one INSERT by the ORM; ``werobot`` is WeRoBot's echo with its default session.
"""

import logging
import os
from datetime import UTC, datetime
from typing import Any

from flask import Flask, request
from sqlalchemy import DateTime, String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from wechatpy import parse_message
from wechatpy.replies import create_reply
from wechatpy.utils import check_signature


class Base(DeclarativeBase):
    pass


class Seen(Base):
    __tablename__ = "seen"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    words: Mapped[str] = mapped_column(String(2000))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


def _read() -> Any:
    token = os.environ["WECHAT_TOKEN"]
    check_signature(token, request.args["signature"], request.args["timestamp"], request.args["nonce"])
    return parse_message(request.get_data())


def echo() -> Flask:
    app = Flask("echo")

    @app.post("/wechat")
    def answer() -> str:
        message = _read()
        return str(create_reply(message.content, message).render())

    return app


def echo_stored() -> Flask:
    app = Flask("echo_stored")
    database = create_engine(os.environ["DATABASE_URL"], pool_size=10)

    @app.post("/wechat")
    def answer() -> str:
        message = _read()
        with Session(database) as db:
            key = f"{message.source}{message.id}"
            if db.scalar(select(Seen).where(Seen.key == key)) is None:
                db.add(Seen(key=key, words=message.content, at=datetime.now(UTC)))
                db.commit()
        return str(create_reply(message.content, message).render())

    return app


def werobot() -> Flask:
    """Its default session is an SQLite file in the current folder.

    Its threads share one connection to that file and now and then run into each other: the report counts these
    answers as failed, and nobody needs their stack traces.
    """
    from werobot import WeRoBot
    from werobot.contrib.flask import make_view

    logging.disable()
    robot = WeRoBot(token=os.environ["WECHAT_TOKEN"])

    @robot.text
    def answer(message: Any, session: dict[str, Any]) -> str:
        session["count"] = session.get("count", 0) + 1
        return str(message.content)

    app = Flask("werobot")
    app.add_url_rule("/wechat", "wechat", make_view(robot), methods=["GET", "POST"])
    return app
