/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What trickles-httpd puts into user continuations (paper §4.1): the part of a request
 * that it has read into an input continuation, an answer into an output continuation.
 * The layout does not depend on the machine, since a replica may run on another kind.
 * The first byte tells the two apart, and has to change whenever a layout changes.
 */
#ifndef TOOLS_HTTP_CONT_H
#define TOOLS_HTTP_CONT_H

#include "http.h"

#define HTTP_CONT_MAX	512

/* @next is the offset in the server's stream at which the next answer begins. */
size_t http_pack_request(uint8_t buf[HTTP_CONT_MAX], uint64_t next, const struct http_parser *p);
bool http_unpack_request(const uint8_t *buf, size_t len, uint64_t *next, struct http_parser *p);

size_t http_pack_answer(uint8_t buf[HTTP_CONT_MAX], const struct http_answer *a);
bool http_unpack_answer(const uint8_t *buf, size_t len, struct http_answer *a);

#endif /* TOOLS_HTTP_CONT_H */
