// SPDX-License-Identifier: GPL-2.0
/*
 * trickles-sim [-o FOLDER] [-s SEED] FILE
 *
 * Runs a scenario and prints a summary: Documentation/simulator.rst.
 */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "net.h"
#include "util.h"

static const char help[] =
"usage: trickles-sim [-o FOLDER] [-s SEED] FILE\n"
"\n"
"Simulates clients, replicas and links as FILE says (- is standard input) and\n"
"prints a summary. Both ends are the core of Trickles itself. The same seed gives\n"
"the same packets.\n"
"\n"
"  -o, --output FOLDER   write packets.tsv, clients.tsv and totals.tsv there;\n"
"                        trickles-sim-plot makes pictures of them\n"
"  -s, --seed SEED       instead of that of the scenario\n"
"  -h, --help            this\n"
"\n"
"Statements of a scenario, one a line, # begins a comment:\n"
"  seed N                          of all that is random\n"
"  time TIME                       end; without it the run ends when all are done\n"
"  sample TIME                     interval of the time series (100ms)\n"
"  slot N                          bytes of TCP payload in a packet (1448)\n"
"  replicas N [remember] [spray HOW]\n"
"                                  random (each packet), round, or client; with\n"
"                                  remember each answers a request once\n"
"  skew TIME                       replicas' clocks differ by so much, either way\n"
"  horizon TIME                    a continuation older than this is refused (1h)\n"
"  outage N from TIME to TIME      replica N takes no packets\n"
"  path NAME                       the following links and clients are of this path\n"
"  link up|down [rate RATE] [delay TIME] [queue PACKETS] [loss SHARE] [jitter TIME]\n"
"               [reorder SHARE [by TIME]] [dup SHARE] [corrupt SHARE]\n"
"  drop up|down N[-N]...           packets of each connection, from 1\n"
"  client N get|put|echo BYTES [start TIME] [every TIME] [times N] [pause TIME]\n"
"         [buffer BYTES] [keep] [redundant] [model core|paper]\n"
"  trace N [to N]                  clients whose packets and windows are written\n"
"  burst N                         burstLimit of the paper's model (3)\n"
"\n"
"TIME: us, ms, s, m.  RATE: kbit, mbit, gbit (a second).  SHARE: 0 to 1, or %.\n"
"N, BYTES, PACKETS: also with k, m, g for 1000, 1000000, 1000000000.\n"
"\n"
"Exit status: 0; 1 if the scenario is wrong, a file cannot be written, or bytes\n"
"arrived that were not sent although no link corrupts any.\n";

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void read_scenario(struct sim_scenario *sc, const char *name)
{
	FILE *f = strcmp(name, "-") ? fopen(name, "r") : stdin;
	char error[SIM_ERROR];

	if (!f)
		die("%s: %s", name, strerror(errno));
	if (sim_scenario_read(sc, f, strcmp(name, "-") ? name : "standard input", error))
		die("%s", error);
	fclose(f);
}

static bool corrupts(const struct sim_scenario *sc)
{
	unsigned int i;

	for (i = 0; i < sc->npaths; i++)
		if (sc->path[i].link[SIM_UP].corrupt_ppm || sc->path[i].link[SIM_DOWN].corrupt_ppm)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "output", required_argument, NULL, 'o' },
						 { "seed", required_argument, NULL, 's' },
						 { "help", no_argument, NULL, 'h' },
						 {} };
	const char *folder = NULL, *seed = NULL;
	struct trace *trace = NULL;
	struct sim_scenario sc;
	struct rusage usage;
	struct net *n;
	double begin;
	int opt, err = 0;

	/* Memory that is freed is soon needed again, so it does not go back to the kernel. */
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	while ((opt = getopt_long(argc, argv, "o:s:h", options, NULL)) != -1) {
		switch (opt) {
		case 'o':
			folder = optarg;
			break;
		case 's':
			seed = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	if (optind + 1 != argc)
		die("give one scenario file: see trickles-sim --help");
	read_scenario(&sc, argv[optind]);
	if (seed)
		sc.seed = option_number('s', seed, 0, 1ULL << 53);
	if (folder) {
		trace = trace_open(folder, &sc);
		if (!trace)
			die("%s: %s", folder, strerror(errno));
	}
	begin = seconds();
	n = net_new(&sc, trace);
	net_run(n);
	begin = seconds() - begin;
	if (trace && trace_close(trace))
		die("%s: not all could be written", folder);
	n->trace = NULL;
	net_close(n);
	net_summary(n, stdout);
	getrusage(RUSAGE_SELF, &usage);
	/* What depends on the machine must not be on standard output. */
	fprintf(stderr, "# %.1f s, %.0f events a second, %ld MiB at most\n", begin,
		(double)n->sim.steps / begin, usage.ru_maxrss / 1024);
	if (n->count.wrong && !corrupts(&sc)) {
		fprintf(stderr, "trickles-sim: bytes arrived that were not sent\n");
		err = 1;
	}
	net_free(n);
	sim_scenario_free(&sc);
	return err;
}
