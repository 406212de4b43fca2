/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keeps files open, by path.  This is soft state (paper §5.1): it is bounded, and a file
 * that is not in it is just opened again.
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
	int old[HTTP_CACHE_BATCH];	/* replaced, but an answer may still be sent from it */
	unsigned int olds;
};

/* Hands an open file over to the cache, which will close it. */
void http_cache_put(struct http_cache *c, const char *path, int fd);

/*
 * Returns a descriptor for the file of an answer, which stays open until
 * http_cache_settle(); -ESTALE if the path has another file now, or none; another
 * negative errno if the host lacks means for the moment.
 */
int http_cache_get(struct http_cache *c, const struct http_answer *a);

/* Closes the files that were replaced.  The caller says that it uses none of them any more. */
void http_cache_settle(struct http_cache *c);

#endif /* TOOLS_HTTP_CACHE_H */
