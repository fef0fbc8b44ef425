"""Say what the pay platform's refusals mean and what to do about each, and define the other failures of a call.

None of these errors holds what was sent or answered, beyond the platform's code and its number of the call.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Action(StrEnum):
    """What to do next; the caller does it, the table only names it."""

    QUERY = "query"
    """Query the outcome; the same call again, with the same number, is safe as well."""
    LATER = "later"
    """The same call again, later."""
    NEW_NUMBER = "new_number"
    """This order cannot be used any more: place another one, with another number."""
    ABSENT = "absent"
    """There is no such order or refund; for a bill: nothing moved that day."""
    PERSON = "person"
    """A person must deal with the account, the payer or the bank, then make the same call again."""
    FIX = "fix"
    """The request or the settings are wrong: the same again will be refused again."""


class Rule(NamedTuple):
    meaning: str
    action: Action


# Codes and meanings: PW/wiki/doc/apiv3/apis/chapter3_1_1 (order), 3_1_2 (query), 3_1_3 (close), 3_1_9 (refund),
# 3_1_10 (query refund), 3_1_6 (bill). Some pages write one code in two ways. The actions are our own reading.
POLICY: Mapping[str, Rule] = {
    "SYSTEM_ERROR": Rule("the platform failed", Action.QUERY),
    "BANK_ERROR": Rule("the bank failed", Action.QUERY),
    "BANKERROR": Rule("the bank failed", Action.QUERY),
    "ORDERPAID": Rule("the order is paid", Action.QUERY),
    "ORDER_PAID": Rule("the order is paid", Action.QUERY),
    "USERPAYING": Rule("the payer is paying just now", Action.LATER),
    "FREQUENCY_LIMITED": Rule("too often", Action.LATER),
    "FREQUENCY_LIMIT_EXCEED": Rule("too often", Action.LATER),
    "RATELIMIT_EXCEEDED": Rule("too often", Action.LATER),
    "RATELIMIT_EXCEED": Rule("too often", Action.LATER),
    "STATEMENT_CREATING": Rule("the bill is not ready yet", Action.LATER),
    "ORDER_CLOSED": Rule("the order is closed", Action.NEW_NUMBER),
    "ORDERCLOSED": Rule("the order is closed", Action.NEW_NUMBER),
    "OUT_TRADE_NO_USED": Rule("the number is taken by an order that asked for something else", Action.NEW_NUMBER),
    "ORDER_NOT_EXIST": Rule("there is no such order", Action.ABSENT),
    "ORDERNOTEXIST": Rule("there is no such order", Action.ABSENT),
    "RESOURCE_NOT_EXISTS": Rule("there is no such order or refund", Action.ABSENT),
    "RESOURCE_NOT_EXIST": Rule("there is no such order or refund", Action.ABSENT),
    "NO_STATEMENT_EXIST": Rule("nothing moved on that day", Action.ABSENT),
    "NOT_ENOUGH": Rule("the merchant's balance does not cover the refund", Action.PERSON),
    "NOTENOUGH": Rule("the merchant's balance does not cover the refund", Action.PERSON),
    "USER_ACCOUNT_ABNORMAL": Rule("the payer's account takes no refund", Action.PERSON),
    "ACCOUNT_ERROR": Rule("the payer's account is not in order", Action.PERSON),
    "ACCOUNTERROR": Rule("the payer's account is not in order", Action.PERSON),
    "TRADE_ERROR": Rule("the payer's account does not allow it", Action.PERSON),
    "RULE_LIMIT": Rule("a rule of the platform's against risks", Action.PERSON),
    "RULELIMIT": Rule("a rule of the platform's against risks", Action.PERSON),
    "REQUEST_BLOCKED": Rule("the merchant may not do this now", Action.PERSON),
    "NO_AUTH": Rule("the merchant may not use this call", Action.PERSON),
    "CONTRACT_NOT_CONFIRM": Rule("the merchant has no such contract", Action.PERSON),
    "PARAM_ERROR": Rule("a field is wrong", Action.FIX),
    "INVALID_REQUEST": Rule("the state does not allow it, or the same number asked for something else", Action.FIX),
    "INVALID_TRANSACTIONID": Rule("the number is not one", Action.FIX),
    "OPENID_MISMATCH": Rule("the openid is not of this AppID", Action.FIX),
    "APPID_MCHID_NOT_MATCH": Rule("the AppID and the merchant do not belong together", Action.FIX),
    "MCH_NOT_EXISTS": Rule("there is no such merchant", Action.FIX),
    "SIGN_ERROR": Rule("key, serial, merchant or this machine's clock is wrong", Action.FIX),
}
UNKNOWN = Rule("a code this program does not know", Action.FIX)
# For an unknown code, the status still tells whether the platform failed.
UNKNOWN_FAILURE = Rule("a failure of the platform that this program does not know", Action.QUERY)


def rule_for(code: str, status: int) -> Rule:
    return POLICY.get(code, UNKNOWN_FAILURE if status >= 500 else UNKNOWN)


class PayError(Exception):
    """A call to the pay platform failed. ``outcome_unknown``: it may have been carried out nevertheless."""

    def __init__(self, call: str, why: str, outcome_unknown: bool) -> None:
        super().__init__(call, why, outcome_unknown)
        self.call, self.why, self.outcome_unknown = call, why, outcome_unknown

    def __str__(self) -> str:
        done = "may have been carried out" if self.outcome_unknown else "was not carried out"
        return f"{self.call}: {self.why}; the call {done}"


class Unreachable(PayError):
    """The platform did not answer."""


class BadAnswer(PayError):
    """The answer is not proved to be the platform's, or is invalid. It counts as no answer."""

    def __init__(self, call: str, why: str, request_id: str = "") -> None:
        super().__init__(call, why, True)
        self.request_id = request_id


class Unfit(PayError):
    """The call was not sent: ``field`` breaks a rule of the platform's."""

    def __init__(self, call: str, field: str) -> None:
        super().__init__(call, f"{field} is not what the platform takes", False)
        self.field = field


class Refused(PayError):
    """The platform refused the call. ``request_id``: the number that its support asks for."""

    def __init__(self, call: str, code: str, status: int, request_id: str = "") -> None:
        rule = rule_for(code, status)
        super().__init__(call, rule.meaning, rule.action is Action.QUERY)
        self.code, self.status, self.action, self.request_id = code, status, rule.action, request_id

    def __str__(self) -> str:
        return f"{self.call}: {self.code} ({self.status}) {self.why} ({self.action}, request {self.request_id})"
