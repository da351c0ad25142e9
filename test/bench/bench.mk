# "make bench": what decisions cost in process, then what the whole daemon costs
# beside a filter that does nothing.  A table on standard error, one JSON line a
# figure on standard output; fails when a bound is broken.

BENCH_ROUNDS = 15
BENCH_SECONDS = 300

BENCH_SRC = $(addprefix test/bench/,bench.c calls.c exceptions.c guard.c tables.c tell.c)
$(B)/bench: $(call obj,$(BENCH_SRC)) $(PURE_A) $(KEYS_A) $(BV_A)
	@echo "  LD $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CRYPTO_LIBS)

# The load, the filter that does nothing, and the questions to the map.
LOAD = $(B)/test/load
NOOP = $(B)/test/noop
ASK = $(B)/test/ask
LOAD_SRC = $(addprefix test/bench/,load.c load_run.c load_talk.c load_say.c load_macros.c load_tell.c wire.c)
$(LOAD): $(call obj,$(LOAD_SRC))
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^
$(NOOP): $(call obj,test/bench/noop.c)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(MILTER_LIBS)
$(ASK): $(call obj,test/bench/ask.c test/bench/wire.c)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^

.PHONY: bench
bench:
	@tools/deps.sh build mail
	@$(MAKE) --no-print-directory all $(B)/bench $(LOAD) $(NOOP) $(ASK) >&2
	@$(B)/bench $(BENCH_ROUNDS); status=$$?; \
	    BV_BIN=$(B) python3 test/bench/whole.py $(BENCH_ROUNDS) $(BENCH_SECONDS) && exit $$status
