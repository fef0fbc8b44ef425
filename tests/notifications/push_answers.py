"""What WeChat answers to sends, and what becomes of them."""

from bot.push.pace import Counts
from bot.simulator.faults import Fault, Kind
from tests.harness.platform.push_office import Office
from tests.harness.platform.push_office import office as office
from tests.harness.platform.push_office import open_office as open_office

SERVICE = "/cgi-bin/message/custom/send"


TEMPLATE = "/cgi-bin/message/template/send"


SUBSCRIPTION = "/cgi-bin/message/subscribe/bizsend"


def refuse(office: Office, code: int, where: str = SERVICE, times: int | None = None) -> None:
    office.wechat.faults.add(Fault(Kind.REFUSE, times=times, where=where, code=code))


def talking(office: Office) -> int:
    """Somebody whose window is open."""
    aunt = office.person("oAunt")
    office.wechat.send_text("oAunt", "你好")
    return aunt


def sends(office: Office, where: str) -> int:
    channel = {SERVICE: "service", TEMPLATE: "template", SUBSCRIPTION: "subscription"}[where]
    return sum(count for name, count in Counts(office.redis).read().items() if name.startswith(channel))
