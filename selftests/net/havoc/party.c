// SPDX-License-Identifier: GPL-2.0
/* A party: its user, its namespaces, its wire, its signals, and its threads. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "havoc.h"

#define GUARD		(16 * 4096)
#define ALL_MOODS	(BIT(MOODS) - 1)

static __thread struct thread *self;

/* A fault that is expected ends what the thread was about to do, any other one the process. */
static void on_fault(int sig)
{
	struct thread *t = self;

	if (t && __atomic_exchange_n(&t->may_fault, 0, __ATOMIC_SEQ_CST))
		siglongjmp(t->jump, 1);
	signal(sig, SIG_DFL);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void handle_signals(void)
{
	static const int some[] = { SIGUSR1, SIGUSR2, SIGIO, SIGPIPE, SIGURG };
	struct sigaction sa = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	unsigned int i;

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sa.sa_handler = on_signal;
	for (i = 0; i < ARRAY_SIZE(some); i++) {
		/* Some calls go on after a signal. */
		sa.sa_flags = some[i] == SIGUSR2 ? SA_RESTART : 0;
		sigaction(some[i], &sa, NULL);
	}
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(fd);
}

/* All limits of memory hold for root as well. */
static void lower_limits(void)
{
	struct rlimit locked = { 8 << 20, 8 << 20 }, files = { 256, 256 };
	struct rlimit size = { 1 << 20, 1 << 20 };

	prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK);
	prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE);
	must(!setrlimit(RLIMIT_MEMLOCK, &locked) && !setrlimit(RLIMIT_NOFILE, &files) &&
	     !setrlimit(RLIMIT_FSIZE, &size), "limits");
	signal(SIGXFSZ, SIG_IGN);
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	u32 gone = BIT(CAP_IPC_LOCK) | BIT(CAP_SYS_RESOURCE);

	must(!syscall(SYS_capget, &head, data), "capget");
	data[0].effective &= ~gone;
	data[0].permitted &= ~gone;
	data[0].inheritable = 0;
	must(!syscall(SYS_capset, &head, data), "capset");
}

static void become(struct party *p)
{
	char map[64];

	if (p->uid) {
		must(!setgroups(0, NULL) && !setresgid(p->uid, p->uid, p->uid) &&
		     !setresuid(p->uid, p->uid, p->uid), "user");
		prctl(PR_SET_DUMPABLE, 1);
	} else {
		drop_capabilities();
	}
	if (!p->own_userns)
		return;
	must(!unshare(CLONE_NEWUSER | CLONE_NEWNET), "unshare");
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", p->uid);
	write_file("/proc/self/uid_map", map);
	write_file("/proc/self/gid_map", map);
}

static int packet_socket(bool trains)
{
	struct sockaddr_ll sa = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
				  .sll_ifindex = (int)if_nametoindex("far") };
	struct timeval wait = { .tv_usec = 50000 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1;

	must(fd >= 0, "AF_PACKET");
	if (trains) {
		must(!setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)), "trains");
		sa.sll_protocol = 0;
	}
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	must(!bind(fd, (struct sockaddr *)&sa, sizeof(sa)), "bind to the wire");
	return fd;
}

/* Nobody but root of the namespace can make a wire. */
static void make_wire(struct party *p)
{
	p->wire = -1;
	p->trains = -1;
	if (p->uid && !p->own_userns)
		return;
	must(!system("exec ip -batch - <<END\n"
		     "link set lo up\n"
		     "link add near mtu 65535 address 02:00:00:00:00:01 type veth peer name far\n"
		     "link set far mtu 65535 address 02:00:00:00:00:02\n"
		     "address add 10.9.0.1/24 dev near\n"
		     "link set near up\n"
		     "link set far up\n"
		     "neighbour replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev near nud permanent\n"
		     "neighbour replace 10.9.0.3 lladdr 02:00:00:00:00:02 dev near nud permanent\n"
		     "neighbour replace 10.9.0.4 lladdr 02:00:00:00:00:02 dev near nud permanent\n"
		     "END\n"), "ip");
	/* What TCP sends to nobody is given up soon. */
	write_file("/proc/sys/net/ipv4/tcp_orphan_retries", "1");
	write_file("/proc/sys/net/ipv4/tcp_fin_timeout", "5");
	p->wire = packet_socket(false);
	p->trains = packet_socket(true);
}

