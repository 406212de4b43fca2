// SPDX-License-Identifier: GPL-2.0
#include <assert.h>
#include <string.h>

#include "http_cont.h"

#define LAYOUT_REQUEST	0x11
#define LAYOUT_ANSWER	0x21

#define REQUEST_FIXED	(1 + 8 + 1 + 1 + 1 + 1 + 2 + 2)
#define ANSWER_FIXED	(1 + 1 + 2 + 8 + 8 + 4 + 8)

static_assert(REQUEST_FIXED + HTTP_WORD_MAX + HTTP_TARGET_MAX <= HTTP_CONT_MAX, "a request fits");
static_assert(ANSWER_FIXED + HTTP_PATH_MAX <= HTTP_CONT_MAX, "an answer fits");

#define ANSWER_HEAD	0x01
#define ANSWER_KEEP	0x02
#define ANSWER_HTTP10	0x04

static uint8_t *put(uint8_t *p, uint64_t v, unsigned int bytes)
{
	while (bytes--) {
		*p++ = v;
		v >>= 8;
	}
	return p;
}

static uint64_t get(const uint8_t **p, unsigned int bytes)
{
	uint64_t v = 0;
	unsigned int i;

	for (i = 0; i < bytes; i++)
		v |= (uint64_t)*(*p)++ << 8 * i;
	return v;
}

static size_t word_bytes(const struct http_parser *p)
{
	return p->word_len > HTTP_WORD_MAX ? 0 : p->word_len;
}

size_t http_pack_request(uint8_t buf[HTTP_CONT_MAX], uint64_t next, const struct http_parser *p)
{
	uint8_t *at = buf;

	at = put(at, LAYOUT_REQUEST, 1);
	at = put(at, next, 8);
	at = put(at, p->state, 1);
	at = put(at, p->flags, 1);
	at = put(at, p->field, 1);
	at = put(at, p->word_len, 1);
	at = put(at, p->total, 2);
	at = put(at, p->target_len, 2);
	memcpy(at, p->word, word_bytes(p));
	at += word_bytes(p);
	memcpy(at, p->target, p->target_len);
	return at + p->target_len - buf;
}

bool http_unpack_request(const uint8_t *buf, size_t len, uint64_t *next, struct http_parser *p)
{
	const uint8_t *at = buf;

	memset(p, 0, sizeof(*p));
	if (len < REQUEST_FIXED || get(&at, 1) != LAYOUT_REQUEST)
		return false;
	*next = get(&at, 8);
	p->state = get(&at, 1);
	p->flags = get(&at, 1);
	p->field = get(&at, 1);
	p->word_len = get(&at, 1);
	p->total = get(&at, 2);
	p->target_len = get(&at, 2);
	if (p->state >= HTTP_STATES || p->state == HTTP_DONE || p->field >= HTTP_FIELDS ||
	    p->word_len > HTTP_WORD_MAX + 1 || p->total > HTTP_SECTION_MAX ||
	    p->target_len > HTTP_TARGET_MAX ||
	    len != REQUEST_FIXED + word_bytes(p) + p->target_len)
		return false;
	memcpy(p->word, at, word_bytes(p));
	at += word_bytes(p);
	memcpy(p->target, at, p->target_len);
	return true;
}

size_t http_pack_answer(uint8_t buf[HTTP_CONT_MAX], const struct http_answer *a)
{
	size_t path_len = strlen(a->path);
	uint8_t *at = buf;

	at = put(at, LAYOUT_ANSWER, 1);
	at = put(at, (a->head ? ANSWER_HEAD : 0) | (a->keep ? ANSWER_KEEP : 0) |
		 (a->http10 ? ANSWER_HTTP10 : 0), 1);
	at = put(at, a->status, 2);
	at = put(at, a->size, 8);
	at = put(at, a->mtime, 8);
	at = put(at, a->mtime_ns, 4);
	at = put(at, a->ino, 8);
	memcpy(at, a->path, path_len);
	return at + path_len - buf;
}

bool http_unpack_answer(const uint8_t *buf, size_t len, struct http_answer *a)
{
	const uint8_t *at = buf;
	uint8_t flags;

	memset(a, 0, sizeof(*a));
	if (len < ANSWER_FIXED || len >= ANSWER_FIXED + HTTP_PATH_MAX ||
	    get(&at, 1) != LAYOUT_ANSWER)
		return false;
	flags = get(&at, 1);
	a->head = flags & ANSWER_HEAD;
	a->keep = flags & ANSWER_KEEP;
	a->http10 = flags & ANSWER_HTTP10;
	a->status = get(&at, 2);
	a->size = get(&at, 8);
	a->mtime = get(&at, 8);
	a->mtime_ns = get(&at, 4);
	a->ino = get(&at, 8);
	memcpy(a->path, at, len - ANSWER_FIXED);
	return !memchr(a->path, '\0', len - ANSWER_FIXED);
}
