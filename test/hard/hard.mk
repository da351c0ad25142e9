# Harder tests, each in a variant of its own; HARD=short for what .ci/run has time for.
#
#   make tsan      the daemon's suites, and reloads without end, under ThreadSanitizer
#   make valgrind  unit tests and a conversation under memcheck, with a leak check
#   make torture   every allocation fails once, in each command and in the daemon
#   make soak      SOAK_MESSAGES through the milter protocol, under reloads: memory and descriptors stay as they are

HARD =
SOAK_MESSAGES = 1000000
SOAK_SECONDS = 170

.PHONY: tsan tsan-run valgrind valgrind-run torture torture-run soak

# ---- tsan

# What two sessions share is ours; what libmilter does between callbacks is foreign, and told by handover.c.
HANDOVER =
$(B)/bvmilter: $(HANDOVER)
TSAN_FLAGS = VARIANT=tsan SAN=-fsanitize=thread HARDEN=-fPIE OPTIMISE=-O1 CFLAGS='-g -fno-omit-frame-pointer' \
             LDFLAGS=-Wl,--wrap=smfi_register HANDOVER=build/tsan/test/hard/handover.o
TSAN_SUITES = $(if $(HARD),,$(addprefix test/e2e/test_,milter.py map.py guard.py follow.py))
tsan:
	@tools/deps.sh build mail test
	@$(MAKE) --no-print-directory $(TSAN_FLAGS) tsan-run
tsan-run: all
	@rm -f $(B)/race.*
	@BV_BIN=$(B) HARD=$(HARD) TSAN_OPTIONS="suppressions=$(CURDIR)/test/hard/tsan.supp \
	    ignore_noninstrumented_modules=1 history_size=4 log_path=$(CURDIR)/$(B)/race" \
	    test/run.sh test/hard/test_races.py $(TSAN_SUITES); failed=$$?; \
	    for race in $(B)/race.*; do [ ! -e "$$race" ] || { head -n 100 "$$race"; failed=1; }; done; exit $$failed

# ---- valgrind

UNDER = $(B)/under
VALGRIND = valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible \
           --suppressions=$(CURDIR)/test/hard/valgrind.supp
# Those that measure time, and one that reads the memory of its process, are left to the other sanitizers.
VALGRIND_UNIT = $(filter-out %milter_exceptions_test %milter_tables_test %milter_names_test %milter_prefixes_test \
                %keys_wipe_test,$(if $(HARD),$(filter %keys_json_test %keys_save_test %conf_read_test %conf_file_test \
                %milter_message_test %milter_netstring_test,$(UNIT)),$(UNIT)))
valgrind:
	@tools/deps.sh build mail test
	@$(MAKE) --no-print-directory VARIANT=valgrind HARDEN=-fPIE OPTIMISE=-O1 CFLAGS='-g -D_exit=exit' valgrind-run
valgrind-run: all $(UNIT)
	@rm -rf $(UNDER) && mkdir -p $(UNDER)
	@for program in $(PROGRAMS) $(notdir $(VALGRIND_UNIT)); do \
	    case $$program in *_test) real=$(CURDIR)/$(B)/test/$$program ;; *) real=$(CURDIR)/$(B)/$$program ;; esac; \
	    printf '#!/bin/sh\nexec %s %s "$$@"\n' '$(VALGRIND)' "$$real" >$(UNDER)/$$program; \
	    chmod 755 $(UNDER)/$$program; done
	@BV_BIN=$(UNDER) HARD=$(HARD) test/run.sh $(patsubst %,$(UNDER)/%,$(sort $(notdir $(VALGRIND_UNIT)))) \
	    test/hard/test_leaks.py

# ---- torture: in the variant of "make san", which finds what a failure does to memory

FAILING = $(B)/failing.so
$(FAILING): test/hard/failing.c
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) $(WERROR) -O1 -g -fno-omit-frame-pointer -fPIC -shared -o $@ $<
torture:
	@tools/deps.sh build mail test
	@$(MAKE) --no-print-directory $(SAN_FLAGS) torture-run
torture-run: all $(FAILING)
	@BV_BIN=$(B) BV_FAILING_SO=$(FAILING) HARD=$(HARD) test/run.sh $(addprefix test/hard/test_memory_,tools.py daemon.py)

# ---- soak: the programs as they are installed

$(B)/soak: $(call obj,test/hard/soak.c test/bench/wire.c)
	@echo "  LD $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^
soak:
	@tools/deps.sh build mail test
	@$(MAKE) --no-print-directory all $(B)/soak
	@BV_BIN=$(B) SOAK_MESSAGES=$(SOAK_MESSAGES) SOAK_SECONDS=$(SOAK_SECONDS) python3 test/hard/test_soak.py
