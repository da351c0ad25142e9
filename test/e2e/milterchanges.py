"""What the changes at the end of a message come to."""

import re

from harness import same, true

HEADER = "X-Bounce-Verification"


def sender(said):
    """The new sender, without its brackets; None when it stays."""
    changes = [c for c in said.changes if c[0] == "chgfrom"]
    true(len(changes) <= 1, f"the sender is changed {len(changes)} times")
    if not changes:
        return None
    true(re.fullmatch(r"<[^<>]+>", changes[0][1]), f"new sender not in brackets: {changes[0]}")
    true(len(changes[0]) == 2, f"the new sender has parameters: {changes[0]}")
    return changes[0][1][1:-1]


def recipients(said):
    """(added, deleted), after checking that nobody is deleted before the address in his place is added."""
    added, deleted = [], []
    for kind, *args in said.changes:
        if kind.startswith("addrcpt"):
            added.append(tuple(args))
            name = args[0].strip("<>").lower()
            true(not any(name in path.replace('"', "").lower() for path in deleted if "prvs=" in path.lower()),
                 f"deleted before the new one was added: {said.changes}")
        elif kind == "delrcpt":
            deleted.append(args[0])
    return added, deleted


def inserted(said):
    found = [c for c in said.changes if c[0] in ("insheader", "addheader")]
    true(len(found) <= 1, f"more than one header: {found}")
    if not found:
        return None
    same(found[0][:3], ("insheader", 0, HEADER), "place and name of the header")
    return found[0][3]


def postfix_recipients(rcpts, said):
    """What Postfix delivers to: a deletion takes all that are the same, an addition comes on top of them."""
    now = [r.strip("<>") for r, answer in zip(rcpts, said.rcpts) if answer.accepted]
    now = list(dict.fromkeys(now))
    added = []
    for change in said.changes:
        if change[0].startswith("addrcpt") and change[1] not in added:
            added.append(change[1])
            now.append(change[1].strip("<>"))
        elif change[0] == "delrcpt":
            now = [r for r in now if r != change[1].strip("<>")]
    return sorted(now)


def copies_left(headers, said, name, renumbers):
    """The headers of a name that are left: Postfix renumbers them after each deletion, Sendmail does not."""
    copies = [value for header, value in headers if header.lower() == name.lower()]
    for change in said.changes:
        if change[0] == "chgheader" and change[1] <= len(copies):
            same((change[2].lower(), change[3]), (name.lower(), ""), "name and value in a deletion")
            if renumbers:
                del copies[change[1] - 1]
            else:
                copies[change[1] - 1] = None
    return [copy for copy in copies if copy is not None]


def no_copies(headers, said, name=HEADER):
    for mta, renumbers in (("Postfix", True), ("Sendmail", False)):
        same(copies_left(headers, said, name, renumbers), [], f"copies left by {mta}")
    kinds = [c[0] for c in said.changes]
    true("chgheader" not in kinds[kinds.index("insheader"):], "the new header is deleted with the copies")


def deletions(said):
    """Numbers of the header fields that are deleted, in their order."""
    return [c[1] for c in said.changes if c[0] == "chgheader"]


def held(said):
    """The reason for which the message is quarantined; None when it is not."""
    reasons = [c[1] for c in said.changes if c[0] == "quarantine"]
    true(len(reasons) <= 1, f"quarantined {len(reasons)} times")
    return reasons[0] if reasons else None
