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
# module goes without BTF, which would need the kernel's own vmlinux and pahole. The plus: make
# does not see that this is make, which may start as many jobs as it may itself.
kbuild = +@kdir=$(if $(KDIR),"$(KDIR)",$$(scripts/kernel kdir)) && \
	{ [ -f "$$kdir/Makefile" ] || { echo "KDIR=$$kdir: no kernel tree to build modules for" >&2; exit 1; }; } && \
	$(MAKE) --no-print-directory -C "$$kdir" M="$(CURDIR)/net/trickles" \
		CONFIG_TRICKLES=m CONFIG_DEBUG_INFO_BTF_MODULES= $(1)

# As many at a time as there are processors, unless -j says otherwise. Standard input may be
# closed, and make would then talk to itself through a pipe that it takes for that.
build_all = @$(MAKE) --no-print-directory \
	$(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc)) all </dev/null

.PHONY: all module lib tools selftests $(SELFTESTS) run check check-debug check-setup soak hostile \
	fuzz mutants bench profile fairness style docs install uninstall clean help
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
	@scripts/setup run
	$(build_all)
	@scripts/run

check:
	@scripts/setup check
	$(build_all)
	@$(MAKE) --no-print-directory -j$$(nproc) selftests </dev/null
	@selftests/run $(TESTS)

check-debug:
	@scripts/setup check
	@$(MAKE) --no-print-directory -j$$(nproc) selftests </dev/null
	@selftests/run --debug $(TESTS)

# The machine itself is left alone: all of it happens below another root.
check-setup:
	@scripts/setup check-setup
	@scripts/check-setup

soak:
	@scripts/setup
	@$(MAKE) --no-print-directory all selftests
	@scripts/vm --timeout $$(($(or $(MINUTES),30) * 60 + 700)) -- \
		env MINUTES=$(or $(MINUTES),30) $(if $(SEED),SEED=$(SEED)) selftests/net/soak.sh

hostile:
	@scripts/setup check
	@$(MAKE) --no-print-directory selftests
	@scripts/hostile --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

fuzz:
	@scripts/setup
	@scripts/fuzz $(if $(RUNS),--runs $(RUNS)) $(if $(TIME),--seconds $(TIME)) $(TARGETS)

mutants:
	@scripts/setup
	@scripts/mutants $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS)) \
		$(if $(SHARE),--share $(SHARE)) $(if $(LONGEST),--longest $(LONGEST)) \
		$(addprefix --only ,$(ONLY))

fairness:
	@scripts/setup
	@$(MAKE) --no-print-directory all
	@scripts/fairness

bench:
	@scripts/setup check
	@$(MAKE) --no-print-directory all selftests
	@scripts/bench $(FIGURES)

profile:
	@scripts/setup check
	@$(MAKE) --no-print-directory all
	@scripts/profile $(if $(WHAT),--what $(WHAT)) $(if $(PROTOCOL),--protocol $(PROTOCOL))

style:
	@scripts/style

docs:
	@scripts/setup
	@sphinx-build -q -d build/sphinx Documentation build/html
	@echo build/html/index.html

# The kernel's own modules_install calls depmod only where a System.map lies beside the
# headers, and signs even without a key. Packagers (DESTDIR) leave depmod and ldconfig to the
# machine that installs.
MODULE_DIR := updates
release = kdir=$(if $(KDIR),"$(KDIR)",$$(scripts/kernel kdir)) && \
	release=$$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' "$$kdir/include/generated/utsrelease.h")
define tell
	@[ -z "$(DESTDIR)" ] || exit 0; PATH=$$PATH:/usr/sbin:/sbin; $(release) || exit; \
	echo ldconfig; ldconfig || exit; \
	[ -e "/lib/modules/$$release/modules.order" ] || exit 0; \
	echo depmod "$$release"; depmod "$$release"
endef

install: all
	$(call kbuild,modules_install INSTALL_MOD_PATH="$(DESTDIR)" INSTALL_MOD_DIR=$(MODULE_DIR) \
		INSTALL_MOD_STRIP=1 DEPMOD=: \
		$$([ -e "$$kdir/certs/signing_key.pem" ] || echo CONFIG_MODULE_SIG_ALL=))
	install -d "$(DESTDIR)$(PREFIX)/include/linux"
	install -m 644 include/uapi/linux/trickles.h "$(DESTDIR)$(PREFIX)/include/linux"
	@$(MAKE) --no-print-directory -C lib/libminisock install
	@$(MAKE) --no-print-directory -C tools install
	$(tell)

uninstall:
	@$(release) && dir="$(DESTDIR)/lib/modules/$$release/$(MODULE_DIR)" && \
		echo rm -f "$$dir"/trickles.ko && rm -f "$$dir"/trickles.ko && \
		{ rmdir --ignore-fail-on-non-empty "$$dir" 2>/dev/null || :; }
	rm -f "$(DESTDIR)$(PREFIX)/include/linux/trickles.h"
	@rmdir --ignore-fail-on-non-empty "$(DESTDIR)$(PREFIX)/include/linux" 2>/dev/null || :
	@$(MAKE) --no-print-directory -C lib/libminisock uninstall
	@$(MAKE) --no-print-directory -C tools uninstall
	$(tell)

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
	@echo 'make check-setup  make run below the root of a bare Debian 12, with nobody to ask (root)'
	@echo 'make soak      transfers for MINUTES=N (30) while everything around them goes wrong, SEED=N says how'
	@echo 'make hostile   random calls and packets for MINUTES=N (10) on each debug kernel, SEED=N says which'
	@echo 'make fuzz      libFuzzer on the core for longer; RUNS=N or TIME=SECONDS for each of TARGETS'
	@echo 'make mutants   changes the core in hundreds of places: does a test see each? ONLY="FILE ...", SEED=N, JOBS=N'
	@echo 'make bench     measurements, one line "bench NAME VALUE" each; FIGURES="NAME ..." for some'
	@echo 'make profile   where the instructions of a transfer go; WHAT=LOAD, PROTOCOL=NAME (scripts/profile --help)'
	@echo 'make fairness  one download beside 1 to 32 over TCP, and Jain'"'"'s index: an hour; a plot'
	@echo 'make style     checkpatch, sparse, analyzers, shellcheck, documents and the like'
	@echo 'make docs      pages of Documentation/ for a browser, in build/html'
	@echo 'make install   module, library, programs, header, manual pages; make uninstall removes them'
	@echo 'make clean     remove what was built'
	@echo
	@echo 'KDIR=DIR       build for another kernel, for example KDIR=/lib/modules/$$(uname -r)/build;'
	@echo '               without it for the Debian kernel that scripts/kernel keeps in a cache'
	@echo 'PREFIX=DIR     install below it ($(PREFIX))'
	@echo 'DESTDIR=DIR    put before every installed path, for packagers'
