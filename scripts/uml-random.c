// SPDX-License-Identifier: GPL-2.0
/*
 * Takes the host's randomness from User Mode Linux, a program that this is preloaded into:
 * its kernel seeds its random numbers with getrandom(), which gives a stream from
 * $UML_SEED here (splitmix64), and has a generator that reads /dev/random, which is not there.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static unsigned long long state;

static __attribute__((constructor)) void seed(void)
{
	const char *s = getenv("UML_SEED");

	state = s ? strtoull(s, NULL, 10) : 0;
}

static unsigned long long next(void)
{
	unsigned long long z = state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

ssize_t getrandom(void *buf, size_t len, unsigned int flags)
{
	unsigned char *p = buf;
	size_t i;

	(void)flags;
	for (i = 0; i < len; i++)
		p[i] = next();
	return len;
}

typedef int open_fn(const char *path, int flags, ...);

static int open_but_random(open_fn *libc, const char *path, int flags, va_list args)
{
	/* There only when a file is made, and nobody looks at it otherwise. */
	int mode = va_arg(args, int);

	if (!strcmp(path, "/dev/random") || !strcmp(path, "/dev/urandom")) {
		errno = ENOENT;
		return -1;
	}
	return libc(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list args;
	int fd;

	va_start(args, flags);
	fd = open_but_random(dlsym(RTLD_NEXT, "open"), path, flags, args);
	va_end(args);
	return fd;
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	int fd;

	va_start(args, flags);
	fd = open_but_random(dlsym(RTLD_NEXT, "open64"), path, flags, args);
	va_end(args);
	return fd;
}
