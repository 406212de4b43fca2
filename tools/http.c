// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "util.h"

/* --- requests ---------------------------------------------------------------- */

/* RFC 9110, 5.6.2 */
static bool is_token(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_control(unsigned char c)
{
	return (c < ' ' && c != '\t') || c == 0x7f;
}

static void word_add(struct http_parser *p, char c)
{
	if (p->word_len < HTTP_WORD_MAX)
		p->word[p->word_len++] = c;
	else
		p->word_len = HTTP_WORD_MAX + 1;
}

static bool word_is(const struct http_parser *p, const char *s)
{
	return p->word_len == strlen(s) && !strncasecmp(p->word, s, p->word_len);
}

/* Unlike field names and tokens, methods are case-sensitive (RFC 9110, 9.1). */
static bool method_is(const struct http_parser *p, const char *s)
{
	return word_is(p, s) && !memcmp(p->word, s, p->word_len);
}

static void bad(struct http_parser *p, uint16_t status)
{
	p->error = status;
	p->state = HTTP_DONE;
}

static void end_method(struct http_parser *p)
{
	static const char * const known[] = {
		"POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"
	};
	size_t i;

	p->state = HTTP_TARGET;
	if (method_is(p, "HEAD")) {
		p->flags |= HTTP_F_HEAD;
	} else if (!method_is(p, "GET")) {
		for (i = 0; i < ARRAY_SIZE(known); i++)
			if (method_is(p, known[i]))
				return bad(p, 405);
		bad(p, 501);
	}
	p->word_len = 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void end_version(struct http_parser *p)
{
	const char *w = p->word;

	if (p->word_len != 8 || memcmp(w, "HTTP/", 5) || !is_digit(w[5]) || w[6] != '.' ||
	    !is_digit(w[7]))
		return bad(p, 400);
	if (w[5] != '1')
		return bad(p, 505);
	if (w[7] != '0')
		p->flags |= HTTP_F_11;
}

static void end_name(struct http_parser *p)
{
	p->state = HTTP_VALUE;
	p->field = HTTP_OTHER;
	if (word_is(p, "Connection")) {
		p->field = HTTP_CONNECTION;
	} else if (word_is(p, "Content-Length")) {
		p->field = HTTP_LENGTH;
	} else if (word_is(p, "Transfer-Encoding")) {
		p->field = HTTP_ENCODING;
		p->flags |= HTTP_F_BODY;
	} else if (word_is(p, "Host")) {
		p->field = HTTP_HOST;
		if (p->flags & HTTP_F_HOST)
			bad(p, 400);
		p->flags |= HTTP_F_HOST;
	}
	p->word_len = 0;
}

static void end_option(struct http_parser *p)
{
	if (word_is(p, "close"))
		p->flags |= HTTP_F_CLOSE;
	else if (word_is(p, "keep-alive"))
		p->flags |= HTTP_F_KEEP;
	p->word_len = 0;
}

static void value_byte(struct http_parser *p, unsigned char c)
{
	bool space = c == ' ' || c == '\t';

	if (is_control(c))
		return bad(p, 400);
	switch (p->field) {
	case HTTP_CONNECTION:
		if (space || c == ',')
			end_option(p);
		else
			word_add(p, c);
		break;
	case HTTP_LENGTH:
		if (space)
			break;
		if (!is_digit(c))
			return bad(p, 400);
		if (c != '0')
			p->flags |= HTTP_F_BODY;
		break;
	}
}

static void end_value(struct http_parser *p)
{
	if (p->field == HTTP_CONNECTION)
		end_option(p);
	p->word_len = 0;
}

static void end_request(struct http_parser *p)
{
	p->state = HTTP_DONE;
	/* RFC 9112, 3.2 */
	if (p->flags & HTTP_F_11 && !(p->flags & HTTP_F_HOST))
		bad(p, 400);
}

static void need_lf(struct http_parser *p, char c, uint8_t next)
{
	if (c == '\n')
		p->state = next;
	else
		bad(p, 400);
}

static void parse_byte(struct http_parser *p, unsigned char c)
{
	switch (p->state) {
	case HTTP_START:
		if (c == '\r' || c == '\n')
			break;
		p->state = HTTP_METHOD;
		fallthrough;
	case HTTP_METHOD:
		if (c == ' ' && p->word_len)
			end_method(p);
		else if (is_token(c))
			word_add(p, c);
		else
			bad(p, 400);
		break;
	case HTTP_TARGET:
		if (c == ' ' && p->target_len)
			p->state = HTTP_VERSION;
		else if (c <= ' ' || c == 0x7f)
			bad(p, 400);
		else if (p->target_len == HTTP_TARGET_MAX)
			bad(p, 414);
		else
			p->target[p->target_len++] = c;
		break;
	case HTTP_VERSION:
		if (c != '\r' && c != '\n') {
			word_add(p, c);
			break;
		}
		p->state = c == '\r' ? HTTP_LINE_LF : HTTP_FIELD;
		end_version(p);
		p->word_len = 0;
		break;
	case HTTP_LINE_LF:
		need_lf(p, c, HTTP_FIELD);
		break;
	case HTTP_FIELD:
		if (c == '\n')
			return end_request(p);
		if (c == '\r') {
			p->state = HTTP_END_LF;
			break;
		}
		p->state = HTTP_NAME;
		fallthrough;
	case HTTP_NAME:
		if (c == ':' && p->word_len)
			end_name(p);
		else if (is_token(c))
			word_add(p, c);
		else
			bad(p, 400);
		break;
	case HTTP_VALUE:
		if (c == '\r' || c == '\n') {
			p->state = c == '\r' ? HTTP_VALUE_LF : HTTP_FIELD;
			end_value(p);
		} else {
			value_byte(p, c);
		}
		break;
	case HTTP_VALUE_LF:
		need_lf(p, c, HTTP_FIELD);
		break;
	case HTTP_END_LF:
		need_lf(p, c, HTTP_DONE);
		if (p->state == HTTP_DONE && !p->error)
			end_request(p);
		break;
	}
}

size_t http_parse(struct http_parser *p, const char *data, size_t len)
{
	size_t i;

	if (p->state == HTTP_CLOSED)
		return len;
	for (i = 0; i < len && p->state != HTTP_DONE; i++) {
		parse_byte(p, data[i]);
		if (++p->total == HTTP_SECTION_MAX && p->state != HTTP_DONE)
			bad(p, 431);
	}
	return i;
}

/* --- files --------------------------------------------------------------------- */

static int hex(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Writes the path that a target names, decoded (RFC 3986, 2.1) and without leading slashes.
 * Returns false if the target is malformed.
 */
static bool decode(const struct http_parser *p, char *path)
{
	const char *t = p->target, *end = t + p->target_len, *scheme;

	/* Of an absolute target, only the path is of interest (RFC 9112, 3.2.2). */
	if (*t != '/') {
		scheme = memmem(t, p->target_len, "://", 3);
		if (!scheme)
			return false;
		for (t = scheme + 3; t < end && *t != '/' && *t != '?'; t++)
			;
	}
	while (t < end && *t == '/')
		t++;
	for (; t < end && *t != '?'; t++) {
		char c = *t;

		if (c == '%') {
			if (end - t < 3 || hex(t[1]) < 0 || hex(t[2]) < 0)
				return false;
			c = hex(t[1]) << 4 | hex(t[2]);
			t += 2;
			if (!c)
				return false;
		}
		*path++ = c;
	}
	*path = '\0';
	return true;
}

int http_open(int root, const char *path)
{
	/* These flags keep "..", symbolic links and links of /proc from leading out of @root. */
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	while (*path == '/')
		path++;
	fd = syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

/*
 * Opens the regular file that @path names, or the index of the folder that it names.  Returns
 * the status of the answer, or 0 with errno set if the host lacks means for the moment.
 */
static int open_file(int root, char *path, struct stat *st, int *fd)
{
	size_t len = strlen(path);
	bool index = false;

	for (;;) {
		*fd = http_open(root, path);
		if (*fd < 0)
			break;
		if (fstat(*fd, st)) {
			close(*fd);
			errno = EIO;
			return 0;
		}
		if (S_ISREG(st->st_mode))
			return 200;
		close(*fd);
		if (!S_ISDIR(st->st_mode) || index)
			return 403;
		index = true;
		snprintf(path + len, HTTP_PATH_MAX - len, "%s" HTTP_INDEX,
			 len && path[len - 1] != '/' ? "/" : "");
	}
	switch (-*fd) {
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
		return 404;
	case EACCES:
	case EPERM:
	case ELOOP:
	case EXDEV:
	case ENXIO:
		return 403;
	}
	errno = -*fd;
	return 0;
}

/* The text that stands behind the number of a status. */
static const char *status_text(unsigned int status)
{
	switch (status) {
	case 200: return "OK";
	case 400: return "Bad Request";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 414: return "URI Too Long";
	case 431: return "Request Header Fields Too Large";
	case 501: return "Not Implemented";
	case 505: return "HTTP Version Not Supported";
	}
	return "Error";
}

static int error_text(unsigned int status, char *buf, size_t size)
{
	return snprintf(buf, size, "%u %s\n", status, status_text(status));
}

int http_resolve(int root, const struct http_parser *p, struct http_answer *a, int *fd)
{
	struct stat st;
	int status = p->error;

	memset(a, 0, sizeof(*a));
	*fd = -1;
	if (!status) {
		if (!decode(p, a->path))
			status = 400;
		else
			status = open_file(root, a->path, &st, fd);
	}
	if (!status)
		return -errno;
	a->status = status;
	a->head = p->flags & HTTP_F_HEAD;
	a->http10 = !(p->flags & HTTP_F_11);
	/* Behind a bad request, or a body that is not read, no further request can be found. */
	a->keep = !p->error && !(p->flags & (HTTP_F_BODY | HTTP_F_CLOSE)) &&
		  p->flags & (HTTP_F_11 | HTTP_F_KEEP);
	if (status == 200) {
		a->size = st.st_size;
		a->mtime = st.st_mtim.tv_sec;
		a->mtime_ns = st.st_mtim.tv_nsec;
		a->ino = st.st_ino;
	} else {
		*fd = -1;
		a->path[0] = '\0';
		a->size = error_text(status, NULL, 0);
	}
	return 0;
}

bool http_same_file(int fd, const struct http_answer *a)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_nlink && (uint64_t)st.st_size == a->size &&
	       st.st_mtim.tv_sec == a->mtime && st.st_mtim.tv_nsec == a->mtime_ns &&
	       (!a->ino || st.st_ino == a->ino);
}

/* --- answers ------------------------------------------------------------------- */

static const char *content_type(const struct http_answer *a)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {
		{ "html", "text/html" },
		{ "htm", "text/html" },
		{ "txt", "text/plain" },
		{ "c", "text/plain" },
		{ "h", "text/plain" },
		{ "rst", "text/plain" },
		{ "md", "text/plain" },
		{ "css", "text/css" },
		{ "js", "text/javascript" },
		{ "json", "application/json" },
		{ "pdf", "application/pdf" },
		{ "png", "image/png" },
		{ "jpg", "image/jpeg" },
		{ "jpeg", "image/jpeg" },
		{ "gif", "image/gif" },
		{ "svg", "image/svg+xml" },
		{ "wasm", "application/wasm" },
	};
	const char *dot;
	size_t i;

	if (a->status != 200)
		return "text/plain";
	dot = strrchr(a->path, '.');
	if (dot && !strchr(dot, '/'))
		for (i = 0; i < ARRAY_SIZE(types); i++)
			if (!strcasecmp(dot + 1, types[i].suffix))
				return types[i].type;
	return "application/octet-stream";
}

/*
 * There is no field Date, since a request may be executed twice, and both answers must
 * have the same bytes.
 */
size_t http_head(const struct http_answer *a, char *buf)
{
	time_t mtime = a->mtime;
	char modified[64] = "";
	const char *connection = "";
	struct tm tm;
	size_t len;

	if (a->status == 200 && gmtime_r(&mtime, &tm))
		strftime(modified, sizeof(modified),
			 "Last-Modified: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
	if (!a->keep)
		connection = "Connection: close\r\n";
	else if (a->http10)
		connection = "Connection: keep-alive\r\n";
	len = snprintf(buf, HTTP_HEAD_MAX, "HTTP/1.1 %u %s\r\nContent-Type: %s\r\n"
		       "Content-Length: %llu\r\n%s%s%s\r\n", a->status, status_text(a->status),
		       content_type(a), (unsigned long long)a->size, modified,
		       a->status == 405 ? "Allow: GET, HEAD\r\n" : "", connection);
	if (a->status != 200 && !a->head)
		len += error_text(a->status, buf + len, HTTP_HEAD_MAX - len);
	return len;
}

uint64_t http_file_len(const struct http_answer *a)
{
	return a->status == 200 && !a->head ? a->size : 0;
}
