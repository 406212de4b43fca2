/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random and hostile calls and packets (main.c says what the program is).
 *
 * There are several parties: processes of different users, in different namespaces, each with
 * threads that share a table of descriptors, an arena of memory, and a wire.  The wire is a pair
 * of network devices of one namespace: what the kernel sends to 10.9.0.2 to 10.9.0.4 leaves by one
 * of them, and the party reads it at the other, where it also writes what it likes.
 */
#ifndef TRK_TEST_HAVOC_H
#define TRK_TEST_HAVOC_H

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/types.h>

#include "core/types.h"
#include "core/wire.h"
#include "garbage.h"
#include "sim/rng.h"
#include "trickles-user/cipher.h"

#define FDS		28	/* descriptors that the calls are about */
#define FIRST_FD	100	/* the first of them */
#define SELF		0x0a090001	/* 10.9.0.1: the kernel's end of the wire */
#define FIRST_PORT	8080	/* listeners: even ports are root's, odd ones somebody's */
#define PORTS		4
#define NOBODY		65534	/* user number */
#define ARENA		(64 * 4096UL)	/* memory that comes and goes */
#define WINDOW		(64 << 10)	/* of a thread: where it maps queues */
#define SECRETS		6	/* that a namespace's key is one of */
#define RECENT		32	/* packets that were seen on the wire, and are kept */
#define PACKET		2048	/* most bytes that are kept of each */
#define SLOTS		64	/* threads of all parties */

/* What goes on at the moment: threads sleep through the moods that are not theirs. */
enum mood { MOOD_ALL, MOOD_LISTENERS, MOOD_KEYS, MOOD_CALLS, MOOD_PACKETS, MOODS };
#define MOOD_MS		3000	/* how long each of them lasts */

enum count { COUNT_PACKETS, COUNT_SEALED, COUNT_OPS, COUNT_ANSWERED, COUNT_LISTENERS, COUNT_KEYS,
	     COUNT_RESPONSES, COUNT_CHILDREN, COUNTS };

/**
 * struct slot - what a thread does, for the watchdog to see
 * @call: the call that it is in, in words, or NULL
 * @since_ms: when that began
 * @calls: how many it has made
 * @tid: its number
 * @name: its name
 * @told: the watchdog has said that it hangs
 */
struct slot {
	const char *call;
	u64 since_ms;
	u64 calls;
	pid_t tid;
	char name[32];
	bool told;
};

/**
 * struct board - what all processes share
 * @seed: all random numbers follow from it
 * @begin_ms: when it began
 * @enough: it is time to end
 * @fault: what the kernel did that it must not do, if anything
 * @count: how often what was done
 * @nslots: slots in use
 * @slot: of the threads
 */
struct board {
	u64 seed;
	u64 begin_ms;
	bool enough;
	char fault[200];
	unsigned long count[COUNTS];
	unsigned int nslots;
	struct slot slot[SLOTS];
};

struct party;

/**
 * struct thread - a thread of a party
 * @rng: its random numbers
 * @party: its party
 * @slot: for the watchdog
 * @step: one step of what it does
 * @moods: those in which it does it
 * @child: it is the only thread of a forked process
 * @jump: where to go on after a fault in memory
 * @may_fault: such a fault is expected
 * @window: WINDOW bytes of address space
 * @buf: memory that nobody else touches
 * @garbage: where its sealed requests come from
 */
struct thread {
	struct rng rng;
	struct party *party;
	struct slot *slot;
	void (*step)(struct thread *t);
	unsigned int moods;
	bool child;
	sigjmp_buf jump;
	int may_fault;
	u8 *window;
	u8 *buf;
	struct garbage garbage;
	pthread_t id;
};

#define BUF	(128 << 10)	/* bytes of thread.buf */

