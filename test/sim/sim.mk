# A cluster under a virtual clock.  `sim` is part of make check; `sim-long`
# plays a million messages with another seed each time, and prints the seed.
SIM = $(B)/test/sim
SIM_SRC = $(wildcard test/sim/*.c)
SIM_SEED = $(shell date +%s)
SIM_MESSAGES = 1000000
.PHONY: sim sim-long

# The program has the name that the directory of its objects would have.
SIM_OBJ = $(SIM_SRC:test/sim/%.c=$(B)/test/sim_o/%.o)
$(SIM_OBJ): $(B)/test/sim_o/%.o: test/sim/%.c
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(SIM): $(SIM_OBJ) $(KEYS_A) $(BV_A)
	@echo "  LD $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(JSON_LIBS) $(CRYPTO_LIBS)

sim: $(SIM)
	@test/run.sh $(SIM)
sim-long: $(SIM)
	$(SIM) -s $(SIM_SEED) -n $(SIM_MESSAGES)
