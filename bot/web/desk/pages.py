"""Put the desk's routes together."""

from flask import Blueprint

from bot.web.desk.export import add_export
from bot.web.desk.file import add_files
from bot.web.desk.file_reader import FileReader
from bot.web.desk.queue import add_queue
from bot.web.desk.sign_in import DeskParts, add_sign_in
from bot.web.gallery import Galleries


def desk_pages(parts: DeskParts, reader: FileReader, galleries: Galleries) -> Blueprint:
    """Make the routes below ``/desk``."""
    blueprint = Blueprint("desk", __name__)
    add_sign_in(blueprint, parts)
    add_queue(blueprint, parts)
    add_export(blueprint, parts)
    add_files(blueprint, parts, reader, galleries)
    return blueprint
