"""Conversations that a person can read, as tests.

A transcript is lines: ``> words`` is typed, ``< flow/step:macro`` is what must be
said (in order, echoes and the hint to keep an answer left out), ``<~ words`` must stand in the reply, ``= …``
looks into the database, ``? name pattern`` keeps what the pattern's group finds in the reply, for ``{name}`` in
later messages, ``$ card`` the code of the newest card, ``$ gives 1 10000`` that of a gift that has come (``{gift}``),
``$ pushed kind fact=value …`` lets a push arrive (``by``: its channel), which ``[tap {push}-2]`` taps the second line
of, ``$ goes_out kind …`` pushes what is owed to whoever is talking, ``$ listens`` begins to have voices recognised,
``$ hears words`` says what was heard in the oldest, ``$ hears_nothing why`` that it was nothing,
``$ pictures_arrive`` that owed photos have been fetched, ``$ passed offer`` that
an officer has passed the newest one, ``$ point`` has the keeper who is talking keep a point, ``$ parcel in_transit``
has a parcel on its way, or further, to whoever is talking, to be collected at the newest open point (``{parcel}`` is
its code, ``{digits}`` what it is collected by),
``$ desk`` shows a code on a computer (``{digits}``), whose browser ``$ desk_enters`` lets in,
``$ opens_pictures`` opens the newest reply's link to them, ``$ opens_preview`` that to the look at an appeal's page,
``$ page 1 410`` opens the public page of appeal 1, which answers so,
``@ name`` changes who that is, ``$ …`` sets the scene, ``+ 13h`` lets time pass, ``#`` is a comment.
"""

import re
import shlex
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from bot.push.broadcasts import continue_broadcasts
from bot.push.digest import write_digests
from bot.work.sweeps import apply_deadlines
from models.appeals import appeal, beneficiary, flag, revision
from models.core import audit_trail
from models.desk import session as desk_session
from models.desk import sign_in
from models.disbursements import disbursement, payee
from models.donors import message, receipt, recurring_gift
from models.families import question as family_question
from models.giving import pledge, pool
from models.goods import exchange
from models.goods.matches import match as goods_match
from models.goods.points import point
from models.goods.rounds import round as goods_round
from models.market import listing, seller, statement
from models.market.after_sales import after_sale
from models.market.campaigns import campaign
from models.market.lots import lot
from models.market.orders import order as market_order
from models.notifications import broadcast, mute, notification
from models.organisations import organisation, representative
from models.outreach import update
from models.outreach.digest import month_before
from models.payments import refund, suspense
from models.people import conversation, family_member, photo, user
from models.proxy import card, consent_code, mandate
from models.public import appeal_page, follow_up, photos
from models.rights import name_change, number_claim
from models.rights import request as rights
from models.rights.erasure.erasure import Erasure
from models.rights.erasure.paper import PaperErasure
from models.speech import consent, voice
from models.staff import conflict_of_interest, decision, member, task
from models.support import inquiry, ticket
from models.treasury import bank_entry
from models.verification import case as verification
from models.verification import objection, visit
from tests.harness.platform import wechat
from tests.harness.platform.push_arrivals import arrive, go_out
from tests.harness.platform.voices import hear
from tests.harness.stage import Stage
from tests.scenes import desk, organisations
from tests.scenes.goods import passed
from tests.scenes.handover import Handover, newest_codes, parcel_at
from tests.scenes.money import refunds as gifts_back
from tests.scenes.money.disbursements import collected, people, pictures_arrive, used
from tests.scenes.money.gifts import pay_newest
from tests.scenes.money.recurring_gifts import remind_donors
from tests.scenes.money.suspense import at_bank, suspense_item

