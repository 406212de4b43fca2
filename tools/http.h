/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a small web server needs besides its transport: requests (RFC 9112),
 * answers, and files below one folder.  trickles-httpd and the TCP server that
 * it is compared with share it.
 *
 * A parser and an answer hold no pointer: http_cont.h packs both into the bytes
 * of a continuation.
 */
#ifndef TOOLS_HTTP_H
#define TOOLS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_TARGET_MAX		400	/* bytes of a request's target; longer: 414 */
#define HTTP_SECTION_MAX	16384	/* bytes of a request; longer: 431 */
#define HTTP_WORD_MAX		20	/* longest method, version, field name or token known */
#define HTTP_INDEX		"index.html"
#define HTTP_PATH_MAX		(HTTP_TARGET_MAX + sizeof("/" HTTP_INDEX))
#define HTTP_HEAD_MAX		512	/* bytes of an answer's header, or of all of an error */

enum http_state {
	HTTP_START,		/* before the request; empty lines are skipped */
	HTTP_METHOD,
	HTTP_TARGET,
	HTTP_VERSION,
	HTTP_LINE_LF,		/* LF must follow, then fields */
	HTTP_FIELD,		/* first byte of a field, or of the empty line */
	HTTP_NAME,
	HTTP_VALUE,
	HTTP_VALUE_LF,
	HTTP_END_LF,		/* LF must follow, then the request is whole */
	HTTP_DONE,		/* a request is whole, or bad */
	HTTP_CLOSED,		/* the last answer was made: all further input is ignored */
	HTTP_STATES
};

enum http_field {
	HTTP_OTHER,
	HTTP_CONNECTION,
	HTTP_LENGTH,
	HTTP_ENCODING,
	HTTP_HOST,
	HTTP_FIELDS
};

#define HTTP_F_HEAD	0x01
#define HTTP_F_11	0x02	/* HTTP/1.1 or later */
#define HTTP_F_CLOSE	0x04	/* Connection: close */
#define HTTP_F_KEEP	0x08	/* Connection: keep-alive */
#define HTTP_F_BODY	0x10	/* a body follows, which nobody reads */
#define HTTP_F_HOST	0x20

struct http_parser {
	uint8_t state;			/* enum http_state */
	uint8_t flags;			/* HTTP_F_* */
	uint8_t field;			/* enum http_field whose value is at hand */
	uint8_t word_len;		/* HTTP_WORD_MAX + 1: too long to be known */
	uint16_t target_len;
	uint16_t total;			/* bytes of the request so far */
	uint16_t error;			/* status, once the request is known to be bad */
	char word[HTTP_WORD_MAX];
	char target[HTTP_TARGET_MAX];
};

/*
 * Takes bytes up to the end of a request and returns how many.  At the end, @p->state is
 * HTTP_DONE, and @p->error is not 0 if the request is bad.  A request may be passed in any
 * number of calls.
 */
size_t http_parse(struct http_parser *p, const char *data, size_t len);

/* All that the bytes of an answer depend on, so that they can be made again. */
struct http_answer {
	uint16_t status;
	bool head;			/* to a HEAD request: the body is left out */
	bool keep;			/* the connection stays open */
	bool http10;			/* to HTTP/1.0: if the connection stays open, say so */
	uint64_t size;			/* of the body, even if that is left out */
	int64_t mtime;			/* of the file: seconds ... */
	uint32_t mtime_ns;		/* ... and nanoseconds */
	uint64_t ino;			/* of the file; 0: any inode will do */
	char path[HTTP_PATH_MAX];	/* of the file, relative, NUL-terminated */
};

/*
 * Makes the answer @a to a request, and opens the file below folder @root (a descriptor)
 * that the request names.  @fd is -1 if the body of the answer is no file.  Returns 0, or,
 * if the host lacks means for the moment, a negative errno; then there is no answer.
 */
int http_resolve(int root, const struct http_parser *p, struct http_answer *a, int *fd);

/* Opens @path below @root.  Returns a descriptor or a negative errno. */
int http_open(int root, const char *path);

/* Whether @fd still is the file that the answer was made for, and has not been replaced. */
bool http_same_file(int fd, const struct http_answer *a);

/*
 * Writes the bytes of an answer that come from no file: the header, and the text of an
 * error.  @buf has room for HTTP_HEAD_MAX bytes.  Returns how many were written.
 */
size_t http_head(const struct http_answer *a, char *buf);

/* How many bytes of the file follow what http_head() writes. */
uint64_t http_file_len(const struct http_answer *a);

#endif /* TOOLS_HTTP_H */
