# Fuzzing.  "make fuzz" searches with clang's libFuzzer, FUZZ_SECONDS a harness,
# and keeps what it learns in build/fuzz/corpus; "make fuzz-replay" gives every
# harness its seeds again, with any compiler (make check does).  What a search
# finds becomes a seed.

FUZZ = addr tag keyring conf tables exceptions bogus netstring report logline etcd
FUZZ_REPLAY = $(FUZZ:%=$(B)/fuzz/fuzz_%)

FUZZ_LIBS = $(CONFUSE_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS)
FUZZ_LEN_addr = 1200
FUZZ_LEN_tag = 400
FUZZ_LEN_keyring = 8192
FUZZ_LEN_tables = 4096
FUZZ_LEN_report = 2048
FUZZ_LEN_exceptions = 4096
FUZZ_LEN_bogus = 2048
FUZZ_LEN_conf = 2048
FUZZ_LEN_logline = 2048
FUZZ_LEN_netstring = 4096
FUZZ_LEN_etcd = 2048

# A harness and all that it tests, built to be searched: a variant of its own.
FUZZ_FLAGS = VARIANT=fuzz CC=clang HARDEN=-fPIE OPTIMISE=-O1 CFLAGS='-g -fno-omit-frame-pointer -O1' \
             SAN='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'

.PHONY: fuzz fuzz-run fuzz-replay
fuzz:
	@tools/deps.sh build lint
	@$(MAKE) --no-print-directory $(FUZZ_FLAGS) fuzz-run

fuzz-run: $(FUZZ:%=$(B)/fuzz_%)
	@failed=0; $(foreach f,$(FUZZ),$(call fuzz_search,$(f)) || failed=1;) exit $$failed

# One line when all is well; what went wrong, and the input, when not.
define fuzz_search
{ mkdir -p $(B)/corpus/$(1) && \
  $(B)/fuzz_$(1) -max_total_time=$(FUZZ_SECONDS) -max_len=$(FUZZ_LEN_$(1)) -rss_limit_mb=1024 -timeout=20 \
    -print_final_stats=0 -artifact_prefix=$(B)/found_$(1)_ $(B)/corpus/$(1) test/fuzz/seeds/$(1) >$(B)/$(1).log 2>&1 && \
  sed -n 's/^Done \([0-9]*\) runs in \([0-9]*\) second.*/fuzz_$(1): \1 runs in \2 s, nothing found/p' $(B)/$(1).log || \
  { echo "fuzz_$(1): found something, see $(B)/$(1).log"; tail -n 40 $(B)/$(1).log; false; }; }
endef

fuzz-replay: $(FUZZ_REPLAY)
	@failed=0; for harness in $^; do $$harness || failed=1; done; exit $$failed

fuzz_targets = $(foreach f,$(1),$(B)/fuzz_$(f) $(B)/fuzz/fuzz_$(f))
$(call fuzz_targets,conf): $(CONF_A)
$(call fuzz_targets,logline): $(call obj,$(filter-out tools/report_input.c,$(REPORT_SRC)))
$(call fuzz_targets,conf tables exceptions bogus netstring report logline): $(PURE_A)
$(call fuzz_targets,etcd): $(STORE_A)
$(call fuzz_targets,conf tables exceptions keyring logline etcd): $(KEYS_A)
$(call fuzz_targets,$(FUZZ)): $(BV_A)

fuzz_link = $(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(FUZZ_LIBS)
$(B)/fuzz/fuzz_%: $(B)/test/fuzz/fuzz_%.o $(B)/test/fuzz/replay.o
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(fuzz_link)
$(B)/fuzz_%: $(B)/test/fuzz/fuzz_%.o
	@echo "  LD $@"
	$(fuzz_link) -fsanitize=fuzzer
