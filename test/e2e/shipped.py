"""The files of doc/examples for Postfix, and a private Postfix that is set up with them."""

import contextlib
import os
import re
import shutil
import subprocess

from harness import ROOT, Postfix, true

EXAMPLES = os.path.join(ROOT, "doc", "examples")


def may_chroot():
    """Whether a process can be confined to a directory; some containers let nobody do that."""
    return subprocess.run(["chroot", "/", "true"], stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def text(settings):
    """Lines for main.cf."""
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


def inline(table):
    return "inline:{ " + " ".join(f"{{{key} = {value}}}" for key, value in table.items()) + " }"


class Files:
    """
    The files of doc/examples; directory: made in place of /etc/bv, as closed as that.
    chroot: "y" or "n", for master.cf.
    """

    def __init__(self, directory):
        os.mkdir(directory, 0o750)
        self.table = shutil.copy(os.path.join(EXAMPLES, "postfix-tagged.regexp"), directory)
        with open(os.path.join(EXAMPLES, "postfix-main.cf")) as file:
            self.lines = file.read()
        self.chroot = "y" if may_chroot() else "n"

    def main_cf(self, map_port):
        """The lines for main.cf as they are shipped, but for the map's port and the table's place."""
        lines = self.lines
        for word, ours in (("/etc/bv/postfix-tagged.regexp", self.table), ("127.0.0.1:8893", f"127.0.0.1:{map_port}")):
            true(word in lines, f"{word} is not in doc/examples/postfix-main.cf")
            lines = lines.replace(word, ours)
        return lines

    def master_cf(self):
        """The commented lines for master.cf: options of the submission service, services."""
        found = [line[1:] for line in self.lines.splitlines() if re.match(r"#(\w\S* +(unix|inet) |  -o \w+=)", line)]
        first = next(i for i, line in enumerate(found) if not line.startswith(" "))
        return found[:first], found[first:]

    def submission_options(self):
        """{parameter: value} that a submission service gets."""
        return dict(line.split("-o ", 1)[1].split("=", 1) for line in self.master_cf()[0])

    def local_services(self):
        """The services for mail of local programs, as text for master.cf."""
        lines = self.master_cf()[1]
        return "\n".join(re.sub(r"^((\S+ +){4})y ", rf"\g<1>{self.chroot} ", line) for line in lines) + "\n"

    def map_settings(self, address, then=None, others=""):
        """The setting for a map at another address; then: another table behind it; others: beside it."""
        tables = [f"regexp:{self.table}", f"socketmap:{address}:untag"] + [then] * bool(then)
        return {"recipient_canonical_maps": "pipemap:{" + ", ".join(tables) + "}" + others}

    def service(self, name, program, options, chroot=None):
        """An smtpd on 127.0.0.1:NAME or a cleanup called NAME, as text for master.cf."""
        where = f"127.0.0.1:{name} inet n" if program == "smtpd" else f"{name} unix n"
        return (f"{where} - {chroot or self.chroot} - {0 if program == 'cleanup' else '-'} {program}\n" +
                "".join(f"  -o {{ {name} = {value} }}\n" for name, value in options.items()))


class Gateway(Postfix):
    """main, master: text for main.cf and master.cf, which takes the place of what mta.py has under the same names."""

    def __init__(self, directory, host, main, master):
        super().__init__(directory, host, {})
        self.merge("main.cf", main, r"^(\w+) *=")
        self.merge("master.cf", master, r"^(\w\S*) +(?:unix|inet) ")

    def merge(self, name, text, pattern):
        path = os.path.join(self.conf, name)
        own = set(re.findall(pattern, text, re.M))
        with open(path) as file:
            kept = [line for line in file if not own & set(re.findall(pattern, line))]
        with open(path, "w") as file:
            file.write("".join(kept) + text)

    def add_type(self, name, plugin):
        """Makes it know a type of table that another package would bring."""
        directory = os.path.join(self.dir, "meta")
        os.mkdir(directory)
        installed = self.run("postconf", "-dh", "meta_directory").strip()
        shutil.copy(os.path.join(installed, "postfix-files"), directory)
        with open(os.path.join(directory, "dynamicmaps.cf"), "w") as file:
            file.write(f"{name} {plugin} dict_{name}_open\n")
        self.run("postconf", "-e", f"meta_directory={directory}")

    @contextlib.contextmanager
    def changed(self, **settings):
        """While main.cf has settings more."""
        self.run("postconf", "-e", *(f"{name}={value}" for name, value in settings.items()))
        self.run("postfix", "reload")
        try:
            yield
        finally:
            self.run("postconf", "-X", *settings)
            self.run("postfix", "reload")
