# SPDX-License-Identifier: GPL-2.0
# How tests of the core are built and run in user space. Every *_test.c of the folder that
# includes this is a program, linked with the other *.c of the folder and with the core, which is
# compiled from the files that the module is made of. PLAIN names programs that compute so much
# that they are built without sanitizers.

.DEFAULT_GOAL := all
LIB  := $(dir $(lastword $(MAKEFILE_LIST)))
TOP  := $(abspath $(LIB)/../..)
NAME := $(notdir $(CURDIR))
OUT  := $(TOP)/build/selftests

CC       ?= gcc
WARN     := -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Wno-sign-compare
CPPFLAGS += -I$(TOP)/net/trickles -I$(TOP)/include/uapi -I$(TOP)/lib -I$(TOP)/lib/libminisock \
	-I$(TOP)/tools -I$(abspath $(LIB))
BASE     := -std=gnu11 -g -O2 $(WARN) -MMD -MP
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDLIBS   += -lnettle
CPPFLAGS += -DSRCDIR=\"$(CURDIR)\"

SUPPORT := $(wildcard $(TOP)/net/trickles/core/*.c) $(wildcard $(TOP)/lib/trickles-user/*.c) \
	$(wildcard $(abspath $(LIB))/*.c) $(filter-out %/main.c,$(wildcard $(TOP)/tools/sim/*.c))
CASES   := $(sort $(basename $(wildcard *_test.c)))
PROGS   := $(CASES:%=$(OUT)/$(NAME)/%)

objects = $(patsubst $(TOP)/%.c,$(OUT)/$(1)/%.o,$(SUPPORT))
OWN     := $(filter-out %_test.c,$(wildcard *.c))
own     = $(OWN:%.c=$(OUT)/$(1)/selftests/$(NAME)/%.o)
kind    = $(if $(filter $(PLAIN),$(1)),plain,san)
flags   = $(if $(filter $(PLAIN),$(1)),,$(SANITIZE))

.PHONY: all run clean
all: $(PROGS)

# Programs run one after the other, since each prints a plan of its own. All of them run, even
# if one fails.
run: all
	@failed=0; for t in $(PROGS); do \
		echo "# $(NAME)/$${t##*/}"; \
		timeout $(or $(TIMEOUT),2400) "$$t" || { echo "# $(NAME)/$${t##*/}: exit $$?"; failed=1; }; \
	done; exit $$failed

clean:
	rm -rf $(OUT)/$(NAME) $(OUT)/san $(OUT)/plain

$(OUT)/san/%.o: $(TOP)/%.c
	@mkdir -p $(@D)
	@echo "  CC      $(@:$(OUT)/%=%)"
	@$(CC) $(BASE) $(SANITIZE) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(OUT)/plain/%.o: $(TOP)/%.c
	@mkdir -p $(@D)
	@echo "  CC      $(@:$(OUT)/%=%)"
	@$(CC) $(BASE) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(OUT)/san/libtest.a: $(call objects,san)
$(OUT)/plain/libtest.a: $(call objects,plain)
$(OUT)/%/libtest.a:
	@rm -f $@
	@$(AR) rcs $@ $^

$(OUT)/$(NAME)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $(@:$(OUT)/%=%)"
	@$(CC) $(BASE) $(call flags,$*) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

.PRECIOUS: $(OUT)/$(NAME)/%.o
.SECONDEXPANSION:
$(OUT)/$(NAME)/%: $(OUT)/$(NAME)/%.o $$(call own,$$(call kind,$$*)) $(OUT)/$$(call kind,$$*)/libtest.a
	@$(CC) $(call flags,$*) $(CFLAGS) $(LDFLAGS) $(filter %.o %.a,$^) $(LDLIBS) -o $@

-include $(PROGS:%=%.d) $(patsubst %.o,%.d,$(call objects,san) $(call objects,plain) \
	$(call own,san) $(call own,plain))
