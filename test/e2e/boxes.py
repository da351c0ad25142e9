"""Boxes, in which Postfix's local(8) and virtual(8) deliver; and what was delivered there or to the sink."""

import collections
import fcntl
import os
import re

# One copy for one recipient, as the place of delivery knows it.
Copy = collections.namedtuple("Copy", "where sender recipient text")


def at_sink(sink, word):
    return [Copy("sink", message.sender, rcpt, message.data) for message in sink.having(word)
            for rcpt in message.recipients]


class Boxes:
    """A directory for files, and for directories in maildir format."""

    def __init__(self, directory):
        self.dir = directory
        os.mkdir(directory)
        os.chmod(directory, 0o777)

    def having(self, word):
        return [self.copy(text) for path in self.paths() for text in self.messages(path) if word in text]

    def paths(self):
        """What virtual(8) writes in "tmp" is in "new" a moment later, or in both, or in neither as we look."""
        for where, _, names in os.walk(self.dir):
            if os.path.basename(where) != "tmp":
                yield from (os.path.join(where, name) for name in names if not name.endswith(".lock"))

    @staticmethod
    def messages(path):
        with open(path, errors="replace") as file:
            fcntl.lockf(file, fcntl.LOCK_SH)  # local(8) has written all of it
            return re.split(r"^From .*\n", file.read(), flags=re.M)

    @staticmethod
    def copy(text):
        value = {name: re.search(rf"^{name}: *<?(.*?)>?$", text, re.M) for name in ("Return-Path", "Delivered-To")}
        return Copy("box", *(found and found[1] for found in value.values()), text)
