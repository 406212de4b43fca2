/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Bounds that both ends keep, or compute with. */
#ifndef TRK_CORE_LIMITS_H
#define TRK_CORE_LIMITS_H

#define TRK_MAX_ATTEMPTS	15		/* repetitions of FIRST; TIMEOUTs in one domain */
#define TRK_MAX_ANSWER		256		/* packets in answer to one request, at most */
#define TRK_RETIRED_KEYS	6		/* keys held beside current and previous, at most */

/*
 * After so many changes of the key a client ends its domain: servers still hold the key of the
 * domain's birth then (protocol.rst, "Keys that change").
 */
#define TRK_DOMAIN_KEYS		(TRK_RETIRED_KEYS / 2)

#endif /* TRK_CORE_LIMITS_H */
