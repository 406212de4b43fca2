/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters of a namespace, shown in /proc/net/trickles.
 */
#ifndef NET_TRICKLES_MIB_H
#define NET_TRICKLES_MIB_H

#include <linux/percpu.h>

#include "core/reason.h"
#include "netns.h"

/* Counters of events that are no drops; drops are counted by enum trk_reason. */
#define TRK_MIBS(X)							\
	X(SYN_RCVD,		"SynRcvd")	/* marked SYNs for a listener */ \
	X(SYN_VERSION,		"SynVersion")	/* left to TCP: no version is common */ \
	X(SYNACK_SENT,		"SynAckSent")				\
	X(REQ_RCVD,		"RequestsRcvd")	/* requests for a listener, good or bad */ \
	X(RINGS_FAILED,		"RingsFailed")	/* no memory for a larger window */ \
	X(REPLAY_EVICTED,	"ReplayEvicted")	/* connections forgotten too early */ \
	X(EVENTS,		"Events")	/* put in a queue */	\
	X(EVENTS_DROPPED,	"EventsDropped")	/* queue full */ \
	X(ANSWERS,		"Answers")	/* events answered */	\
	X(RENEWALS,		"Renewals")	/* continuations renewed, and nothing else */ \
	X(MOVES,		"Moves")	/* of these, for another address */ \
	X(RESP_SENT,		"ResponsesSent")	/* packets */	\
	X(BYTES_SENT,		"BytesSent")	/* data in responses */	\
	X(OPS_STALE,		"OpsStale")	/* operation on an event that is gone */ \
	X(CONNECTS,		"Connects")	/* connections by us, carried by Trickles */ \
	X(FALLBACKS,		"Fallbacks")	/* connections by us that became TCP */ \
	X(CONNECT_FAILS,	"ConnectFails")				\
	X(REQ_SENT,		"RequestsSent")				\
	X(RESP_RCVD,		"ResponsesRcvd")	/* accepted */	\
	X(BYTES_RCVD,		"BytesRcvd")	/* data in them */	\
	X(TIMEOUTS,		"Timeouts")	/* timeout requests */	\
	X(REPEATED,		"RequestsRepeated")	/* with the next, redundantly */ \
	X(PROBES,		"Probes")	/* timer expired, parked requests used */ \
	X(LOST,			"Lost")		/* numbers declared lost */ \
	X(RETRANS,		"RetransBytes")	/* bytes asked for again */ \
	X(RESEALED,		"Resealed")	/* user continuations, under another key */ \
	X(DROP_CHECKSUM,	"DropChecksum")				\
	X(DROP_NO_LISTENER,	"DropNoListener")	/* request for a port without one */ \
	X(DROP_NO_CLIENT,	"DropNoClient")	/* response to a closed connection */ \
	X(DROP_PLAIN,		"DropPlain")	/* unmarked segment on a Trickles connection */ \
	X(DROP_RST,		"DropReset")	/* marked segment with RST */ \
	X(DROP_REFUSED,		"DropRefused")	/* first RST to a plain SYN: marked_syns */ \
	X(DROP_ICMP,		"DropIcmp")	/* soft error about a connection by us */ \
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