static void *live(void *arg)
{
	struct thread *t = arg;

	self = t;
	t->slot->tid = (pid_t)syscall(SYS_gettid);
	while (!__atomic_load_n(&board->enough, __ATOMIC_RELAXED)) {
		if (t->moods & BIT(mood()))
			t->step(t);
		else
			usleep(100000);
	}
	return NULL;
}

/* Calls that wait end when a signal comes; those that go on then have a limit of their own. */
static void step_signal(struct thread *t)
{
	const struct thread *to = &t->party->threads[rng_below(&t->rng, t->party->nthreads)];
	int sig = chance(t, 4) ? SIGUSR2 : SIGUSR1;

	if (to->slot->tid)
		syscall(SYS_tgkill, getpid(), to->slot->tid, sig);
	usleep((useconds_t)rng_in(&t->rng, 5000, 100000));
}

/*
 * Address space, before and behind which nothing ever is: calls that are given more bytes than it
 * has fail, and do not write over what the program needs.
 */
static u8 *reserve(size_t len)
{
	u8 *p = mmap(NULL, len + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED, "memory");
	return p + GUARD;
}

static void add_thread(struct party *p, const char *what, void (*step)(struct thread *),
		       unsigned int moods)
{
	struct thread *t = &p->threads[p->nthreads];
	unsigned int n = __atomic_fetch_add(&board->nslots, 1, __ATOMIC_RELAXED);
	struct rng mix = { board->seed * 1000003 + (u64)p->uid * 2 + p->own_userns };

	must(n < SLOTS, "slots");
	mix.s = rng_u64(&mix) + p->nthreads;
	t->rng.s = rng_u64(&mix);
	t->garbage.rng.s = rng_u64(&mix);
	t->party = p;
	t->slot = &board->slot[n];
	t->step = step;
	t->moods = moods;
	snprintf(t->slot->name, sizeof(t->slot->name), "%s %s %u", p->name, what, p->nthreads);
	t->window = reserve(WINDOW);
	t->buf = reserve(BUF);
	must(!mprotect(t->buf, BUF, PROT_READ | PROT_WRITE), "memory");
	p->nthreads++;
}

static void add_threads(struct party *p)
{
	unsigned int i, callers = p->own_userns ? 2 : 3;

	p->threads = calloc(20, sizeof(*p->threads));
	must(p->threads, "memory");
	for (i = 0; i < callers; i++)
		add_thread(p, "caller", step_call, BIT(MOOD_ALL) | BIT(MOOD_CALLS));
	add_thread(p, "signals", step_signal, ALL_MOODS);
	add_thread(p, "memory", step_arena, BIT(MOOD_ALL) | BIT(MOOD_CALLS));
	for (i = 0; i < 2; i++)
		add_thread(p, "listener", step_listener,
			   p->wire < 0 ? ALL_MOODS & ~BIT(MOOD_LISTENERS) : ALL_MOODS);
	if (p->wire < 0)
		return;
	add_thread(p, "packets", step_packet, ALL_MOODS & ~BIT(MOOD_CALLS));
	add_thread(p, "server", step_server, ALL_MOODS);
	add_thread(p, "keys", step_key, BIT(MOOD_ALL) | BIT(MOOD_KEYS));
}

/**
 * party_run - what a party does, until it is time to end
 * @p: the party
 */
void party_run(struct party *p)
{
	unsigned int i;

	lower_limits();
	become(p);
	make_wire(p);
	handle_signals();
	pthread_mutex_init(&p->lock, NULL);
	secrets_init(p);
	p->arena = reserve(ARENA);
	add_threads(p);
	for (i = 0; i < p->nthreads; i++)
		must(!pthread_create(&p->threads[i].id, NULL, live, &p->threads[i]), "thread");
	for (i = 0; i < p->nthreads; i++)
		pthread_join(p->threads[i].id, NULL);
}
