// SPDX-License-Identifier: GPL-2.0
/* Sockets that go from process to process, and processes and namespaces that end before them. */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "havoc.h"

/* Sends a descriptor to whoever takes it, or takes one. */
void act_pass(struct thread *t)
{
	char byte = 0, control[CMSG_SPACE(4 * sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	unsigned int i, n = 1 + rng_below(&t->rng, 4);

	if (chance(t, 2)) {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		for (i = 0; i < n; i++)
			((int *)CMSG_DATA(c))[i] = any_fd(t);
		CALL(t, sendmsg(pass_fd[0], &m, MSG_DONTWAIT));
		return;
	}
	if (CALL(t, recvmsg(pass_fd[1], &m, MSG_DONTWAIT)) < 0)
		return;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return;
	for (i = 0; CMSG_LEN(i * sizeof(int)) < c->cmsg_len; i++)
		put_fd(t, ((int *)CMSG_DATA(c))[i], any_fd(t));
}

/* Sockets of a network namespace that has nothing else, for others to keep. */
static void leave_sockets(struct thread *t)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	unsigned int i;
	int fd;

	if (CALL(t, unshare(CLONE_NEWNET | (chance(t, 2) ? CLONE_NEWUSER : 0))) &&
	    CALL(t, unshare(CLONE_NEWNET | CLONE_NEWUSER)))
		return;
	for (i = 0; i < 4; i++) {
		fd = CALL(t, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 260));
		if (fd < 0)
			break;
		ioctl(fd, SIOCSIFFLAGS, &up);
		put_fd(t, fd, FIRST_FD + (int)i);
		if (i & 1)
			make_listener(t, FIRST_FD + (int)i, FIRST_PORT);
	}
	for (i = 0; i < 8; i++) {
		step_call(t);
		act_pass(t);
	}
}

__attribute__((noreturn))
static void child(struct thread *t, u64 seed)
{
	unsigned int i, n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(5);
	t->child = true;
	t->rng.s = seed;
	t->slot->tid = getpid();
	n = rng_below(&t->rng, 12);
	if (chance(t, 4))
		leave_sockets(t);
	for (i = 0; i < n; i++)
		step_call(t);
	switch (rng_below(&t->rng, 4)) {
	case 0:
		kill(getpid(), SIGKILL);
		break;
	case 1:
		execl("/proc/self/exe", "havoc", "--nothing", NULL);
		break;
	}
	_exit(0);
}

/* A process that has all of our sockets, uses them, and ends in one way or another. */
void act_child(struct thread *t)
{
	u64 seed = rng_u64(&t->rng);
	pid_t pid;

	if (t->child || !chance(t, 8))
		return;
	pid = CALL(t, fork());
	if (pid < 0)
		return;
	if (!pid)
		child(t, seed);
	count(COUNT_CHILDREN);
	CALL(t, TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0)));
	t->slot->tid = (pid_t)syscall(SYS_gettid);
}
