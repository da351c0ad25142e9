# bv: plain GNU make, no configure step.  Everything built goes to build/VARIANT.
#
#   make             the programs                make check      every test
#   make deps        missing packages            make quickstart the main job on real mail
#   make san         tests under sanitizers      make lint       format, manuals, rules, analysis
#   make fuzz        FUZZ_SECONDS a harness      make bench      figures, one JSON line each
#   make tsan        the daemon's data races     make valgrind   leaks, memory that is not set
#   make torture     allocations that fail       make soak       SOAK_MESSAGES: memory stays flat
#   make cover       line coverage               make install    under $(DESTDIR)$(PREFIX)
#
# HARD=short makes tsan, valgrind and torture take about a minute each.

VERSION = 0.1
PREFIX = /usr/local
SBINDIR = $(PREFIX)/sbin
BINDIR = $(PREFIX)/bin
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/bv
SYSCONFDIR = /etc
FUZZ_SECONDS = 60

VARIANT = opt
B = build/$(VARIANT)
CC = gcc
OBJCOPY = objcopy
PKG_CONFIG = pkg-config
WERROR =
Q = @

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
       -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wconversion -Wswitch-enum
# Which of these there are, depends on the compiler and the processor.
accepted = $(foreach f,$(1),$(shell echo 'int x;' | $(CC) -Werror $(f) -xc -c -o /dev/null - 2>/dev/null && echo $(f)))
HARDEN := -fPIE -fstack-protector-strong \
          $(call accepted,-fstack-clash-protection -fcf-protection -mbranch-protection=standard)
OPTIMISE = -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
LINK = -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
SAN =

CFLAGS = -g $(OPTIMISE)
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DBV_VERSION='"$(VERSION)"' -DBV_SYSCONFDIR='"$(SYSCONFDIR)"' -I. \
             $(WARN) $(WERROR) $(HARDEN) $(SAN) $(CFLAGS) -pthread -MMD -MP
ALL_LDFLAGS = $(LINK) $(SAN) $(LDFLAGS) -pthread

CRYPTO_LIBS = $(shell $(PKG_CONFIG) --libs libcrypto)
JSON_LIBS = $(shell $(PKG_CONFIG) --libs jansson)
CONFUSE_LIBS = $(shell $(PKG_CONFIG) --libs libconfuse)
CMOCKA_LIBS = $(shell $(PKG_CONFIG) --libs cmocka)
MILTER_LIBS = -lmilter
MICROHTTPD = $(shell $(PKG_CONFIG) --modversion libmicrohttpd 2>/dev/null)
CURL_LIBS = $(shell $(PKG_CONFIG) --libs 'libcurl >= 7.85' 2>/dev/null)
UNBOUND_LIBS = $(shell $(PKG_CONFIG) --libs libunbound 2>/dev/null)