TABLES: dict[str, Any] = {
    "appeal": appeal.Appeal,
    "audit": audit_trail.AuditEvent,
    "broadcast": broadcast.Broadcast,
    "broken": conversation.BrokenSession,
    "budget": appeal.BudgetLine,
    "act": mandate.ProxyAct,
    "card": card.Card,
    "case": verification.Verification,
    "code": consent_code.ConsentCode,
    "consent": user.Consent,
    "conversation": conversation.Conversation,
    "desk_session": desk_session.DeskSession,
    "household_question": family_question.HouseholdQuestion,
    "inquiry": inquiry.Inquiry,
    "listing": listing.Listing,
    "lot": lot.Lot,
    "seller": seller.Seller,
    "statement": statement.Statement,
    "order": market_order.Order,
    "after_sale": after_sale.AfterSale,
    "campaign": campaign.Campaign,
    "campaign_pledge": campaign.CampaignPledge,
    "campaign_grower": campaign.CampaignGrower,
    "campaign_part": campaign.CampaignPart,
    "mandate": mandate.Mandate,
    "message": message.GiftMessage,
    "recurring_gift": recurring_gift.RecurringGift,
    "mute": mute.Mute,
    "notification": notification.Notification,
    "objection": objection.Objection,
    "offer": exchange.Offer,
    "decision": decision.Decision,
    "payee": payee.Payee,
    "bank_entry": bank_entry.BankEntry,
    "use": disbursement.Disbursement,
    "family_member": family_member.FamilyMember,
    "flag": flag.Flag,
    "follow_up": follow_up.FollowUp,
    "suspense_item": suspense.SuspenseItem,
    "page": appeal_page.AppealPage,
    "photo": photo.Photo,
    "refund": refund.Refund,
    "revision": revision.Revision,
    "pledge": pledge.Pledge,
    "photo_review": photos.PhotoReview,
    "pool": pool.MatchingPool,
    "parcel": goods_match.Match,
    "point": point.Point,
    "received_line": point.ReceivedLine,
    "pool_transfer": pool.PoolTransfer,
    "match": pool.PoolMatch,
    "receipt": receipt.Receipt,
    "report": inquiry.Report,
    "request": exchange.GoodsRequest,
    "round": goods_round.Round,
    "erasure": Erasure,
    "name_change": name_change.NameChange,
    "number_claim": number_claim.NumberClaim,
    "organisation": organisation.Organisation,
    "representative": representative.Representative,
    "beneficiary": beneficiary.Beneficiary,
    "paper_erasure": PaperErasure,
    "rights_request": rights.RightsRequest,
    "sign_in": sign_in.DeskSignIn,
    "speech_consent": consent.SpeechConsent,
    "staff": member.Staff,
    "task": task.Task,
    "ticket": ticket.Ticket,
    "conflict": conflict_of_interest.Conflict,
    "turn": conversation.Turn,
    "update": update.Update,
    "user": user.User,
    "visit": visit.Visit,
    "voice": voice.Voice,
}
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Actor:
    """Runs one transcript's lines on a stage, each message delivered ``times`` times."""

    def __init__(self, stage: Stage, times: int = 1) -> None:
        self.stage = stage
        self.times = times
        self.openid = "o-somebody"
        self.reply = ""
        self.expected: list[str] | None = None
        self.photos = 0
        self.sent = 0
        self.kept: dict[str, str] = {}
        self.payers: dict[str, int] = {}
        self.at_desk: desk.Browser | None = None

    def play(self, script: str) -> None:
        for number, line in enumerate(script.splitlines(), 1):
            try:
                self._line(line.rstrip())
            except AssertionError as error:
                raise AssertionError(f"line {number}: {line}\n{error}\nreply was:\n{self.reply}") from error
        self._settle()

    def _line(self, line: str) -> None:
        mark, _, rest = line.partition(" ")
        if mark == "<":
            assert self.expected is not None, "an answer before anybody spoke"
            self.expected.append(rest.strip())
            return
        if mark == "<~":
            assert self._filled(rest) in self.reply, f"{rest!r} is not in the reply"
            return
        if mark == "?":
            name, pattern = rest.split(maxsplit=1)
            found = re.search(pattern, self.reply)
            assert found, f"nothing in the reply looks like {pattern}"
            self.kept[name] = found[1]
            return
        self._settle()
        acts: dict[str, Callable[[str], None]] = {
            ">": lambda words: self._send(self._filled(words)),
            "@": self._become,
            "$": self._set,
            "+": self._wait,
            "=": self._check,
        }
        if line and not line.startswith("#"):
            acts[mark](rest)

    def _settle(self) -> None:
        """The answers since the last message must be exactly those that were given."""
        if self.expected:
            said = self.stage.said
            assert said == self.expected, f"said {said}, expected {self.expected}"
        self.expected = None

    def _open_pictures(self) -> None:
        """Whoever is talking opens the page of pictures that the newest reply links to."""
        link = re.search(r"http\S+/pictures/\S+", self.reply)
        assert link, "no link to pictures in the reply"
        assert self.stage.browse(self.openid, link[0]).status_code == 200

    def _open_preview(self) -> None:
        """Whoever is talking opens the look at their appeal's page that the newest reply links to."""
        link = re.search(r"http\S+/(?:preview|reading)/\S+", self.reply)
        assert link, "no link to a page's look in the reply"
        assert self.stage.browse(self.openid, link[0]).status_code == 200

    def _open_page(self, number: str, status: int) -> None:
        """Anybody opens an appeal's page, when no cache holds it any more."""
        self.stage.app.extensions["bangfu"]["kept_pages"].clear()
        assert self.stage.client.get(f"/a/{number}").status_code == status

    def _browser(self) -> desk.Browser:
        """The computer at which whoever is talking sits; a new application is given its cookies again."""
        self.at_desk = self.at_desk or desk.Browser(self.stage)
        self.at_desk.client.application = self.stage.app
        return self.at_desk

    def _become(self, name: str) -> None:
        self.openid = f"o-{name.strip()}"

    def _wait(self, span: str) -> None:
        self.stage.clock.move(timedelta(**{_UNITS[span[-1]]: int(span[:-1])}))
        self.stage.seal()

    def _send(self, words: str) -> None:
        xml = self._xml(words)
        self.stage.said = []
        status, self.reply = self.stage.deliver(xml)
        assert status == 200, f"status {status}"
        assert len(self.reply.encode()) <= 2000, "longer than WeChat takes"
        said = self.stage.said
        for _ in range(self.times - 1):
            status, again = self.stage.deliver(xml)
            assert (status, again) == (200, self.reply), "another delivery got another reply"
        self.stage.said = said
        self.expected = []

    def _filled(self, words: str) -> str:
        for name, value in self.kept.items():
            words = words.replace(f"{{{name}}}", value)
        return words

    def _xml(self, words: str) -> str:
        self.sent += 1
        special = re.fullmatch(r"\[(\w+)(?: (.*))?\]", words)
        if not special:
            return wechat.text(words.replace("\\n", "\n"), self.openid)
        kind, rest = special[1], special[2] or ""
        match kind:
            case "photo":
                self.photos += 1
                fields = {"PicUrl": f"http://127.0.0.1/p{self.photos}.jpg", "MediaId": f"media-{self.photos}"}
                return wechat.message("image", self.openid, **fields)
            case "place":
                where = {"Location_X": 25.6, "Location_Y": 111.6, "Scale": 15, "Label": rest}
                return wechat.message("location", self.openid, **where)
            case "here":
                latitude, longitude, *label = rest.split()
                where = {"Location_X": float(latitude), "Location_Y": float(longitude), "Label": " ".join(label)}
                return wechat.message("location", self.openid, **where)
            case "tap":
                return wechat.text(words, self.openid, bizmsgmenuid=f"n{rest}")
            case "voice":
                heard = {"MediaId": "voice-1", "Format": "amr", "Recognition": rest}
                return wechat.message("voice", self.openid, **heard)
            case "event":
                name, *key = rest.split()
                # Two events of one second are told apart by their second only.
                created = int(self.stage.clock().timestamp()) + self.sent
                return wechat.event(name, self.openid, created=created, EventKey=key[0] if key else "")
        return wechat.message(kind, self.openid)

    def _set(self, words: str) -> None:
        match words.split():
            case ["resident", *region]:
                self.stage.register(self.openid, "resident", *region)
            case ["unverified", *region]:
                self.stage.register(self.openid, "resident", *region, verified=False)
            case ["registry", result, *status]:
                self.stage.registry_answers(result, status[0] if status else None)
            case ["verified"]:
                self.stage.verify_all()
            case ["sweep"]:
                apply_deadlines(self.stage.database, self.stage.clock())
            case ["fan_out"]:
                continue_broadcasts(self.stage.database, self, self.stage.clock())
            case ["digest"]:
                now = self.stage.clock()
                write_digests(self.stage.database, month_before(now), now)
            case ["passed", name]:
                self._pass(name)
            case ["card"]:
                with Database(self.stage.database) as db:
                    self.kept["card"] = db.scalars(select(card.Card.code).order_by(card.Card.id.desc())).first() or ""
            case ["donor"]:
                self.stage.register(self.openid, "donor")
            case ["staff", role, *region]:
                self.stage.appoint(self.openid, role, *region)
            case ["speaks_for", region, *kinds]:
                kind = kinds[0] if kinds else "village_committee"
                self.kept["organisation"] = str(organisations.confirm(self.stage, self.openid, region, kind))
            case ["asks_in_its_name"]:
                organisations.ask_in_its_name(self.stage, int(self.kept["organisation"]))
            case ["asks", *kind]:
                self.stage.ask(self.openid, *kind)
            case ["pushed", kind, *facts]:
                said = {name: int(value) if value.isdigit() else value for name, value in (f.split("=") for f in facts)}
                channel = str(said.pop("by", "service"))
                self.kept["push"] = str(arrive(self.stage, self.openid, kind, said, channel) or "")
            case ["goes_out", *kinds]:
                sent = go_out(self.stage, self.openid)
                with Database(self.stage.database) as db:
                    found = [db.get_one(notification.Notification, number).template for number in sent]
                assert found == kinds, f"{found} went out"
                self.kept["push"] = str(sent[-1]) if sent else ""
            case ["listens"]:
                self.stage.reopen(speech_url="https://speech.test", speech_name="听写员")
            case ["hears", *said]:
                hear(self.stage, self.openid, words=" ".join(said))
            case ["hears_nothing", why]:
                hear(self.stage, self.openid, why=why)
            case ["collected", *yuan]:
                collected(self.stage, *(int(each) * 100 for each in yuan))
            case ["pictures_arrive", *state]:
                pictures_arrive(self.stage, *state)
            case ["desk"]:
                self.kept["digits"] = self._browser().ask_for_code()
            case ["desk_enters"]:
                assert self._browser().enter().status_code == 303
            case ["opens_pictures"]:
                self._open_pictures()
            case ["opens_preview"]:
                self._open_preview()
            case ["page", number, status]:
                self._open_page(number, int(status))
            case ["point", *region]:
                Handover(self.stage).open_point(self.openid, *region, appointed=True)
            case ["parcel", state]:
                self.kept |= parcel_at(self.stage, self.openid, state)
            case ["codes"]:
                self.kept |= newest_codes(self.stage)
            case ["used", number, fen]:
                self.payers = self.payers or people(self.stage)
                used(self.stage, int(number), int(fen), self.payers)
            case ["gives_back"]:
                for run in gifts_back.runs(self.stage):
                    while gifts_back.plan(self.stage, run):
                        pass
            case ["collects"]:
                self.stage.collect()
            case ["pays"]:
                pay_newest(self.stage)
            case ["recurring_gifts"]:
                remind_donors(self.stage)
            case ["gives", appeal_id, fen, *fallback]:
                self.kept["gift"] = gifts_back.given(self.stage, self.openid, int(appeal_id), int(fen), *fallback)
            case ["refund", state]:
                gifts_back.hear_of_newest(self.stage, state)
            case ["suspense_item", kind, fen]:
                suspense_item(self.stage, kind, int(fen))
            case ["at_bank", fen]:
                at_bank(self.stage, self.openid, int(fen))
            case ["fails", appeal_id]:
                gifts_back.fail_and_plan(self.stage, int(appeal_id))
            case ["open_appeal", "crowdfund", minimum]:
                self.stage.open_appeal("crowdfund", 30_000_000, minimum_fen=int(minimum) * 100)
            case ["open_appeal", *kind]:
                target = 30_000_000 if kind == ["crowdfund"] else 500_000
                self.stage.open_appeal(kind[0] if kind else "one_to_one", target)
            case _:
                raise AssertionError(f"no such scene: {words}")

    def _pass(self, name: str) -> None:
        with Database(self.stage.database) as db, db.begin():
            thing = db.scalars(select(TABLES[name]).order_by(TABLES[name].id.desc()).limit(1)).one()
            passed(db, name, thing, self.stage.clock())

    def deliver(self, ids: Sequence[int], urgency: str = "push") -> None:
        """Nobody works here: what a fan-out has written is owed."""

    def _check(self, words: str) -> None:
        """``= appeal target_fen 30000000 state submitted`` for the newest row; ``= count appeal state funding 1``."""
        subject, *pairs = shlex.split(words)
        with Database(self.stage.database) as db:
            if subject == "count":
                table, *which = TABLES[pairs[0]], *pairs[1:-1]
                pairs_of = zip(which[::2], which[1::2], strict=True)
                like = [getattr(table, name) == (None if value == "None" else value) for name, value in pairs_of]
                found = db.scalar(select(func.count()).select_from(table).where(*like))
                assert found == int(pairs[-1]), f"there are {found}"
                return
            table = TABLES[subject]
            row = db.scalars(select(table).order_by(table.id.desc()).limit(1)).first()
            assert row is not None, f"there is no {subject}"
            for name, wanted in zip(pairs[::2], pairs[1::2], strict=True):
                name = {"target": "target_fen", "amount": "amount_fen", "price": "price_fen"}.get(name, name)
                found = getattr(row, name)
                assert str(found) == wanted, f"{name} is {found}"
