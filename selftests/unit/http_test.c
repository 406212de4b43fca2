// SPDX-License-Identifier: GPL-2.0
/*
 * The web server without a kernel: the parser, the files, the continuations, and what
 * trickles-httpd answers to an event, which depends on nothing but the event and the files.
 */
#define _GNU_SOURCE
#include <ftw.h>

#include "minisock.c"
#include "send.c"

#include "http.c"
#include "http_cache.c"
#include "http_cont.c"
#include "util.c"

#define main httpd_main
#include "trickles-httpd.c"
#undef main

#include "sim/rng.h"
#include "tap.h"

/* --- a folder to serve --------------------------------------------------------- */

#define FILES		6
#define SIZE_MAX_FILE	20000

static char folder[32] = "/tmp/http_test.XXXXXX";
static const char * const file_name[FILES] = {
	"one.txt", "two.html", "empty", "big", "sub/index.html", "with space"
};

static const size_t file_size[FILES] = { 1, 700, 0, SIZE_MAX_FILE, 333, 1500 };
static char file_data[FILES][SIZE_MAX_FILE];

static void path_of(char *buf, size_t size, const char *name)
{
	snprintf(buf, size, "%s/%s", folder, name);
}

static void write_file(const char *name, const char *data, size_t len)
{
	char path[300];
	FILE *f;

	path_of(path, sizeof(path), name);
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, len, f) != len || fclose(f))
		die("%s: %s", path, strerror(errno));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void remove_folder(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The server loses all soft state, as if it were killed and started again. */
static void restart(void)
{
	struct http_cached *e = &cache.set[0][0];
	int root = cache.root, i;

	http_cache_settle(&cache);
	for (i = 0; i < HTTP_CACHE_SETS * HTTP_CACHE_WAYS; i++)
		if (e[i].path[0])
			close(e[i].fd);
	memset(&cache, 0, sizeof(cache));
	cache.root = root;
}

static void make_folder(void)
{
	struct rng rng = { 1 };
	char path[300];
	unsigned int i;
	size_t k;

	if (!mkdtemp(folder))
		die("%s: %s", folder, strerror(errno));
	atexit(remove_folder);
	path_of(path, sizeof(path), "sub");
	mkdir(path, 0755);
	path_of(path, sizeof(path), "bare");
	mkdir(path, 0755);
	path_of(path, sizeof(path), "pipe");
	mkfifo(path, 0644);
	path_of(path, sizeof(path), "escape");
	if (symlink("/etc/passwd", path))
		die("%s: %s", path, strerror(errno));
	path_of(path, sizeof(path), "within");
	if (symlink("sub/index.html", path))
		die("%s: %s", path, strerror(errno));
	for (i = 0; i < FILES; i++) {
		for (k = 0; k < file_size[i]; k++)
			file_data[i][k] = rng_u64(&rng);
		write_file(file_name[i], file_data[i], file_size[i]);
	}
	cache.root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* --- the parser ---------------------------------------------------------------- */

/* Packs the parser into the bytes of a continuation, and unpacks it again. */
static bool repack(struct http_parser *p)
{
	uint8_t buf[HTTP_CONT_MAX];
	uint64_t next = 0;
	size_t len = http_pack_request(buf, 12345678901234567ULL, p);

	return http_unpack_request(buf, len, &next, p) && next == 12345678901234567ULL;
}

static bool parser_equal(const struct http_parser *a, const struct http_parser *b)
{
	return a->state == b->state && a->error == b->error && a->total == b->total &&
	       a->target_len == b->target_len && !memcmp(a->target, b->target, a->target_len) &&
	       (a->error || a->flags == b->flags);
}

static void parse_all(struct http_parser *p, const char *s, size_t len, size_t *used)
{
	memset(p, 0, sizeof(*p));
	*used = http_parse(p, s, len);
}

/* Parses a request whole, in two parts, and byte by byte: the result must be the same. */
static void check_parse(const char *s, size_t len, int error, unsigned int flags,
			const char *target)
{
	struct http_parser p, whole;
	size_t used, at, k;

	parse_all(&whole, s, len, &used);
	CHECK_EQ(whole.state, HTTP_DONE);
	CHECK_EQ(whole.error, error);
	if (!error) {
		CHECK_EQ(used, len);
		CHECK_EQ(whole.flags, flags);
		CHECK_EQ(whole.target_len, strlen(target));
		CHECK(!memcmp(whole.target, target, whole.target_len));
	}
	for (at = 1; at < used; at++) {
		memset(&p, 0, sizeof(p));
		CHECK_EQ(http_parse(&p, s, at), at);
		CHECK(repack(&p));
		CHECK_EQ(http_parse(&p, s + at, len - at), used - at);
		CHECK(parser_equal(&p, &whole));
	}
	memset(&p, 0, sizeof(p));
	for (k = 0; k < used; k++) {
		CHECK_EQ(http_parse(&p, s + k, 1), 1);
		CHECK(p.state == HTTP_DONE || repack(&p));
	}
	CHECK(parser_equal(&p, &whole));
}

static void parse__good(void)
{
	static const struct {
		const char *s;
		unsigned int flags;
		const char *target;
	} good[] = {
		{ "GET / HTTP/1.0\r\n\r\n", 0, "/" },
		{ "HEAD /a HTTP/1.0\r\n\r\n", HTTP_F_HEAD, "/a" },
		{ "\r\n\r\nGET /a?b HTTP/1.0\n\n", 0, "/a?b" },
		{ "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_F_11 | HTTP_F_HOST, "/a" },
		{ "GET /a HTTP/1.7\r\nhOST:\r\n\r\n", HTTP_F_11 | HTTP_F_HOST, "/a" },
		{ "GET /a HTTP/1.0\r\nConnection:Keep-Alive\r\n\r\n", HTTP_F_KEEP, "/a" },
		{ "GET /a HTTP/1.0\r\nCONNECTION: te , CLOSE,x\r\n\r\n", HTTP_F_CLOSE, "/a" },
		{ "GET /a HTTP/1.0\r\nConnection: closer\r\n\r\n", 0, "/a" },
		{ "GET /a HTTP/1.0\r\nConnections: close\r\n\r\n", 0, "/a" },
		{ "GET /a HTTP/1.0\r\nContent-Length: 0\r\n\r\n", 0, "/a" },
		{ "GET /a HTTP/1.0\r\nContent-Length: 10\r\n\r\n", HTTP_F_BODY, "/a" },
		{ "GET /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_F_BODY, "/a" },
		{ "GET /a HTTP/1.0\r\nX-Very-Long-Name-Of-A-Field: \x80\tx\r\n\r\n", 0, "/a" },
		{ "GET http://h:8/a HTTP/1.0\r\n\r\n", 0, "http://h:8/a" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		CHECKED(check_parse(good[i].s, strlen(good[i].s), 0, good[i].flags,
				    good[i].target));
}

static void parse__bad(void)
{
	static const struct {
		const char *s;
		int error;
	} bad_requests[] = {
		{ " GET / HTTP/1.0\r\n\r\n", 400 },
		{ "GET  / HTTP/1.0\r\n\r\n", 400 },
		{ "GET /\r\n\r\n", 400 },
		{ "GET / HTTP/1.0 \r\n\r\n", 400 },
		{ "GET / http/1.0\r\n\r\n", 400 },
		{ "GET / HTTP/1.x\r\n\r\n", 400 },
		{ "GET / HTTP/2.0\r\n\r\n", 505 },
		{ "GET / HTTP/1.0\rX", 400 },
		{ "GET / HTTP/1.1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400 },
		{ "GET / HTTP/1.0\r\nName : x\r\n\r\n", 400 },
		{ "GET / HTTP/1.0\r\n: x\r\n\r\n", 400 },
		{ "GET / HTTP/1.0\r\nName\r\n\r\n", 400 },
		{ "GET / HTTP/1.0\r\nA: b\r\n folded\r\n\r\n", 400 },
		{ "GET / HTTP/1.0\r\nA: b\001\r\n\r\n", 400 },
		{ "GET / HTTP/1.0\r\nA: b\rc\r\n\r\n", 400 },
		{ "GET / HTTP/1.0\r\nContent-Length: -1\r\n\r\n", 400 },
		{ "GET /\001 HTTP/1.0\r\n\r\n", 400 },
		{ "G\"T / HTTP/1.0\r\n\r\n", 400 },
		{ "POST / HTTP/1.0\r\n\r\n", 405 },
		{ "TRACE / HTTP/1.0\r\n\r\n", 405 },
		{ "get / HTTP/1.0\r\n\r\n", 501 },
		{ "A-METHOD-LONGER-THAN-ANY-WORD / HTTP/1.0\r\n\r\n", 501 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_requests); i++)
		CHECKED(check_parse(bad_requests[i].s, strlen(bad_requests[i].s),
				    bad_requests[i].error, 0, NULL));
}

static void parse__limits(void)
{
	char s[HTTP_SECTION_MAX + 100], target[HTTP_TARGET_MAX + 2];
	int len;

	memset(target, 'x', sizeof(target));
	target[0] = '/';
	target[HTTP_TARGET_MAX] = '\0';
	len = snprintf(s, sizeof(s), "GET %s HTTP/1.0\r\n\r\n", target);
	CHECKED(check_parse(s, len, 0, 0, target));
	target[HTTP_TARGET_MAX] = 'x';
	target[HTTP_TARGET_MAX + 1] = '\0';
	len = snprintf(s, sizeof(s), "GET %s HTTP/1.0\r\n\r\n", target);
	CHECKED(check_parse(s, len, 414, 0, NULL));
	memset(s, 'x', sizeof(s));
	memcpy(s, "GET / HTTP/1.0\r\nA: ", 19);
	memcpy(s + HTTP_SECTION_MAX - 4, "\r\n\r\n", 4);
	CHECKED(check_parse(s, HTTP_SECTION_MAX, 0, 0, "/"));
	memset(s + HTTP_SECTION_MAX - 4, 'x', 4);
	CHECKED(check_parse(s, sizeof(s), 431, 0, NULL));
}

static void parse__closed_takes_all(void)
{
	struct http_parser p = { .state = HTTP_CLOSED };

	CHECK_EQ(http_parse(&p, "GET / HTTP/1.0\r\n\r\n", 18), 18);
	CHECK_EQ(p.state, HTTP_CLOSED);
}

/* Of random bytes, too, the result is the same however they are cut. */
static void parse__noise(void)
{
	static const char seed[] = "GET /some/path?x=%41 HTTP/1.1\r\nHost: a\r\n"
				   "Connection: close, keep-alive\r\nContent-Length: 0\r\n\r\n";
	struct rng rng = { 2 };
	int round;

	for (round = 0; round < 20000; round++) {
		size_t len = sizeof(seed) - 1, used, at = 0;
		char s[sizeof(seed)];
		struct http_parser p, whole;
		int k;

		memcpy(s, seed, sizeof(seed));
		for (k = rng_below(&rng, 4); k >= 0; k--)
			s[rng_below(&rng, len)] = rng_u64(&rng);
		parse_all(&whole, s, len, &used);
		memset(&p, 0, sizeof(p));
		while (at < used && p.state != HTTP_DONE) {
			at += http_parse(&p, s + at, rng_in(&rng, 1, used - at));
			CHECK(p.state == HTTP_DONE || repack(&p));
		}
		CHECK_EQ(at, used);
		CHECK(parser_equal(&p, &whole));
	}
}

/* --- files and answers ----------------------------------------------------------- */

static int resolve(const char *target, struct http_answer *a)
{
	struct http_parser p = { .flags = HTTP_F_11, .target_len = strlen(target) };
	int fd;

	memcpy(p.target, target, p.target_len);
	if (http_resolve(cache.root, &p, a, &fd))
		return -1;
	if (fd >= 0)
		close(fd);
	return a->status;
}

static void resolve__targets(void)
{
	static const struct {
		const char *target;
		int status;
		const char *path;
	} t[] = {
		{ "/one.txt", 200, "one.txt" },
		{ "//one.txt", 200, "one.txt" },
		{ "/one.txt?a=b/../c", 200, "one.txt" },
		{ "/%6fne%2Etxt", 200, "one.txt" },
		{ "/with%20space", 200, "with space" },
		{ "http://host/one.txt", 200, "one.txt" },
		{ "http://host/sub/../one.txt", 200, "sub/../one.txt" },
		{ "/sub", 200, "sub/index.html" },
		{ "/sub/", 200, "sub/index.html" },
		{ "/within", 200, "within" },
		{ "/", 404, "" },
		{ "http://host", 404, "" },
		{ "/bare/", 404, "" },
		{ "/none", 404, "" },
		{ "/one.txt/", 404, "" },
		{ "/one.txt/x", 404, "" },
		{ "/..", 403, "" },
		{ "/../../etc/passwd", 403, "" },
		{ "/%2e%2e/%2e%2e/etc/passwd", 403, "" },
		{ "/..%2f..%2fetc/passwd", 403, "" },
		{ "/escape", 403, "" },
		{ "/pipe", 403, "" },
		{ "/one.txt%00", 400, "" },
		{ "/%", 400, "" },
		{ "/%4", 400, "" },
		{ "/%4g", 400, "" },
		{ "one.txt", 400, "" },
		{ "*", 400, "" },
	};
	struct http_answer a;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		CHECK_EQ(resolve(t[i].target, &a), t[i].status);
		if (strcmp(a.path, t[i].path))
			FAIL("%s: path %s", t[i].target, a.path);
	}
}

static void head__fits_and_tells_its_length(void)
{
	static const uint16_t status[] = { 200, 400, 403, 404, 405, 414, 431, 501, 505 };
	unsigned int i, variant;

	for (i = 0; i < ARRAY_SIZE(status); i++) {
		for (variant = 0; variant < 16; variant++) {
			struct http_answer a = {
				.status = status[i], .head = variant & 1, .keep = variant & 2,
				.http10 = variant & 4, .size = variant & 8 ? UINT64_MAX : 7,
				.mtime = variant & 8 ? 1LL << 55 : 0, .path = "x.html",
			};
			char buf[HTTP_HEAD_MAX], again[HTTP_HEAD_MAX];
			size_t len = http_head(&a, buf);
			char *end = memmem(buf, len, "\r\n\r\n", 4);

			CHECK(len < HTTP_HEAD_MAX);
			CHECK(end);
			CHECK_EQ(http_head(&a, again), len);
			CHECK(!memcmp(buf, again, len));
			/* Only the text of an error stands behind the header. */
			CHECK_EQ(buf + len == end + 4, a.status == 200 || a.head);
			CHECK_EQ(http_file_len(&a), a.status == 200 && !a.head ? a.size : 0);
		}
	}
}

static void cont__answer_back_and_forth(void)
{
	struct http_answer a = {
		.status = 200, .keep = true, .size = 1ULL << 40, .mtime = -5,
		.mtime_ns = 999999999, .ino = UINT64_MAX,
	}, b;
	uint8_t buf[HTTP_CONT_MAX + 1];
	size_t len, k;

	memset(a.path, 'p', HTTP_PATH_MAX - 1);
	len = http_pack_answer(buf, &a);
	CHECK(len <= HTTP_CONT_MAX);
	CHECK(http_unpack_answer(buf, len, &b));
	CHECK(!memcmp(&a, &b, sizeof(a)));
	for (k = 0; k < 32; k++)
		CHECK(!http_unpack_answer(buf, k, &b));
	CHECK(!http_unpack_answer(buf, len + 1, &b));
	buf[40] = '\0';
	CHECK(!http_unpack_answer(buf, len, &b));
	buf[40] = 'p';
	buf[0]++;
	CHECK(!http_unpack_answer(buf, len, &b));
}

static void cont__request_refused(void)
{
	struct http_parser p = { .state = HTTP_NAME, .word_len = 3, .target_len = 5 }, q;
	uint8_t buf[HTTP_CONT_MAX + 1], bad_byte;
	uint64_t next;
	size_t len = http_pack_request(buf, 0, &p), k;

	for (k = 0; k < len; k++)
		CHECK(!http_unpack_request(buf, k, &next, &q));
	CHECK(!http_unpack_request(buf, len + 1, &next, &q));
	/* Layout, state, field, word_len, total, target_len: each of them out of bounds. */
	for (k = 0; k < len; k++) {
		if (k != 0 && k != 9 && k != 11 && k != 12 && k != 14 && k != 16)
			continue;
		bad_byte = buf[k];
		buf[k] = 0xfe;
		CHECK(!http_unpack_request(buf, len, &next, &q));
		buf[k] = bad_byte;
	}
	CHECK(http_unpack_request(buf, len, &next, &q));
}

static void cache__same_file_or_stale(void)
{
	struct http_answer a;
	char path[300];
	int fd;

	path_of(path, sizeof(path), "soft");
	write_file("soft", "first", 5);
	CHECK_EQ(resolve("/soft", &a), 200);
	fd = http_cache_get(&cache, &a);
	CHECK(fd >= 0);
	CHECK_EQ(http_cache_get(&cache, &a), fd);
	remove(path);
	write_file("soft", "second", 6);
	CHECK_EQ(http_cache_get(&cache, &a), -ESTALE);
	CHECK_EQ(resolve("/soft", &a), 200);
	CHECK(http_cache_get(&cache, &a) >= 0);
	/* The old file stays open, since the batch may still send from it. */
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	http_cache_settle(&cache);
	CHECK_EQ(fcntl(fd, F_GETFD), -1);
	restart();
}

/* Descriptors stay open until the batch is carried out, and then no more than the cache holds. */
static void cache__bounded_and_kept_for_the_batch(void)
{
	struct http_answer a[HTTP_CACHE_BATCH];
	int fd[HTTP_CACHE_BATCH], i, round;
	char name[16];

	for (round = 0; round < 20; round++) {
		for (i = 0; i < HTTP_CACHE_BATCH; i++) {
			snprintf(name, sizeof(name), "/c%d", round * HTTP_CACHE_BATCH + i);
			write_file(name + 1, name, strlen(name));
			CHECK_EQ(resolve(name, &a[i]), 200);
			fd[i] = http_cache_get(&cache, &a[i]);
			CHECK(fd[i] >= 0);
		}
		for (i = 0; i < HTTP_CACHE_BATCH; i++)
			CHECK(http_same_file(fd[i], &a[i]));
		http_cache_settle(&cache);
	}
	fd[0] = dup(0);
	CHECK(fd[0] <= HTTP_CACHE_SETS * HTTP_CACHE_WAYS + 16);
	close(fd[0]);
	restart();
}

/* --- the server: from an event to an answer -------------------------------------- */

static union {
	struct trk_event ev;
	uint8_t bytes[TRK_EVENT_SIZE_DEFAULT];
} entry;

static uint32_t entry_used;
static struct minisock msk;
static struct reply answer;

/* A continuation that a client holds. */
struct held {
	uint64_t start, end;
	uint32_t flags, len;
	uint8_t data[MSK_CONT_MAX];
};

static void event_begin(void)
{
	memset(&entry, 0, sizeof(entry));
	memset(&msk, 0, sizeof(msk));
	entry_used = sizeof(struct trk_event);
	entry.ev.type = TRK_EV_REQUEST;
	msk.ev = &entry.ev;
}

static void event_cont(struct trk_event_cont *c, uint32_t flag, const struct held *h)
{
	if (!h->flags)
		return;
	*c = (struct trk_event_cont){
		.start = h->start, .end = h->end, .at = entry_used, .len = h->len,
		.flags = h->flags & ~TRK_CONT_SET,
	};
	entry.ev.flags |= flag;
	memcpy(entry.bytes + entry_used, h->data, h->len);
	entry_used += h->len;
}

static void event_input(const struct held *h, uint64_t off, const char *data, size_t len, bool fin)
{
	event_begin();
	event_cont(&entry.ev.input, TRK_EVF_INPUT_CONT, h);
	entry.ev.flags |= (len ? TRK_EVF_INPUT : 0) | (fin ? TRK_EVF_FIN : 0);
	entry.ev.input_off = off;
	entry.ev.input_len = len;
	entry.ev.input_at = entry_used;
	memcpy(entry.bytes + entry_used, data, len);
}

/* Takes the continuation that the answer sets, as the client does. */
static void take_cont(struct held *h, enum msk_which which)
{
	const struct msk_staged *s = &msk.staged[which];

	h->start = s->start;
	h->end = s->end;
	h->flags = s->flags;
	h->len = s->len;
	memcpy(h->data, msk.data[which], s->len);
}

/* Takes the first bytes of an answer, as the kernel would. */
static size_t take_data(char *buf, size_t room)
{
	size_t len = 0;
	int i;

	for (i = 0; i < answer.desc.niov; i++) {
		const struct msk_iov *v = &answer.iov[i];
		size_t n = v->len < room - len ? v->len : room - len;

		if (v->fd < 0)
			memcpy(buf + len, (void *)(uintptr_t)v->at, n);
		else if (pread(v->fd, buf + len, n, v->at) != (ssize_t)n)
			die("a file became shorter");
		len += n;
	}
	return len;
}

#define OUT_MAX	(16 * (SIZE_MAX_FILE + HTTP_HEAD_MAX))

/* What a client knows, which is all the state of a connection. */
struct peer {
	const char *in;
	size_t in_len;
	uint64_t in_una;
	bool in_fin, fin_acked;
	struct held input, output[32];
	unsigned int outputs;
	uint64_t fin_off, rcv_nxt;
	char out[OUT_MAX];
	bool have[OUT_MAX + 1];
};

/* Bytes arrive.  Those that have come before must be the same. */
static void deliver(struct peer *c, uint64_t off, const char *data, size_t len)
{
	size_t i;

	CHECK(off + len <= OUT_MAX);
	for (i = 0; i < len; i++) {
		CHECK(!c->have[off + i] || c->out[off + i] == data[i]);
		c->out[off + i] = data[i];
		c->have[off + i] = true;
	}
	while (c->have[c->rcv_nxt])
		c->rcv_nxt++;
}

static void send_input(struct peer *c, struct rng *rng)
{
	static char buf[OUT_MAX];
	uint64_t left = c->in_len - c->in_una, n = rng_in(rng, 0, left < 900 ? left : 900);
	bool fin = c->in_fin && n == left;
	struct held h;
	unsigned int i;

	event_input(&c->input, c->in_una, c->in + c->in_una, n, fin);
	if (!c->input.flags)
		entry.ev.type |= TRK_EV_OPEN;
	reply_to(&answer, &msk);
	CHECK_EQ(answer.desc.flags & ~MSK_SEND_FIN, 0);
	if (rng_below(rng, 4)) {
		uint64_t before = c->in_una;

		take_cont(&h, MSK_OUTPUT);
		if (h.flags) {
			CHECK_EQ(h.start, answer.desc.off);
			for (i = 0; i < c->outputs && c->output[i].start != h.start; i++)
				;
			CHECK(i < ARRAY_SIZE(c->output));
			c->output[i] = h;
			c->outputs = i < c->outputs ? c->outputs : i + 1;
			if (h.flags & TRK_CONT_FINAL)
				c->fin_off = h.end;
		}
		CHECKED(deliver(c, answer.desc.off, buf, take_data(buf, rng_below(rng, 3000))));
		if (answer.desc.flags & MSK_SEND_FIN)
			c->fin_off = answer.desc.off;
		if (msk.consumed_from < msk.consumed_to) {
			CHECK_EQ(msk.consumed_from, c->in_una);
			CHECK(msk.consumed_to <= c->in_una + n);
			c->in_una = msk.consumed_to;
		}
		if (fin && c->in_una == c->in_len)
			c->fin_acked = true;
		take_cont(&h, MSK_INPUT);
		if (h.flags) {
			CHECK_EQ(h.start, c->in_una);
			c->input = h;
		}
		CHECK(!n || c->in_una > before);
	}
}

static void ask_output(struct peer *c, struct rng *rng)
{
	static char buf[4 * 4000];
	const struct held *h = &c->output[rng_below(rng, c->outputs)];
	unsigned int i, n = rng_in(rng, 1, TRK_MAX_RANGES);
	size_t got, at = 0, want = 0;

	/* Asks for the next bytes, if this continuation has them, and for some at random. */
	event_begin();
	event_cont(&entry.ev.output, TRK_EVF_OUTPUT_CONT, h);
	entry.ev.nranges = n;
	for (i = 0; i < n; i++) {
		struct trk_event_range *r = &entry.ev.range[i];

		r->off = rng_in(rng, h->start, h->end - 1);
		if (!i && h->start <= c->rcv_nxt && c->rcv_nxt < h->end)
			r->off = c->rcv_nxt;
		r->len = rng_in(rng, 1, h->end - r->off < 4000 ? h->end - r->off : 4000);
		want += r->len;
	}
	reply_to(&answer, &msk);
	CHECK_EQ(answer.desc.flags, 0);
	got = take_data(buf, sizeof(buf));
	CHECK_EQ(got, want);
	for (i = 0; i < n; i++) {
		CHECKED(deliver(c, entry.ev.range[i].off, buf + at, entry.ev.range[i].len));
		at += entry.ev.range[i].len;
	}
}

/*
 * Runs until the stream is complete, while answers get lost, requests are repeated, and the server
 * is started again.
 */
static void run_connection(struct peer *c, struct rng *rng)
{
	unsigned int steps;

	for (steps = 0; steps < 100000; steps++) {
		bool unsent = c->in_una < c->in_len || (c->in_fin && !c->fin_acked);

		if (c->outputs && rng_below(rng, 2))
			CHECKED(ask_output(c, rng));
		else if (unsent)
			CHECKED(send_input(c, rng));
		if (!rng_below(rng, 10))
			restart();
		http_cache_settle(&cache);
		if (c->rcv_nxt == c->fin_off && c->in_una == c->in_len)
			return;
	}
	FAIL("not done");
}

/* Makes what the stream must be: one answer after the other. */
static size_t expected(char *out, const int *file, const bool *head, int n, bool last_closes)
{
	size_t len = 0;
	int i;

	for (i = 0; i < n; i++) {
		char name[64];
		struct http_answer a;

		snprintf(name, sizeof(name), "/%s", file_name[file[i]]);
		if (strchr(name, ' '))
			strcpy(strchr(name, ' '), "%20space");
		resolve(name, &a);
		a.head = head[i];
		a.keep = i + 1 < n || !last_closes;
		len += http_head(&a, out + len);
		if (!a.head) {
			memcpy(out + len, file_data[file[i]], file_size[file[i]]);
			len += file_size[file[i]];
		}
	}
	return len;
}

/* The stream is the same however requests are cut, answers lost and the server killed. */
static void httpd__same_stream_always(void)
{
	static struct peer c;
	static char want[OUT_MAX];
	struct rng rng = { 3 };
	int round;

	for (round = 0; round < 100; round++) {
		int n = rng_in(&rng, 1, 8), i, file[8];
		bool head[8], closes = rng_below(&rng, 2);
		char in[8 * 1500];
		size_t len = 0;

		for (i = 0; i < n; i++) {
			static const char * const target[FILES] = {
				"/one.txt", "/two.html?q", "/empty", "http://h/big", "/sub/../sub",
				"/with%20space"
			};
			int pad = rng_below(&rng, 1000);

			file[i] = rng_below(&rng, FILES);
			head[i] = !rng_below(&rng, 5);
			len += sprintf(in + len, "%s %s HTTP/1.1\r\nHost: h\r\nX: %*s\r\n%s\r\n",
				       head[i] ? "HEAD" : "GET", target[file[i]], pad, "",
				       closes && i + 1 == n ? "Connection: close\r\n" : "");
		}
		memset(&c, 0, sizeof(c));
		c.in = in;
		c.in_len = len;
		c.in_fin = !closes;
		c.fin_off = UINT64_MAX;
		CHECKED(run_connection(&c, &rng));
		len = expected(want, file, head, n, closes);
		CHECK_EQ(c.fin_off, len);
		CHECK(!memcmp(c.out, want, len));
	}
	restart();
}

static void httpd__error_ends_the_stream(void)
{
	static struct peer c;
	struct rng rng = { 4 };
	const char *in = "GET /none HTTP/1.1\r\nHost: h\r\n\r\nPOST /x HTTP/1.1\r\n\r\nmore of it";

	memset(&c, 0, sizeof(c));
	c.in = in;
	c.in_len = strlen(in);
	c.fin_off = UINT64_MAX;
	CHECKED(run_connection(&c, &rng));
	CHECK(!strncmp(c.out, "HTTP/1.1 404 ", 13));
	CHECK(memmem(c.out, c.fin_off, "\n404 Not Found\nHTTP/1.1 405 ", 28));
	CHECK(!memcmp(c.out + c.fin_off - 23, "405 Method Not Allowed\n", 23));
}

/* Gets the output continuation of /soft. */
static void open_soft(struct held *h)
{
	struct held none = { 0 };

	event_input(&none, 0, "GET /soft HTTP/1.0\r\n\r\n", 22, false);
	reply_to(&answer, &msk);
	take_cont(h, MSK_OUTPUT);
	http_cache_settle(&cache);
}

static unsigned int ask_soft(const struct held *h)
{
	event_begin();
	event_cont(&entry.ev.output, TRK_EVF_OUTPUT_CONT, h);
	entry.ev.nranges = 1;
	entry.ev.range[0].off = h->end - 3;
	entry.ev.range[0].len = 3;
	reply_to(&answer, &msk);
	http_cache_settle(&cache);
	return answer.desc.flags;
}

/* A download whose file changes is aborted: it must not mix two contents. */
static void httpd__changed_file_aborts(void)
{
	char path[300], other[300];
	struct timespec times[2] = { { 1000, 0 }, { 1000, 5 } };
	struct held h;
	int forget;

	path_of(path, sizeof(path), "soft");
	path_of(other, sizeof(other), "other");
	for (forget = 0; forget < 2; forget++) {
		write_file("soft", "0123456789", 10);
		CHECKED(open_soft(&h));
		CHECK_EQ(ask_soft(&h), 0);
		/* longer */
		write_file("soft", "0123456789x", 11);
		if (forget)
			restart();
		CHECK_EQ(ask_soft(&h), MSK_SEND_ABORT);
		CHECK_EQ(answer.desc.niov, 0);
		/* of another time */
		CHECKED(open_soft(&h));
		utimensat(AT_FDCWD, path, times, 0);
		if (forget)
			restart();
		CHECK_EQ(ask_soft(&h), MSK_SEND_ABORT);
		/* replaced by another of equal size and time */
		CHECKED(open_soft(&h));
		write_file("other", "9876543210x", 11);
		utimensat(AT_FDCWD, other, times, 0);
		CHECK_EQ(rename(other, path), 0);
		if (forget)
			restart();
		CHECK_EQ(ask_soft(&h), MSK_SEND_ABORT);
		/* removed */
		CHECKED(open_soft(&h));
		remove(path);
		if (forget)
			restart();
		CHECK_EQ(ask_soft(&h), MSK_SEND_ABORT);
	}
	restart();
}

static void httpd__replicas_differ_in_inodes(void)
{
	char path[300], other[300];
	struct timespec times[2] = { { 1000, 0 }, { 1000, 5 } };
	struct held h;

	path_of(path, sizeof(path), "soft");
	path_of(other, sizeof(other), "other");
	replicas = true;
	write_file("soft", "0123456789", 10);
	utimensat(AT_FDCWD, path, times, 0);
	write_file("other", "0123456789", 10);
	utimensat(AT_FDCWD, other, times, 0);
	open_soft(&h);
	CHECK_EQ(rename(other, path), 0);
	restart();
	CHECK_EQ(ask_soft(&h), 0);
	replicas = false;
	restart();
}

static void httpd__foreign_continuation_aborts(void)
{
	struct held h;

	write_file("soft", "0123456789", 10);
	open_soft(&h);
	h.data[0]++;
	CHECK_EQ(ask_soft(&h), MSK_SEND_ABORT);
	h.data[0]--;
	/* A continuation whose header has another length is of another version of the server. */
	h.start++;
	event_begin();
	event_cont(&entry.ev.output, TRK_EVF_OUTPUT_CONT, &h);
	entry.ev.nranges = 1;
	entry.ev.range[0].off = h.start;
	entry.ev.range[0].len = 1;
	reply_to(&answer, &msk);
	CHECK_EQ(answer.desc.flags, MSK_SEND_ABORT);
	h.data[0]++;
	event_input(&h, h.start, "x", 1, false);
	reply_to(&answer, &msk);
	CHECK_EQ(answer.desc.flags, MSK_SEND_ABORT);
	restart();
}

static void httpd__close_is_dropped(void)
{
	event_begin();
	entry.ev.type = TRK_EV_CLOSE;
	reply_to(&answer, &msk);
	CHECK_EQ(answer.desc.flags, MSK_DESC_DROP);
}

static const struct tap_case cases[] = {
	TAP_CASE(parse__good),
	TAP_CASE(parse__bad),
	TAP_CASE(parse__limits),
	TAP_CASE(parse__closed_takes_all),
	TAP_CASE(parse__noise),
	TAP_CASE(resolve__targets),
	TAP_CASE(head__fits_and_tells_its_length),
	TAP_CASE(cont__answer_back_and_forth),
	TAP_CASE(cont__request_refused),
	TAP_CASE(cache__same_file_or_stale),
	TAP_CASE(cache__bounded_and_kept_for_the_batch),
	TAP_CASE(httpd__same_stream_always),
	TAP_CASE(httpd__error_ends_the_stream),
	TAP_CASE(httpd__changed_file_aborts),
	TAP_CASE(httpd__replicas_differ_in_inodes),
	TAP_CASE(httpd__foreign_continuation_aborts),
	TAP_CASE(httpd__close_is_dropped),
};

int main(void)
{
	make_folder();
	return tap_run(cases, ARRAY_SIZE(cases));
}
