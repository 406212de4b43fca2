/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters of a namespace, shown in /proc/net/trickles.
 */
#ifndef NET_TRICKLES_MIB_H
#define NET_TRICKLES_MIB_H

#include <linux/percpu.h>

#include "core/reason.h"
#include "netns.h"

/* Counters, but for drops that the core decides on: those are counted by enum trk_reason. */
#define TRK_MIBS(X)							\
	X(SYN_RCVD,		"SynRcvd")	/* marked SYNs for a listener */ \
	X(SYN_VERSION,		"SynVersion")	/* left to TCP: no common version */ \
	X(SYNACK_SENT,		"SynAckSent")				\
	X(REQ_RCVD,		"RequestsRcvd")	/* requests for a listener, good or bad */ \
	X(RINGS_FAILED,		"RingsFailed")	/* no memory for a larger window */ \
	X(REPLAY_EVICTED,	"ReplayEvicted")	/* forgotten within two horizons */ \
	X(EVENTS,		"Events")	/* events put into a queue */	\
	X(EVENTS_DROPPED,	"EventsDropped")	/* requests lost to a full queue */ \
	X(DROP_SHARE,		"DropShare")	/* its address has its share of the queue */ \
	X(DROP_SPENT,		"DropSpent")	/* its address has replayed too much */ \
	X(ANSWERS,		"Answers")	/* events answered */	\
	X(OUTPUT_FULL,		"OutputFull")	/* answers refused with EAGAIN */ \
	X(RENEWALS,		"Renewals")	/* TIMEOUT requests that were renewed only */ \
	X(MOVES,		"Moves")	/* renewals for another address */ \
	X(RESP_SENT,		"ResponsesSent")	/* packets */	\
	X(BYTES_SENT,		"BytesSent")	/* bytes of data in responses */ \
	X(OPS_STALE,		"OpsStale")	/* operations on events that are gone */ \
	X(CONNECTS,		"Connects")	/* connections by us, carried by Trickles */ \
	X(FALLBACKS,		"Fallbacks")	/* connections by us that became TCP */ \
	X(CONNECT_FAILS,	"ConnectFails")				\
	X(REQ_SENT,		"RequestsSent")				\
	X(RESP_RCVD,		"ResponsesRcvd")	/* responses accepted */ \
	X(BYTES_RCVD,		"BytesRcvd")	/* bytes of data accepted */ \
	X(TIMEOUTS,		"Timeouts")	/* TIMEOUT requests, each attempt */ \
	X(REPEATED,		"RequestsRepeated")	/* requests repeated by the next */ \
	X(PROBES,		"Probes")	/* silences that called for a probe */ \
	X(LOST,			"Lost")		/* numbers declared lost */ \
	X(RETRANS,		"RetransBytes")	/* bytes of output asked for again */ \
	X(RESEALED,		"Resealed")	/* user continuations under a new key */ \
	X(NARROWED,		"Narrowed")	/* smaller packets were asked for */ \
	X(TOO_LARGE,		"TooLarge")	/* segments not sent: the route is too narrow */ \
	X(DROP_CHECKSUM,	"DropChecksum")				\
	X(DROP_NO_LISTENER,	"DropNoListener")	/* requests for a port without one */ \
	X(DROP_NO_CLIENT,	"DropNoClient")	/* segments of no connection by us */ \
	X(ORPHANS_LOST,		"OrphansLost")	/* closed with input, and given up */ \
	X(DROP_PLAIN,		"DropPlain")	/* plain segments on a Trickles connection */ \
	X(DROP_RST,		"DropReset")	/* marked segments with RST */ \
	X(DROP_REFUSED,		"DropRefused")	/* first RST for a plain SYN: marked_syns */ \
	X(DROP_ICMP,		"DropIcmp")	/* soft errors about a connection by us */ \
	X(DROP_QUOTE,		"DropQuote")	/* "fragmentation needed" for what was not sent */ \
	X(DROP_POLICY,		"DropPolicy")	/* IPsec policy, socket filter, conntrack */ \
	X(DROP_RCVBUF,		"DropRcvbuf")	/* receive buffer full */ \
	X(DROP_NOMEM,		"DropNoMemory")

enum trk_mib {
#define TRK_MIB_ENUM(id, name) TRK_MIB_##id,
	TRK_MIBS(TRK_MIB_ENUM)
#undef TRK_MIB_ENUM
	TRK_MIB_REASONS,	/* + enum trk_reason */
	TRK_MIB_MAX = TRK_MIB_REASONS + TRK_REASON_COUNT
};

struct trk_mibs {
	u64 v[TRK_MIB_MAX];
};

/* Any context. */
#define TRK_INC(tn, id)		this_cpu_inc((tn)->mibs->v[TRK_MIB_##id])
#define TRK_ADD(tn, id, n)	this_cpu_add((tn)->mibs->v[TRK_MIB_##id], (n))
#define TRK_DROP(tn, reason)	this_cpu_inc((tn)->mibs->v[TRK_MIB_REASONS + (reason)])

int trk_mib_net_init(struct trk_net *tn);
void trk_mib_net_exit(struct trk_net *tn);

#endif /* NET_TRICKLES_MIB_H */
