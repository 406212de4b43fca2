#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/bench and scripts/profile in small: the figures are there and add up, and on a machine
# whose figures would mislead there are none. Runs on the machine itself.

# shellcheck disable=SC2317 # the cases are called by their names
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."
top=$PWD

cases=(figures_add_up what_clients_keep where_it_goes no_aes_no_figures other_machine_other_tcp
       bad_arguments)
# shellcheck source=selftests/vm/lib.sh
. selftests/vm/lib.sh

bench()
{
	status=0
	scripts/bench "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || status=$?
}

# on_processor CPU ARGUMENT...: the bench on a machine with that processor
on_processor()
{
	mkdir -p "$work/bin"
	cat >"$work/bin/qemu-system-x86_64" <<-END
		#!/bin/bash
		exec "$(command -v qemu-system-x86_64)" "\${@/#max,-erms/$1}"
	END
	chmod +x "$work/bin/qemu-system-x86_64"
	PATH=$work/bin:$PATH bench "${@:2}"
}

figures_add_up()
{
	bench --quick bulk_insn bulk_to_sendfile bulk_crypto bulk_requests kept_1k
	expect status "$status" 0 || return
	sed 's/^/# /' "$work/stdout"
	awk '
		{ n++; v[$2] = $3 }
		NF != 3 || $1 != "bench" || $3 !~ /^[0-9]+(\.[0-9]+)?$/ || $3 == 0 {
			print "# no figure: " $0
			bad = 1
		}
		function parts(whole, sum)
		{
			sum = v[whole "_client"] + v[whole "_server"]
			if (sum > 1.02 * v[whole] || sum < 0.9 * v[whole]) {
				print "# " whole " is " v[whole] ", client and server together " sum
				bad = 1
			}
		}
		END {
			parts("bulk_insn_trickles")
			parts("bulk_insn_sendfile")
			parts("kept_1k_insn_trickles")
			parts("kept_1k_insn_nginx")
			if (n != 39) {
				print "# " n " figures"
				bad = 1
			}
			exit bad
		}' "$work/stdout"
}

# A ring of numbers for 1000 packets and more is a large part of it.
what_clients_keep()
{
	bench --quick client_bytes
	expect status "$status" 0 || return
	sed 's/^/# /' "$work/stdout"
	awk '{ v[$2] = $3 }
	     END {
		idle = v["client_bytes_per_connection"]
		exit !(idle > 10000 && v["client_bytes_in_flight"] > 10 * idle)
	     }' "$work/stdout"
}

profile()
{
	status=0
	scripts/profile --megabytes 4 "$@" >"$work/stdout" 2>"$work/stderr" </dev/null ||
		status=$?
	expect status "$status" 0
}

# Both hosts take their part, and the functions that must be among them are.
where_it_goes()
{
	profile || return
	awk '/^(client|server|other)$/ { host = $1; next }
	     /all of it/ { all[host] = $1 }
	     { seen[host, $3] = 1 }
	     END {
		exit !(all["client"] > 10 && all["server"] > 10 &&
		       seen["client", "trk_receive_response"] && seen["server", "trk_answer_next"])
	     }' "$work/stdout" || { sed 's/^/# /' "$work/stdout"; return 1; }
	profile --callers trk_answer_next || return
	grep -qE '^ *[0-9.]+ % < [a-z_.0-9]+ < ' "$work/stdout"
}

no_aes_no_figures()
{
	on_processor max,-erms,-aes --quick tcp_check
	expect figures "$(cat "$work/stdout")" "" && expect_stderr 'is not computed by AES-NI' &&
		[ "$status" != 0 ]
}

# Here a copied byte takes an instruction.
other_machine_other_tcp()
{
	on_processor max,+erms --quick tcp_check
	expect status "$status" 1 && expect_stderr '^bench: tcp_check is .*for its bound'
}

bad_arguments()
{
	local arguments

	for arguments in '--megabytes 0' '--megabytes' '--what' 'nothing'; do
		# shellcheck disable=SC2086 # words
		bench $arguments
		expect "status of $arguments" "$status" 125 &&
			expect "lines of $arguments" "$(wc -l <"$work/stderr")" 1 || return
	done
}

run_cases
