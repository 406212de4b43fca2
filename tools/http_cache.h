/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Open files by path: soft state of a server that has no other (paper §5.1).  It
 * is bounded, and losing it costs an open() each.
 */
#ifndef TOOLS_HTTP_CACHE_H
#define TOOLS_HTTP_CACHE_H

#include "http.h"

#define HTTP_CACHE_SETS		64
#define HTTP_CACHE_WAYS		4
#define HTTP_CACHE_BATCH	64	/* calls between two http_cache_settle() */

struct http_cache {
	int root;			/* descriptor of the folder */
	unsigned int clock;
	struct http_cached {
		char path[HTTP_PATH_MAX];	/* empty: unused */
		int fd;
		unsigned int used;	/* clock of the last use */
	} set[HTTP_CACHE_SETS][HTTP_CACHE_WAYS];
	int old[HTTP_CACHE_BATCH];	/* replaced, but perhaps still to be sent from */
	unsigned int olds;
};

/* Gives an open file to the cache. */
void http_cache_put(struct http_cache *c, const char *path, int fd);

/*
 * The file of an answer: descriptor, which stays open until http_cache_settle();
 * -ESTALE if the file is not the one that it was; another negative errno if the
 * host lacks means for the moment.
 */
int http_cache_get(struct http_cache *c, const struct http_answer *a);

/* No descriptor is in use any more: closes those that were replaced. */
void http_cache_settle(struct http_cache *c);

#endif /* TOOLS_HTTP_CACHE_H */
