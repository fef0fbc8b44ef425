"""How long it takes to divide a campaign among many: each part is an order with its stock, its notices and its links.

The rule makes fewer parts than buyers and growers together, so 5,000 parts want nearly as many buyers.
"""

import time
from datetime import timedelta

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from models.books.goods.stock import check_stock
from models.books.market.campaigns import check_campaigns
from models.books.market.orders import check_orders
from models.core.encryption import keyring
from models.market.campaigns.campaign import CampaignPart, CampaignPledge
from models.market.campaigns.dividing import close_campaigns, divide_campaign
from models.people.conversation import Conversation
from models.people.user import User
from tests.harness.stage import Stage
from tests.scenes.campaigns import JIN, County

GROWN = 1_000
# Nobody pledges the same as all others: a grower's last 斤 go to one buyer, and the buyer's next come from another.
PLEDGED = (7, 11, 13, 17, 29)


def divided(stage: Stage, parts: int, growers: int) -> None:
    """Print how long the transaction of a division takes, its commit included."""
    county = County(stage)
    for number in range(growers):
        county.grower(f"grower{number}", GROWN, plot=100 + number)
    buyers = parts - growers + 1
    number = county.open(least=buyers)
    for grower in range(growers):
        county.join(f"grower{grower}", number)
    county.buyer("buyer")
    county.pledge("buyer", number, PLEDGED[0])
    with county.session() as db:
        _pledge_alike(db, county, number, buyers)
    stage.clock.move(timedelta(days=11))
    with county.session() as db:
        close_campaigns(db, stage.clock())
    begun, worked = time.perf_counter(), time.process_time()
    with county.session() as db:
        assert divide_campaign(db, number, stage.clock())
    seconds, own = time.perf_counter() - begun, time.process_time() - worked
    with county.session() as db:
        made = db.scalar(select(func.count(CampaignPart.id))) or 0
    what = f"{made:,} parts of {buyers:,} buyers and {growers:,} growers are divided"
    print(f"{what}: {seconds:.1f} s ({own:.1f} s of it the program's), {1000 * seconds / made:.1f} ms each")
    with stage.database.connect() as connection:
        for check in (check_campaigns, check_orders, check_stock):
            assert list(check(connection, stage.clock())) == []


def _pledge_alike(db: Session, county: County, number: int, buyers: int) -> None:
    """Have as many buyers as wanted, each with an ID number and a conversation of their own, who pledge."""
    user = db.get_one(User, county.people["buyer"])
    talks = db.scalars(select(Conversation).where(Conversation.user_id == user.id)).one()
    pledge = db.scalars(select(CampaignPledge)).one()
    people, talked, pledges = [], [], []
    first = user.id + 1_000_000
    for place in range(1, buyers):
        card = f"4311241903{place:08}"
        hashed = keyring().lookup_hashes(card, "id_number")[0]
        own = {"id": first + place, "draft_id": f"bench-{place}", "id_number": card, "id_hash": hashed}
        people.append({**_all_of(user), **own})
        talked.append({**_all_of(talks), "openid": f"o-bench-{place}", "user_id": first + place})
        wanted = PLEDGED[place % len(PLEDGED)] * JIN
        pledges.append({**_all_of(pledge), "draft_id": f"bench-{place}", "buyer_id": first + place, "grams": wanted})
    for table, rows in ((User, people), (Conversation, talked), (CampaignPledge, pledges)):
        db.execute(insert(table), rows)


def _all_of(row: User | Conversation | CampaignPledge) -> dict[str, object]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns if column.key != "id"}
