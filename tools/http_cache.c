// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "http_cache.h"

/* The entry of a path; if there is none, the entry that is to be replaced. */
static struct http_cached *find(struct http_cache *c, const char *path)
{
	struct http_cached *set, *oldest;
	uint32_t hash = 2166136261;	/* FNV-1a */
	const char *s;
	int i;

	for (s = path; *s; s++)
		hash = (hash ^ (unsigned char)*s) * 16777619;
	set = c->set[(hash ^ hash >> 16) % HTTP_CACHE_SETS];
	oldest = set;
	for (i = 0; i < HTTP_CACHE_WAYS; i++) {
		if (!strcmp(set[i].path, path))
			return &set[i];
		if (c->clock - set[i].used > c->clock - oldest->used)
			oldest = &set[i];
	}
	return oldest;
}

static void replace(struct http_cache *c, struct http_cached *e, const char *path, int fd)
{
	if (e->path[0])
		c->old[c->olds++] = e->fd;
	snprintf(e->path, sizeof(e->path), "%s", path);
	e->fd = fd;
	e->used = ++c->clock;
}

void http_cache_put(struct http_cache *c, const char *path, int fd)
{
	replace(c, find(c, path), path, fd);
}

int http_cache_get(struct http_cache *c, const struct http_answer *a)
{
	struct http_cached *e = find(c, a->path);
	int fd;

	if (!strcmp(e->path, a->path) && http_same_file(e->fd, a)) {
		e->used = ++c->clock;
		return e->fd;
	}
	fd = http_open(c->root, a->path);
	if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM || fd == -EAGAIN || fd == -EINTR)
		return fd;
	if (fd < 0)
		return -ESTALE;
	if (!http_same_file(fd, a)) {
		close(fd);
		return -ESTALE;
	}
	replace(c, e, a->path, fd);
	return fd;
}

void http_cache_settle(struct http_cache *c)
{
	while (c->olds)
		close(c->old[--c->olds]);
}
