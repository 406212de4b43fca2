/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The simulated network: clients, replicas, and the links between them.  It opens
 * connections, carries packets and counts them.  What stands in the packets is up to a model.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "core/reason.h"
#include "core/seal.h"
#include "events.h"
#include "scenario.h"
#include "trickles-user/cipher.h"
#include "trickles-user/engine.h"

struct net;
struct conn;

struct replica {
	struct net *net;
	unsigned int i;
	s32 skew_ms;
	u64 requests;
	struct trku_engine engine;
	struct trku_replay replay;
};

/* What a trace says of a connection. */
struct conn_sample {
	u32 cwnd, in_flight;
	u64 received;		/* bytes in order */
	u64 srtt_us;
};

/* What a trace says of a packet. */
struct packet_view {
	const char *what;
	u64 number;		/* the last one that a request reports, or that of a response */
	u32 count;		/* how many numbers a request reports, or a response stands for */
	u64 off;
	u32 len;		/* bytes of data */
};

/**
 * struct model - what both ends do
 * @connected: the handshake is over; @rtt_us is 0 if its round trip is not known
 * @opened: another SYN-ACK has come, perhaps for a SYN that the model has sent; may be NULL
 * @at_client: a packet has arrived at its client
 * @at_server: a packet has arrived at a replica, which has nothing but the packet
 * @timer: the time that @deadline named has come
 * @deadline: returns when @timer is to be called, U64_MAX for never
 * @sample: says what a trace has to know of a connection
 * @view: says what a trace has to know of a packet
 * @close: frees what the connection holds
 */
struct model {
	void (*connected)(struct conn *c, u64 rtt_us);
	void (*opened)(struct conn *c, const struct packet *p);
	void (*at_client)(struct conn *c, struct packet *p);
	void (*at_server)(struct replica *rep, struct packet *p);
	void (*timer)(struct conn *c);
	u64 (*deadline)(const struct conn *c);
	void (*sample)(const struct conn *c, struct conn_sample *s);
	void (*view)(const struct packet *p, enum sim_dir dir, struct packet_view *v);
	void (*close)(struct conn *c);
};

enum conn_state { CONN_NEW, CONN_SYN, CONN_OPEN, CONN_DONE, CONN_FAILED };

/* A connection.  It is there for each client from beginning to end, so it has to be small. */
struct conn {
	struct net *net;
	const struct sim_group *group;
	const struct model *model;
	void *m;		/* the model's, while it is open */
	struct packed *packed;	/* in place of @m, in less memory, while nothing happens */
	u64 timer_us;		/* an event of this connection waits for this time */
	u64 start_us, done_us;
	u32 id;			/* from 0 */
	u32 done_round;		/* round trips until @done was set, at @done_us */
	u32 client_isn, server_isn;
	u32 ordinal[2];		/* packets sent so far, by enum sim_dir */
	u32 round[2];		/* round trips to be written into packets, by enum sim_dir */
	u8 state, syns;
	bool done;		/* all transfers are complete */
};

struct path {
	struct net *net;
	const struct sim_path_spec *spec;
	struct link link[2];
	struct rng rng[2];
};

struct net_counts {
	u64 started, done, failed;
	u64 requests, responses, timeouts, lost, late;
	u64 bytes_down, bytes_up;		/* that the applications got, in order */
	u64 again_down, again_up;		/* bytes asked for or sent again */
	u64 wrong;				/* bytes that are not what was sent */
	u64 no_room;				/* answers with no room for what they need */
	u64 out_of_service;			/* packets to a replica that was down */
	u64 closed;				/* packets to a client that was gone */
	u64 server_drops[TRK_REASON_COUNT], client_drops[TRK_REASON_COUNT];
};

struct net {
	const struct sim_scenario *sc;
	struct sim sim;
	struct path *path;
	struct replica *replica;
	struct conn *conn;
	struct rng spray_rng, client_rng;
	unsigned int round;
	struct trku_cipher cipher;
	struct net_counts count;
	u64 hash;				/* of all packets and their times */
	u64 open, open_peak;			/* connections that hold memory */
	u64 bytes, bytes_peak;			/* of that memory */
	u64 unfinished;
	struct trace *trace;			/* NULL: none */
	bool stop;
};

/* A trace writes time series of what happens. */
struct trace *trace_open(const char *folder, const struct sim_scenario *sc);
void trace_packet(struct trace *t, const struct conn *c, enum sim_dir dir, const struct packet *p,
		  bool lost);
void trace_sample(struct trace *t, struct net *n);
int trace_close(struct trace *t);

struct net *net_new(const struct sim_scenario *sc, struct trace *t);
void net_use(struct net *n, const struct sim_group *g, const struct model *m);
void net_run(struct net *n);
void net_close(struct net *n);
void net_summary(const struct net *n, FILE *f);
void net_free(struct net *n);

/* For models. */
void conn_send(struct conn *c, enum sim_dir dir, struct packet *p);
void conn_timer(struct conn *c);
void conn_done(struct conn *c);
void conn_close(struct conn *c, enum conn_state state);
void *conn_alloc(struct conn *c, size_t size);
void conn_free(struct conn *c, void *p, size_t size);
struct trk_peer conn_peer(const struct conn *c);
u64 replica_now_ms(const struct replica *rep);

extern const struct model core_model, paper_model;

#endif /* SIM_NET_H */
