/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Bounds that both ends keep, or compute with. */
#ifndef TRK_CORE_LIMITS_H
#define TRK_CORE_LIMITS_H

#define TRK_MAX_ATTEMPTS	15		/* first, or timeout, requests of one domain */
#define TRK_MAX_ANSWER		256		/* packets in answer to one request */
#define TRK_RETIRED_KEYS	6		/* epochs held before the previous one, at most */

/* Changes of the key after which a domain ends: fewer than those that its own key outlives. */
#define TRK_DOMAIN_KEYS		(TRK_RETIRED_KEYS / 2)

#endif /* TRK_CORE_LIMITS_H */
