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
	HTTP_DONE,		/* a request is whole */
	HTTP_CLOSED,		/* the last answer was made: ignores all that comes */
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
 * Takes bytes up to the end of a request (HTTP_DONE; with @error if it is bad) and
 * returns how many.  How a request is cut into calls makes no difference.
 */
size_t http_parse(struct http_parser *p, const char *data, size_t len);

/* What is needed to make the bytes of an answer, the same each time. */
struct http_answer {
	uint16_t status;
	bool head;			/* no body */
	bool keep;			/* the connection stays open */
	bool http10;			/* and must say so */
	uint64_t size;			/* of the body, or what it would be */
	int64_t mtime;			/* of the file: seconds and nanoseconds */
	uint32_t mtime_ns;
	uint64_t ino;			/* 0: don't care */
	char path[HTTP_PATH_MAX];	/* of the file, relative, NUL-terminated */
};

/*
 * A file below folder @root (a descriptor) as a request names it.  Fills in @a; @fd
 * is -1 if its body is no file.  Returns a negative errno, and makes no answer, if
 * the host lacks means for the moment.
 */
int http_resolve(int root, const struct http_parser *p, struct http_answer *a, int *fd);

/* Opens @path below @root: descriptor or negative errno. */
int http_open(int root, const char *path);

/* Whether @fd still is the file that the answer was made for, and has not been replaced. */
bool http_same_file(int fd, const struct http_answer *a);

/*
 * The bytes of an answer that are no file: the header, and an error's text.
 * @buf: HTTP_HEAD_MAX bytes.  Returns how many.
 */
size_t http_head(const struct http_answer *a, char *buf);

/* Bytes of file behind them. */
uint64_t http_file_len(const struct http_answer *a);

#endif /* TOOLS_HTTP_H */
