"""The codes of Pay v3 with their HTTP status, as its API says them.

Source: the tables of errors in PW/wiki/doc/apiv3/apis/chapter3_1_1 (order), 3_1_9 (refund), 3_1_6 (bill).
"""

STATUS = {
    "USERPAYING": 202,
    "PARAM_ERROR": 400,
    "INVALID_REQUEST": 400,
    "APPID_MCHID_NOT_MATCH": 400,
    "ORDERPAID": 400,
    "ORDER_CLOSED": 400,
    "NO_STATEMENT_EXIST": 400,
    "STATEMENT_CREATING": 400,
    "SIGN_ERROR": 401,
    "NOT_ENOUGH": 403,
    "NO_AUTH": 403,
    "ORDER_NOT_EXIST": 404,
    "RESOURCE_NOT_EXISTS": 404,
    "FREQUENCY_LIMITED": 429,
    "RATELIMIT_EXCEEDED": 429,
    "SYSTEM_ERROR": 500,
}
# A fault that refuses calls names a number: the status of one of these.
BY_STATUS = {
    400: "INVALID_REQUEST",
    401: "SIGN_ERROR",
    403: "NOT_ENOUGH",
    404: "RESOURCE_NOT_EXISTS",
    429: "FREQUENCY_LIMITED",
}


class PayError(Exception):
    """Answered as ``{"code": ..., "message": ...}`` with the status of the code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.status = STATUS[code]