# The layers.  Dependencies point one way: bv <- keys <- pure milter <- edge.
obj = $(patsubst %.c,$(B)/%.o,$(1))
BV_SRC = $(wildcard bv/*.c)
KEYS_SRC = $(filter-out keys/store% keys/etcd_% keys/mirror.c,$(wildcard keys/*.c))
# Where a ring lives, for bvkey alone.  Without libcurl it is no etcd.
STORE_SRC = keys/store.c keys/store_file.c keys/mirror.c $(wildcard keys/etcd_*.c)
WIRE_SRC = $(if $(CURL_LIBS),keys/store_etcd.c,keys/store_none.c)
PURE_SRC = milter/axis.c milter/net.c milter/problems.c milter/names.c milter/prefixes.c milter/bogus.c milter/bogus_read.c milter/bogus_action.c milter/guard.c milter/guard_cache.c milter/answers.c milter/dns_server.c milter/lines.c milter/tables.c milter/exceptions.c milter/exceptions_read.c milter/policy.c milter/policy_guard.c milter/bounce.c milter/words.c milter/verdict.c milter/message.c milter/settle.c milter/storm.c milter/netstring.c milter/report.c milter/mime.c milter/plain.c milter/phrases.c
CONF_SRC = milter/endpoint.c milter/conf.c milter/conf_check.c milter/conf_free.c milter/conf_guard.c milter/conf_rows.c milter/conf_tables.c milter/conf_text.c milter/slurp.c
EDGE_SRC = milter/snapshot.c milter/mx.c $(DNS_SRC) milter/transaction.c milter/transaction_client.c milter/transaction_guard.c milter/session.c milter/counters.c milter/timing.c $(METRICS_SRC) milter/drain.c milter/accepting.c $(ALLOCATING) milter/starting.c milter/limits.c milter/listen.c milter/socket_file.c milter/map.c milter/map_answer.c milter/map_mx.c milter/map_pool.c milter/map_unread.c milter/map_peer.c milter/map_socket.c milter/reload.c milter/watch.c milter/warm.c milter/brake.c milter/clock.c milter/rights.c milter/background.c milter/outlet.c milter/log.c milter/main.c
# A sanitizer has a malloc() of its own.
ALLOCATING = $(if $(findstring -fsanitize=,$(SAN)),,milter/allocating.c)
# Without libunbound there is no MX guard.
DNS_SRC = $(if $(UNBOUND_LIBS),milter/dns.c milter/asking.c,milter/dns_none.c)
# Without libmicrohttpd there are no metrics.  It is loaded when they are wanted: it would cost every process 2 MB.
METRICS_SRC = $(if $(MICROHTTPD),milter/metrics.c milter/metrics_socket.c milter/metrics_answer.c $(METRICS_VIEW_SRC),milter/metrics_none.c)
METRICS_VIEW_SRC = milter/metrics_text.c milter/metrics_page.c milter/metrics_style.c milter/metrics_chart.c milter/metrics_keys.c
CMD_SRC = $(wildcard tools/cmd_*.c)
REPORT_SRC = $(wildcard tools/report_*.c)
PROGRAMS = bvmilter bvkey bvtag bvreport

BV_A = $(B)/libbvcore.a
KEYS_A = $(B)/libbvkeys.a
STORE_A = $(B)/libbvstore.a
PURE_A = $(B)/libbvpolicy.a
CONF_A = $(B)/libbvconf.a

.SECONDARY:
.PHONY: all deps quickstart check unit e2e san lint fmt cover clean
all: $(PROGRAMS:%=$(B)/%) $(B)/libbv.a

$(B)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BV_A): $(call obj,$(BV_SRC))
$(KEYS_A): $(call obj,$(KEYS_SRC))
$(STORE_A): $(call obj,$(STORE_SRC))
$(PURE_A): $(call obj,$(PURE_SRC))
$(CONF_A): $(call obj,$(CONF_SRC))
# One object: what its parts call each other by would be in the way of a program's own names.
$(B)/libbv.a: $(B)/libbv.o
$(B)/libbv.o: $(call obj,$(BV_SRC) $(KEYS_SRC))
	$(Q)$(LD) -r -o $@ $^
	$(Q)$(OBJCOPY) --wildcard --keep-global-symbol='bv_*' --keep-global-symbol='keys_*' $@
%.a:
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(B)/bvmilter: $(call obj,$(EDGE_SRC)) $(CONF_A) $(PURE_A) $(KEYS_A) $(BV_A)
	@echo "  LD $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(MILTER_LIBS) $(UNBOUND_LIBS) $(CONFUSE_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) -ldl
$(B)/bvkey: $(call obj,tools/bvkey.c tools/args.c $(CMD_SRC) $(WIRE_SRC)) $(STORE_A) $(KEYS_A) $(BV_A)
	@echo "  LD $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CURL_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS)
$(B)/bvtag: $(call obj,tools/bvtag.c tools/bvtag_run.c tools/bvtag_explain.c tools/bvtag_story.c tools/bvtag_mx.c tools/bvtag_look.c tools/args.c tools/cmd_json.c $(DNS_SRC) milter/clock.c) $(CONF_A) $(PURE_A) $(KEYS_A) $(BV_A)
	@echo "  LD $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(UNBOUND_LIBS) $(CONFUSE_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS)
$(B)/bvreport: $(call obj,tools/bvreport.c tools/args.c $(REPORT_SRC)) $(PURE_A) $(KEYS_A) $(BV_A)
	@echo "  LD $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(JSON_LIBS) $(CRYPTO_LIBS)

# Unit tests.  The link line of each layer is the test of the architecture:
# a test of bv/ gets no keys/, one of the policy gets no libmilter.
UNIT_SRC = $(wildcard test/unit/*_test.c)
UNIT = $(UNIT_SRC:test/unit/%.c=$(B)/test/%)
unit_link = $(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(CMOCKA_LIBS)
$(B)/test/bv_%: $(B)/test/unit/bv_%.o $(BV_A)
	$(unit_link) $(CRYPTO_LIBS)
$(B)/test/keys_%: $(B)/test/unit/keys_%.o $(KEYS_A) $(BV_A)
	$(unit_link) $(JSON_LIBS) $(CRYPTO_LIBS)
$(B)/test/store_%: $(B)/test/unit/store_%.o $(B)/keys/store_none.o $(STORE_A) $(KEYS_A) $(BV_A)
	$(unit_link) $(JSON_LIBS) $(CRYPTO_LIBS)
$(B)/test/milter_%: $(B)/test/unit/milter_%.o $(PURE_A) $(KEYS_A) $(BV_A)
	$(unit_link) $(JSON_LIBS) $(CRYPTO_LIBS)
$(B)/test/conf_%: $(B)/test/unit/conf_%.o $(CONF_A) $(PURE_A) $(KEYS_A) $(BV_A)
	$(unit_link) $(CONFUSE_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS)
$(B)/test/report_%: $(B)/test/unit/report_%.o $(call obj,$(filter-out tools/report_input.c,$(REPORT_SRC))) $(PURE_A) $(KEYS_A) $(BV_A)
	$(unit_link) $(JSON_LIBS) $(CRYPTO_LIBS)
$(B)/test/dns_%: $(B)/test/unit/dns_%.o $(call obj,milter/asking.c milter/clock.c) $(PURE_A) $(KEYS_A) $(BV_A)
	$(unit_link)
$(B)/test/mx_%: $(B)/test/unit/mx_%.o $(call obj,milter/mx.c milter/transaction_guard.c milter/counters.c) $(CONF_A) $(PURE_A) $(KEYS_A) $(BV_A)
	$(unit_link) $(CONFUSE_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS)
$(B)/test/log_%: $(B)/test/unit/log_%.o $(call obj,milter/log.c milter/outlet.c milter/clock.c)
	$(unit_link)
$(B)/test/metrics_%: $(B)/test/unit/metrics_%.o $(call obj,$(METRICS_VIEW_SRC) milter/counters.c) $(PURE_A) $(KEYS_A) $(BV_A)
	$(unit_link) $(JSON_LIBS) $(CRYPTO_LIBS)
# bvkey without libcurl, for test/e2e.
BARE = $(B)/test/bvkey-bare
$(BARE): $(call obj,tools/bvkey.c tools/args.c $(CMD_SRC) keys/store_none.c) $(STORE_A) $(KEYS_A) $(BV_A)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(JSON_LIBS) $(CRYPTO_LIBS)
# The daemon without its metrics, for test/e2e.
$(B)/test/bvmilter-bare: $(call obj,$(filter-out $(METRICS_SRC),$(EDGE_SRC)) milter/metrics_none.c) $(CONF_A) $(PURE_A) $(KEYS_A) $(BV_A)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(MILTER_LIBS) $(UNBOUND_LIBS) $(CONFUSE_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS)
# What test/e2e asks the DNS with.
DNSPROBE = $(B)/test/dnsprobe
$(DNSPROBE): $(B)/test/dnsprobe.o $(call obj,$(DNS_SRC) milter/clock.c) $(PURE_A) $(KEYS_A) $(BV_A)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(UNBOUND_LIBS)

include test/fuzz/fuzz.mk
include test/bench/bench.mk
-include test/sim/sim.mk
include test/hard/hard.mk

# ---- tests -----------------------------------------------------------------

E2E = $(sort $(wildcard test/e2e/test_*.py))
run_unit = test/run.sh $(sort $(UNIT))

deps:
	tools/deps.sh

unit-build: $(UNIT)

unit: $(UNIT)
	$(run_unit)

e2e: all $(DNSPROBE) $(BARE) $(LOAD) $(NOOP)
	BV_BIN=$(B) test/run.sh $(E2E)

check:
	@tools/deps.sh build mail test exim sendmail ldap fail2ban
	@$(MAKE) --no-print-directory check-run

.PHONY: check-run san-run unit-build
check-run: all $(UNIT) $(FUZZ_REPLAY) $(SIM) $(DNSPROBE) $(BARE) $(LOAD) $(NOOP)
	@BV_BIN=$(B) test/run.sh $(sort $(UNIT)) $(FUZZ_REPLAY) $(SIM) $(E2E)

# _exit() is what the daemon stops with; exit() lets the leak checker have its say.
SAN_FLAGS = VARIANT=san SAN='-fsanitize=address,undefined -fno-sanitize-recover=all' HARDEN=-fPIE \
            OPTIMISE=-O1 CFLAGS='-g -fno-omit-frame-pointer -D_exit=exit'
san:
	@tools/deps.sh build mail test
	@$(MAKE) --no-print-directory $(SAN_FLAGS) san-run
san-run: all $(UNIT) $(FUZZ_REPLAY) $(DNSPROBE) $(BARE)
	@BV_BIN=$(B) test/run.sh $(sort $(UNIT)) $(FUZZ_REPLAY) test/e2e/test_bvkey.py test/e2e/test_bvtag.py \
	    test/e2e/test_milter.py test/e2e/test_map.py test/e2e/test_dns.py test/e2e/test_etcd.py

quickstart:
	@tools/deps.sh build mail
	@$(MAKE) --no-print-directory all
	@BV_BIN=$(B) tools/quickstart.sh

C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
lint:
	@tools/deps.sh build lint
	@$(MAKE) --no-print-directory VARIANT=opt all
	@test/lint.sh
fmt:
	clang-format -i $(C_FILES)

cover:
	@$(MAKE) --no-print-directory VARIANT=cover OPTIMISE=-O0 HARDEN=-fPIE SAN=--coverage CFLAGS='-g -D_exit=exit' \
	    check-run
	@test/cover.sh build/cover

# ---- installation ------------------------------------------------------------

MAN = bvmilter.8 bvkey.8 bvtag.1 bvreport.1 bvmilter.conf.5 bvkeyring.5
USER_PROGRAMS = bvtag bvreport
include tools/packaging/install.mk

clean:
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
