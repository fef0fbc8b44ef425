"""The custom menu and the menus of tags."""

from bot.simulator.calls.base import OK, Answer, Call, Calls, body
from bot.simulator.errors import ApiError
from bot.simulator.simulator import Simulator


def create_menu(simulator: Simulator) -> Answer:
    simulator.menus.create(body())
    return OK


def get_menu(simulator: Simulator) -> Answer:
    return simulator.menus.get()


def delete_menu(simulator: Simulator) -> Answer:
    simulator.menus.delete()
    return OK


def add_conditional(simulator: Simulator) -> Answer:
    return {"menuid": str(simulator.menus.add_conditional(body(), simulator.crowd.has_tag))}


def delete_conditional(simulator: Simulator) -> Answer:
    simulator.menus.delete_conditional(body().get("menuid"))
    return OK


def try_match(simulator: Simulator) -> Answer:
    openid = str(body().get("user_id"))
    if not simulator.crowd.knows(openid):
        raise ApiError(65302)
    menu_id, buttons = simulator.menu_of(openid)
    if not menu_id:
        raise ApiError(46003)
    return {"button": buttons}


CALLS: Calls = {
    "/cgi-bin/menu/create": Call("POST", create_menu, quota="menu_create"),
    "/cgi-bin/menu/get": Call("GET", get_menu, quota="menu_get"),
    "/cgi-bin/menu/delete": Call("GET", delete_menu, quota="menu_delete"),
    "/cgi-bin/menu/addconditional": Call("POST", add_conditional, quota="menu_addconditional"),
    "/cgi-bin/menu/delconditional": Call("POST", delete_conditional, quota="menu_delconditional"),
    "/cgi-bin/menu/trymatch": Call("POST", try_match, quota="menu_trymatch"),
}
