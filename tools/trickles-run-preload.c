// SPDX-License-Identifier: GPL-2.0
/*
 * Loaded by trickles-run before all other libraries: where the program asks for a
 * TCP socket of IPv4, it gets a Trickles socket.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/trickles.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

/* Says it only once, and with write(), since stdio may not be usable when this is called. */
static void complain(void)
{
	static const char line[] =
		"trickles-run: no Trickles sockets here: run modprobe trickles as root\n";
	static atomic_flag said = ATOMIC_FLAG_INIT;
	int error = errno;
	ssize_t n;

	if (atomic_flag_test_and_set(&said))
		return;
	n = write(STDERR_FILENO, line, sizeof(line) - 1);
	(void)n;	/* stderr may be closed */
	errno = error;
}

int socket(int domain, int type, int protocol)
{
	int (*real)(int domain, int type, int protocol);
	int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	int fd;

	*(void **)&real = dlsym(RTLD_NEXT, "socket");
	if (domain != AF_INET || kind != SOCK_STREAM ||
	    (protocol != IPPROTO_IP && protocol != IPPROTO_TCP))
		return real(domain, type, protocol);
	fd = real(domain, type, IPPROTO_TRICKLES);
	if (fd < 0 && (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT || errno == EINVAL))
		complain();
	return fd;
}
