# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # variables of those that read this
#
# Debian's nginx, to be compared with; to be read after lib.sh and apt.sh. It is not
# installed, for that would start one on this machine.

nginx=$cache/nginx/usr/sbin/nginx

fetch_nginx()
{
	[ ! -x "$nginx" ] || return 0
	say "fetching Debian's nginx into $cache/nginx"
	mkdir -p "$cache"
	download nginx
	dpkg-deb -x "$tmp"/nginx_*.deb "$tmp/nginx"
	rm -rf "$cache/nginx"
	mv -T "$tmp/nginx" "$cache/nginx"
}
