# "make bench": what decisions cost in process.  A table on standard error, one
# JSON line a figure on standard output; fails when a bound is broken.

BENCH_ROUNDS = 15

$(B)/bench: $(call obj,$(wildcard test/bench/*.c)) $(PURE_A) $(KEYS_A) $(BV_A)
	@echo "  LD $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CRYPTO_LIBS)

.PHONY: bench
bench:
	@tools/deps.sh build
	@$(MAKE) --no-print-directory $(B)/bench >&2
	@$(B)/bench $(BENCH_ROUNDS)
