# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # variables of those that read this
#
# Debian's nginx, to be compared with; to be read after lib.sh and apt.sh. It is not
# installed, for that would start one on this machine.

nginx=$cache/nginx/usr/sbin/nginx

fetch_nginx()
{
	local lock

	[ ! -x "$nginx" ] || return 0
	mkdir -p "$cache"
	exec {lock}>"$cache/nginx.lock"
	flock "$lock"
	if [ ! -x "$nginx" ]; then
		say "fetching Debian's nginx into $cache/nginx"
		download nginx
		dpkg-deb -x "$tmp"/nginx_*.deb "$tmp/nginx"
		rm -rf "$cache/nginx"
		mv -T "$tmp/nginx" "$cache/nginx"
	fi
	exec {lock}>&-
}
