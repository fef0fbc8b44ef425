#!/usr/bin/env python3
"""Checks a copy of the public ledger: python3 verify.py [FOLDER] [N:HASH]. It needs Python 3.9 or newer, and no more.

Every line is proved: its hash from the one before, that it sums to zero, that its number follows. Then every total is
added up anew. It ends with 0 and the chain's head, or with 1 and the file and line where something is wrong. N:HASH
is a head that you noted earlier: line N must still have it, so that nothing before it was changed since.
"""

import csv
import hashlib
import json
import re
import sys
from itertools import zip_longest
from pathlib import Path

GENESIS = "0" * 64
# As the last line that this prints has it.
HEAD = re.compile("[1-9][0-9]{0,17}:[0-9a-f]{64}")
COLUMNS = ["number", "kind", "cause", "at", "day", "reverses", "account", "account_id", "fen", "hash"]
PARTS = ("paid", "matched", "refunded", "disbursed", "held")
# What a posting is to the appeal whose money it moves. Debit is positive, and an appeal's account stands in credit.
COUNTS_AS = {
    "payment_received": "paid",
    "payment_assigned": "paid",
    "refund_redirected": "paid",
    "matched": "matched",
    "match_returned": "matched",
    "refund_owed": "refunded",
    "refund_withdrawn": "refunded",
    "disbursed": "disbursed",
    "disbursement_returned": "disbursed",
}
# Money that we have or have spent; on all other accounts is money that we owe.
DEBIT = ("channel", "bank", "fees")


class Wrong(Exception):
    """What is wrong, and where."""


def say(words):
    sys.stdout.write(words + "\n")


def demand(true, where, words):
    if not true:
        raise Wrong(f"{where}: {words}")


def check_files(folder, manifest):
    """Yields what is wrong with the files themselves."""
    for name, known in manifest["files"].items():
        digest = hashlib.sha256()
        with (folder / name).open("rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
        if digest.hexdigest() != known["sha256"]:
            yield f"{name}: 和 manifest.json 里的 sha256 不一样 / is not the file that the manifest names"


def check_chain(folder, form, noted):
    """Line by line. Returns the head, the count of entries, and per appeal, per kind of account what it comes to."""
    head, number, count, appeals, accounts = GENESIS, 0, 0, {}, {}
    with (folder / "ledger.jsonl").open(encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            where = f"ledger.jsonl 第 {number} 行 / line {number}"
            try:
                line = json.loads(text)
                entries = sorted([kind, int(one), int(fen)] for kind, one, fen in line["entries"])
                said = [line[name] for name in ("number", "kind", "cause", "at", "reverses")]
            except (ValueError, KeyError, TypeError):
                raise Wrong(f"{where}: 读不出来 / cannot be read") from None
            demand(said[0] == number, where, "编号不连续 / the number does not follow")
            demand(len(entries) > 1, where, "不到两笔分录 / fewer than two entries")
            demand(sum(fen for *_, fen in entries) == 0, where, "借贷不平 / does not sum to zero")
            sealed = json.dumps([form, head, *said, entries], ensure_ascii=True, separators=(",", ":"))
            head = hashlib.sha256(sealed.encode("ascii")).hexdigest()
            demand(line["hash"] == head, where, "哈希对不上 / the hash is another")
            demand(
                noted is None or number != noted[0] or head == noted[1],
                where,
                "和您抄下的链头不一样 / not as you noted",
            )
            count += len(entries)
            add(appeals, accounts, line["kind"], entries)
    demand(noted is None or noted[0] <= number, "ledger.jsonl", "没有您抄下的那一笔 / ends before the one you noted")
    return {"number": number, "hash": head}, count, appeals, accounts


def add(appeals, accounts, kind, entries):
    for account, one, fen in entries:
        accounts[account] = accounts.get(account, 0) + (fen if account in DEBIT else -fen)
        if account == "appeal":
            totals = appeals.setdefault(one, dict.fromkeys(PARTS, 0))
            totals["held"] -= fen
            if kind in COUNTS_AS:
                part = COUNTS_AS[kind]
                totals[part] += fen if part in ("refunded", "disbursed") else -fen


def check_table(folder):
    """The table says what the lines say."""
    with (folder / "ledger.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        demand(next(rows, None) == COLUMNS, "ledger.csv 第 1 行 / line 1", "表头不对 / another heading")
        for number, (row, wanted) in enumerate(zip_longest(rows, rows_of(folder)), 2):
            demand(row == wanted, f"ledger.csv 第 {number} 行 / line {number}", "和 ledger.jsonl 不一样 / differs")


def rows_of(folder):
    with (folder / "ledger.jsonl").open(encoding="utf-8") as file:
        for line in map(json.loads, file):
            first = [line[name] for name in COLUMNS[:6]]
            for entry in line["entries"]:
                yield ["" if value is None else str(value) for value in (*first, *entry, line["hash"])]


def check_appeals(folder, appeals):
    """What is said of each appeal is what its lines add up to. Returns how many there are, and all together."""
    count, left, together = 0, dict(appeals), dict.fromkeys(PARTS, 0)
    with (folder / "appeals.csv").open(encoding="utf-8", newline="") as file:
        for count, row in enumerate(csv.DictReader(file), 1):
            where = f"appeals.csv 第 {count + 1} 行 / line {count + 1}"
            totals = left.pop(int(row["number"]), dict.fromkeys(PARTS, 0))
            for part in PARTS:
                words = f"{part} 应为 {totals[part]} / should be {totals[part]}"
                demand(row[part] == str(totals[part]), where, words)
                together[part] += totals[part]
            demand(totals["held"] >= 0, where, "少了钱 / less than nothing is held")
    demand(not left, "appeals.csv", f"缺求助 {sorted(left)[:5]} / appeals are missing")
    return count, together


def check(folder, noted):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    torn = list(check_files(folder, manifest))
    head, entries, appeals, accounts = check_chain(folder, manifest["form"], noted)
    check_table(folder)
    count, totals = check_appeals(folder, appeals)
    found = {
        "head": head,
        "transactions": head["number"],
        "entries": entries,
        "appeals": count,
        "totals": totals,
        "accounts": {kind: fen for kind, fen in accounts.items() if fen},
    }
    said = {**manifest, "accounts": {kind: fen for kind, fen in manifest["accounts"].items() if fen}}
    for name, value in found.items():
        demand(said[name] == value, f"manifest.json {name}", f"应为 {value} / should be {value}")
    if torn:
        raise Wrong(torn[0])
    return head, totals


def main(arguments):
    heads = [words for words in arguments if HEAD.fullmatch(words)]
    folders = [words for words in arguments if words not in heads]
    folder = Path(folders[0]) if folders else Path(__file__).resolve().parent
    noted = (int(heads[0].partition(":")[0]), heads[0].partition(":")[2]) if heads else None
    try:
        head, totals = check(folder, noted)
    except (Wrong, OSError, ValueError, KeyError) as wrong:
        say(f"不对 / WRONG: {wrong}")
        return 1
    for part, fen in totals.items():
        say(f"{part} = {fen // 100}.{fen % 100:02}")
    say(f"对 / RIGHT: {head['number']} 笔 / transactions, head {head['number']}:{head['hash']}")
    return 0


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    sys.exit(main(sys.argv[1:]))
