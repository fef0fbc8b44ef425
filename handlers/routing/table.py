"""Every command: its name (words in config/keywords.toml), what it does, what may follow it, and who may say it."""

from handlers.appeals import correction, revisions
from handlers.disbursements import desk as use_file
from handlers.disbursements import owner
from handlers.donors import messages, receipts, recurring_gift, trace
from handlers.giving import pledge, pools
from handlers.notifications import history, opt_out, subscribe
from handlers.outreach import broadcasts, updates
from handlers.oversight import access_log, spot_check, statistics
from handlers.payments import refunds, suspense
from handlers.people import mine
from handlers.proxy import acts
from handlers.public import catalogue
from handlers.routing import begin, menu
from handlers.routing.commands import Command, Takes
from handlers.staff import appointments, decide, handover, todo
from handlers.staff import look as staff
from handlers.support import call, desk, introduction
from handlers.treasury import bank_entries, reconciliation
from handlers.verification import my_case, objections, public_notice, visits
from models.core.state_machine import By

_STAFF = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY, By.FUND_HOLDER})
_COUNTY = frozenset({By.COUNTY})
_ABOVE = frozenset({By.TOWNSHIP, By.COUNTY})
_CALLERS = frozenset({By.COUNTY, By.FUND_HOLDER})
_HOLDER = frozenset({By.FUND_HOLDER})
_HELPERS = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})
_PROXIES = frozenset({By.VILLAGE, By.TOWNSHIP})
# Beside appeals.
_DECIDED_ON = ("case", "disbursement")
_READ = (*_DECIDED_ON, "message")

COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command("start_register", begin.register),
        Command("start_one_to_one", begin.one_to_one),
        Command("start_crowdfund", begin.crowdfund),
        Command("start_request", begin.request),
        Command("start_offer", begin.offer),
        Command("start_listing", begin.listing),
        Command("pledge", pledge.pledge, Takes.GIFT, guess=False),
        Command("pledge_to", pledge.pledge, Takes.GIFT_TO, guess=False),
        Command("fix", correction.fix, Takes.NUMBER, guess=False),
        Command("withdraw_appeal", correction.withdraw, Takes.NUMBER, guess=False),
        Command("update", updates.update, Takes.NUMBER, guess=False),
        Command("thank", updates.thank, Takes.NUMBER, guess=False),
        Command("leave_message", messages.leave_message, Takes.CODE, guess=False),
        Command("messages", messages.messages, Takes.NUMBER, guess=False),
        Command("use_money", owner.use_money, Takes.NUMBER, guess=False),
        Command("evidence", owner.evidence, Takes.NUMBER, guess=False),
        Command("received", owner.received, Takes.CODE, guess=False),
        Command("not_received", owner.not_received, Takes.CODE, guess=False),
        Command("my_case", my_case.my_case, Takes.NUMBER),
        Command("appeal_decision", my_case.appeal_decision),
        Command("notices", public_notice.notices, Takes.MATTER_OR_WORDS),
        Command("object", objections.object_, Takes.MATTER),
        Command("privacy", menu.privacy),
        Command("who_looked", access_log.who_looked),
        Command("browse_appeals", catalogue.appeals, Takes.WORDS),
        Command("browse_requests", catalogue.requests, Takes.WORDS),
        Command("browse_offers", catalogue.offers, Takes.WORDS),
        Command("browse_market", catalogue.market, Takes.WORDS),
        Command("mine", mine.mine),
        Command("my_pledges", mine.my_pledges),
        Command("recurring_gift", recurring_gift.monthly, Takes.GIFT, guess=False),
        Command("stop_monthly", recurring_gift.stop_monthly, Takes.NUMBER, guess=False),
        Command("trace", trace.trace, Takes.CODE, guess=False),
        Command("receipt", receipts.receipt, Takes.CODE, guess=False),
        Command("refund", refunds.refund, Takes.CODE, guess=False),
        Command("look", staff.look, Takes.MATTER, guess=False, matters=_READ),
        Command("todo", todo.todo, staff=_STAFF),
        Command("visit", visits.visit, Takes.MATTER, staff=_HELPERS, guess=False),
        Command("approve", decide.approve, Takes.MATTER, staff=_STAFF, guess=False, matters=_READ),
        Command("send_back", decide.send_back, Takes.MATTER_AND_WORDS, staff=_STAFF, guess=False, matters=_READ),
        Command("reject", decide.reject, Takes.MATTER_AND_WORDS, staff=_STAFF, guess=False, matters=_DECIDED_ON),
        Command("stop", decide.stop, Takes.MATTER_AND_WORDS, staff=_COUNTY, guess=False),
        Command("go_on", decide.go_on, Takes.MATTER, staff=_COUNTY, guess=False),
        Command("statistics", statistics.statistics, Takes.WORDS, staff=_HELPERS),
        Command("spot_check", spot_check.spot_check, staff=_ABOVE, guess=False),
        Command("publish", updates.publish, Takes.NUMBER, staff=_HELPERS, guess=False),
        Command("pay_out", use_file.pay_out, Takes.NUMBER, staff=frozenset({By.FUND_HOLDER}), guess=False),
        Command("settle", bank_entries.settle, staff=frozenset({By.FUND_HOLDER}), guess=False),
        Command("pools", pools.pools, Takes.NUMBER, staff=_HOLDER, guess=False),
        Command("open_pool", pools.open_pool, staff=_HOLDER, guess=False),
        Command("fund_pool", pools.fund, Takes.NUMBER, staff=_HOLDER, guess=False),
        Command("close_pool", pools.close, Takes.NUMBER, staff=_HOLDER, guess=False),
        Command("return_pool", pools.give_back, Takes.NUMBER, staff=_HOLDER, guess=False),
        Command("call_donors", broadcasts.call, Takes.NUMBER, staff=_CALLERS, guess=False),
        Command("broadcast_progress", broadcasts.broadcast_progress, Takes.NUMBER, staff=_STAFF, guess=False),
        Command("stop_broadcast", broadcasts.stop_broadcast, Takes.NUMBER, staff=_STAFF, guess=False),
        Command("refunds", refunds.refunds, Takes.NUMBER, staff=_CALLERS, guess=False),
        Command("strays", suspense.strays, Takes.NUMBER, staff=_HOLDER, guess=False),
        Command("top_up", bank_entries.top_up, staff=_HOLDER, guess=False),
        Command("cover_fees", bank_entries.cover_fees, staff=_HOLDER, guess=False),
        Command("reverse_entry", bank_entries.entries, Takes.WORDS, staff=_HOLDER, guess=False),
        Command("reconcile", reconciliation.reconcile, Takes.WORDS, staff=_CALLERS, guess=False),
        Command("close_discrepancy", reconciliation.close, Takes.NUMBER_AND_WORDS, staff=_CALLERS, guess=False),
        Command("answer_ticket", desk.answer_ticket, Takes.NUMBER_AND_WORDS, staff=_HELPERS, guess=False),
        Command("authorise", appointments.authorise, Takes.CODE, guess=False),
        Command("invite", appointments.invite, staff=_ABOVE, guess=False),
        Command("team", appointments.team, staff=_ABOVE, guess=False),
        Command("suspend_staff", appointments.suspend, Takes.CODE_AND_WORDS, staff=_ABOVE, guess=False),
        Command("restore_staff", appointments.restore, Takes.CODE_AND_WORDS, staff=_ABOVE, guess=False),
        Command("revoke_staff", appointments.revoke, Takes.CODE_AND_WORDS, staff=_ABOVE, guess=False),
        Command("hand_over", handover.hand_over, Takes.CODE, staff=_STAFF, guess=False),
        Command("assign", handover.assign, Takes.MATTER_AND_WORDS, staff=_ABOVE, guess=False, matters=_DECIDED_ON),
        Command("declare_tie", handover.declare_tie, staff=_STAFF, guess=False),
        Command("my_ties", handover.my_ties, staff=_STAFF, guess=False),
        Command("proxy", acts.proxy, staff=_PROXIES, guess=False),
        Command("authorise_proxy", acts.authorise, guess=False),
        Command("proxy_acts", acts.acts),
        Command("subscribe", subscribe.page, guess=False),
        # Taps on the custom menu name these too; typed, they are control words.
        Command("menu", menu.show, guess=False),
        Command("help", menu.help_, guess=False),
        Command("human", call.call, guess=False),
        Command("opt_out", opt_out.topics, guess=False),
        # Only numbered lines lead here.
        Command("view_appeal", catalogue.appeal),
        Command("public_story", catalogue.story),
        Command("public_budget", catalogue.budget),
        Command("view_updates", updates.view_updates),
        Command("view_monthly", recurring_gift.view_monthly),
        Command("pay_monthly", recurring_gift.pay_monthly),
        Command("skip_monthly", recurring_gift.skip_monthly),
        Command("view_request", catalogue.request),
        Command("view_offer", catalogue.offer),
        Command("view_listing", catalogue.listing),
        Command("buy", introduction.buy),
        Command("take_offer", introduction.take),
        Command("give_requested", introduction.give),
        Command("talk_about", call.talk_about),
        Command("turn_off", opt_out.off),
        Command("turn_on", opt_out.on),
        Command("mute_appeal", opt_out.mute_appeal),
        Command("withdraw_message", messages.withdraw_message),
        Command("report_message", messages.report_message),
        Command("use_on", owner.use_on),
        Command("use_to", owner.use_to),
        Command("new_payee", owner.new_payee),
        Command("change_payee", owner.change_payee),
        Command("no_more", owner.no_more),
        Command("view_use", owner.view_use),
        Command("withdraw_use", owner.withdraw_use),
        Command("say_received", owner.say_received),
        Command("heard", use_file.heard, staff=_HELPERS),
        Command("bounce", use_file.bounce, staff=frozenset({By.FUND_HOLDER})),
        Command("sound", spot_check.sound, staff=_ABOVE),
        Command("doubt", spot_check.doubt, staff=_ABOVE),
        Command("withdraw_now", correction.withdraw_now),
        Command("revision_story", revisions.story, staff=_HELPERS),
        Command("approve_revision", revisions.approve, staff=_HELPERS),
        Command("reject_revision", revisions.reject, staff=_HELPERS),
        Command("send_back_update", updates.send_back_update, staff=_HELPERS),
        Command("view_staff", appointments.view, staff=_ABOVE),
        Command("view_statistics", statistics.show, staff=_HELPERS),
        Command("view_story", staff.view_story, staff=_STAFF),
        Command("view_budget", staff.view_budget, staff=_STAFF),
        Command("view_flags", staff.view_flags, staff=_STAFF),
        Command("view_told", history.view_told, staff=_HELPERS),
        Command("view_refund", refunds.view_refund, staff=_CALLERS),
        Command("view_stray", suspense.view_stray, staff=_HOLDER),
        Command("settle_suspense", suspense.settle_suspense, staff=_HOLDER),
        Command("undo_this", bank_entries.undo_this, staff=_HOLDER),
        Command("view_discrepancy", reconciliation.view_discrepancy, staff=_CALLERS),
        Command("more_pools", pools.more_pools, staff=_HOLDER),
        Command("more_discrepancies", reconciliation.more_discrepancies, staff=_CALLERS),
        Command("again_refund", refunds.again_refund, staff=_HOLDER),
        Command("again_refunds", refunds.again_refunds, staff=_HOLDER),
        Command("refund_by_hand", refunds.refund_by_hand, staff=_HOLDER),
        Command("view_ticket", desk.view_ticket, staff=_HELPERS),
        Command("renew_case", my_case.renew),
        Command("notice", public_notice.notice),
        Command("notices_in", public_notice.notices_in),
        Command("view_visit", visits.view_visit, staff=_HELPERS),
        Command("view_objections", objections.view_objections, staff=_ABOVE),
        Command("uphold", objections.uphold, staff=_ABOVE),
        Command("dismiss", objections.dismiss, staff=_ABOVE),
        Command("revoke_case", decide.revoke, staff=_COUNTY),
        Command("end_appeal", decide.end_appeal, staff=_COUNTY),
        Command("proxy_register", acts.register, staff=_PROXIES),
        Command("proxy_appeal", acts.appeal, staff=_PROXIES),
        Command("proxy_mandate", acts.mandate, staff=_PROXIES),
        Command("proxy_write", acts.write, staff=_PROXIES),
        Command("proxy_card", acts.card, staff=_PROXIES),
        Command("take_back", acts.take_back),
        Command("confirm_act", acts.confirm),
        Command("deny_act", acts.deny),
        Command("void_card", acts.void_card),
        Command("view_receipt", receipts.view_receipt, staff=frozenset({By.FUND_HOLDER})),
        Command("issue_receipt", receipts.issue_receipt, staff=frozenset({By.FUND_HOLDER})),
        Command("refuse_receipt", receipts.refuse_receipt, staff=frozenset({By.FUND_HOLDER})),
        Command("void_receipt", receipts.void_receipt, staff=frozenset({By.FUND_HOLDER})),
        Command("drop_receipt", receipts.drop_receipt),
        # A scan of a printed card.
        Command("bind_card", acts.scanned),
    )
}
