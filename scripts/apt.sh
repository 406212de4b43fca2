# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # variables of those that read this
#
# Packages that are unpacked somewhere and not installed; to be read after lib.sh by
# scripts that have a folder $tmp, and perhaps something to say when it fails: $hint.

apt=()

# Without permission to refresh the machine's package lists we keep our own. Several scripts
# may be at it, and apt-get does not wait.
own_lists()
{
	local lists=$cache/apt lock

	mkdir -p "$lists"
	exec {lock}>"$lists/ours"
	flock "$lock"
	say "fetching Debian's package lists"
	mkdir -p "$lists/lists/partial" "$lists/archives/partial"
	apt=(-o "Dir::State::Lists=$lists/lists" -o "Dir::Cache=$lists"
	     -o "Dir::Cache::Archives=$lists/archives" -o APT::Sandbox::User=)
	apt-get -qq "${apt[@]}" update >"$tmp/apt.log" 2>&1 ||
		die "apt-get cannot fetch package lists ($(apt_error)): is there a network?"
	exec {lock}>&-
}

apt_error()
{
	grep -m1 '^[EW]:' "$tmp/apt.log" || echo "no reason given"
}

# download PACKAGE[=VERSION]...: into $tmp
download()
{
	local try

	for try in machine own; do
		if (cd "$tmp" && apt-get -qq "${apt[@]}" download "$@" >apt.log 2>&1); then
			return
		fi
		if [ $try = machine ] && [ ${#apt[@]} = 0 ]; then
			own_lists
		fi
	done
	die "apt-get cannot fetch $1 ($(apt_error)): is there a network? ${hint:-}"
}
