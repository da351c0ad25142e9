# Installation and packages; part of the Makefile.

UNITDIR = $(PREFIX)/lib/systemd/system
SYSUSERSDIR = $(PREFIX)/lib/sysusers.d
TMPFILESDIR = $(PREFIX)/lib/tmpfiles.d

PACKAGING = tools/packaging
# fail2ban's files and the like: whole directories of examples.
EXAMPLE_FILES = $(shell cd $(PACKAGING) && find fail2ban grafana prometheus -type f 2>/dev/null)
# Where the files of units find programs and settings.
UNIT_PATHS = s|/usr/sbin/bv|$(SBINDIR)/bv|; s|/etc/bv|$(SYSCONFDIR)/bv|g
# Where the readers of manuals and GUIDE find them, and all that is installed.
DOC_PATHS = s|/usr/local/share/doc/bv|$(DOCDIR)|g; s|/usr/local/sbin/bvkey|$(SBINDIR)/bvkey|g; s|/etc/bv|$(SYSCONFDIR)/bv|g; \
            s|/usr/local/lib/systemd/system|$(UNITDIR)|g; s|/usr/local/lib/sysusers.d|$(SYSUSERSDIR)|g

.PHONY: install deb check-package check-sandbox
install: all
	install -d $(foreach d,$(SBINDIR) $(BINDIR) $(LIBDIR)/pkgconfig $(INCLUDEDIR)/bv/keys $(UNITDIR) $(SYSUSERSDIR) \
	    $(TMPFILESDIR) $(DOCDIR)/examples/systemd/bvkey-rotate.service.d $(foreach s,1 5 8,$(MANDIR)/man$(s)),$(DESTDIR)$(d))
	install -m 755 $(foreach p,$(filter-out $(USER_PROGRAMS),$(PROGRAMS)),$(B)/$(p)) $(DESTDIR)$(SBINDIR)
	install -m 755 $(foreach p,$(filter $(USER_PROGRAMS),$(PROGRAMS)),$(B)/$(p)) $(DESTDIR)$(BINDIR)
	install -m 644 $(B)/libbv.a $(DESTDIR)$(LIBDIR)
	install -m 644 bv/bv.h $(DESTDIR)$(INCLUDEDIR)/bv
	install -m 644 keys/keys.h keys/edit.h $(DESTDIR)$(INCLUDEDIR)/bv/keys
	install -m 644 README LICENSE doc/DESIGN doc/SECURITY doc/CHANGES $(DESTDIR)$(DOCDIR)
	sed '$(DOC_PATHS)' doc/GUIDE >$(DESTDIR)$(DOCDIR)/GUIDE && chmod 644 $(DESTDIR)$(DOCDIR)/GUIDE
	install -m 644 doc/examples/* $(DESTDIR)$(DOCDIR)/examples
	install -m 644 $(PACKAGING)/systemd/drop-ins/* $(DESTDIR)$(DOCDIR)/examples/systemd
	sed '$(UNIT_PATHS)' $(PACKAGING)/systemd/bvkey-rotate.service.d/etcd.conf \
	    >$(DESTDIR)$(DOCDIR)/examples/systemd/bvkey-rotate.service.d/etcd.conf
	for file in $(EXAMPLE_FILES); do \
	    install -D -m 644 $(PACKAGING)/$$file $(DESTDIR)$(DOCDIR)/examples/$$file || exit 1; done
	for page in $(MAN); do file=$(DESTDIR)$(MANDIR)/man$${page##*.}/$$page; \
	    sed '$(DOC_PATHS)' doc/$$page >$$file && chmod 644 $$file || exit 1; done
	install -m 644 $(PACKAGING)/sysusers.d/bv.conf $(DESTDIR)$(SYSUSERSDIR)
	sed '$(UNIT_PATHS)' $(PACKAGING)/tmpfiles.d/bv.conf >$(DESTDIR)$(TMPFILESDIR)/bv.conf && \
	    chmod 644 $(DESTDIR)$(TMPFILESDIR)/bv.conf
	for unit in bvmilter.service bvmilter.socket bvkey-rotate.service bvkey-rotate.timer bvkey-sync.service; do \
	    sed '$(UNIT_PATHS)' $(PACKAGING)/systemd/$$unit >$(DESTDIR)$(UNITDIR)/$$unit && \
	    chmod 644 $(DESTDIR)$(UNITDIR)/$$unit || exit 1; done
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$(INCLUDEDIR)' '' \
	    'Name: bv' 'Description: bounce verification tags and keyrings' 'Version: $(VERSION)' \
	    'Requires: libcrypto jansson' 'Libs: -L$${libdir} -lbv' 'Cflags: -I$${includedir} -I$${includedir}/bv' \
	    >$(DESTDIR)$(LIBDIR)/pkgconfig/bv.pc
	chmod 644 $(DESTDIR)$(LIBDIR)/pkgconfig/bv.pc

# Into build/package.
deb:
	@tools/deps.sh build package
	@DEB_BUILD_OPTIONS="parallel=$$(nproc) nocheck $(DEB_BUILD_OPTIONS)" $(PACKAGING)/deb.sh build/package

# The life of the package: made, looked over, installed, started, upgraded, removed, purged, in a copy of this machine.
check-package:
	@tools/deps.sh build package
	@test/run.sh test/package/test_package.py

# Tests of the daemon with the system calls that its service allows; some minutes.
check-sandbox: all
	@BV_BIN=$(B) test/run.sh test/package/test_sandbox.py
