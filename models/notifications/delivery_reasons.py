"""List the codes of ``notifications.reason``: why a notification took its channel, or has not been sent.

A row joins several by ``+``, in the order in which the channels were tried. The staff's words are in templates.
A code that ends in ``_`` is followed by WeChat's own number (``refused_48002``).
"""

REASONS: dict[str, str] = {
    "window_closed": "the person has done nothing for too long, or all messages of that window are used up",
    "marketing": "WeChat forbids this kind as a template message",
    "not_following": "the person does not follow the account: no template message reaches them",
    "no_template": "the account has no template for this card (WECHAT_TEMPLATES)",
    "no_subscription": "the account has no subscription notice for this card (WECHAT_SUBSCRIPTIONS)",
    "no_consent": "the person has not consented to a subscription notice, or it is used up",
    "parked": "another person uses the phone now, and a card would tell them what it is about",
    "bad_field": "the words do not fit the fields of the card",
    "quiet": "night; it goes out in the morning",
    "refused_": "WeChat refused it, with this code, for this person or this message",
    "stopped_": "nothing goes out by this channel for now, since WeChat answered this code",
    "quota_": "the day's quota of this channel is used up",
    "rate_": "too many calls in this minute; it is tried again in the next",
    "token_": "WeChat did not take our access token; it is tried again",
    "busy": "WeChat is busy; it is tried again under the same number",
    "repeated": "sent again under the same number, since nobody knows whether it had arrived",
    "unreachable": "WeChat could not be reached; it is tried again, and given up after many times",
    "outcome_unknown": "it was sent, and nobody knows whether it arrived; the person reads it with their next message",
    "worker_lost": "the worker that was sending it ended; sent again under the same number",
    "not_begun": "the worker did not come to it in time; it is sent with the next ones",
    "template_failed": "WeChat reported later that the template message did not arrive",
    "subscription_failed": "WeChat reported later that the subscription notice did not arrive",
    "no_words": "its words could not be written; an error of ours",
}
