from bot.app import create_app
from bot.cli.database import demand_database_to_serve

app = create_app()
demand_database_to_serve(app.extensions["bangfu"]["settings"])
