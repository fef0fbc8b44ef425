from bot.app import create_app
from bot.cli.database import demand_database_to_serve
from bot.web.buffered import BufferedApp
from bot.web.lanes import lanes_with

app = create_app()
demand_database_to_serve(app.extensions["bangfu"]["settings"])
buffered = BufferedApp(app, lanes_with(app.extensions["bangfu"]["busy_page"]))
