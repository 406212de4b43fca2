# SPDX-License-Identifier: GPL-2.0
#
# Trickles for Linux. "make help" says what there is.

PREFIX ?= /usr/local
DESTDIR ?=
KDIR ?=
export PREFIX DESTDIR

# Folders of tests that have something to build.
SELFTESTS := $(patsubst %/,%,$(dir $(wildcard selftests/*/Makefile)))

# The kernel to build for is looked up (and fetched) only when it is needed. The
# module goes without BTF, which would need the kernel's own vmlinux and pahole.
kbuild = @kdir=$(if $(KDIR),"$(KDIR)",$$(scripts/kernel kdir)) && \
	{ [ -f "$$kdir/Makefile" ] || { echo "KDIR=$$kdir: no kernel tree to build modules for" >&2; exit 1; }; } && \
	$(MAKE) --no-print-directory -C "$$kdir" M="$(CURDIR)/net/trickles" \
		CONFIG_TRICKLES=m CONFIG_DEBUG_INFO_BTF_MODULES= $(1)

.PHONY: all module lib tools selftests $(SELFTESTS) run check check-debug soak fuzz bench profile fairness style install clean help
all: module lib tools

module:
	$(call kbuild,modules)

lib:
	@$(MAKE) --no-print-directory -C lib/libminisock all

tools: lib
	@$(MAKE) --no-print-directory -C tools all

# One after the other: they share objects.
selftests: tools
	@for dir in $(SELFTESTS); do $(MAKE) --no-print-directory -C $$dir all || exit; done

run:
	@scripts/setup
	@$(MAKE) --no-print-directory all
	@scripts/run

check:
	@scripts/setup
	@$(MAKE) --no-print-directory all selftests
	@selftests/run $(TESTS)

check-debug:
	@scripts/setup
	@$(MAKE) --no-print-directory selftests
	@selftests/run --debug $(TESTS)

soak:
	@scripts/setup
	@$(MAKE) --no-print-directory all selftests
	@scripts/vm --timeout $$(($(or $(MINUTES),30) * 60 + 700)) -- \
		env MINUTES=$(or $(MINUTES),30) $(if $(SEED),SEED=$(SEED)) selftests/net/soak.sh

fuzz:
	@scripts/setup
	@scripts/fuzz $(if $(RUNS),--runs $(RUNS)) $(if $(TIME),--seconds $(TIME)) $(TARGETS)

fairness:
	@scripts/setup
	@$(MAKE) --no-print-directory all
	@scripts/fairness

bench:
	@scripts/setup
	@$(MAKE) --no-print-directory all selftests
	@scripts/bench $(FIGURES)

profile:
	@scripts/setup
	@$(MAKE) --no-print-directory all
	@scripts/profile $(if $(WHAT),--what $(WHAT)) $(if $(PROTOCOL),--protocol $(PROTOCOL))

style:
	@scripts/style

install: all
	$(call kbuild,modules_install INSTALL_MOD_PATH="$(DESTDIR)")
	install -d "$(DESTDIR)$(PREFIX)/include/linux"
	install -m 644 include/uapi/linux/trickles.h "$(DESTDIR)$(PREFIX)/include/linux"
	@$(MAKE) --no-print-directory -C lib/libminisock install
	@$(MAKE) --no-print-directory -C tools install

clean:
	$(call kbuild,clean)
	@$(MAKE) --no-print-directory -C lib/libminisock clean
	@$(MAKE) --no-print-directory -C tools clean
	@for dir in $(SELFTESTS); do $(MAKE) --no-print-directory -C $$dir clean || exit; done
	rm -rf build

help:
	@echo 'make           build the module, the library and the programs'
	@echo 'make run       see it work: installs what is missing, builds, starts a virtual machine'
	@echo 'make check     all tests; ends with "N passed, N failed"; TESTS="net/NAME ..." for some'
	@echo 'make check-debug  tests on kernels that look for errors, and let allocations fail'
	@echo 'make soak      transfers for MINUTES=N (30) while everything around them goes wrong, SEED=N says how'
	@echo 'make fuzz      libFuzzer on the core for longer; RUNS=N or TIME=SECONDS for each of TARGETS'
	@echo 'make bench     measurements, one line "bench NAME VALUE" each; FIGURES="NAME ..." for some'
	@echo 'make profile   where the instructions of a transfer go; WHAT=LOAD, PROTOCOL=NAME (scripts/profile --help)'
	@echo 'make fairness  one download beside 1 to 32 over TCP, and Jain'"'"'s index: an hour; a plot'
	@echo 'make style     checkpatch, sparse, shellcheck and the like'
	@echo 'make install   module, library, programs, header, manual pages'
	@echo 'make clean     remove what was built'
	@echo
	@echo 'KDIR=DIR       build for another kernel, for example KDIR=/lib/modules/$$(uname -r)/build;'
	@echo '               without it for the Debian kernel that scripts/kernel keeps in a cache'
	@echo 'PREFIX=DIR     install below it ($(PREFIX))'
	@echo 'DESTDIR=DIR    put before every installed path, for packagers'
