// SPDX-License-Identifier: GPL-2.0
/* Settings of the namespace, and its keys: right ones, and nonsense. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "havoc.h"

#define FOLDER	"/proc/sys/net/trickles/"
#define COUNTERS	"/proc/net/trickles"

/* Makes the secrets of a party.  Their ciphers make seals that the kernel takes for its own. */
void secrets_init(struct party *p)
{
	struct rng r = { board->seed ^ 0x5ec7e7 };
	unsigned int i, k;

	for (i = 0; i < SECRETS; i++) {
		for (k = 0; k < TRKU_SECRET_LEN; k++)
			p->secret[i][k] = (u8)rng_u64(&r);
		trku_cipher_derive(&p->key[i], p->secret[i]);
	}
}

static ssize_t write_setting(struct thread *t, const char *path, const char *text, size_t len)
{
	int fd = CALL(t, open(path, O_WRONLY | O_CLOEXEC));
	ssize_t n;

	if (fd < 0)
		return -1;
	n = CALL(t, write(fd, text, len));
	close(fd);
	return n;
}

static size_t key_text(const struct party *p, unsigned int which, bool only, char *text)
{
	unsigned int i;

	for (i = 0; i < TRKU_SECRET_LEN; i++)
		sprintf(text + 2 * i, "%02x", p->secret[which][i]);
	return 2 * TRKU_SECRET_LEN + (size_t)sprintf(text + 2 * i, "%s", only ? " only" : "");
}

/* Sets one of the secrets, as fast as it goes. */
void step_key(struct thread *t)
{
	unsigned int which = rng_below(&t->rng, SECRETS);
	char text[100];
	size_t len = key_text(t->party, which, chance(t, 3), text);

	if (write_setting(t, FOLDER "key", text, len) > 0) {
		__atomic_store_n(&t->party->current, which, __ATOMIC_RELAXED);
		count(COUNT_KEYS);
	}
	if (mood() != MOOD_KEYS)
		usleep((useconds_t)rng_below(&t->rng, 300000));
}

static void garbage_key(struct thread *t)
{
	char text[200];
	size_t len = key_text(t->party, rng_below(&t->rng, SECRETS), chance(t, 2), text);
	int fd;

	len = chance(t, 2) ? len : rng_below(&t->rng, sizeof(text));
	text[rng_below(&t->rng, sizeof(text))] = (char)rng_u64(&t->rng);
	fd = CALL(t, open(FOLDER "key", O_RDWR | O_CLOEXEC));
	if (fd < 0)
		return;
	if (chance(t, 2))
		CALL(t, pwrite(fd, text, len, (off_t)rng_below(&t->rng, 3)));
	else
		CALL(t, write(fd, any_pointer(t), rng_below(&t->rng, 10000)));
	CALL(t, read(fd, t->buf, 100));
	close(fd);
}

/* One that is about memory gets no large values: a filter may have 176 MB. */
static int setting_text(struct thread *t, bool memory, char *text, size_t size)
{
	u64 number = memory ? rng_in(&t->rng, 0, 4096) : garbage_number(&t->rng);

	if (chance(t, 8))
		return snprintf(text, size, "%lld x", -(long long)number);
	if (!memory && chance(t, 2))
		number = rng_below(&t->rng, 17);
	return snprintf(text, size, "%llu\n", (unsigned long long)number);
}

/* Reads or writes any of the settings, and what there is to be read besides. */
void act_setting(struct thread *t)
{
	static const char *const names[] = {
		FOLDER "replay_connections", FOLDER "horizon_ms", FOLDER "skew_ms",
		FOLDER "marked_syns", FOLDER "redundant_requests", FOLDER "moves",
		FOLDER "retired_keys", FOLDER "max_orphans", FOLDER "key_ids", COUNTERS,
	};
	unsigned int which = rng_below(&t->rng, ARRAY_SIZE(names));
	char text[64];
	int fd;

	if (chance(t, 8)) {
		garbage_key(t);
		return;
	}
	if (chance(t, 2) && which < 9) {
		int len = setting_text(t, !which, text, sizeof(text));

		write_setting(t, names[which], text, (size_t)len);
		return;
	}
	fd = CALL(t, open(names[which], O_RDONLY | O_CLOEXEC));
	if (fd < 0)
		return;
	CALL(t, pread(fd, any_pointer(t), rng_below(&t->rng, 5000),
		      (off_t)(chance(t, 2) ? 0 : rng_below(&t->rng, 3000))));
	close(fd);
}