/**
 * struct party - a process
 * @name: its name
 * @uid: its user
 * @own_userns: it is the root of a user namespace of its own
 * @wire: an AF_PACKET socket at the far end of the wire, or -1
 * @trains: another one, that takes trains of packets
 * @arena: memory that comes and goes
 * @key: what a namespace's secrets make
 * @secret: the secrets
 * @current: the one that was written last
 * @owner: label of the user 0, and of nobody
 * @lock: protects what follows
 * @recent: packets that were seen
 * @recent_len: their lengths
 * @threads: its threads
 * @nthreads: their number
 */
struct party {
	const char *name;
	uid_t uid;
	bool own_userns;
	int wire, trains;
	u8 *arena;
	struct trku_cipher key[SECRETS];
	u8 secret[SECRETS][TRKU_SECRET_LEN];
	unsigned int current;
	u8 owner[2][TRK_OWNER_LEN];
	pthread_mutex_t lock;	/* recent, recent_len */
	u8 recent[RECENT][PACKET];
	u16 recent_len[RECENT];
	struct thread *threads;
	unsigned int nthreads;
};

extern struct board *board;
extern int pass_fd[2];	/* by which descriptors go from party to party */

/* main.c */
u64 now_ms(void);
u64 wall_ms(void);
enum mood mood(void);
void must(bool ok, const char *what);
__attribute__((format(printf, 1, 2))) void kernel_fault(const char *format, ...);

static inline void count(enum count which)
{
	__atomic_fetch_add(&board->count[which], 1, __ATOMIC_RELAXED);
}

/* Makes a call, of which the watchdog can see what it is and when it began. */
#define CALL(t, what)					\
({							\
	struct slot *slot_ = (t)->slot;			\
							\
	slot_->since_ms = now_ms();			\
	__atomic_store_n(&slot_->call, #what, __ATOMIC_RELEASE);	\
	__typeof__(what) result_ = (what);		\
	__atomic_store_n(&slot_->call, NULL, __ATOMIC_RELEASE);	\
	slot_->calls++;					\
	result_;					\
})

/* Does something with memory that may be gone. */
#define GUARDED(t, what)				\
do {							\
	struct thread *guarded_ = (t);			\
							\
	__atomic_store_n(&guarded_->may_fault, 1, __ATOMIC_SEQ_CST);	\
	if (!sigsetjmp(guarded_->jump, 0)) {		\
		what;					\
	}						\
	__atomic_store_n(&guarded_->may_fault, 0, __ATOMIC_SEQ_CST);	\
} while (0)

static inline bool chance(struct thread *t, unsigned int one_in)
{
	return !rng_below(&t->rng, one_in);
}

static inline int any_fd(struct thread *t)
{
	return FIRST_FD + (int)rng_below(&t->rng, FDS);
}

/* party.c */
void party_run(struct party *p);

/* memory.c */
void *any_pointer(struct thread *t);
void step_arena(struct thread *t);

/* calls.c */
void step_call(struct thread *t);
void put_fd(struct thread *t, int fd, int at);

/* options.c */
void act_option(struct thread *t);
void act_ioctl(struct thread *t);
void act_descriptor(struct thread *t);

/* queue.c */
bool make_listener(struct thread *t, int fd, u16 port);
void act_listener(struct thread *t);
void act_operations(struct thread *t);
void act_map(struct thread *t);
void step_listener(struct thread *t);

/* processes.c */
void act_pass(struct thread *t);
void act_child(struct thread *t);

/* settings.c */
void secrets_init(struct party *p);
void step_key(struct thread *t);
void act_setting(struct thread *t);

/* packets.c */
struct segment {
	u32 saddr, daddr, seq, ack;
	u16 sport, dport;
	u8 flags, opt_len, opt[40];
	const u8 *payload;
	u32 len;
};

void transmit(struct thread *t, const struct segment *s, u16 train);
void step_packet(struct thread *t);

/* server.c */
void step_server(struct thread *t);

#endif /* TRK_TEST_HAVOC_H */
