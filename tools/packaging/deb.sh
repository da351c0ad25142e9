#!/bin/sh
# Makes the Debian packages of the sources in the working directory.
#
#   tools/packaging/deb.sh DIRECTORY     where to work, and where the packages end up
#
# The version is that of tools/packaging/debian/changelog.  DEB_BUILD_OPTIONS is
# dpkg-buildpackage's; the unit tests run unless it says nocheck.
set -eu

[ $# -eq 1 ] || { echo "usage: tools/packaging/deb.sh DIRECTORY" >&2; exit 2; }
rm -rf "$1"
mkdir -p "$1/source"
cp -r bv keys milter tools test doc Makefile README LICENSE "$1/source"
cp -r tools/packaging/debian "$1/source/debian"
cd "$1/source"
# The flags of the make that runs this are not those of the package.
if ! env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL dpkg-buildpackage -b -uc -us >../log 2>&1; then
    tail -n 40 ../log >&2
    echo "deb.sh: dpkg-buildpackage failed; its log: $1/log" >&2
    exit 1
fi
cd ..
rm -rf source
ls -- *.deb
