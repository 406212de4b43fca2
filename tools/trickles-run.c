// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a program with its TCP sockets made Trickles sockets, by a library that is
 * loaded before all others (trickles-run-preload.c).  It says so when that cannot
 * work, instead of running the program over TCP.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/elf.h>
#include <linux/trickles.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

#define LIBRARY	"libtrickles-run.so"

/* The exit statuses that a shell has for a program that it cannot run, or cannot find. */
#define STATUS_CANNOT	126
#define STATUS_MISSING	127

#define refuse(status, ...)							\
	do {									\
		fprintf(stderr, "trickles-run: " __VA_ARGS__);			\
		exit(status);							\
	} while (0)

static void check_module(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_TRICKLES);

	if (fd >= 0) {
		close(fd);
		return;
	}
	if (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT || errno == EINVAL)
		die("the Trickles kernel module is not loaded: run modprobe trickles as root");
	die("cannot open a Trickles socket: %s", strerror(errno));
}

/* Finds the file that a shell would run. */
static void find_program(const char *name, char path[PATH_MAX])
{
	const char *dir = getenv("PATH"), *end;
	int error = ENOENT;

	if (strchr(name, '/')) {
		snprintf(path, PATH_MAX, "%s", name);
		if (!access(path, X_OK))
			return;
		refuse(errno == ENOENT ? STATUS_MISSING : STATUS_CANNOT, "%s: %s\n", name,
		       strerror(errno));
	}
	for (dir = dir ? dir : "/usr/bin:/bin"; ; dir = end + 1) {
		struct stat st;

		end = strchrnul(dir, ':');
		snprintf(path, PATH_MAX, "%.*s/%s", end == dir ? 1 : (int)(end - dir),
			 end == dir ? "." : dir, name);
		if (!stat(path, &st) && S_ISREG(st.st_mode)) {
			if (!access(path, X_OK))
				return;
			error = errno;
		}
		if (!*end)
			break;
	}
	if (error != ENOENT)
		refuse(STATUS_CANNOT, "%s: %s\n", name, strerror(error));
	refuse(STATUS_MISSING, "%s: command not found\n", name);
}

/* Whether an ELF program names a dynamic loader, which is what reads LD_PRELOAD. */
static bool is_dynamic(int fd)
{
	struct elf64_hdr eh;
	struct elf64_phdr ph;
	int i;

	if (pread(fd, &eh, sizeof(eh), 0) != sizeof(eh))
		return false;
	/* Our library is of one word size, and cannot be loaded into a program of another. */
	if (eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_phentsize != sizeof(ph))
		return false;
	for (i = 0; i < eh.e_phnum; i++) {
		if (pread(fd, &ph, sizeof(ph), eh.e_phoff + i * sizeof(ph)) != sizeof(ph))
			return false;
		if (ph.p_type == PT_INTERP)
			return true;
	}
	return false;
}

/* Refuses programs on which LD_PRELOAD has no effect; ld.so(8) says which. */
static void check_program(const char *path, int depth)
{
	char head[PATH_MAX] = "";
	struct stat st;
	ssize_t len;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* A program may be executable and not readable: then nothing is known about it. */
	if (fd < 0)
		return;
	len = read(fd, head, sizeof(head) - 1);
	if (!fstat(fd, &st) && st.st_mode & (S_ISUID | S_ISGID) && geteuid())
		refuse(STATUS_CANNOT,
		       "%s is setuid or setgid, and then no library may be preloaded: run it as root\n",
		       path);
	if (len >= SELFMAG && !memcmp(head, ELFMAG, SELFMAG) && !is_dynamic(fd))
		refuse(STATUS_CANNOT,
		       "%s is static or for another machine, so that no library can be preloaded: %s\n",
		       path, "use a dynamically linked one");
	close(fd);
	if (len > 2 && !memcmp(head, "#!", 2) && !depth) {
		char *interpreter = head + 2 + strspn(head + 2, " \t");

		interpreter[strcspn(interpreter, " \t\r\n")] = '\0';
		check_program(interpreter, depth + 1);
	}
}

/* The library is beside this program in the build tree, and in ../lib when it is installed. */
static void find_library(char path[PATH_MAX])
{
	static const char * const places[] = { "", "../lib/", "../lib64/" };
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	if (len < 0)
		die("cannot read /proc/self/exe: %s: is /proc mounted?", strerror(errno));
	self[len] = '\0';
	*(strrchr(self, '/') + 1) = '\0';
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		if (snprintf(path, PATH_MAX, "%s%s" LIBRARY, self, places[i]) >= PATH_MAX)
			continue;
		if (!access(path, R_OK))
			break;
	}
	if (i == ARRAY_SIZE(places))
		die("%s is neither in %s nor in %s../lib: run make, or make install", LIBRARY,
		    self, self);
	if (strpbrk(path, " :"))
		die("%s: the loader takes no path with a space or colon: move it", path);
}

int main(int argc, char **argv)
{
	char program[PATH_MAX], library[PATH_MAX], *others, *preload;

	if (argc < 2 || argv[1][0] == '-') {
		bool asked = argc > 1 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"));

		fputs("usage: trickles-run PROGRAM [ARGUMENT...]\n"
		      "Runs PROGRAM with Trickles in place of TCP over IPv4.\n",
		      asked ? stdout : stderr);
		return asked ? 0 : 2;
	}
	find_program(argv[1], program);
	check_program(program, 0);
	find_library(library);
	check_module();
	others = getenv("LD_PRELOAD");
	if (asprintf(&preload, "%s%s%s", library, others ? ":" : "", others ? others : "") < 0 ||
	    setenv("LD_PRELOAD", preload, 1))
		die("out of memory");
	execv(program, argv + 1);
	/* The shell runs a script that names no interpreter. */
	if (errno == ENOEXEC)
		execvp(program, argv + 1);
	refuse(STATUS_CANNOT, "%s: %s\n", program, strerror(errno));
}
