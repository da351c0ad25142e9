"""What `make install` puts in place, how the programs are hardened, and the library as others link with it."""

import glob
import os
import re
import shutil
import subprocess

from harness import BIN, ROOT, Scratch, Skip, Suite, contains, matches, program, prvs, same, true

SUITE = Suite()
SCRATCH = Scratch()
DEST = SCRATCH.path("dest")
PACKAGING = os.path.join(ROOT, "tools", "packaging")
KEY = prvs.Key(3, b"0123456789abcdef0123456789abcdef")


def run(*words, **env):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(words, cwd=ROOT, env=dict(clean, LC_ALL="C", **env), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    true(done.returncode == 0, f"{' '.join(words)}: status {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def need(tool):
    if not shutil.which(tool):
        raise Skip(f"{tool} is not installed")


def plain_build():
    """The flags of a sanitizer's or a coverage build are others."""
    need("readelf")
    if re.search(r" (__asan_|__tsan_|__ubsan_|__gcov_|llvm_gcov_)", run("readelf", "-W", "-s", program("bvmilter"))):
        raise Skip(f"{BIN} is instrumented")


def read(path):
    with open(path) as file:
        return file.read()


# ---- the programs

@SUITE.rows([(f"hardened: {name}", name) for name in ("bvmilter", "bvkey", "bvtag", "bvreport")])
def hardened(name):
    plain_build()
    path = program(name)
    true(os.path.exists(path), f"there is no {path}")
    headers, dynamic = run("readelf", "-W", "-h", "-l", path), run("readelf", "-W", "-d", path)
    symbols = run("readelf", "-W", "--dyn-syms", path)
    matches(headers, r"Type: +DYN", "position-independent")
    matches(dynamic, r"FLAGS_1.*\bPIE\b", "position-independent executable")
    contains(headers, "GNU_RELRO", "relocations read-only")
    matches(dynamic, r"FLAGS_1.*\bNOW\b", "bound at the start")
    matches(headers, r"GNU_STACK +(0x\w+ +){5}RW ", "stack not executable")
    true(not re.search(r"LOAD .* RWE ", headers), "a segment is writable and executable")
    contains(symbols, "__stack_chk_fail", "stack protector")
    matches(symbols, r"__\w+_chk\b(?<!stack_chk)", "fortified calls")
    true("RPATH" not in dynamic and "RUNPATH" not in dynamic, "it has a run path")


@SUITE.rows([(f"the compiler's flags: {flag}", flag, mark) for flag, mark in (
    ("-fcf-protection", r"endbr64"), ("-fstack-clash-protection", r"orq? +\$0x0,(0x\w+)?\(%rsp\)"))])
def flags(flag, mark):
    """Code of our own has the mark that the flag leaves, where the compiler of the build has the flag."""
    plain_build()
    need("objdump")
    if os.uname().machine != "x86_64":
        raise Skip("the marks that are looked for are those of x86_64")
    code = run("objdump", "-d", "--no-show-raw-insn", os.path.join(BIN, "libbv.a"))
    true(re.search(mark, code), f"libbv.a is not compiled with {flag}")


# ---- make install

def install():
    if not os.path.exists(os.path.join(DEST, "usr")):
        need("make")
        run("make", "-s", "install", f"VARIANT={os.path.basename(BIN)}", f"DESTDIR={DEST}", "PREFIX=/usr")
    return DEST + "/usr"


@SUITE.case("every program, manual page, example and header is installed")
def everything():
    plain_build()
    usr = install()
    for name in ("sbin/bvmilter", "sbin/bvkey", "bin/bvtag", "bin/bvreport", "lib/libbv.a", "include/bv/bv.h",
                 "include/bv/keys/keys.h", "include/bv/keys/edit.h", "lib/pkgconfig/bv.pc", "share/doc/bv/GUIDE", "share/doc/bv/SECURITY",
                 "share/doc/bv/LICENSE", "share/doc/bv/examples/fail2ban/filter.d/bvmilter.conf",
                 "share/doc/bv/examples/systemd/socket-group.conf", "lib/systemd/system/bvmilter.service",
                 "lib/systemd/system/bvmilter.socket",
                 "lib/systemd/system/bvkey-rotate.timer", "lib/systemd/system/bvkey-sync.service",
                 "share/doc/bv/examples/systemd/bvkey-rotate.service.d/etcd.conf", "lib/sysusers.d/bv.conf", "lib/tmpfiles.d/bv.conf"):
        true(os.path.exists(f"{usr}/{name}"), f"{name} is missing")
    for page in glob.glob(os.path.join(ROOT, "doc", "*.[1-8]")):
        name = f"share/man/man{page[-1]}/{os.path.basename(page)}"
        true(os.path.exists(f"{usr}/{name}"), f"{name} is missing")
    for example in os.listdir(os.path.join(ROOT, "doc", "examples")):
        true(os.path.exists(f"{usr}/share/doc/bv/examples/{example}"), f"{example} is missing")


@SUITE.case("the units name the programs where they are")
def units():
    plain_build()
    install()
    run("make", "-s", "install", f"VARIANT={os.path.basename(BIN)}", f"DESTDIR={DEST}", "PREFIX=/opt/bv")
    for unit in ("bvmilter.service", "bvkey-rotate.service", "bvkey-sync.service"):
        found = re.findall(r"(?m)^Exec\w+=(/\S+/bv\w+)", read(f"{DEST}/opt/bv/lib/systemd/system/{unit}"))
        true(found, f"{unit} starts nothing")
        for path in found:
            true(os.access(DEST + path, os.X_OK), f"{unit}: {path}")


@SUITE.rows([(f"manuals, GUIDE and tmpfiles.d name what is installed, where it is: PREFIX={prefix}", prefix)
             for prefix in ("/usr/local", "/opt/bv")])
def names(prefix):
    plain_build()
    dest = SCRATCH.path("named" + prefix.replace("/", "-"))
    # The programs of the build have /etc; files alone are looked at.
    run("make", "-s", "install", f"VARIANT={os.path.basename(BIN)}", f"DESTDIR={dest}", f"PREFIX={prefix}")
    texts = glob.glob(f"{dest}{prefix}/share/man/man*/*") + [f"{dest}{prefix}/share/doc/bv/GUIDE"]
    found = {name.rstrip(".") for path in texts for name in
             re.findall(rf"(?<![\w{{])(?:/usr/local|{prefix})/(?:share/doc/bv|sbin/bvkey|lib/)[\w./-]*", read(path))}
    true(len(found) > 10, f"only {found} are found")
    same(sorted(name for name in found if not os.path.exists(dest + name)), [], "names of what is not there")


@SUITE.case("the library has no names but its own, which a program of others may use")
def symbols():
    names = re.findall(r" [A-Z] (\w+)$", run("nm", "--defined-only", "--extern-only", os.path.join(BIN, "libbv.a")), re.M)
    true(len(names) > 50, f"only {names}")
    same([name for name in names if not re.match("(bv|keys)_", name)], [], "other names")


@SUITE.case("a program of others finds the library by pkg-config, and signs as bvtag does")
def library():
    plain_build()
    need("pkg-config")
    usr = install()
    found = run("pkg-config", "--cflags", "--libs", "bv", PKG_CONFIG_PATH=usr + "/lib/pkgconfig",
                PKG_CONFIG_SYSROOT_DIR=DEST)
    contains(found, f"-I{usr}/include", "flags")
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise Skip("there is no C compiler")
    # Outside of the sources, so that no header of theirs is found by chance.
    source, made = shutil.copy(f"{usr}/share/doc/bv/examples/sign.c", SCRATCH.path("sign.c")), SCRATCH.path("sign")
    flags_alone = [flag for flag in found.split() if not flag.startswith("-l")]
    run(compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", *flags_alone, source, "-o", made,
        *[flag for flag in found.split() if flag.startswith("-l")])
    ring = SCRATCH.path("ring")
    os.mkdir(ring, 0o700)
    prvs.Ring([KEY]).write(ring + "/keyring.json")
    signed = run(made, ring + "/keyring.json", "alice@example.com").strip()
    same(signed, run(program("bvtag"), "-f", ring + "/keyring.json", "sign", "alice@example.com").strip() + " valid",
         "what it says")


@SUITE.case("all headers compile by themselves, as they are installed")
def headers():
    plain_build()
    usr = install()
    need("gcc")
    for header in ("bv/bv.h", "keys/keys.h", "keys/edit.h"):
        with open(SCRATCH.path("alone.c"), "w") as file:
            file.write(f'#include "{header}"\nint alone;\n')
        run("gcc", "-std=c11", "-Wall", "-Werror", "-c", f"-I{usr}/include", f"-I{usr}/include/bv",
            SCRATCH.path("alone.c"), "-o", SCRATCH.path("alone.o"))


# ---- the service

@SUITE.rows([(f"exposure of {unit} as systemd measures it: at most 1.5", unit)
             for unit in ("bvmilter.service", "bvkey-rotate.service")])
def exposure(unit):
    need("systemd-analyze")
    # By itself: a directory of drop-ins beside it would be read too.
    alone = shutil.copy(os.path.join(PACKAGING, "systemd", unit), SCRATCH.path(unit))
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", alone],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, LC_ALL="C", SYSTEMD_PAGER=""))
    if "unrecognized option" in done.stderr:
        raise Skip("this systemd-analyze cannot look at a file")
    true(float(matches(done.stdout, r"exposure level for \S+: ([0-9.]+)", "it says").group(1)) <= 1.5, done.stdout)


@SUITE.case("the service can open inet sockets, and the MX guard and the map with it")
def inet():
    contains(read(os.path.join(PACKAGING, "systemd", "bvmilter.service")),
             "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n", "bvmilter.service")


@SUITE.case("the Debian package has the version of the programs")
def version():
    said = run(program("bvmilter"), "-V").split()[1]
    same(matches(read(os.path.join(PACKAGING, "debian", "changelog")), r"^bv \(([^)]+)\)", "changelog").group(1), said,
         "debian/changelog")


SUITE.run()
