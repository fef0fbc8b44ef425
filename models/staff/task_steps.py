"""List the steps of work on a task: the role that does each, its days, and the role that takes over."""

# Step -> the role that does it, and its days. Of a case's fifteen days, the registry takes one and the public notice
# five; objections may take longer.
STEPS: dict[str, tuple[str, int]] = {
    "visit": ("village", 4),
    "adjudicate": ("township", 2),
    "township_review": ("township", 2),
    "county_review": ("county", 3),
    "endorse": ("village", 5),
    "sample": ("township", 2),
    "county": ("county", 3),
    "file": ("fund_holder", 5),
    "revision": ("village", 5),
    "update": ("village", 5),
    "thanks": ("village", 5),
    "name": ("village", 5),
    # The signed sheet with which an officer asks for the erasure of a person without a phone.
    "erasure_sheet": ("township", 3),
    # An ID number that somebody else is registered with: two people, one after the other.
    "number_claim": ("county", 3),
    # One ID number in two households, or a person who leaves one.
    "household": ("township", 5),
    # A new organisation with who speaks for it, and another who asks to speak for one.
    "organisation": ("county", 5),
    "succession": ("county", 5),
    # Orders of an organisation that is no more, for which nobody speaks, until the last of them is over.
    "orders_left": ("county", 30),
    # A donor's message to the household, and a message that the household reported.
    "message": ("village", 5),
    "message_report": ("township", 2),
    # What people reported: before the officer above whoever is concerned, or before the county.
    "inquiry": ("township", 5),
    "inquiry_county": ("county", 3),
    # The stages of a disbursement, from endorsement to acquittal.
    "use_endorse": ("village", 5),
    "use_approve": ("township", 3),
    "use_authorise": ("fund_holder", 5),
    "use_pay": ("fund_holder", 5),
    "use_call": ("township", 5),
    "use_acquit": ("village", 5),
    "use_doubt": ("county", 3),
    # The look at what people ask for, give away and sell; a link to a shop elsewhere is the county's to follow.
    "request": ("village", 3),
    "offer": ("village", 3),
    "listing": ("village", 3),
    "listing_shop": ("county", 3),
    # A seller whom the county has not endorsed yet, or a price above the usual ones or much above that approved before.
    "listing_price": ("county", 3),
    # What the county took down, and its owner mended.
    "goods_again": ("county", 3),
    # A household says that it did not get what was handed out; a word of an officer's, by which goods were handed out,
    # that the township asks the household about; goods that were lost or came broken.
    "match_issue": ("township", 5),
    "match_call": ("township", 5),
    "match_lost": ("county", 5),
    "goods_thanks": ("village", 5),
    # A buyer and a seller do not agree, or one of them is silent.
    "after_sale": ("township", 3),
    # A campaign that a colleague of the county opened.
    "campaign": ("county", 3),
    "refund": ("fund_holder", 5),
    "suspense_item": ("fund_holder", 5),
    "discrepancy": ("fund_holder", 5),
    # The same of what buyers paid to sellers, which is no charity's money.
    "order_discrepancy": ("county", 5),
    "receipt": ("fund_holder", 15),
    "receipt_void": ("fund_holder", 5),
    "doubt": ("county", 3),
    # Somebody on the owner's phone ends an appeal that collects, without proving who they are: the county calls them.
    "withdrawal": ("county", 1),
    # An appeal or a household that the county froze or suspended: the county decides how long.
    "frozen": ("county", 15),
    "suspended": ("county", 15),
}
# The role that takes over when no one of a role can do a task, or did it in time.
ABOVE = {"village": "township", "township": "county"}
# Steps of a report, and of what it may have brought about, which an officer of another place takes where everybody of
# its own is recused, or nobody is there.
ELSEWHERE = ("inquiry", "inquiry_county", "frozen", "suspended", "goods_again")
# Step of a fund holder -> the role that has the task while the charity has no fund holder. It cannot do the work: it
# sees to it that the charity gets one, who then has the task (models.staff.queue.assign_pool_tasks).
CARETAKERS = {"receipt": "county", "receipt_void": "county"}


def roles_at(step: str) -> list[str]:
    """List the roles that may do a step: its own, and those above it, the lowest first."""
    return roles_from(STEPS[step][0])


def roles_from(role: str) -> list[str]:
    """List a role and those above it, the lowest first."""
    roles = [role]
    while above := ABOVE.get(roles[-1]):
        roles.append(above)
    return roles
