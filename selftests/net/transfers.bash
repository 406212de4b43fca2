# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck source=selftests/net/lib.sh
#
# The transfers of transfer.sh and amnesia.sh. Who sources this has a host "client",
# a host "router" that leads to it by the device "client", $server, an address, and
# to_server PARAMETER..., which sets netem on the way there.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

folder=$work/files

# Every packet of the answer to a first request has about 1,180 bytes of the stream,
# the other packets have 1,432, and some 200 bytes are the answer's own header.
# The initial window has ten packets, the next answers begin behind it.
get_sizes="0-3 920-1010 2100-2200 11550-11700 12950-13150 14320 28640 65535-65537 131072"
# A request's packet has about 1,310 bytes.
echo_sizes="0-3 1250-1345 1380-1400 1430-1460 2600-2640 13000-13130 14320 65536"
few_sizes="0 1 950-969 1432 2150-2159 11600-11619 30000 100000"
few_echo="0 1 1290-1309 1432 5000 40000"

make_files()
{
	mkdir "$folder"
	# shellcheck disable=SC2086 # words
	"$built/xfer" files "$folder" $get_sizes $few_sizes 8000000 100000000
}

# both_ways PARAMETER...: of netem; none: nothing happens to packets
both_ways()
{
	netem router client "$@"
	to_server "$@"
}

# by_trickles COMMAND...: and nothing else carried it
by_trickles()
{
	mark client
	"$@"
	expect client Connects -gt 0
	expect client BytesRcvd -gt 0
	expect client Fallbacks -eq 0
}

# download [OPTION...] SIZE...
download()
{
	by_trickles at client "$built/xfer" -r -j 12 -t 200 get "$server" 80 "$@"
}

upload()
{
	by_trickles at client "$built/xfer" -r -j 12 -t 200 echo "$server" 7 "$@"
}

pipelined()
{
	by_trickles at client "$built/xfer" -r -j 4 -k -t 200 get "$server" 80 "$@"
}

# here_and_there PARAMETER...: few sizes both ways under netem
here_and_there()
{
	both_ways "$@"
	# shellcheck disable=SC2086 # words
	download $few_sizes
	# shellcheck disable=SC2086
	upload $few_echo
}

# fetch PROGRAM SIZE: by one that knows nothing of Trickles, over one connection. One that is
# refused, since the server has just been killed, is tried again.
fetch()
{
	local url=http://$server/$2 to=$work/fetched

	case $1 in
	curl) by_trickles at client "$tools/trickles-run" curl -sSf -m 280 \
		--retry 20 --retry-connrefused --retry-delay 1 -o "$to" "$url" ;;
	wget) by_trickles at client "$tools/trickles-run" wget -nv -T 120 \
		--retry-connrefused -O "$to" "$url" ;;
	esac
	expect client Connects -eq 1
	same_hash "$to" "$folder/$2"
}

loss="delay 3ms loss 3%"
reordering="delay 6ms 5ms"
duplication="delay 3ms duplicate 10%"
corruption="delay 3ms corrupt 3%"
