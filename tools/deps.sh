#!/bin/sh
# Installs the Debian packages that a task needs and that are missing.
#
#   tools/deps.sh [build|mail|test|exim|sendmail|ldap|fail2ban|lint|package]...     (none: all of them)
#
# It never removes a package, never replaces an installed mail server, and
# leaves no new service running or enabled.  Where nothing is missing, it
# does nothing, and needs no rights.
set -eu

me=tools/deps.sh

packages_for() {
    case $1 in
    build) echo gcc libc6-dev make pkg-config libssl-dev libjansson-dev libconfuse-dev libmilter-dev libunbound-dev libmicrohttpd-dev libcurl4-openssl-dev ;;
    mail) echo postfix python3-minimal libpython3-stdlib ;;
    test) echo libcmocka-dev faketime jq openssl strace binutils valgrind ;;
    # what Exim, the oracle that test/e2e unpacks without installing, is linked with
    exim) echo libgnutls-dane0 libidn12 libpcre3 libpcre2-8-0 libdb5.3 ;;
    # what makes the Sendmail that test/e2e unpacks a configuration, and what it is linked with
    sendmail) echo m4 libdb5.3 libldap-2.5-0 libnsl2 libsasl2-2 libwrap0 ;;
    # what Postfix's LDAP tables and the slapd that test/e2e unpacks are linked with
    ldap) echo libldap-2.5-0 libltdl7 libwrap0 ;;
    # what runs the fail2ban that test/e2e unpacks, and makes a systemd journal for it
    fail2ban) echo python3-minimal libpython3-stdlib libsystemd0 libsystemd-shared libmicrohttpd12 ;;
    lint) echo clang clang-format clang-tidy cppcheck libclang-rt-14-dev mandoc shellcheck ;;
    package) echo build-essential debhelper fakeroot lintian ;;
    *) echo "$me: unknown group \"$1\" (build, mail, test, exim, sendmail, ldap, fail2ban, lint, package)" >&2; exit 2 ;;
    esac
}

is_installed() {
    dpkg-query -W -f '${Status}\n' "$1" 2>/dev/null | grep -q '^install ok installed'
}

# Exits when installing Postfix would push out the mail server that is there.
refuse_other_mail_server() {
    other=$(dpkg-query -W -f '${Status} ${Package} ${Provides}\n' 2>/dev/null |
        awk '$3 == "installed" && / mail-transport-agent/ { print $4; exit }')
    [ -z "$other" ] && return 0
    echo "$me: the tests need Postfix, and $other is installed here in its place." >&2
    echo "$me: it is left alone; run this in a container or on another machine," >&2
    echo "$me: or, if $other may go, run: apt-get install postfix" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# A policy-rc.d that says no keeps packages from starting services; one that
# the administrator has put there is respected.
policy=/usr/sbin/policy-rc.d
forbid_services() {
    [ -e $policy ] && return 0
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
    trap 'as_root rm -f $policy' EXIT
    trap 'exit 1' HUP INT TERM
}

[ $# -gt 0 ] || set -- build mail test exim sendmail ldap fail2ban lint package
missing=
for group in "$@"; do
    for package in $(packages_for "$group"); do
        is_installed "$package" || missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "$me: no apt-get here; install by hand the equivalents of:$missing" >&2
    exit 1
fi
[ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null || {
    echo "$me: missing:$missing; become root to have them installed" >&2
    exit 1
}

echo "$me: installing$missing"
export DEBIAN_FRONTEND=noninteractive
case " $missing " in
*" postfix "*)
    refuse_other_mail_server
    # Without a main.cf the distribution's instance can never start; the tests
    # bring their own.
    echo 'postfix postfix/main_mailer_type select No configuration' | as_root debconf-set-selections
    ;;
esac
forbid_services
as_root apt-get -qq update
# shellcheck disable=SC2086
as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-remove --no-install-recommends install $missing >/dev/null
echo "$me: done"
