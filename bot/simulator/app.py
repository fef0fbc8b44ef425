"""One simulator as a web application: its page, and the platform's own paths."""

from flask import Flask, request

from bot.simulator.calls import make_api
from bot.simulator.options import Options
from bot.simulator.page import make_page
from bot.simulator.pay.calls import make_pay_api
from bot.simulator.simulator import Simulator
from bot.simulator.speech import make_speech
from bot.simulator.visits import make_visits

LONGEST_REQUEST = 12 << 20  # a film of 10 MB and its envelope


def create_simulator(options: Options, simulator: Simulator | None = None) -> Flask:
    """``simulator``: one that the caller already holds, to act in it beside the page."""
    app = Flask(__name__, template_folder=str(options.templates_dir), static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LONGEST_REQUEST
    held = simulator or Simulator(options)
    app.extensions["simulator"] = held
    app.teardown_request(lambda _: request.close())  # uploads that were too large for memory
    app.register_blueprint(make_api(held))
    app.register_blueprint(make_pay_api(held))
    app.register_blueprint(make_speech(held))
    app.register_blueprint(make_visits(held))
    app.register_blueprint(make_page(held))
    return app
