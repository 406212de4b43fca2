#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Seals that are right over contents that are not: who has the key can send what no server
# seals, and whatever it is, the kernel believes only what it could have sealed.
# vm: --timeout 1200

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

folder=$work/files
secret=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
owner=$("$net/label.py" 0)
seed=${SEED:-$RANDOM}

forge()
{
	echo "# seed $seed"
	at server sysctl -qw net.trickles.key=$secret
	at server "$built/forge" $secret "$owner" "$seed" 10000
}

# None is lost: each became an event, was dropped for a reason, or granted nothing.
counted()
{
	expect server RequestsRcvd -ge 10000
	expect server DropForged -gt 2000
	expect server DropRange -gt 50
	expect server DropMac -eq 0
	# Random numbers that 32 bits do not tell apart: few, and another proof is theirs.
	expect server DropProof -lt 100
	expect server Events -gt 50
	expect server Answers -gt 10
}

# The same by nobody, in a namespace of his own.
by_nobody()
{
	# Where anybody can reach it.
	install -m 755 "$built/forge" /run/forge
	# shellcheck disable=SC2016 # the inner shell's
	setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Urn bash -ec '
		ip link set lo up
		"$1" "$2" "$3" "$4" 0 2>/dev/null || :
		echo "$2" >/proc/sys/net/trickles/key
		"$1" "$2" "$3" "$4" 3000' bash /run/forge $secret "$owner" "$seed"
}

still_well()
{
	at client "$tools/trickles-run" curl -sSf -m 60 -o "$work/fetched" http://10.1.1.1/100000
	same_hash "$work/fetched" "$folder/100000"
}

load
plan 4
two_hosts
mkdir "$folder"
"$built/xfer" files "$folder" 100000
httpd server "$folder"
mark server
check "what nobody seals is not believed, and what is gets answers" forge
check "each has its counter" counted
check "by an unprivileged user" by_nobody
check "others are served as before" still_well
